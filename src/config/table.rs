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
    meant::{OF_ENDPOINTS, OF_SHARED, home, nearest, synonym},
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

    /// Notes that a key isn't there.
    pub(super) fn lacks_key(&self, key: &str, cure: &str) {
        self.lacks(format!("`{}` is missing", self.path_of(key)), cure);
    }

    /// Notes that something isn't there.
    pub(super) fn lacks(&self, cause: impl AsRef<str>, cure: impl AsRef<str>) {
        self.sheet.note(self.key.as_ref(), Fault::new(cause, cure));
    }

    /// Every entry, for tables whose keys are the operator's own: none of them is unknown.
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
        own.chain(below).collect()
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
        for name in self.table.keys().filter(is_unknown) {
            self.unknown(self.sheet, &self.path_of(name.get_ref()), name);
        }
        if let Some(below) = &self.below {
            for name in below.table.keys().filter(is_unknown) {
                self.unknown(below.sheet, &below.path_of(name.get_ref()), name);
            }
        }
        value
    }

    fn unknown(&self, sheet: &Sheet<'_>, path: &str, name: &Spanned<Cow<'_, str>>) {
        let cause = format!("unknown key `{path}`");
        if let Some(file) = self.other_file(name.get_ref()) {
            sheet.note(Some(&name.span()), Fault::new(cause, file));
            return;
        }
        let meant =
            synonym(name.get_ref(), &self.asked).or_else(|| nearest(name.get_ref(), self.asked.iter().copied()));
        let cure = match (meant, home(name.get_ref())) {
            (Some(known), _) => format!("did you mean `{known}`?"),
            (None, Some(table)) if self.path.is_empty() => {
                format!("it belongs into [{table}]")
            }
            (None, _) if self.asked.is_empty() => "remove it; this table has no keys".to_owned(),
            (None, _) => format!("remove it; known here: {}", self.asked.join(", ")),
        };
        sheet.note(Some(&name.span()), Fault::new(cause, cure));
    }

    /// Where a table stands that is written in the wrong one of the two kinds of files.
    fn other_file(&self, name: &str) -> Option<String> {
        if !self.path.is_empty() {
            return None;
        }
        if self.asked.contains(&"mailbox") && OF_SHARED.contains(&name) {
            return Some(format!("it belongs into mailjob.toml, as [{name}]"));
        }
        (self.asked.contains(&"accounts") && OF_ENDPOINTS.contains(&name))
            .then(|| format!("it belongs into the file of an endpoint, such as endpoints.d/orders.toml, as [{name}]"))
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
        match self.raw {
            DeValue::Table(table) => {
                let own = Table::new(self.sheet, self.path, Some(self.key), table);
                own.over(self.below).finish(read)
            }
            other => {
                let cure = format!("write it as a table: [{}]", self.path);
                self.wrong(format!("is {}, not a table", kind(other)), cure)
            }
        }
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

fn path_of(table: &str, key: &str) -> String {
    if table.is_empty() {
        key.to_owned()
    } else {
        format!("{table}.{key}")
    }
}
