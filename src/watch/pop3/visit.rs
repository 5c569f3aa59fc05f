//! A visit to a maildrop, beside the watch: mails are listed, read and deleted, and the ledger hears of nothing.
//!
//! While it lasts, the maildrop is locked (RFC 1939 section 4): a watch of the same one waits.

use async_trait::async_trait;

use super::{body::Next, login, maildrop, secure, wire::Wire};
use crate::{
    net,
    watch::{
        door::{self, CONNECT, Door},
        error::{Error, Refusal},
        visit::Host,
    },
};

/// Bytes that are read of a mail at once.
const PIECE: usize = 1 << 20;

#[async_trait]
impl Door<Wire> for Host {
    async fn knock(&self) -> Result<Wire, Error> {
        let socket = net::tcp(&self.server, CONNECT).await?;
        let (wire, _) = secure(socket, &self.server, self.account.tls()).await?;
        Ok(wire)
    }
}

/// An open maildrop.
pub struct Visit {
    wire: Wire,
}

/// A mail in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its number in this session.
    pub number: u32,
    /// Its unique id.
    pub uidl: String,
    /// Its bytes, as the server says.
    pub size: u64,
}

/// A mail, or its header, that was asked for.
#[derive(Debug, PartialEq, Eq)]
pub enum Read {
    /// All that was asked for.
    Whole(Vec<u8>),
    /// It has more bytes than were allowed; its rest was read and thrown away.
    TooLarge,
    /// The server does not give it.
    Refused(Refusal),
}

impl Visit {
    /// Connects and signs in, within 90 s.
    ///
    /// # Errors
    /// When there is no way in, or the maildrop is another's now.
    pub async fn open(host: &Host) -> Result<Self, Error> {
        let enter = async |wire, credential| login::open(wire, &host.who(&credential)).await;
        let (wire, _) = door::admitted(host, enter).await?;
        Ok(Self { wire })
    }

    /// Lists the mails in the server's order, at most 100,000.
    ///
    /// # Errors
    /// When the session ends, or the server has no unique ids.
    pub async fn list(self) -> Result<(Self, Vec<Listed>), Error> {
        let (wire, listing) = maildrop::list(self.wire).await?;
        let listed = listing.mails.into_iter().map(|mail| Listed {
            number: mail.number,
            uidl: mail.name.uidl,
            size: mail.name.size,
        });
        Ok((Self { wire }, listed.collect()))
    }

    /// A mail's header by TOP (RFC 1939 section 7), which a server need not have.
    ///
    /// # Errors
    /// When the session ends.
    pub async fn header(self, number: u32, limit: u64) -> Result<(Self, Read), Error> {
        self.ask("TOP", &format!("{number} 0"), limit).await
    }

    /// Reads a mail of at most `limit` bytes.
    ///
    /// # Errors
    /// When the session ends.
    pub async fn read(self, number: u32, limit: u64) -> Result<(Self, Read), Error> {
        self.ask("RETR", &number.to_string(), limit).await
    }

    async fn ask(self, command: &'static str, argument: &str, limit: u64) -> Result<(Self, Read), Error> {
        let mut body = match self.wire.retrieve_by(command, argument).await? {
            Ok(body) => body,
            Err((wire, answer)) => return Ok((Self { wire }, Read::Refused(answer))),
        };
        let (mut bytes, mut large) = (Vec::new(), false);
        loop {
            let (piece, next) = body.piece(PIECE).await?;
            large |= (bytes.len() + piece.len()) as u64 > limit;
            if large {
                bytes.clear();
            } else {
                bytes.extend_from_slice(&piece);
            }
            body = match next {
                Next::Piece(body) => body,
                Next::End(wire) if large => return Ok((Self { wire }, Read::TooLarge)),
                Next::End(wire) => return Ok((Self { wire }, Read::Whole(bytes))),
            };
        }
    }

    /// Marks a mail as deleted; it is only once [`Self::leave`] went well.
    ///
    /// # Errors
    /// When the session ends; a refusal only says that the mail stays.
    pub async fn delete(self, number: u32) -> Result<(Self, Result<(), Refusal>), Error> {
        let (wire, answer) = self.wire.try_run("DELE", &number.to_string()).await?;
        Ok((Self { wire }, answer))
    }

    /// Ends the session, which deletes what is marked.
    ///
    /// # Errors
    /// When the server does not confirm that: then the marked mails may still be there.
    pub async fn leave(self) -> Result<(), Error> {
        self.wire.quit().await
    }
}
