//! POP3 (RFC 1939): short sessions with a maildrop that is locked while they last.
//!
//! What IMAP has and POP3 has not is made up for by the ledger: it numbers the mails (`Ledger::maildrop_number`), knows which were
//! taken, and finds by its hash a mail that the server calls by another name. No mail is deleted before its work is over.

mod body;
mod capabilities;
mod login;
mod maildrop;
mod portion;
mod probe;
mod settle;
mod take;
mod unstuff;
mod watcher;
mod wire;

use async_trait::async_trait;

pub use self::probe::{Probe, probe};
pub(super) use self::watcher::Watcher;
use self::wire::Wire;
use super::{
    door::{Account, CONNECT, Door},
    error::Error,
    imap::Io,
};
use crate::{
    config::{Mailbox, Tls},
    net,
};

/// A connection under TLS on which nobody signed in.
async fn knock(mailbox: &Mailbox) -> Result<Wire, Error> {
    let (server, ca_file) = (&mailbox.server, mailbox.account.ca_file.as_deref());
    match server.tls {
        Tls::Implicit => {
            let stream: Box<dyn Io> = Box::new(net::connect(server, ca_file, CONNECT).await?);
            login::greeted(stream).await
        }
        Tls::StartTls => {
            let stream = login::stls(net::tcp(server, CONNECT).await?).await?;
            let stream = net::upgrade(stream, server, ca_file, CONNECT).await?;
            Ok(Wire::new(Box::new(stream)))
        }
    }
}

#[async_trait]
impl Door<Wire> for Account {
    async fn knock(&self) -> Result<Wire, Error> {
        knock(&self.endpoint.mailbox).await
    }
}
