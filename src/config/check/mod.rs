//! From text to typed settings, one file a concept. Pure: what must be looked up on the machine is noted as a need.
//!
//! Every function asks its table for every key that it may have before it gives up on anything, so that all faults are
//! told at once and no known key counts as unknown.

mod account;
mod action;
mod api;
mod command;
mod conversation;
mod cron;
mod endpoint;
mod filter;
mod foreign;
mod inputs;
mod jobs;
mod limits;
mod looks;
mod mailbox;
mod net;
mod oauth;
mod operator;
mod output;
mod own;
mod provider;
mod reply;
mod retention;
mod senders;
mod service;
mod settle;
mod shared;
mod sign_in;
mod templates;
mod tls;
mod webhook;

pub use api::ApiAccess;
pub use command::{Command, CommandLimits};
pub use filter::{Filter, Machines};
pub use jobs::{Jobs, PartReply, Partial, Per};
pub use limits::{Limits, Retry};
pub use operator::Operator;
pub use output::{DataFrom, NamePiece, NameToken, Output, Oversize, TextFrom};
pub use retention::{Keep, Retention};
pub use senders::Rates;
pub use service::Service;
pub use templates::ReplyWords;
pub use tls::{ClientCertificate, TlsFiles};
pub use webhook::{BodyFormat, HeaderValue, Webhook};

pub(super) use account::AccountKeys;
pub(super) use api::ApiKeys;
pub(super) use command::{command, env_section};
pub(super) use conversation::{ConversationKeys, answer_address};
pub(super) use endpoint::{Ambiguity, EndpointDraft, KnownMailbox, endpoint, mailbox_alone};
pub(super) use inputs::{NamedInputs, inputs_section};
#[cfg(test)]
pub(super) use looks::LookKeys;
pub(super) use mailbox::{Accounts, MailboxKeys};
pub(super) use net::NetKeys;
pub(super) use own::OwnKeys;
pub(super) use reply::{Language, ReplyKeys};
pub(super) use senders::SenderKeys;
pub(super) use settle::SettleKeys;
pub(super) use shared::{ServiceFile, shared};
pub(super) use webhook::{headers_section, webhook};

use std::time::Duration;

use super::{meant::nearest, problem::Fault};

/// The shortest time-out or wait.
const INSTANT: Duration = Duration::from_millis(10);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The cure for a name that isn't among those known.
fn did_you_mean<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    nearest(name, known).map(|nearest| format!("did you mean \"{nearest}\"?"))
}

/// What is wrong with a name of an account.
pub(super) fn name_fault(name: &str) -> Fault {
    Fault::new(
        format!("\"{name}\" is not a valid name"),
        "use a to z, 0 to 9, - and _, beginning with a letter or digit, 63 characters at most",
    )
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
