//! What to write where a key stands in a table that doesn't have it. Pure.

use toml::de::{DeTable, DeValue};

use super::{
    key::Allowed,
    key_table::{Entries, FileKind, KeyTable, KnownKeys, is_at, outer, path_of},
};

/// A key, where it is written, and what is written there.
pub(super) struct MisplacedKey<'a> {
    pub(super) file: FileKind,
    /// The table, by its path in a file of its kind.
    pub(super) path: &'a str,
    pub(super) name: &'a str,
    pub(super) raw: &'a DeValue<'a>,
    /// The whole file.
    pub(super) root: &'a DeTable<'a>,
    /// What stands in front of each path: `defaults.`, or nothing.
    pub(super) prefix: &'a str,
    /// The keys that there are.
    pub(super) known: &'a KnownKeys,
}

/// A table that a key may be meant for, as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Target {
    file: FileKind,
    path: String,
}

impl MisplacedKey<'_> {
    /// What to do about a key that its table doesn't have, if another one has it.
    pub(super) fn cure(&self) -> Option<String> {
        // Of tables that have such a key, those are meant in which what is written would be right.
        for is_strict in [true, false] {
            if let Some(above) = self.above(is_strict) {
                return Some(above);
            }
            let targets = self.targets(is_strict);
            if !targets.is_empty() {
                return Some(self.written(&targets));
            }
        }
        None
    }

    /// What to do about an entry whose name is its writer's own, where a key of ours is meant.
    pub(super) fn entry_cure(&self) -> Option<String> {
        let home = self.known.at(self.file, self.path)?;
        let inner = path_of(self.path, "NAME");
        match home.entries? {
            Entries::Values => {
                let is_of_parent = self
                    .known
                    .at(self.file, outer(self.path))
                    .is_some_and(|parent| parent.has(self.name));
                let is_value = match self.raw {
                    DeValue::String(_) => true,
                    DeValue::Table(table) => ["file", "env"].iter().any(|key| table.contains_key(*key)),
                    _ => false,
                };
                let cure = self.cure().filter(|_| is_of_parent || !is_value)?;
                Some(match (is_of_parent && is_value, self.path) {
                    (true, "webhook.headers") => {
                        format!("{cure}; a field of that name is written {}", capital(self.name))
                    }
                    (true, _) => format!(
                        "{cure}; a variable of that name can be set by argv = [\"/usr/bin/env\", \"{}=…\", …]",
                        self.name
                    ),
                    (false, _) => cure,
                })
            }
            Entries::Tables => {
                let of_entry = self.known.at(self.file, &inner)?;
                match self.raw {
                    DeValue::Table(table) => {
                        let is_own = table.keys().any(|key| of_entry.has(key.get_ref()));
                        let is_key = of_entry.has(self.name) && !table.is_empty() && !is_own;
                        is_key.then(|| self.written(&[self.at(inner)]))
                    }
                    raw if of_entry.takes(self.name, raw) => Some(self.written(&[self.at(inner)])),
                    _ => self.cure(),
                }
            }
        }
    }

    fn at(&self, path: String) -> Target {
        Target { file: self.file, path }
    }

    /// Where a table around it has the key: it stands behind the header of another.
    fn above(&self, is_strict: bool) -> Option<String> {
        let mut below = self.path;
        while !below.is_empty() {
            let path = outer(below);
            if self
                .known
                .at(self.file, path)
                .is_some_and(|home| self.suits(home, is_strict))
            {
                let (prefix, name) = (self.prefix, self.name);
                return Some(match (path, self.raw) {
                    ("", DeValue::Table(_)) => format!("write it as [{prefix}{name}]"),
                    ("", _) if prefix.is_empty() => {
                        "it is a key of the file itself: move it above the first table".to_owned()
                    }
                    ("", _) => format!("it is a key of [{}]: write it under that", prefix.trim_end_matches('.')),
                    (_, DeValue::Table(_)) => {
                        format!("it is a key of [{prefix}{path}]: write it as [{prefix}{path}.{name}]")
                    }
                    _ => format!("it is a key of [{prefix}{path}]: move it above [{prefix}{below}]"),
                });
            }
            below = path;
        }
        None
    }

    /// Whether a table has such a key, for such a value: a table with a header of its own is no plain value.
    fn suits(&self, home: &KeyTable, is_strict: bool) -> bool {
        match is_strict {
            true => home.takes(self.name, self.raw),
            false => {
                let is_plain = |allowed: &Allowed| !matches!(allowed, Allowed::Elsewhere);
                !matches!(self.raw, DeValue::Table(_))
                    && home
                        .keys
                        .iter()
                        .any(|(key, allowed)| *key == self.name && is_plain(allowed))
            }
        }
    }

    /// The tables that it may be meant for, the likeliest kind of them alone.
    fn targets(&self, is_strict: bool) -> Vec<Target> {
        let is_here = |home: &KeyTable| home.file == self.file && is_at(&home.path, self.path);
        let has = |home: &&KeyTable| self.suits(home, is_strict) && !is_here(home);
        let of_file = |same: bool| {
            self.known
                .tables
                .iter()
                .filter(move |home| (home.file == self.file) == same)
        };
        let is_child = |home: &&KeyTable| !home.path.is_empty() && is_at(outer(&home.path), self.path);
        let rounds: [Vec<&KeyTable>; 3] = [
            of_file(true).filter(has).filter(is_child).collect(),
            of_file(true).filter(has).filter(|home| !home.is_value).collect(),
            of_file(false)
                .filter(has)
                .filter(|home| is_strict && !home.is_value)
                .collect(),
        ];
        let found = rounds.into_iter().map(|round| self.likely(&round));
        found
            .into_iter()
            .find(|targets| !targets.is_empty())
            .unwrap_or_default()
    }

    /// Those of these homes that can be meant, by what else the file says.
    fn likely(&self, homes: &[&KeyTable]) -> Vec<Target> {
        let mut targets: Vec<_> = homes.iter().map(|home| self.concrete(home)).collect();
        targets.retain(|target| !self.is_other_action(target));
        let written: Vec<_> = targets
            .iter()
            .filter(|target| self.is_written(target))
            .cloned()
            .collect();
        let mut left = if written.is_empty() { targets } else { written };
        // What one table has, a table in it has for a narrower end.
        let all = left.clone();
        let is_within = |one: &Target, other: &Target| {
            one.path
                .strip_prefix(&other.path)
                .is_some_and(|rest| rest.starts_with('.'))
        };
        left.retain(|target| !all.iter().any(|other| is_within(target, other)));
        left.dedup();
        left
    }

    /// A home by the names that this file has for it.
    fn concrete(&self, home: &KeyTable) -> Target {
        let named = match self
            .root
            .get("mailbox")
            .and_then(|mailbox| mailbox.get_ref().get("account"))
            .map(|account| account.get_ref())
        {
            Some(DeValue::String(name)) => Some(name.as_ref()),
            _ => None,
        };
        if let (FileKind::Endpoint, Some(rest), Some(account)) =
            (home.file, home.path.strip_prefix("mailbox.account"), named)
        {
            let path = format!("accounts.{account}{rest}");
            return Target {
                file: FileKind::Shared,
                path,
            };
        }
        let around = self.path.split('.').map(Some).chain(std::iter::repeat(None));
        let mut shared = true;
        let parts = home.path.split('.').zip(around).map(|(part, here)| {
            let name = match (part, here) {
                ("*", Some(here)) if shared && self.file == home.file => here,
                ("*", _) => match (home.path.starts_with("accounts."), named) {
                    (true, Some(account)) => account,
                    _ => "NAME",
                },
                _ => part,
            };
            shared = shared && here == Some(name);
            name
        });
        let path = parts.collect::<Vec<_>>().join(".");
        Target { file: home.file, path }
    }

    fn is_written(&self, target: &Target) -> bool {
        let first = target.path.split('.').next().unwrap_or_default();
        target.file == self.file && self.root.contains_key(first)
    }

    /// Whether it is the table of an action that the endpoint does not have.
    fn is_other_action(&self, target: &Target) -> bool {
        let first = target.path.split('.').next().unwrap_or_default();
        let written = |name: &str| self.root.contains_key(name);
        let mut kinds = self.known.actions.iter().copied();
        self.file == target.file && kinds.clone().any(|name| name == first) && !written(first) && kinds.any(written)
    }

    /// What to write where a key has these homes.
    fn written(&self, targets: &[Target]) -> String {
        let name = match self.raw {
            DeValue::Table(_) => format!(".{}", self.name),
            _ => String::new(),
        };
        if let [
            Target {
                file: FileKind::Endpoint,
                path,
            },
        ] = targets
            && path.is_empty()
            && name.is_empty()
        {
            return "write it in the file of an endpoint, such as endpoints.d/orders.toml, above the first table"
                .to_owned();
        }
        let table = |target: &Target| format!("[{}{}{name}]", self.prefix, target.path).replace("[.", "[");
        let tables: Vec<_> = targets.iter().map(table).collect();
        let how = if name.is_empty() { "under" } else { "as" };
        let tables = tables.join(" or ");
        match targets.first().map(|target| target.file) {
            Some(FileKind::Shared) if self.file == FileKind::Endpoint => {
                let tables = tables.replace(&format!("[{}", self.prefix), "[");
                format!("write it in mailjob.toml, {how} {tables}")
            }
            Some(FileKind::Endpoint) if self.file == FileKind::Shared => {
                format!("write it in the file of an endpoint, such as endpoints.d/orders.toml, {how} {tables}")
            }
            _ => format!("write it {how} {tables}"),
        }
    }

    /// Whether it stands in the value of a key, where another key of that value is meant first, if what is written can be its.
    pub(super) fn is_in_value(&self, other: &str) -> bool {
        self.known
            .at(self.file, self.path)
            .is_some_and(|home| home.is_value && !self.path.ends_with("account") && home.takes(other, self.raw))
    }

    /// Where a table has the keys of one to which people give names: an account, an input, a language.
    pub(super) fn as_one_of(&self) -> Option<String> {
        let DeValue::Table(table) = self.raw else { return None };
        let fits = |home: &&KeyTable| {
            home.path.ends_with(".*") && !table.is_empty() && table.keys().all(|key| home.has(key.get_ref()))
        };
        let (same, other): (Vec<_>, Vec<_>) = self
            .known
            .tables
            .iter()
            .filter(fits)
            .partition(|home| home.file == self.file);
        let home = same.first().or(other.first())?;
        let target = Target {
            file: home.file,
            path: outer(&home.path).to_owned(),
        };
        Some(self.written(&[target]))
    }
}

/// A name as header fields are mostly written.
fn capital(name: &str) -> String {
    let part = |part: &str| {
        let mut letters = part.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    };
    name.split('_').map(part).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
#[path = "misplaced_tests.rs"]
mod tests;
