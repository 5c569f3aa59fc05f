//! A mail on its way in, read in pieces: it is never in memory as a whole.

use tokio::time::Instant;

use super::{
    unstuff::Unstuff,
    wire::{ENDLESS, Wire},
};
use crate::watch::{error::Error, imap::Io};

/// A connection on which a mail is coming.
#[derive(Debug)]
pub(crate) struct Body<T: Io = Box<dyn Io>> {
    wire: Wire<T>,
    unstuff: Unstuff,
}

/// What comes after a piece.
pub(super) enum Next<T: Io = Box<dyn Io>> {
    /// More of the mail.
    Piece(Body<T>),
    /// That was all of it.
    End(Wire<T>),
}

impl<T: Io> Body<T> {
    pub(super) fn new(wire: Wire<T>) -> Self {
        Self {
            wire,
            unstuff: Unstuff::new(),
        }
    }

    /// Reads the next `most` bytes, or up to the end if that comes before. It may be one byte more, which can't be judged alone.
    pub(super) async fn piece(mut self, most: usize) -> Result<(Vec<u8>, Next<T>), Error> {
        let until = Instant::now() + ENDLESS;
        let mut piece = Vec::new();
        while !self.unstuff.ended() && piece.len() < most {
            let room = most - piece.len();
            let feed = |bytes: &[u8]| {
                let here = bytes.get(..room).unwrap_or(bytes);
                self.unstuff.feed(here, &mut piece)
            };
            self.wire.bytes(until, feed).await?;
        }
        let next = if self.unstuff.ended() {
            Next::End(self.wire)
        } else {
            Next::Piece(self)
        };
        Ok((piece, next))
    }
}
