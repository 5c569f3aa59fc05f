//! A visit to a maildrop, beside the watch: mails are listed, read and deleted, and the ledger hears of nothing.
//!
//! While it lasts, the maildrop is locked (RFC 1939 section 4): a watch of the same one waits.

use async_trait::async_trait;

use std::collections::HashMap;

use super::{
    body::Next,
    login, maildrop, secure,
    take::{Received, behind},
    whole::Record,
    wire::Wire,
};
use crate::{
    ledger::MaildropName,
    net,
    watch::{
        door::{self, CONNECT, Door},
        error::{Error, Negative, Refusal, Words},
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
    /// What the server listed.
    names: HashMap<u32, MaildropName>,
    record: Record,
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
        let mut record = Record::default();
        record.greeted(&wire.greeting);
        Ok(Self {
            wire,
            names: HashMap::new(),
            record,
        })
    }

    /// Lists the mails in the server's order, at most 100,000.
    ///
    /// # Errors
    /// When the session ends, or the server has no unique ids.
    pub async fn list(self) -> Result<(Self, Vec<Listed>), Error> {
        let (wire, listing) = maildrop::list(self.wire).await?;
        if listing.odd.lines > 0 {
            tracing::warn!(lines = listing.odd.lines, first = %listing.odd.first, "the server lists mails in a way that can't be read");
        }
        let listed = listing.mails.iter().map(|mail| Listed {
            number: mail.number,
            uidl: mail.name.uidl.clone(),
            size: mail.name.size,
        });
        let listed = listed.collect();
        let names = listing.mails.into_iter().map(|mail| (mail.number, mail.name));
        let names = names.collect();
        Ok((Self { wire, names, ..self }, listed))
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
        let Self {
            wire,
            names,
            mut record,
        } = self;
        let mut body = match wire.retrieve_by(command, argument).await? {
            Ok(body) => body,
            Err((wire, answer)) => return Ok((Self { wire, names, record }, Read::Refused(answer))),
        };
        let (mut bytes, mut large) = (Vec::new(), false);
        let (mut wire, tally) = loop {
            let (piece, next) = body.piece(PIECE).await?;
            large |= (bytes.len() + piece.len()) as u64 > limit;
            if large {
                bytes.clear();
            } else {
                bytes.extend_from_slice(&piece);
            }
            body = match next {
                Next::Piece(body) => body,
                Next::End(wire, tally) => break (wire, tally),
            };
        };
        wire.quiet("the next command").await?;
        let name = argument.parse().ok().and_then(|number: u32| names.get(&number));
        let mut read = if large { Read::TooLarge } else { Read::Whole(bytes) };
        if let Some(name) = name.filter(|_| command == "RETR" && !large) {
            wire = match behind(wire, &tally, name, &mut record).await? {
                Received::Whole(wire) => wire,
                Received::Short(wire, why) => {
                    read = Read::Refused(Refusal {
                        status: Negative::Err,
                        code: None,
                        text: Words::new(&why),
                    });
                    wire
                }
                Received::Over(error) => return Err(error.unwrap_or(Error::Closed)),
            };
        }
        Ok((Self { wire, names, record }, read))
    }

    /// Marks a mail as deleted; it is only once [`Self::leave`] went well.
    ///
    /// # Errors
    /// When the session ends; a refusal only says that the mail stays.
    pub async fn delete(self, number: u32) -> Result<(Self, Result<(), Refusal>), Error> {
        let (wire, answer) = self.wire.try_run("DELE", &number.to_string()).await?;
        Ok((Self { wire, ..self }, answer))
    }

    /// Ends the session, which deletes what is marked.
    ///
    /// # Errors
    /// When the server does not confirm that: then the marked mails may still be there.
    pub async fn leave(self) -> Result<(), Error> {
        self.wire.quit().await
    }
}
