//! POP3 (RFC 1939): short sessions with a maildrop that is locked while they last.
//!
//! What IMAP has and POP3 has not is made up for by the ledger: it numbers the mails (`Ledger::maildrop_number`), knows which were
//! taken, and finds by its hash a mail that the server calls by another name. No mail is deleted before its work is over, and none that
//! was not read and compared in the session that deletes it (`check`). What is not whole is not taken (`whole`).

mod again;
mod body;
mod capabilities;
mod check;
mod first_sight;
mod login;
mod maildrop;
mod namesakes;
mod portion;
pub mod probe;
mod settle;
mod source;
mod take;
mod unstuff;
pub mod visit;
mod whole;
mod wire;

use async_trait::async_trait;
use tokio::net::TcpStream;

pub(super) use self::source::watcher;
use self::{check::Checks, portion::RetrFailures, whole::SizeRecord, wire::Pop3Connection};
use super::{
    door::{AccountConnector, CONNECT, Connector},
    error::{WatchError, Words},
    imap::Io,
};
use crate::{
    config::{Server, Tls, TlsFiles},
    net::{self, Handshake},
};

/// What a watch remembers of its maildrop from one session to the next.
#[derive(Debug, Default)]
struct MaildropMemory {
    care: RetrFailures,
    checks: Checks,
    record: SizeRecord,
    /// The server ends mails by a dot and LF alone.
    bare_ends: bool,
}

/// Starts TLS on a connection, after the greeting where the server begins without; then somebody can sign in.
async fn secure(
    socket: TcpStream,
    server: &Server,
    files: TlsFiles<'_>,
) -> Result<(Pop3Connection, Handshake), WatchError> {
    let (socket, greeting) = match server.tls {
        Tls::Implicit => (socket, Words::default()),
        Tls::StartTls => {
            net::heard(&socket, server).await?;
            login::stls(socket).await?
        }
    };
    let stream = net::upgrade(socket, server, files, CONNECT).await?;
    let handshake = stream.handshake();
    let stream: Box<dyn Io> = Box::new(stream);
    let wire = match server.tls {
        Tls::Implicit => login::greeted(stream).await?,
        Tls::StartTls => Pop3Connection {
            greeting,
            ..Pop3Connection::new(stream)
        },
    };
    Ok((wire, handshake))
}

#[async_trait]
impl Connector<Pop3Connection> for AccountConnector {
    async fn connect(&self) -> Result<Pop3Connection, WatchError> {
        let mailbox = &self.inlet.mailbox;
        let socket = net::tcp(&mailbox.server, CONNECT).await?;
        let (wire, _) = secure(socket, &mailbox.server, mailbox.account.tls()).await?;
        Ok(wire)
    }
}

#[cfg(test)]
#[path = "cuts_tests.rs"]
mod cuts_tests;
