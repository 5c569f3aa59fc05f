//! A session: one mailbox, selected, and how far it was read.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::net::TcpStream;

use super::{
    Health, Watch,
    care::Care,
    cursor::{self, portions},
    door::{self, Account, CONNECT, Door, who},
    error::Error,
    fetch::{self, Receiver},
    imap::{Capabilities, Habit, Io, Selected, Wire, login},
    intake::Intake,
    settle::Settler,
    touch::Targets,
};
use crate::{
    budget::Budget,
    config::{Inlet, Mailbox, Server, Tls, TlsFiles},
    ledger::{Cursor, Ledger, MailboxKey},
    net::{self, Handshake},
};

/// Old mails that are taken together.
const WANTED: usize = 200;
/// News of so many mails are received without listing them first.
const FEW: u32 = 32;

#[async_trait]
impl Door<Wire> for Account {
    async fn knock(&self) -> Result<Wire, Error> {
        let mailbox = &self.inlet.mailbox;
        let socket = net::tcp(&mailbox.server, CONNECT).await?;
        begin(socket, &mailbox.server, mailbox.account.tls()).await?.wire
    }
}

/// A connection on which TLS was begun, and the server was heard.
pub(super) struct Begun {
    /// CAPABILITY can be asked; or the server lets nobody in, which is no fault of TLS.
    pub(super) wire: Result<Wire, Error>,
    /// `None` where the server said no before TLS.
    pub(super) handshake: Option<Handshake>,
}

/// Starts TLS on a connection, after the greeting where the server begins without.
pub(super) async fn begin(socket: TcpStream, server: &Server, files: TlsFiles<'_>) -> Result<Begun, Error> {
    let socket = match server.tls {
        Tls::Implicit => socket,
        Tls::StartTls => match login::starttls(socket).await {
            Err(error @ Error::NotGreeted(_)) => {
                return Ok(Begun {
                    wire: Err(error),
                    handshake: None,
                });
            }
            socket => socket?,
        },
    };
    let stream = net::upgrade(socket, server, files, CONNECT).await?;
    let handshake = Some(stream.handshake());
    let stream: Box<dyn Io> = Box::new(stream);
    let wire = match server.tls {
        Tls::Implicit => login::greeted(stream).await,
        Tls::StartTls => Ok(Wire::after_greeting(stream)),
    };
    Ok(Begun { wire, handshake })
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
    pub(super) inlet: &'a Inlet,
    pub(super) ledger: &'a Arc<dyn Ledger>,
    pub(super) mailbox: &'a MailboxKey,
    pub(super) budget: &'a Budget,
    pub(super) health: &'a Arc<Health>,
}

impl<'a> Looking<'a> {
    pub(super) fn of(watch: &'a Watch, mailbox: &'a MailboxKey) -> Self {
        Self {
            inlet: &watch.inlet,
            ledger: &watch.ledger,
            mailbox,
            budget: &watch.budget,
            health: &watch.health,
        }
    }

    /// What takes the mails of this look into the ledger. To be called within a runtime: it starts a task.
    pub(super) fn intake(&self, cursor: Cursor) -> Intake {
        Intake::begin(
            self.ledger.clone(),
            self.inlet.takers.clone(),
            self.mailbox.clone(),
            cursor,
            self.budget.clone(),
            self.health.clone(),
        )
    }
}

/// Connects, signs in and selects the mailbox.
pub(super) async fn connect(
    door: &dyn Door<Wire>,
    mailbox: &Mailbox,
    habit: &Habit,
) -> Result<(Wire, Capabilities, Selected), Error> {
    let open = async |wire, credential| login::open(wire, &who(mailbox, &credential), &mailbox.name, habit).await;
    door::admitted(door, open).await
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

    /// Looks for mail and takes it, no more than a batch. Between the portions of a long look mails are settled. Says whether there is
    /// more to take.
    pub(super) async fn look(
        mut self,
        scope: Scope,
        on: &Looking<'_>,
        settler: &mut Settler,
        care: &mut Care,
    ) -> Result<(Self, bool), Error> {
        self.wire.take_news();
        let batch = on.inlet.mailbox.looks.batch;
        let scope = match scope {
            Scope::Nothing => return Ok((self, false)),
            Scope::News(new) if new > FEW || care.alone() || batch.is_some() => Scope::All,
            scope => scope,
        };
        let mut intake = on.intake(self.cursor);
        if let Scope::News(new) = scope {
            on.health.announced(usize::try_from(new).unwrap_or(usize::MAX));
        }
        let mut receiver = Receiver {
            intake: &mut intake,
            limit: on.inlet.size,
        };
        let looked = match scope {
            Scope::News(_) => match self.receive_news(&mut receiver).await {
                Ok((session, true)) => Ok((session, false)),
                // What a server refuses for all it may give one by one.
                Ok((session, false)) => session.receive_all(&mut receiver, on, settler, care).await,
                Err(error) => Err(error),
            },
            Scope::All | Scope::Nothing => self.receive_all(&mut receiver, on, settler, care).await,
        };
        // What was received whole is kept, however the session ended.
        let taken = intake.finish().await;
        let looked = looked?;
        let taken = taken?;
        if taken.new > 0 {
            tracing::info!(new = taken.new, known = taken.known, "took new mail");
        }
        Ok(looked)
    }

    /// Takes what an operator wants of the mails that lay there before, whose UIDs are below the cursor.
    pub(super) async fn take_wanted(mut self, on: &Looking<'_>, care: &mut Care) -> Result<Self, Error> {
        loop {
            let wanted = on.ledger.backlog_wanted(on.mailbox, WANTED).await?;
            if wanted.is_empty() {
                return Ok(self);
            }
            let listed;
            (self.wire, listed) = fetch::sizes(self.wire, &wanted).await?;
            let mut intake = on.intake(self.cursor);
            let mut receiver = Receiver {
                intake: &mut intake,
                limit: on.inlet.size,
            };
            let received = self.receive_listed(&mut receiver, listed, care).await;
            let taken = intake.finish().await;
            self = received?;
            let taken = taken?;
            on.ledger.backlog_taken(on.mailbox, wanted).await?;
            tracing::info!(new = taken.new, known = taken.known, "took mail that lay there before");
            let backlog = on.ledger.backlog(on.mailbox).await?;
            on.health.left(backlog.map_or(0, |backlog| backlog.left));
        }
    }

    async fn receive_listed(
        mut self,
        receiver: &mut Receiver<'_>,
        listed: Vec<cursor::Listed>,
        care: &mut Care,
    ) -> Result<Self, Error> {
        let alone = care.alone();
        for portion in portions(listed, alone) {
            if alone && care.try_alone(portion.first()) {
                let why = care.why();
                receiver.give_up(self.cursor.uid_validity, portion.first(), why).await?;
                continue;
            }
            (self.wire, _) = receiver.portion(self.wire, &portion).await?;
        }
        Ok(self)
    }

    /// Says whether that could be done at once.
    async fn receive_news(mut self, receiver: &mut Receiver<'_>) -> Result<(Self, bool), Error> {
        let next;
        (self.wire, next) = receiver.news(self.wire, self.cursor.uid_next).await?;
        self.cursor.uid_next = next.unwrap_or(self.cursor.uid_next);
        Ok((self, next.is_some()))
    }

    async fn receive_all(
        mut self,
        receiver: &mut Receiver<'_>,
        on: &Looking<'_>,
        settler: &mut Settler,
        care: &mut Care,
    ) -> Result<(Self, bool), Error> {
        let alone = care.alone();
        let mut left = on.inlet.mailbox.looks.batch.unwrap_or(usize::MAX);
        loop {
            let (listed, more);
            (self.wire, listed, more) = fetch::list(self.wire, self.cursor.uid_next).await?;
            on.health.announced(listed.len());
            let (listed, cut) = cursor::lowest(listed, self.cursor.uid_next, left);
            left -= listed.len();
            for portion in portions(listed, alone) {
                if alone && care.try_alone(portion.first()) {
                    let why = care.why();
                    receiver.give_up(self.cursor.uid_validity, portion.first(), why).await?;
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
            if !more || left == 0 {
                return Ok((self, more || cut));
            }
        }
    }
}
