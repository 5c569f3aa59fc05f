//! All tables that keys of ours stand in, by what is declared of them. Pure.

use std::sync::LazyLock;

use toml::de::DeValue;

use super::{
    check::{AccountKeys, SignInKeys},
    key::{Allowed, Key},
    reference::{of_mailjob_toml, sections},
};

/// The two kinds of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum FileKind {
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

/// What entries are whose names are the operator's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entries {
    Tables,
    Values,
}

/// All tables of both files.
pub(super) fn homes() -> &'static [KeyTable] {
    static ALL: LazyLock<Vec<KeyTable>> = LazyLock::new(|| {
        let mut all = Vec::new();
        for (file, section) in sections()
            .map(|section| (FileKind::Endpoint, section))
            .chain(of_mailjob_toml().map(|section| (FileKind::Shared, section)))
        {
            let entries = section.open.as_ref().map(|each| match each {
                Allowed::Table(_) => Entries::Tables,
                _ => Entries::Values,
            });
            let keys = match entries {
                Some(_) => &[][..],
                None => &section.keys[..],
            };
            put(&mut all, file, section.name.to_owned(), keys, entries, false);
            if let Some(Allowed::Table(keys)) = &section.open {
                put(&mut all, file, format!("{}.*", section.name), keys, None, true);
            }
        }
        for (path, section) in [
            ("mailbox.account", AccountKeys::section()),
            ("mailbox.auth", SignInKeys::section()),
        ] {
            put(&mut all, FileKind::Endpoint, path.to_owned(), &section.keys, None, true);
        }
        for (file, path) in [(FileKind::Shared, "accounts"), (FileKind::Endpoint, "reply.languages")] {
            put(&mut all, file, path.to_owned(), &[], Some(Entries::Tables), false);
        }
        // A table with a header of its own is a key of the one around it.
        let inner: Vec<_> = sections().map(|section| (FileKind::Endpoint, section.name)).collect();
        let shared = of_mailjob_toml().map(|section| (FileKind::Shared, section.name));
        let named = [(FileKind::Shared, "accounts"), (FileKind::Endpoint, "reply.languages")];
        for (file, path) in inner.into_iter().chain(shared).chain(named) {
            let (outer, name) = path.rsplit_once('.').unwrap_or(("", path));
            let outer = all.iter_mut().find(|home| home.file == file && home.path == outer);
            if let Some(home) = outer.filter(|home| !name.is_empty() && name != "*" && !home.has(name)) {
                home.keys.push((name, Allowed::Elsewhere));
            }
        }
        all
    });
    &ALL
}

fn put(all: &mut Vec<KeyTable>, file: FileKind, path: String, keys: &[Key], entries: Option<Entries>, is_value: bool) {
    for key in keys {
        let inner = within(&key.allowed);
        if !inner.is_empty() {
            put(all, file, path_of(&path, key.name), &inner, None, true);
        }
    }
    let keys = keys.iter().map(|key| (key.name, key.allowed.clone())).collect();
    all.push(KeyTable {
        file,
        path,
        keys,
        entries,
        is_value,
    });
}

/// The keys of a value that may be a table.
fn within(allowed: &Allowed) -> Vec<Key> {
    match allowed {
        Allowed::Table(keys) => keys.clone(),
        Allowed::Either(several) => several.iter().flat_map(within).collect(),
        _ => Vec::new(),
    }
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

    pub(super) fn at(file: FileKind, path: &str) -> Option<&'static Self> {
        homes().iter().find(|home| home.file == file && is_at(&home.path, path))
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
        (Allowed::Table(keys), DeValue::Table(table)) => table
            .keys()
            .all(|name| keys.iter().any(|key| key.name == name.get_ref())),
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
