//! Tables that keys of ours stand in, and what may be written there. Pure.

use toml::de::DeValue;

use super::{key::Allowed, slip::KeyPredicate};

/// The two kinds of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// An endpoint's.
    Endpoint,
    /// `mailjob.toml`.
    Shared,
}

/// A table with keys of ours.
#[derive(Debug)]
pub(super) struct KeyTable {
    pub(super) file: FileKind,
    /// With the tables around it; `*` is any name.
    pub(super) path: String,
    pub(super) keys: Vec<(&'static str, Allowed)>,
    /// What its entries are where their names are the operator's own.
    pub(super) entries: Option<Entries>,
    /// Whether it is the value of a key, rather than a table that one thinks of by itself.
    pub(super) is_value: bool,
}

/// All tables of both files, for whoever reads one of them and finds a key that its table doesn't have.
pub(super) struct KnownKeys {
    pub(super) tables: Vec<KeyTable>,
    /// The tables of which an endpoint has one.
    pub(super) actions: Vec<&'static str>,
    /// Whether a path in an endpoint file is a key of ours.
    pub(super) is_known: KeyPredicate,
}

impl KnownKeys {
    /// The table at a path as it is written.
    pub(super) fn at(&self, file: FileKind, path: &str) -> Option<&KeyTable> {
        self.tables
            .iter()
            .find(|home| home.file == file && is_at(&home.path, path))
    }
}

/// What entries are whose names are the operator's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entries {
    Tables,
    Values,
}

pub(super) fn path_of(table: &str, key: &str) -> String {
    match table {
        "" => key.to_owned(),
        table => format!("{table}.{key}"),
    }
}

/// Whether a path as it is written is one of a home.
pub(super) fn is_at(home: &str, path: &str) -> bool {
    let (mut home, mut path) = (home.split('.'), path.split('.'));
    loop {
        match (home.next(), path.next()) {
            (None, None) => return true,
            (Some("*"), Some(_)) => {}
            (Some(one), Some(other)) if one == other => {}
            _ => return false,
        }
    }
}

pub(super) fn outer(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(outer, _)| outer)
}

impl KeyTable {
    pub(super) fn has(&self, name: &str) -> bool {
        self.keys.iter().any(|(key, _)| *key == name)
    }

    /// Whether what is written can be the value of its key of this name.
    pub(super) fn takes(&self, name: &str, raw: &DeValue<'_>) -> bool {
        self.keys
            .iter()
            .any(|(key, allowed)| *key == name && can_be(allowed, raw))
    }
}

/// Whether a value has the form of what is allowed.
fn can_be(allowed: &Allowed, raw: &DeValue<'_>) -> bool {
    match (allowed, raw) {
        (Allowed::Either(several), _) => several.iter().any(|one| can_be(one, raw)),
        (Allowed::OneOrMore(each), DeValue::Array(all)) => all.iter().all(|one| can_be(each, one.get_ref())),
        (Allowed::OneOrMore(each), _) => can_be(each, raw),
        (Allowed::List(each, _), DeValue::Array(all)) => all.iter().all(|one| can_be(each, one.get_ref())),
        (Allowed::Flag | Allowed::Rate | Allowed::Plain, DeValue::Boolean(_))
        | (Allowed::Count(..) | Allowed::CountOrAll(..) | Allowed::Plain, DeValue::Integer(_))
        | (Allowed::Plain, DeValue::Float(_))
        | (Allowed::Text | Allowed::Prose | Allowed::Plain, DeValue::String(_))
        | (Allowed::Text, DeValue::Datetime(_))
        | (Allowed::Elsewhere, DeValue::Table(_)) => true,
        (Allowed::Duration(..), DeValue::String(text)) => with_unit(text, &["ms", "s", "m", "h", "d"]),
        (Allowed::Size(..), DeValue::String(text)) => with_unit(text, &["b", "kb", "mb", "gb", "kib", "mib", "gib"]),
        (Allowed::Rate, DeValue::String(text)) => text.contains('/'),
        (Allowed::Word(words), DeValue::String(text)) => words.contains(&text.as_ref()),
        (Allowed::Secret, DeValue::Table(table)) => table
            .keys()
            .all(|key| ["file", "env"].contains(&key.get_ref().as_ref())),
        (Allowed::Table(inner), DeValue::Table(table)) => table
            .keys()
            .all(|name| inner.keys.iter().any(|key| key.name == name.get_ref())),
        _ => false,
    }
}

fn with_unit(text: &str, units: &[&str]) -> bool {
    let unit = text
        .trim()
        .trim_start_matches(|c: char| c.is_ascii_digit())
        .trim_start();
    unit.len() < text.trim().len() && units.contains(&unit.to_ascii_lowercase().as_str())
}
