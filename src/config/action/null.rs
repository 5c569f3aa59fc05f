//! Nothing: for trying which mails an endpoint means.

use std::path::PathBuf;

use super::describe::{ActionKind, Describe, RemoteAccess};
use crate::{config::key::Section, slots};

pub(super) const KIND: ActionKind<Null> = ActionKind {
    name: "null",
    place: "Nothing is done: an empty text.",
    example: None,
    #[cfg(test)]
    least: "",
    read: |_table, _inputs| Some(Null),
    sections: || {
        let about = "Does nothing and answers nothing: for trying [when] and [senders]. A mail that is meant is done, without a reply.";
        vec![Section::new("null", about, Vec::new()).off()]
    },
};

/// Does nothing and answers nothing: a mail that is meant is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Null;

impl Describe for Null {
    fn name(&self) -> &'static str {
        KIND.name
    }

    fn place(&self) -> String {
        String::new()
    }

    fn summary(&self) -> String {
        "nothing".to_owned()
    }

    fn identity(&self) -> String {
        "null 1".to_owned()
    }

    fn mendable(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    fn slots(&self) -> slots::SlotKind {
        slots::SlotKind::Webhook
    }

    fn answers(&self) -> bool {
        false
    }

    fn remote(&self) -> Option<RemoteAccess<'_>> {
        None
    }

    fn confined(&self) -> Option<&[PathBuf]> {
        None
    }
}
