//! Every key of an endpoint file in one place: what it is, its limits, its default, and what it is for. The JSON Schema for editors
//! and the commented reference `endpoints.d/reference.toml.example` are made from it, and tests hold it against what `check`
//! reads: keys, defaults and limits.

mod action;
mod inputs;
mod mailbox;
mod reply;
mod schema;
mod senders;
#[cfg(test)]
mod tests;
mod text;

use std::sync::LazyLock;

use super::{
    check::{Jobs, Limits, Rates},
    key::{Allowed, Given, Key, Section},
};

pub use schema::schema;
pub use text::reference;

impl Section {
    fn opened(self, each: Allowed) -> Self {
        let open = Some(each);
        Self { open, ..self }
    }
}

impl Key {
    fn usual(name: &'static str, allowed: Allowed, usual: &'static str, about: &'static str) -> Self {
        Self::of(name, allowed, Given::Usual(usual.to_owned()), about)
    }

    fn never(name: &'static str, allowed: Allowed, shown: &'static [(&'static str, &'static str)]) -> Self {
        Self::of(name, allowed, Given::Never(shown), "")
    }
}

/// All tables in the order of the reference.
pub(super) fn sections() -> impl Iterator<Item = &'static Section> {
    static ALL: LazyLock<Vec<Section>> = LazyLock::new(|| {
        let parts = [
            mailbox::sections(),
            senders::sections(),
            vec![Rates::section()],
            vec![Jobs::section()],
            inputs::sections(),
            action::sections(),
            reply::sections(),
            vec![Limits::section()],
        ];
        parts.into_iter().flatten().collect()
    });
    ALL.iter()
}

/// Whether this is a key of ours, with the tables around it, in a table whose names are not the operator's own.
pub(super) fn is_known(path: &str) -> bool {
    let (table, key) = path.rsplit_once('.').unwrap_or(("", path));
    sections().any(|section| {
        section.name == table && section.open.is_none() && section.keys.iter().any(|known| known.name == key)
    })
}
