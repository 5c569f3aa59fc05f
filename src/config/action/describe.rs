//! What others have to know of an action, and what is the same for all endpoints that have one of its kind.

use std::path::PathBuf;

use crate::{
    config::{TlsFiles, check::NamedInputs, key::Section, table::Table},
    slots,
};

/// What others have to know of an action, without knowing which one it is.
pub trait Describe: Sync {
    /// The name of its table, by which metrics, the API and a rehearsal call it as well. One of [`super::Action::KINDS`].
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
    fn slots(&self) -> slots::SlotKind;

    /// Whether it has anything to say to whoever sent the mail; else no reply goes, whatever `[reply]` says.
    fn answers(&self) -> bool;

    /// How its server is reached, where it asks one.
    fn remote(&self) -> Option<RemoteAccess<'_>>;

    /// What it may write beside its work folder, where it runs on this machine and is confined.
    fn confined(&self) -> Option<&[PathBuf]>;
}

/// How an action's server is reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RemoteAccess<'a> {
    /// What TLS is made with.
    pub tls: TlsFiles<'a>,
    /// Whether it may be in a private network.
    pub allow_private_network: bool,
}

/// A kind of action: what is the same for all endpoints that have it.
#[derive(Debug)]
pub struct ActionKind<A> {
    /// The name of its table.
    pub name: &'static str,
    /// What [`Describe::place`] says of it.
    pub place: &'static str,
    /// What is written where somebody forgot the action, if it is proposed.
    pub(in crate::config) example: Option<&'static str>,
    /// The least that is written of it.
    #[cfg(test)]
    pub(in crate::config) least: &'static str,
    /// How its table is read.
    pub(in crate::config) read: fn(&mut Table<'_>, &NamedInputs) -> Option<A>,
    /// Its tables and their keys.
    pub(in crate::config) sections: fn() -> Vec<Section>,
}

impl<A> ActionKind<A> {
    /// The same as one of several.
    pub(super) const fn of<B>(&self, read: fn(&mut Table<'_>, &NamedInputs) -> Option<B>) -> ActionKind<B> {
        ActionKind {
            name: self.name,
            place: self.place,
            example: self.example,
            #[cfg(test)]
            least: self.least,
            read,
            sections: self.sections,
        }
    }
}
