//! A scripted door, an endpoint, and a small world around them, for tests of the room.

use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;

use super::{
    Tenancy, WatchHealth,
    door::{Connector, CredentialSource},
    error::WatchError,
    imap::{ImapCapabilities, ImapConnection, Io, Selected, login},
    memory::Memory,
    script::{self, Server},
    session::Session,
    settle::Settler,
    source::StepContext,
};
use crate::{
    auth::Credential,
    budget::Budget,
    config::{self, Endpoint, EndpointName, Settle, SettleAction, Tls, WatchPlan},
    ledger::{Cursor, Ledger, MailboxKey},
    net::ConnectTurn,
    secret::Secret,
};

/// A server that plays one script for each connection, and is silent when it has no more.
pub(crate) struct Scripts {
    pub(crate) scripts: Mutex<VecDeque<String>>,
    pub(crate) servers: Arc<Mutex<Vec<Server>>>,
    pub(crate) credential: Credential,
    pub(crate) rejected: Arc<Mutex<usize>>,
}

impl Scripts {
    pub(crate) fn new(scripts: &[&str]) -> Self {
        Self {
            scripts: Mutex::new(scripts.iter().map(|script| (*script).to_owned()).collect()),
            servers: Arc::default(),
            credential: Credential::Bearer(Secret::from("t0ken")),
            rejected: Arc::default(),
        }
    }
}

impl Scripts {
    /// The connection that plays the next script.
    pub(crate) async fn stream(&self) -> Box<dyn Io> {
        let Some(script) = self.scripts.lock().unwrap().pop_front() else {
            std::future::pending().await
        };
        let (stream, server) = script::play(&script);
        self.servers.lock().unwrap().push(server);
        Box::new(stream)
    }
}

#[async_trait]
impl Connector<ImapConnection> for Scripts {
    async fn connect(&self) -> Result<ImapConnection, WatchError> {
        login::greeted(self.stream().await).await
    }
}

#[async_trait]
impl CredentialSource for Scripts {
    async fn turn(&self) -> Option<ConnectTurn> {
        None
    }

    async fn credential(&self) -> Result<Credential, WatchError> {
        Ok(self.credential.clone())
    }

    fn rejected(&self, _: &Credential) {
        *self.rejected.lock().unwrap() += 1;
    }

    fn reached(&self) {}
}

pub(crate) fn endpoint(watch: config::WatchMode) -> Endpoint {
    let server = config::Server {
        host: "imap.example.test".into(),
        port: 993,
        tls: Tls::Implicit,
    };
    let account = config::Account {
        name: "a".into(),
        sign_in: "a".into(),
        provider: config::Provider::Other,
        user: "me@example.test".into(),
        imap: Some(server.clone()),
        pop3: None,
        smtp: None,
        auth: config::Auth::Password(crate::secret::SecretRef::File(PathBuf::from("/nonexistent"))),
        ca_file: None,
        client: None,
        from: None,
        pace: None,
        hello: None,
        smtp_auth: true,
    };
    let mailbox = config::Mailbox {
        watch,
        looks: config::Polling {
            backlog: Some(config::Backlog::Process),
            ..config::Polling::default()
        },
        ..config::Mailbox::inbox(Arc::new(account), config::ReadBy::Imap, server)
    };
    let command = config::Command::new(vec!["true".into()]);
    let name = EndpointName::new("test").unwrap();
    Endpoint {
        settle: config::Settle {
            done: SettleAction::Move("Processed".into()),
            failed: SettleAction::Flag,
            ignored: SettleAction::Keep,
            refused: SettleAction::Keep,
        },
        ..Endpoint::new(name, mailbox, config::Action::Command(command))
    }
}

/// What the watch of an endpoint's mailbox has to know.
pub(crate) fn inlet(endpoint: Endpoint) -> WatchPlan {
    config::routes([&Arc::new(endpoint)]).pop().unwrap().inlet()
}

/// What a look needs, over a ledger in memory.
pub(crate) struct World {
    pub(crate) memory: Arc<Memory>,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) inlet: WatchPlan,
    pub(crate) mailbox: MailboxKey,
    pub(crate) budget: Budget,
    pub(crate) health: Arc<WatchHealth>,
    tenancy: Tenancy,
}

impl World {
    pub(crate) fn new() -> Self {
        let memory = Arc::new(Memory::default());
        let endpoint = endpoint(config::WatchMode::Idle {
            look: Duration::from_secs(180),
        });
        Self {
            ledger: memory.clone(),
            memory,
            mailbox: super::mailbox_key(&endpoint.mailbox),
            inlet: inlet(endpoint),
            budget: Budget::new(8 << 20),
            health: Arc::default(),
            tenancy: Tenancy::default(),
        }
    }

    pub(crate) fn looking(&self) -> StepContext<'_> {
        StepContext {
            inlet: &self.inlet,
            ledger: &self.ledger,
            mailbox: &self.mailbox,
            budget: &self.budget,
            health: &self.health,
            tenancy: &self.tenancy,
        }
    }

    /// What becomes of mails.
    pub(crate) fn settle(&mut self) -> &mut Settle {
        self.inlet.settle.values_mut().next().unwrap()
    }

    pub(crate) fn settler(&self) -> Settler {
        Settler::new(self.memory.bell.clone())
    }

    /// A session in UIDVALIDITY 7 whose server follows a script from here on.
    pub(crate) fn session(&self, script: &[&str], can: ImapCapabilities) -> (Session, Server) {
        let (stream, server) = script::play_lines(script.iter().map(|line| (*line).to_owned()).collect());
        let stream: Box<dyn Io> = Box::new(stream);
        let selected = Selected {
            uid_validity: Some(7),
            uid_next: None,
            exists: 4,
        };
        let stored = Some(Cursor {
            uid_validity: 7,
            uid_next: 5,
        });
        (
            Session::begin(ImapConnection::new(stream), can, selected, stored, 1),
            server,
        )
    }
}
