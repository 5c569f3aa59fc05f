//! Every key of an endpoint file in one place: what it is, its limits, its default, and what it is for. The JSON Schema for editors
//! and the commented reference `endpoints.d/reference.toml.example` are made from it, and tests hold it against what `check`
//! reads: keys, defaults and limits.

mod schema;
#[cfg(test)]
mod tests;
mod text;

use std::sync::LazyLock;

use super::{
    Action,
    check::{
        AccountKeys, ApiKeys, ConversationKeys, Filter, Jobs, Language, Limits, MailboxKeys, NetKeys, Operator, Output,
        OwnKeys, Rates, ReplyKeys, Retention, Retry, SenderKeys, Service, SettleKeys, inputs_section,
    },
    key::Section,
};

pub use schema::schema;
pub use text::reference;

/// All tables in the order of the reference.
pub(super) fn sections() -> impl Iterator<Item = &'static Section> {
    static ALL: LazyLock<Vec<Section>> = LazyLock::new(|| {
        let mut all = vec![
            OwnKeys::section(),
            MailboxKeys::section(),
            Filter::section(),
            SenderKeys::section(),
            Rates::section(),
            Jobs::section(),
            inputs_section(),
        ];
        all.extend(Action::KINDS.iter().flat_map(|kind| (kind.sections)()));
        all.extend([
            Retry::section(),
            Output::section(),
            ReplyKeys::section(),
            Language::section().off(),
            ConversationKeys::section().off(),
            SettleKeys::section(),
            Limits::section(),
        ]);
        all
    });
    ALL.iter()
}

/// The tables of `mailjob.toml`.
pub(super) fn of_mailjob_toml() -> impl Iterator<Item = &'static Section> {
    static ALL: LazyLock<Vec<Section>> = LazyLock::new(|| {
        vec![
            Section::new("", "", Vec::new()),
            Service::section(),
            NetKeys::section().off(),
            Retention::section(),
            ApiKeys::section().off(),
            Operator::section().off(),
            AccountKeys::section().off(),
        ]
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
