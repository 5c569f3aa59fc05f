//! A session: one mailbox, selected, and how far it was read.

use std::{path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::{net::TcpStream, time::timeout};

use super::{
    care::Care,
    cursor::{self, portions},
    error::Error,
    fetch::{self, Receiver},
    imap::{
        Capabilities, Io, Selected, Wire,
        login::{self, SignIn},
    },
    intake::Intake,
    settle::{Settler, Targets},
};
use crate::{
    auth::{Credential, Login},
    budget::Budget,
    config::{Endpoint, Server, Tls},
    ledger::{Cursor, Ledger, MailboxKey},
    net::{self, Handshake},
};

/// From the first packet to the selected mailbox.
pub(super) const CONNECT: Duration = Duration::from_secs(90);
/// News of so many mails are received without listing them first.
const FEW: u32 = 32;

/// The way to the server, and the credential for it.
#[async_trait]
pub(super) trait Door: Send + Sync {
    /// A connection under TLS on which CAPABILITY can be asked.
    async fn knock(&self) -> Result<Wire, Error>;
    /// A credential that is good now.
    async fn credential(&self) -> Result<Credential, Error>;
    /// The server did not take this one.
    fn rejected(&self, credential: &Credential);
}

/// The door of an account.
pub(super) struct Account {
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) login: Arc<Login>,
}

#[async_trait]
impl Door for Account {
    async fn knock(&self) -> Result<Wire, Error> {
        let mailbox = &self.endpoint.mailbox;
        let socket = net::tcp(&mailbox.server, CONNECT).await?;
        let (wire, _) = secure(socket, &mailbox.server, mailbox.account.ca_file.as_deref()).await?;
        Ok(wire)
    }

    async fn credential(&self) -> Result<Credential, Error> {
        Ok(self.login.credential().await?)
    }

    fn rejected(&self, credential: &Credential) {
        self.login.rejected(credential);
    }
}

/// Starts TLS on a connection, after the greeting where the server begins without; then CAPABILITY can be asked.
pub(super) async fn secure(
    socket: TcpStream,
    server: &Server,
    ca_file: Option<&Path>,
) -> Result<(Wire, Handshake), Error> {
    let socket = match server.tls {
        Tls::Implicit => socket,
        Tls::StartTls => login::starttls(socket).await?,
    };
    let stream = net::upgrade(socket, server, ca_file, CONNECT).await?;
    let handshake = stream.handshake();
    let stream: Box<dyn Io> = Box::new(stream);
    let wire = match server.tls {
        Tls::Implicit => login::greeted(stream).await?,
        Tls::StartTls => Wire::new(stream),
    };
    Ok((wire, handshake))
}

/// A mailbox that is selected.
pub(super) struct Session {
    pub(super) wire: Wire,
    pub(super) can: Capabilities,
    pub(super) cursor: Cursor,
    /// How to look for the first time.
    pub(super) first: Scope,
    /// The mailboxes that mails were moved to, as the server wants their names.
    pub(super) targets: Targets,
}

/// Where to look for mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// The server spoke of about so many new ones.
    News(u32),
    /// Everything from the cursor on.
    All,
    /// There is nothing new.
    Nothing,
}

/// What a look needs.
pub(super) struct Looking<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) ledger: &'a Arc<dyn Ledger>,
    pub(super) mailbox: &'a MailboxKey,
    pub(super) budget: &'a Budget,
}

/// Connects, signs in and selects the mailbox, within 90 s.
///
/// An access token that is refused is replaced once: it may have been revoked. A password is not tried twice, since that locks accounts.
pub(super) async fn connect(door: &dyn Door, endpoint: &Endpoint) -> Result<(Wire, Capabilities, Selected), Error> {
    let server = &endpoint.mailbox.server;
    let mut last = false;
    loop {
        let credential = door.credential().await?;
        let who = SignIn {
            user: &endpoint.mailbox.account.user,
            credential: &credential,
            host: &server.host,
            port: server.port,
        };
        let opened = async { login::open(door.knock().await?, &who, &endpoint.mailbox.name).await };
        let opened = timeout(CONNECT, opened).await.unwrap_or(Err(Error::Endless {
            command: "connecting",
            after: CONNECT,
        }));
        match opened {
            Err(error @ Error::Credential { .. }) if error.patience().is_none() => {
                door.rejected(&credential);
                if last || matches!(credential, Credential::Password(_)) {
                    return Err(error);
                }
                last = true;
            }
            opened => return opened,
        }
    }
}

impl Session {
    /// The session that begins where the ledger says.
    pub(super) fn begin(wire: Wire, can: Capabilities, selected: Selected, stored: Option<Cursor>, now: u32) -> Self {
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

    /// Looks for mail and takes it. Between the portions of a long look mails are settled.
    pub(super) async fn look(
        mut self,
        scope: Scope,
        on: &Looking<'_>,
        settler: &mut Settler,
        care: &mut Care,
    ) -> Result<Self, Error> {
        self.wire.take_news();
        let scope = match scope {
            Scope::Nothing => return Ok(self),
            Scope::News(new) if new > FEW || care.alone() => Scope::All,
            scope => scope,
        };
        let mut intake = Intake::begin(
            on.ledger.clone(),
            on.endpoint.name.clone(),
            on.mailbox.clone(),
            self.cursor,
            on.budget.clone(),
        );
        let mut receiver = Receiver {
            intake: &mut intake,
            limit: on.endpoint.limits.size,
        };
        let looked = match scope {
            Scope::News(_) => self.receive_news(&mut receiver).await,
            Scope::All | Scope::Nothing => self.receive_all(&mut receiver, on, settler, care).await,
        };
        // What was received whole is kept, however the session ended.
        let taken = intake.finish().await;
        let session = looked?;
        let taken = taken?;
        if taken.new > 0 {
            tracing::info!(new = taken.new, known = taken.known, "took new mail");
        }
        Ok(session)
    }

    async fn receive_news(mut self, receiver: &mut Receiver<'_>) -> Result<Self, Error> {
        (self.wire, self.cursor.uid_next) = receiver.news(self.wire, self.cursor.uid_next).await?;
        Ok(self)
    }

    async fn receive_all(
        mut self,
        receiver: &mut Receiver<'_>,
        on: &Looking<'_>,
        settler: &mut Settler,
        care: &mut Care,
    ) -> Result<Self, Error> {
        let alone = care.alone();
        loop {
            let (listed, more);
            (self.wire, listed, more) = fetch::list(self.wire, self.cursor.uid_next).await?;
            for portion in portions(listed, self.cursor.uid_next, alone) {
                if alone && care.try_alone(portion.first()) {
                    receiver.give_up(self.cursor.uid_validity, portion.first()).await?;
                    self.cursor.uid_next = portion.next();
                    continue;
                }
                let gone;
                (self.wire, gone) = receiver.portion(self.wire, &portion).await?;
                if gone > 0 {
                    tracing::info!(gone, "mails vanished from the mailbox before they could be taken");
                }
                self.cursor.uid_next = portion.next();
                self = Box::pin(settler.settle_if_rung(self, on)).await?;
            }
            if !more {
                return Ok(self);
            }
        }
    }
}
