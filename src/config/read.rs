//! Reads TOML key by key and notes every fault at its place, where serde would stop at the first. Pure.
//!
//! A table is asked for each key that it may have; what was never asked for is reported as unknown when the table is
//! done. A value that can't be used is noted and reads as absent, so that reading goes on.

use std::{borrow::Cow, cell::RefCell, ops::Range, path::Path};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    place::Place,
    presence::Need,
    problem::{Fault, Problem},
};

/// Problems of one file that are told; who has more has the wrong file.
const MOST: usize = 100;

/// What reading came to. The value counts only when there are no problems and all needs are met.
#[derive(Debug)]
pub(super) struct Part<T> {
    pub(super) value: Option<T>,
    pub(super) problems: Vec<Problem>,
    /// What must be there on this machine, for someone who may look.
    pub(super) needs: Vec<(Place, Need)>,
}

impl<T> Part<T> {
    /// A value that is right by itself.
    pub(super) fn of(value: T) -> Self {
        Self {
            value: Some(value),
            problems: Vec::new(),
            needs: Vec::new(),
        }
    }
}

/// A file while it is read.
pub(super) struct Sheet<'a> {
    pub(super) file: &'a Path,
    text: &'a str,
    /// Lines that are not TOML; what else is odd there is their doing.
    torn: Vec<usize>,
    notes: RefCell<Vec<Problem>>,
    needs: RefCell<Vec<(Place, Need)>>,
}

/// Reads a whole file; `read` gets its top table.
pub(super) fn read<T>(file: &Path, text: &str, read: impl FnOnce(&mut Table<'_>) -> Option<T>) -> Part<T> {
    let (root, errors) = DeTable::parse_recoverable(text);
    let mut sheet = Sheet {
        file,
        text,
        torn: Vec::new(),
        notes: RefCell::default(),
        needs: RefCell::default(),
    };
    for error in errors.iter().take(MOST) {
        let place = Place::of(text, &error.span().unwrap_or_default());
        sheet.torn.push(place.line);
        let fault = Fault::new(
            format!("not TOML: {}", error.message()),
            "see https://toml.io for how to write it",
        );
        sheet.notes.get_mut().push(Problem::at(file, place, fault));
    }
    let value = Table::new(&sheet, String::new(), None, root.get_ref()).finish(read);
    let mut problems = sheet.notes.into_inner();
    problems.sort();
    Part {
        value,
        problems,
        needs: sheet.needs.into_inner(),
    }
}

impl Sheet<'_> {
    fn note(&self, span: Option<&Range<usize>>, fault: Fault) {
        let place = span.map_or(Place::START, |span| Place::of(self.text, span));
        self.note_at(place, fault);
    }

    fn note_at(&self, place: Place, fault: Fault) {
        let mut notes = self.notes.borrow_mut();
        if notes.len() < MOST && !self.torn.contains(&place.line) {
            notes.push(Problem::at(self.file, place, fault));
        }
    }
}

/// A value and where it stands.
#[derive(Clone)]
pub(super) struct Value<'a> {
    sheet: &'a Sheet<'a>,
    /// With the tables around it, e.g. `webhook.url`.
    pub(super) path: String,
    key: Range<usize>,
    span: Range<usize>,
    pub(super) raw: &'a DeValue<'a>,
}

impl<'a> Value<'a> {
    /// Notes a fault of this value, which so reads as absent.
    pub(super) fn wrong<T>(&self, cause: impl AsRef<str>, cure: impl AsRef<str>) -> Option<T> {
        let fault = Fault::new(format!("`{}` {}", self.path, cause.as_ref()), cure);
        self.sheet.note(Some(&self.span), fault);
        None
    }

    /// The same for a value that must not be shown.
    pub(super) fn wrong_secret<T>(&self, cause: impl AsRef<str>, cure: impl AsRef<str>) -> Option<T> {
        let fault = Fault::new(format!("`{}` {}", self.path, cause.as_ref()), cure);
        let place = Place::of(self.sheet.text, &self.span).blind();
        self.sheet.note_at(place, fault);
        None
    }

    /// Notes a fault of this value's key.
    pub(super) fn misnamed(&self, fault: Fault) {
        self.sheet.note(Some(&self.key), fault);
    }

    /// Notes why this value can't be called what it would be called.
    pub(super) fn misnamed_because(&self, cause: &str, cure: &str) {
        self.misnamed(Fault::new(format!("`{}` {cause}", self.path), cure));
    }

    /// Notes what must be there on this machine.
    pub(super) fn need(&self, need: Need) {
        let place = Place::of(self.sheet.text, &self.span);
        self.sheet.needs.borrow_mut().push((place, need));
    }

    /// The folder that relative paths start from: that of the file.
    pub(super) fn folder(&self) -> &'a Path {
        self.sheet.file.parent().unwrap_or(Path::new(""))
    }

    /// Where the value's key stands.
    pub(super) fn place(&self) -> Place {
        Place::of(self.sheet.text, &self.key)
    }

    /// Reads a table, then reports the keys that it should not have.
    pub(super) fn table<T>(self, read: impl FnOnce(&mut Table<'a>) -> Option<T>) -> Option<T> {
        match self.raw {
            DeValue::Table(table) => Table::new(self.sheet, self.path, Some(self.key), table).finish(read),
            other => {
                let cure = format!("write it as a table: [{}]", self.path);
                self.wrong(format!("is {}, not a table", kind(other)), cure)
            }
        }
    }

    /// The values of an array; a single value counts as an array of one.
    pub(super) fn items(&self) -> Vec<Value<'a>> {
        let DeValue::Array(items) = self.raw else {
            return vec![self.clone()];
        };
        let item = |item: &'a Spanned<DeValue<'a>>| Value {
            span: item.span(),
            raw: item.get_ref(),
            ..self.clone()
        };
        items.iter().map(item).collect()
    }
}

/// A table while it is read.
pub(super) struct Table<'a> {
    sheet: &'a Sheet<'a>,
    pub(super) path: String,
    /// Where its name stands; the top table has none.
    key: Option<Range<usize>>,
    table: &'a DeTable<'a>,
    asked: Vec<&'static str>,
    /// Whether its keys are the operator's own.
    open: bool,
}

impl<'a> Table<'a> {
    fn new(sheet: &'a Sheet<'a>, path: String, key: Option<Range<usize>>, table: &'a DeTable<'a>) -> Self {
        Self {
            sheet,
            path,
            key,
            table,
            asked: Vec::new(),
            open: false,
        }
    }

    /// The value of a key, unread; the key is known from now on.
    pub(super) fn value(&mut self, key: &'static str) -> Option<Value<'a>> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        let (name, value) = self.table.get_key_value(key)?;
        Some(self.entry(name, value))
    }

    /// The value of a key as `parse` reads it; absent when it is missing or wrong.
    pub(super) fn get<T>(&mut self, key: &'static str, parse: impl FnOnce(Value<'a>) -> Option<T>) -> Option<T> {
        self.value(key).and_then(parse)
    }

    /// The same with a default. A wrong value reads as the default too: its file has a problem and won't be used.
    pub(super) fn or<T>(&mut self, key: &'static str, default: T, parse: impl FnOnce(Value<'a>) -> Option<T>) -> T {
        self.get(key, parse).unwrap_or(default)
    }

    /// The same for a key that must be there; `cure` says what to write.
    pub(super) fn must<T>(
        &mut self,
        key: &'static str,
        cure: &str,
        parse: impl FnOnce(Value<'a>) -> Option<T>,
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

    /// Notes that something isn't there. In a file with lines that could not be read it may well be in one of those.
    pub(super) fn lacks(&self, cause: impl AsRef<str>, cure: impl AsRef<str>) {
        if self.sheet.torn.is_empty() {
            self.sheet.note(self.key.as_ref(), Fault::new(cause, cure));
        }
    }

    /// Every entry, for tables whose keys are the operator's own: none of them is unknown.
    pub(super) fn entries(&mut self) -> Vec<(&'a str, Value<'a>)> {
        self.open = true;
        let table = self.table;
        table
            .iter()
            .map(|(name, value)| (name.get_ref().as_ref(), self.entry(name, value)))
            .collect()
    }

    /// Reads one entry on its own: what is wrong with it is nobody else's fault.
    pub(super) fn apart<T>(&self, value: Value<'a>, read: impl FnOnce(Value<'a>) -> Option<T>) -> Part<T> {
        let (notes, needs) = (self.sheet.notes.take(), self.sheet.needs.take());
        let value = read(value).filter(|_| self.sheet.torn.is_empty());
        let mut problems = self.sheet.notes.replace(notes);
        problems.sort();
        Part {
            value,
            problems,
            needs: self.sheet.needs.replace(needs),
        }
    }

    /// Reads the table, then reports the keys that were never asked for.
    fn finish<T>(mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let value = read(&mut self);
        for name in self.table.keys() {
            if !self.open && !self.asked.iter().any(|known| *known == name.get_ref()) {
                self.unknown(name);
            }
        }
        value
    }

    fn unknown(&self, name: &Spanned<Cow<'_, str>>) {
        let cause = format!("unknown key `{}`", self.path_of(name.get_ref()));
        let near = |known: &&&str| strsim::damerau_levenshtein(known, name.get_ref());
        let nearest = self
            .asked
            .iter()
            .min_by_key(near)
            .filter(|known| near(known) <= 2.max(known.len() / 3));
        let cure = nearest.map_or_else(
            || format!("remove it; known here: {}", self.asked.join(", ")),
            |known| format!("did you mean `{known}`?"),
        );
        self.sheet.note(Some(&name.span()), Fault::new(cause, cure));
    }

    fn entry(&self, name: &Spanned<Cow<'a, str>>, value: &'a Spanned<DeValue<'a>>) -> Value<'a> {
        Value {
            sheet: self.sheet,
            path: self.path_of(name.get_ref()),
            key: name.span(),
            span: value.span(),
            raw: value.get_ref(),
        }
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }
}

/// A value's type in words.
pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
