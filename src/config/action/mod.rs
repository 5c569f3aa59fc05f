//! Actions: what is done with a mail, and what others have to know of each. Their keys and how they are read is in `check`.

mod command;
mod describe;
mod null;
mod webhook;

pub use self::{
    describe::{ActionKind, Describe, RemoteAccess},
    null::Null,
};
use super::check::{Command, Webhook};

/// What is done with a mail.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// An HTTP POST.
    Webhook(Webhook),
    /// A process.
    Command(Command),
    /// Nothing.
    Null(Null),
}

impl Action {
    /// Every kind of action.
    pub const KINDS: &[ActionKind<Self>] = &[
        webhook::KIND.of(|table, inputs| (webhook::KIND.read)(table, inputs).map(Self::Webhook)),
        command::KIND.of(|table, inputs| (command::KIND.read)(table, inputs).map(Self::Command)),
        null::KIND.of(|table, inputs| (null::KIND.read)(table, inputs).map(Self::Null)),
    ];

    /// What others have to know of it.
    #[must_use]
    pub fn describe(&self) -> &dyn Describe {
        match self {
            Self::Webhook(webhook) => webhook,
            Self::Command(command) => command,
            Self::Null(null) => null,
        }
    }
}
