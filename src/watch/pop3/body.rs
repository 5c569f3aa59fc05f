//! A mail on its way in, read in pieces: it is never in memory as a whole.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    unstuff::Unstuff,
    whole::ByteCounts,
    wire::{ENDLESS, Pop3Connection},
};
use crate::watch::{
    error::{Refusal, WatchError},
    imap::Io,
};

/// The slowest that a mail may come, in bytes a second, beside the time that each may take.
const SLOWEST: u64 = 8 * 1024;

/// Bytes that are read at once of what is thrown away.
const PASSED: usize = 1 << 20;

/// A connection on which a mail is coming.
#[derive(Debug)]
pub(crate) struct RetrStream<T: Io = Box<dyn Io>> {
    wire: Pop3Connection<T>,
    unstuff: Unstuff,
    tally: ByteCounts,
    begun: Instant,
}

/// What comes after a piece.
pub(super) enum BodyEvent<T: Io = Box<dyn Io>> {
    /// More of the mail.
    Piece(RetrStream<T>),
    /// That was all of it.
    End(Pop3Connection<T>, ByteCounts),
}

impl<T: Io> Pop3Connection<T> {
    /// Asks for a mail, which is read from what comes back.
    pub(super) async fn retrieve(self, number: u32) -> Result<Result<RetrStream<T>, (Self, Refusal)>, WatchError> {
        self.retrieve_by("RETR", &number.to_string()).await
    }

    /// Asks for a mail or a part of it, which is read from what comes back.
    pub(super) async fn retrieve_by(
        self,
        command: &'static str,
        argument: &str,
    ) -> Result<Result<RetrStream<T>, (Self, Refusal)>, WatchError> {
        let (wire, answer) = self.try_run(command, argument).await?;
        Ok(match answer {
            Ok(()) => Ok(RetrStream::new(wire)),
            Err(refusal) => Err((wire, refusal)),
        })
    }
}

impl<T: Io> BodyEvent<T> {
    /// Reads what is left, of which nothing is kept.
    pub(super) async fn passed(mut self) -> Result<Pop3Connection<T>, WatchError> {
        loop {
            self = match self {
                Self::Piece(body) => body.piece(PASSED).await?.1,
                Self::End(mut wire, _) => {
                    wire.quiet("the next command").await?;
                    return Ok(wire);
                }
            };
        }
    }
}

impl<T: Io> RetrStream<T> {
    pub(super) fn new(wire: Pop3Connection<T>) -> Self {
        Self {
            unstuff: Unstuff::new(wire.bare || wire.bare_ends),
            wire,
            tally: ByteCounts::default(),
            begun: Instant::now(),
        }
    }

    /// Reads the next `most` bytes, or up to the end if that comes before. It may be two bytes more, which can't be judged alone.
    ///
    /// The time that a mail may take grows with what came of it, never by its coming in drops.
    pub(super) async fn piece(mut self, most: usize) -> Result<(Vec<u8>, BodyEvent<T>), WatchError> {
        let limit = ENDLESS + Duration::from_secs(self.tally.bytes / SLOWEST);
        let until = self.begun + limit;
        let mut piece = Vec::new();
        while !self.unstuff.ended() && piece.len() < most {
            let room = most - piece.len();
            let feed = |bytes: &[u8]| {
                let here = bytes.get(..room).unwrap_or(bytes);
                self.unstuff.feed(here, &mut piece)
            };
            match self.wire.bytes(until, limit, feed).await {
                // A line feed alone ends no line, where the server ends others otherwise; but it waits for us now.
                Err(WatchError::Silent(_)) if piece.ends_with(b"\n.\n") => return Err(WatchError::BareEnd),
                read => read?,
            }
        }
        self.tally.add(&piece, self.unstuff.dots());
        let next = if self.unstuff.ended() {
            BodyEvent::End(self.wire, self.tally)
        } else {
            BodyEvent::Piece(self)
        };
        Ok((piece, next))
    }

    /// Reads all that comes and hands on what came first, up to `head` bytes. What has more than `limit` ends the session.
    pub(super) async fn head(
        self,
        head: usize,
        limit: u64,
    ) -> Result<(Vec<u8>, Pop3Connection<T>, ByteCounts), WatchError> {
        let (first, mut next) = self.piece(head).await?;
        let mut read = first.len() as u64;
        loop {
            match next {
                BodyEvent::End(wire, tally) => return Ok((first, wire, tally)),
                BodyEvent::Piece(_) if read > limit => {
                    return Err(WatchError::Protocol(crate::watch::error::Violation::Lines));
                }
                BodyEvent::Piece(body) => {
                    let piece;
                    (piece, next) = body.piece(head).await?;
                    read += piece.len() as u64;
                }
            }
        }
    }
}
