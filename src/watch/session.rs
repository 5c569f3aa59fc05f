//! A session: one mailbox, selected, and how far it was read.

use std::collections::HashMap;

use async_trait::async_trait;
use tokio::net::TcpStream;

use super::{
    cursor,
    door::{self, AccountConnector, CONNECT, Connector, who},
    error::{WatchError, Words},
    imap::{Habit, ImapCapabilities, ImapConnection, Io, Selected, login},
    source::Scope,
};
use crate::{
    config::{Mailbox, Server, Tls, TlsFiles},
    ledger::Cursor,
    net::{self, Handshake},
};

#[async_trait]
impl Connector<ImapConnection> for AccountConnector {
    async fn connect(&self) -> Result<ImapConnection, WatchError> {
        let mailbox = &self.inlet.mailbox;
        let socket = net::tcp(&mailbox.server, CONNECT).await?;
        begin(socket, &mailbox.server, mailbox.account.tls()).await?.wire
    }
}

/// A connection on which TLS was begun, and the server was heard.
pub(super) struct GreetedConnection {
    /// CAPABILITY can be asked; or the server lets nobody in, which is no fault of TLS.
    pub(super) wire: Result<ImapConnection, WatchError>,
    /// `None` where the server said no before TLS.
    pub(super) handshake: Option<Handshake>,
}

/// Starts TLS on a connection, after the greeting where the server begins without.
pub(super) async fn begin(
    socket: TcpStream,
    server: &Server,
    files: TlsFiles<'_>,
) -> Result<GreetedConnection, WatchError> {
    let (socket, greeting) = match server.tls {
        Tls::Implicit => (socket, Words::default()),
        Tls::StartTls => {
            net::heard(&socket, server).await?;
            match login::starttls(socket).await {
                Err(error @ WatchError::NotGreeted(_)) => {
                    return Ok(GreetedConnection {
                        wire: Err(error),
                        handshake: None,
                    });
                }
                socket => socket?,
            }
        }
    };
    let stream = net::upgrade(socket, server, files, CONNECT).await?;
    let handshake = Some(stream.handshake());
    let stream: Box<dyn Io> = Box::new(stream);
    let wire = match server.tls {
        Tls::Implicit => login::greeted(stream).await,
        Tls::StartTls => Ok(ImapConnection::after_greeting(stream, greeting)),
    };
    Ok(GreetedConnection { wire, handshake })
}

/// A mailbox that is selected.
pub(super) struct Session {
    pub(super) wire: ImapConnection,
    pub(super) can: ImapCapabilities,
    pub(super) cursor: Cursor,
    /// How to look for the first time.
    pub(super) first: Scope,
    /// The mailboxes that mails were moved to, as the server wants their names.
    pub(super) targets: Targets,
}

/// Names of target mailboxes, as written by the operator and as the server wants them.
#[derive(Debug, Default)]
pub(super) struct Targets {
    pub(super) names: HashMap<String, String>,
    /// It was said that deleted mails stay.
    pub(super) warned: bool,
    /// Of the mails that the last command named, so many were touched, as far as the server says.
    pub(super) touched: Option<usize>,
    /// So many mails were told to be gone while it ran.
    pub(super) expunged: usize,
    /// Mails were there after the server said that they are gone: no missing mailbox is to blame.
    pub(super) lied: bool,
}

/// Connects, signs in and selects the mailbox.
pub(super) async fn connect(
    door: &dyn Connector<ImapConnection>,
    mailbox: &Mailbox,
    habit: &Habit,
) -> Result<(ImapConnection, ImapCapabilities, Selected), WatchError> {
    let open = async |wire, credential| login::open(wire, &who(mailbox, &credential), &mailbox.name, habit).await;
    door::admitted(door, open).await
}

impl Session {
    /// The session that begins where the ledger says.
    pub(super) fn begin(
        wire: ImapConnection,
        can: ImapCapabilities,
        selected: Selected,
        stored: Option<Cursor>,
        now: u32,
    ) -> Self {
        let start = cursor::start(stored, selected, now);
        if let Some(why) = start.relist {
            tracing::info!(reason = why.reason(), "the mailbox is listed from its first mail on");
        }
        let first = match (start.relist, selected.uid_next) {
            (None, Some(next)) => match next.saturating_sub(start.cursor.uid_next) {
                0 => Scope::Nothing,
                new => Scope::News(new),
            },
            (Some(_), _) | (None, None) => Scope::All,
        };
        Self {
            wire,
            can,
            cursor: start.cursor,
            first,
            targets: Targets::default(),
        }
    }
}
