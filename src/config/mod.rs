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
    sync::Arc,
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
mod homes;
mod inputs;
mod key;
mod key_table;
mod kind;
mod ledger_address;
pub mod load;
mod loaded;
mod mailbox;
mod meant;
mod mendable;
mod misplaced;
mod name;
mod net;
mod oauth;
mod pattern_forms;
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
mod rule;
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
mod value;
pub mod versions;
mod writers;

pub use account::{Account, Auth, Protocol, ReadBy, Server, Tls, TokenSource};
pub use action::{Action, Describe, RemoteAccess};
pub use check::{
    ApiAccess, BodyFormat, ClientCertificate, Command, CommandLimits, DataFrom, Filter, HeaderValue, Jobs, Keep,
    Limits, Machines, NamePiece, NameToken, Operator, Output, Oversize, PartReply, Partial, Per, Rates, ReplyWords,
    Retention, Retry, Service, TextFrom, TlsFiles, Webhook,
};
pub use conversation::{Answerers, Answers, Conversation};
pub use diff::Changes;
pub use effective::{effective, effective_shared};
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
pub use place::Place;
pub use problem::Problem;
pub use rate::{NoRate, Rate};
pub use reply::{OriginalAs, Reply, ReplyCharset, ReplySender, ReplyTemplate, ReplyTo, ReturnTo};
pub use route::{Route, WatchPlan, routes};
pub use senders::{Proof, SenderList, Senders, Trust};
pub use sign_ins::uses;
pub use template::{MAX_SOURCE, Template, TemplateError, TemplateFormat};

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

#[cfg(test)]
#[path = "examples_tests.rs"]
pub(crate) mod examples_tests;
