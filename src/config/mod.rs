//! What an operator asks for, typed. Raw text becomes these values in `check`; nothing here can be illegal.
//!
//! [`load`] reads `mailjob.toml` and the folder of endpoint files and says all that is wrong with them at once;
//! [`reload`] notices that they changed and says what that means for those that run. A file that is broken disables only
//! what it describes. This room never writes a file, never opens a connection, and never holds a secret, only the place
//! where one is kept.
//!
//! This room knows no other room's types but secrets: every other room reads its settings from here.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

mod account;
pub mod action;
mod agree;
mod answers;
pub mod braces;
mod check;
mod conversation;
mod declare;
mod defaults;
mod diff;
mod ears;
mod effective;
mod endpoint;
mod example;
mod file_name;
mod files;
pub mod given;
pub mod glob;
mod held;
mod inputs;
mod key;
mod kind;
mod ledger_address;
pub mod load;
mod loaded;
mod mailbox;
mod meant;
mod mendable;
mod name;
mod net;
mod oauth;
mod operator;
mod place;
mod presence;
mod problem;
mod rate;
mod read;
pub mod reference;
pub mod reload;
mod remembered;
pub mod reply;
pub mod rescue;
mod route;
mod senders;
mod shared;
mod sheet;
mod sign_ins;
mod slip;
mod sources;
mod standing;
pub mod startable;
mod table;
mod template;
mod term;
mod texts;
mod tls;
mod value;
pub mod versions;
mod writers;

pub use account::{Account, Auth, Protocol, ReadBy, Server, Tls, TokenSource};
pub use action::{Action, Describe, RemoteAccess};
pub use check::{
    ApiAccess, BodyFormat, Command, CommandLimits, DataFrom, Filter, HeaderValue, Jobs, Keep, Limits, Machines,
    NamePiece, NameToken, Output, Oversize, PartReply, Partial, Per, Rates, ReplyWords, Retention, Retry, TextFrom,
    Webhook,
};
pub use conversation::{Answerers, Answers, Conversation};
pub use diff::Changes;
pub use effective::effective;
pub use endpoint::{Endpoint, Settle, SettleAction};
pub use held::{HeldEndpoint, MailboxClaim};
pub use inputs::{
    FileInput, Input, InputSource, InputType, Inputs, Literal, MailField, Match, MatchIn, Pattern, Shape,
};
pub use ledger_address::{LedgerAddress, NoLedgerAddress};
pub use mailbox::{Backlog, Mailbox, MailboxId, MatchMode, Polling, Since, WatchMode};
pub use name::EndpointName;
pub use net::{Bypass, Net, NoBypass, Proxy, ProxyChoice, ProxyKind};
pub use oauth::{AuthorizationServer, ClientProof, Cloud, Grant, OAuth, Provider, SendSecret};
pub use operator::Operator;
pub use place::Place;
pub use problem::Problem;
pub use rate::{NoRate, Rate};
pub use reply::{OriginalAs, Reply, ReplyCharset, ReplySender, ReplyTemplate, ReplyTo, ReturnTo};
pub use route::{Route, WatchPlan, routes};
pub use senders::{Proof, SenderList, Senders, Trust};
pub use sign_ins::uses;
pub use template::{MAX_SOURCE, Template, TemplateError, TemplateFormat};
pub use tls::{ClientCertificate, TlsFiles};

use crate::{secret::SecretRef, slots::Size};

/// All that `mailjob run` was told: the shared settings and one entry for each endpoint file that is right.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// What endpoints share, from `mailjob.toml` and its defaults.
    pub service: Service,
    /// Who is told of what only a person can mend; without one that is only logged.
    pub operator: Option<Operator>,
    /// Who may use the API.
    pub api: ApiAccess,
    /// Endpoints by name.
    pub endpoints: BTreeMap<EndpointName, Arc<Endpoint>>,
    /// Endpoints that have a file and don't run, because it can't be used or says so: their jobs wait.
    pub idle: BTreeSet<EndpointName>,
    /// Those of them whose mails wait for their file, because it can't be used or is gone for a moment.
    pub held: BTreeMap<EndpointName, HeldEndpoint>,
}

/// The shared settings of one process.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    /// Where the ledger is. Default: the SQLite file `mailjob.db` in the working directory.
    pub ledger: LedgerAddress,
    /// Where the key lies that sign-ins in the ledger are sealed with. Default: a file beside the ledger, which is made at the
    /// first start.
    pub key: Option<SecretRef>,
    /// Where `/livez`, `/readyz`, `/status` and `/metrics` answer; `None` switches them off. Default `127.0.0.1:8025`.
    pub health: Option<SocketAddr>,
    /// How long a stop may take before those who are late are named and left. Default 25 s.
    pub drain: Duration,
    /// Bytes of mails, results and letters that jobs of all endpoints may hold in memory at once; what comes in and goes out may take half
    /// as much beside. Default 32 MiB.
    pub memory: u64,
    /// Jobs that run at once over all endpoints. Default eight times the cores, 32 at least, and one for each endpoint: more than commands,
    /// which so can't hold up webhooks.
    pub jobs: Size,
    /// Commands that run at once over all endpoints. Default four times the cores, 8 at least, and one for each endpoint that has one:
    /// commands mostly wait.
    pub commands: Size,
    /// Connections of mailboxes that are in the making at once, to one host. Default 16.
    pub connects: usize,
    /// How long the ledger keeps what has ended.
    pub retention: Retention,
    /// The DNS server that is asked for keys and policies of senders; `None`: those of the system.
    pub resolver: Option<SocketAddr>,
    /// How long a file may be gone before its endpoint counts as removed, and how long jobs wait before they are handed on to another
    /// endpoint. Default 30 s.
    pub patience: Duration,
    /// The name that is given to SMTP servers (EHLO). Default: this machine's own, where it is a full one.
    pub hello: Option<String>,
    /// How servers are reached.
    pub net: Net,
}

impl Service {
    /// The settings of a `mailjob.toml` that says nothing, on a machine with so many cores.
    #[must_use]
    pub fn on(cores: usize) -> Self {
        Self {
            ledger: LedgerAddress::file("mailjob.db"),
            key: None,
            health: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 8025))),
            drain: Duration::from_secs(25),
            memory: 32 << 20,
            jobs: Size::Beside(cores.saturating_mul(8).clamp(32, 8192)),
            commands: Size::Beside(cores.saturating_mul(4).clamp(8, 1024)),
            connects: 16,
            retention: Retention::default(),
            resolver: None,
            patience: Duration::from_secs(30),
            hello: None,
            net: Net::default(),
        }
    }
}

#[cfg(test)]
#[path = "examples_tests.rs"]
pub(crate) mod examples_tests;
