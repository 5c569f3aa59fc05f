//! Reads a table key by key. Pure.
//!
//! A table is asked for each key that it may have; what was never asked for is reported as unknown when the table is
//! done.

use std::{borrow::Cow, ops::Range};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    key_table::{FileKind, path_of},
    meant::{nearest, synonym},
    misplaced::MisplacedKey,
    problem::Fault,
    sheet::{Checked, DefaultsTable, PlacedValue, Sheet, kind},
};

/// A table while it is read.
pub(super) struct Table<'a> {
    sheet: &'a Sheet<'a>,
    pub(super) path: String,
    /// Where its name stands; the top table has none.
    key: Option<Range<usize>>,
    table: &'a DeTable<'a>,
    asked: Vec<&'static str>,
    /// Keys of before that mean nothing any more.
    former: Vec<&'static str>,
    /// Whether its keys are the operator's own.
    open: bool,
    /// Where what is not written here may stand.
    below: Option<DefaultsTable<'a>>,
}

impl<'a> Table<'a> {
    pub(super) fn new(sheet: &'a Sheet<'a>, path: String, key: Option<Range<usize>>, table: &'a DeTable<'a>) -> Self {
        Self {
            sheet,
            path,
            key,
            table,
            asked: Vec::new(),
            former: Vec::new(),
            open: false,
            below: None,
        }
    }

    /// The same table, where what it does not say may stand in another.
    pub(super) fn over(self, below: Option<DefaultsTable<'a>>) -> Self {
        Self { below, ..self }
    }

    /// The value of a key, unread; the key is known from now on. Where it is not written here, that of the defaults.
    pub(super) fn value(&mut self, key: &'static str) -> Option<PlacedValue<'a>> {
        self.own(key).or_else(|| {
            let below = self.below.as_ref()?;
            let (name, value) = below.table.get_key_value(key)?;
            Some(below.entry(name, value))
        })
    }

    /// The value of a key where it is written here: defaults alone do not count.
    pub(super) fn own(&mut self, key: &'static str) -> Option<PlacedValue<'a>> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        let (name, value) = self.table.get_key_value(key)?;
        Some(self.entry(name, value))
    }

    /// A key of before that means nothing any more: whoever still writes it is told so.
    pub(super) fn former(&mut self, key: &'static str, cause: &str, cure: &str) {
        if let Some(value) = self.value(key) {
            value.misnamed_because(cause, cure);
        }
        self.asked.retain(|asked| *asked != key);
        self.former.push(key);
    }

    /// The value of a key as `parse` reads it; absent when it is missing or wrong.
    pub(super) fn get<T>(&mut self, key: &'static str, parse: impl FnOnce(PlacedValue<'a>) -> Option<T>) -> Option<T> {
        self.value(key).and_then(parse)
    }

    /// The same with a default. A wrong value reads as the default too: its file has a problem and won't be used.
    pub(super) fn or<T>(
        &mut self,
        key: &'static str,
        default: T,
        parse: impl FnOnce(PlacedValue<'a>) -> Option<T>,
    ) -> T {
        self.get(key, parse).unwrap_or(default)
    }

    /// The same for a key that must be there; `cure` says what to write.
    pub(super) fn must<T>(
        &mut self,
        key: &'static str,
        cure: &str,
        parse: impl FnOnce(PlacedValue<'a>) -> Option<T>,
    ) -> Option<T> {
        if let Some(value) = self.value(key) {
            return parse(value);
        }
        self.lacks_key(key, cure);
        None
    }

    /// Whether a key is written, here or in the defaults.
    pub(super) fn has(&self, key: &str) -> bool {
        let below = self.below.as_ref().map(|below| below.table);
        self.table.contains_key(key) || below.is_some_and(|below| below.contains_key(key))
    }

    /// Notes that a key isn't there.
    pub(super) fn lacks_key(&self, key: &str, cure: &str) {
        self.lacks(format!("`{}` is missing", self.path_of(key)), cure);
    }

    /// Notes that something isn't there.
    pub(super) fn lacks(&self, cause: impl AsRef<str>, cure: impl AsRef<str>) {
        self.sheet.note(self.key.as_ref(), Fault::new(cause, cure));
    }

    /// Every entry, for tables whose keys are the operator's own: none of them is unknown. One that is a key of another table is told
    /// of, and is none of them.
    pub(super) fn entries(&mut self) -> Vec<(&'a str, PlacedValue<'a>)> {
        self.open = true;
        let table = self.table;
        let own = table
            .iter()
            .map(|(name, value)| (name.get_ref().as_ref(), self.entry(name, value)));
        let below = self.below.iter().flat_map(|below| {
            let missing = below
                .table
                .iter()
                .filter(|(name, _)| !table.contains_key(name.get_ref().as_ref()));
            missing.map(|(name, value)| (name.get_ref().as_ref(), below.entry(name, value)))
        });
        let is_entry = |(name, value): &(&'a str, PlacedValue<'a>)| {
            let cure = stray(value.sheet, &value.path, name, value.raw, |stray| stray.entry_cure());
            let fault = cure.map(|cure| Fault::new(format!("unknown key `{}`", value.path), cure));
            fault.map(|fault| value.misnamed(fault)).is_none()
        };
        own.chain(below).filter(is_entry).collect()
    }

    /// Reads something on its own: what is wrong with it is nobody else's fault.
    pub(super) fn apart<T>(&self, read: impl FnOnce() -> Option<T>) -> Checked<T> {
        self.sheet.apart(read)
    }

    /// Reads the table, then reports the keys that were never asked for.
    pub(super) fn finish<T>(mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let value = read(&mut self);
        if self.open {
            return value;
        }
        let known: Vec<_> = self.asked.iter().chain(&self.former).copied().collect();
        let is_unknown = |name: &&Spanned<Cow<'_, str>>| !known.contains(&name.get_ref().as_ref());
        for (name, value) in self.table.iter().filter(|(name, _)| is_unknown(name)) {
            self.unknown(self.sheet, &self.path_of(name.get_ref()), name, value.get_ref());
        }
        if let Some(below) = &self.below {
            for (name, value) in below.table.iter().filter(|(name, _)| is_unknown(name)) {
                self.unknown(below.sheet, &below.path_of(name.get_ref()), name, value.get_ref());
            }
        }
        value
    }

    fn unknown(&self, sheet: &Sheet<'_>, path: &str, name: &Spanned<Cow<'_, str>>, raw: &DeValue<'_>) {
        let cause = format!("unknown key `{path}`");
        let other = synonym(name.get_ref(), &self.asked);
        let home = stray(sheet, path, name.get_ref(), raw, |stray| stray.cure());
        let meant = other.or_else(|| nearest(name.get_ref(), self.asked.iter().copied()));
        let one_of = || stray(sheet, path, name.get_ref(), raw, |stray| stray.as_one_of());
        let is_in_value = |other: &str| {
            let is = |stray: &MisplacedKey<'_>| stray.is_in_value(other).then(String::new);
            stray(sheet, path, name.get_ref(), raw, is).is_some()
        };
        let cure = match (home, other, meant) {
            (Some(_), Some(other), _) if is_in_value(other) => format!("did you mean `{other}`?"),
            (Some(home), Some(other), _) if home.contains(&format!(".{other}]")) => home,
            (Some(home), Some(other), _) => format!("{home}, or did you mean `{other}`?"),
            (Some(home), None, _) => home,
            (None, _, Some(meant)) => format!("did you mean `{meant}`?"),
            (None, _, None) => one_of().unwrap_or_else(|| match self.asked.as_slice() {
                [] => "remove it; this table has no keys".to_owned(),
                known => format!("remove it; known here: {}", known.join(", ")),
            }),
        };
        sheet.note(Some(&name.span()), Fault::new(cause, cure));
    }

    fn entry(&self, name: &Spanned<Cow<'a, str>>, value: &'a Spanned<DeValue<'a>>) -> PlacedValue<'a> {
        PlacedValue {
            below: self.below.as_ref().and_then(|below| below.inner(name.get_ref())),
            ..entry(self.sheet, self.path_of(name.get_ref()), name, value)
        }
    }

    fn path_of(&self, key: &str) -> String {
        path_of(&self.path, key)
    }
}

impl<'a> PlacedValue<'a> {
    /// Reads a table, then reports the keys that it should not have.
    pub(super) fn table<T>(self, read: impl FnOnce(&mut Table<'a>) -> Option<T>) -> Option<T> {
        match self.read_table() {
            Some(table) => table.finish(read),
            None => {
                let cure = format!("write it as a table: [{}]", self.path);
                self.wrong(format!("is {}, not a table", kind(self.raw)), cure)
            }
        }
    }

    /// A table that was read: for what its keys mean beside others.
    pub(super) fn read_table(&self) -> Option<Table<'a>> {
        let DeValue::Table(table) = self.raw else {
            return None;
        };
        let own = Table::new(self.sheet, self.path.clone(), Some(self.key.clone()), table);
        Some(own.over(self.below.clone()))
    }
}

impl<'a> DefaultsTable<'a> {
    fn entry(&self, name: &Spanned<Cow<'a, str>>, value: &'a Spanned<DeValue<'a>>) -> PlacedValue<'a> {
        entry(self.sheet, self.path_of(name.get_ref()), name, value)
    }

    fn path_of(&self, key: &str) -> String {
        path_of(&self.path, key)
    }

    /// The table of this name in it.
    fn inner(&self, key: &str) -> Option<Self> {
        match self.table.get(key)?.get_ref() {
            DeValue::Table(table) => Some(Self {
                sheet: self.sheet,
                path: self.path_of(key),
                table,
            }),
            _ => None,
        }
    }
}

/// What to do about a key that may be at home in another table; `path` is its own.
fn stray(
    sheet: &Sheet<'_>,
    path: &str,
    name: &str,
    raw: &DeValue<'_>,
    cure: impl FnOnce(&MisplacedKey<'_>) -> Option<String>,
) -> Option<String> {
    let table = path.strip_suffix(name).unwrap_or_default().trim_end_matches('.');
    // What stands in [defaults] has the tables of an endpoint.
    let (prefix, table) = match (sheet.kind, table.strip_prefix("defaults")) {
        (FileKind::Endpoint, Some(rest)) => ("defaults.", rest.trim_start_matches('.')),
        _ => ("", table),
    };
    cure(&MisplacedKey {
        file: sheet.kind,
        path: table,
        name,
        raw,
        root: sheet.root,
        prefix,
        known: sheet.known,
    })
}

fn entry<'a>(
    sheet: &'a Sheet<'a>,
    path: String,
    name: &Spanned<Cow<'a, str>>,
    value: &'a Spanned<DeValue<'a>>,
) -> PlacedValue<'a> {
    PlacedValue {
        sheet,
        path,
        key: name.span(),
        span: value.span(),
        raw: value.get_ref(),
        below: None,
    }
}
