//! Actions: what is done with a mail, a file for each. Types and what others have to know of them; `check` reads them.

mod command;
mod null;
mod webhook;

use std::path::PathBuf;

pub use self::{
    command::{Command, CommandLimits},
    null::Null,
    webhook::{Body, Webhook},
};
use super::{TlsFiles, check::Named, reference::Section, table::Table};
use crate::{secret::SecretRef, slots};

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

/// What others have to know of an action, without knowing which one it is.
pub trait Describe: Sync {
    /// The name of its table, by which metrics, the API and a rehearsal call it as well. One of [`Action::KINDS`].
    fn name(&self) -> &'static str;

    /// What it asks or starts, without what may be a secret; empty where it is nothing.
    fn place(&self) -> String;

    /// The same in a line for people.
    fn summary(&self) -> String;

    /// Whom it asks, and as whom: two that are equal in this are the same to whoever is asked. It is kept from one release to the next,
    /// so each action writes it out, and a change of what it says resumes every endpoint whose action is gone.
    fn identity(&self) -> String;

    /// The files by which an operator mends it, such as its program, its secrets, and what TLS is made with. May look for the program.
    fn mendable(&self) -> Vec<PathBuf>;

    /// Which slots its jobs need.
    fn slots(&self) -> slots::Kind;

    /// Whether it has anything to say to whoever sent the mail; else no reply goes, whatever `[reply]` says.
    fn answers(&self) -> bool;

    /// How its server is reached, where it asks one.
    fn remote(&self) -> Option<Remote<'_>>;

    /// What it may write beside its work folder, where it runs on this machine and is confined.
    fn confined(&self) -> Option<&[PathBuf]>;
}

/// How an action's server is reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Remote<'a> {
    /// What TLS is made with.
    pub tls: TlsFiles<'a>,
    /// Whether it may be in a private network.
    pub allow_private_network: bool,
}

/// A kind of action: what is the same for all endpoints that have it.
#[derive(Debug)]
pub struct Kind {
    /// The name of its table.
    pub name: &'static str,
    /// What [`Describe::place`] says of it.
    pub place: &'static str,
    /// What is written where somebody forgot the action, if it is proposed.
    pub(super) example: Option<&'static str>,
    /// The least that is written of it.
    #[cfg(test)]
    pub(super) least: &'static str,
    /// How its table is read.
    pub(super) read: fn(&mut Table<'_>, &Named) -> Option<Action>,
    /// Its tables and their keys.
    pub(super) sections: &'static [Section],
}

impl Action {
    /// Every kind of action.
    pub const KINDS: &[Kind] = &[webhook::KIND, command::KIND, null::KIND];

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

/// A header field's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderValue {
    /// As written.
    Plain(String),
    /// From a file or the environment.
    Secret(SecretRef),
}

impl HeaderValue {
    /// The file that it is read from.
    fn file(&self) -> Option<PathBuf> {
        match self {
            Self::Plain(_) => None,
            Self::Secret(secret) => secret_file(secret),
        }
    }
}

/// The file of a secret. A variable can't change while we run.
pub(super) fn secret_file(secret: &SecretRef) -> Option<PathBuf> {
    match secret {
        SecretRef::File(path) => Some(path.clone()),
        SecretRef::Env(_) => None,
    }
}
