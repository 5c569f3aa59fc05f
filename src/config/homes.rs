//! All tables that keys of ours stand in, by what is declared of them. Pure.

use std::sync::LazyLock;

use super::{
    Action,
    key::{Allowed, Key},
    key_table::{Entries, FileKind, KeyTable, KnownKeys, path_of},
    reference::{is_known, sections},
};

/// Tables of tables to which people give names.
const NAMED: [(FileKind, &str); 2] = [(FileKind::Shared, "accounts"), (FileKind::Endpoint, "reply.languages")];

/// All tables of both files.
pub(super) fn known_keys() -> &'static KnownKeys {
    static ALL: LazyLock<KnownKeys> = LazyLock::new(|| {
        let mut all = Vec::new();
        let of = |file| sections(file).map(move |section| (file, section));
        for (file, section) in of(FileKind::Endpoint).chain(of(FileKind::Shared)) {
            let entries = section.open.as_ref().map(|each| match each {
                Allowed::Table(_) => Entries::Tables,
                _ => Entries::Values,
            });
            let keys = match entries {
                Some(_) => &[][..],
                None => &section.keys[..],
            };
            put(&mut all, file, section.name.to_owned(), keys, entries, false);
            if let Some(Allowed::Table(inner)) = &section.open {
                put(&mut all, file, format!("{}.*", section.name), &inner.keys, None, true);
            }
        }
        for (file, path) in NAMED {
            put(&mut all, file, path.to_owned(), &[], Some(Entries::Tables), false);
        }
        // A table with a header of its own is a key of the one around it.
        let tables = of(FileKind::Endpoint).chain(of(FileKind::Shared));
        for (file, path) in tables.map(|(file, section)| (file, section.name)).chain(NAMED) {
            let (outer, name) = path.rsplit_once('.').unwrap_or(("", path));
            let outer = all.iter_mut().find(|home| home.file == file && home.path == outer);
            if let Some(home) = outer.filter(|home| !name.is_empty() && name != "*" && !home.has(name)) {
                home.keys.push((name, Allowed::Elsewhere));
            }
        }
        KnownKeys {
            tables: all,
            actions: Action::KINDS.iter().map(|kind| kind.name).collect(),
            is_known,
        }
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
        Allowed::Table(inner) => inner.keys.clone(),
        Allowed::Either(several) => several.iter().flat_map(within).collect(),
        _ => Vec::new(),
    }
}
