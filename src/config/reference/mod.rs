//! Every key of both files in one place: what it is, its limits, its default, and what it is for. The JSON Schemas for editors, the
//! commented references `endpoints.d/reference.toml.example` and `mailjob.toml.example`, and `mailjob show` are made from it, and tests
//! hold it against what `check` reads: keys, defaults and limits.

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

pub use super::key_table::FileKind;
pub use schema::schema;
pub use text::reference;

/// All tables of a kind of file in the order of its reference.
pub(super) fn sections(file: FileKind) -> impl Iterator<Item = &'static Section> {
    static ENDPOINT: LazyLock<Vec<Section>> = LazyLock::new(of_an_endpoint);
    static SHARED: LazyLock<Vec<Section>> = LazyLock::new(of_mailjob_toml);
    match file {
        FileKind::Endpoint => ENDPOINT.iter(),
        FileKind::Shared => SHARED.iter(),
    }
}

fn of_an_endpoint() -> Vec<Section> {
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
}

fn of_mailjob_toml() -> Vec<Section> {
    vec![
        Section::new("", "", Vec::new()),
        Service::section(),
        NetKeys::section().off(),
        Retention::section(),
        ApiKeys::section().off(),
        Operator::section().off(),
        Section::new("defaults", DEFAULTS, Vec::new())
            .off()
            .shown_as("#[defaults.reply]\n#to = \"sender\"\n#[defaults.limits]\n#size = \"20MiB\""),
        AccountKeys::section().off().shown_as(include_str!("accounts.toml")),
    ]
}

const DEFAULTS: &str = "\
What endpoint files do not say: all their keys, in the same tables behind [defaults. An endpoint's own line wins; [defaults.webhook]
and [defaults.command] count where the endpoint has that action. mailjob show ENDPOINT tells where each setting comes from.";

/// Whether this is a key of ours, with the tables around it, in a table whose names are not the operator's own.
pub(super) fn is_known(path: &str) -> bool {
    let (table, key) = path.rsplit_once('.').unwrap_or(("", path));
    sections(FileKind::Endpoint).any(|section| {
        section.name == table && section.open.is_none() && section.keys.iter().any(|known| known.name == key)
    })
}
