//! A file while it is read: its text, what is noted of it, and its values with their places. Pure.

use std::{
    cell::RefCell,
    ops::Range,
    path::{Path, PathBuf, absolute},
};

use toml::{
    Spanned,
    de::{DeString, DeTable, DeValue},
};

use super::{
    key_table::{FileKind, KnownKeys},
    place::Place,
    presence::Need,
    problem::{Fault, Problem},
};

/// Problems of one file that are told; who has more has the wrong file.
const MOST: usize = 100;

/// What reading came to. The value counts only when there are no problems and all needs are met.
#[derive(Debug, Clone)]
pub(super) struct Checked<T> {
    pub(super) value: Option<T>,
    pub(super) problems: Vec<Problem>,
    /// What must be there on this machine, for someone who may look.
    pub(super) needs: Vec<PlacedNeed>,
}

/// What must be there on this machine, and where that is said.
#[derive(Debug, Clone)]
pub(super) struct PlacedNeed {
    pub(super) file: PathBuf,
    pub(super) place: Place,
    pub(super) need: Need,
}

impl<T> Checked<T> {
    /// A file that could not be read.
    pub(super) fn unread(problem: Problem) -> Self {
        Self {
            value: None,
            problems: vec![problem],
            needs: Vec::new(),
        }
    }
}

/// A file while it is read.
pub(super) struct Sheet<'a> {
    file: &'a Path,
    text: &'a str,
    /// What kind of file its tables are of: those of the defaults are an endpoint's.
    pub(super) kind: FileKind,
    /// The keys that may be written in such files.
    pub(super) known: &'static KnownKeys,
    /// All of it.
    pub(super) root: &'a DeTable<'a>,
    /// Whether it is not TOML: what else is odd there may be the doing of that, and is told when it is mended.
    pub(super) is_torn: bool,
    notes: RefCell<Vec<Problem>>,
    needs: RefCell<Vec<PlacedNeed>>,
}

impl<'a> Sheet<'a> {
    pub(super) fn new(
        file: &'a Path,
        text: &'a str,
        (kind, known): (FileKind, &'static KnownKeys),
        root: &'a DeTable<'a>,
    ) -> Self {
        Self {
            file,
            text,
            kind,
            known,
            root,
            is_torn: false,
            notes: RefCell::default(),
            needs: RefCell::default(),
        }
    }

    pub(super) fn into_inner(self) -> (Vec<Problem>, Vec<PlacedNeed>) {
        (self.notes.into_inner(), self.needs.into_inner())
    }

    /// Notes a fault; one without a span is the whole file's.
    pub(super) fn note(&self, span: Option<&Range<usize>>, fault: Fault) {
        if self.notes.borrow().len() < MOST {
            let place = span.map_or(Place::START, |span| Place::of(self.text, span));
            self.note_at(place, fault);
        }
    }

    /// Reads something on its own: what is wrong with it is nobody else's fault. In a file that is not TOML there is nothing to rely on.
    pub(super) fn apart<T>(&self, read: impl FnOnce() -> Option<T>) -> Checked<T> {
        let (notes, needs) = (self.notes.take(), self.needs.take());
        let value = read().filter(|_| !self.is_torn);
        let mut problems = self.notes.replace(notes);
        problems.sort();
        Checked {
            value,
            problems,
            needs: self.needs.replace(needs),
        }
    }

    fn note_at(&self, place: Place, fault: Fault) {
        if !self.is_torn {
            self.notes.borrow_mut().push(Problem::at(self.file, place, fault));
        }
    }

    /// Notes what is wrong here only because something is wrong elsewhere.
    fn note_follower(&self, place: Place, fault: Fault) {
        if !self.is_torn {
            let follows = true;
            let problem = Problem::at(self.file, place, fault);
            self.notes.borrow_mut().push(Problem { follows, ..problem });
        }
    }
}

/// A value and where it stands.
#[derive(Clone)]
pub(super) struct PlacedValue<'a> {
    pub(super) sheet: &'a Sheet<'a>,
    /// With the tables around it, e.g. `webhook.url`.
    pub(super) path: String,
    pub(super) key: Range<usize>,
    pub(super) span: Range<usize>,
    pub(super) raw: &'a DeValue<'a>,
    /// The table of the same name among the defaults.
    pub(super) below: Option<DefaultsTable<'a>>,
}

/// A table of the defaults, beside the one in the file.
#[derive(Clone)]
pub(super) struct DefaultsTable<'a> {
    pub(super) sheet: &'a Sheet<'a>,
    pub(super) path: String,
    pub(super) table: &'a DeTable<'a>,
}

impl<'a> DefaultsTable<'a> {
    pub(super) fn new(sheet: &'a Sheet<'a>, table: &'a DeTable<'a>) -> Self {
        let path = "defaults".to_owned();
        Self { sheet, path, table }
    }
}

impl<'a> PlacedValue<'a> {
    /// Notes a fault of this value, which so reads as absent.
    pub(super) fn wrong<T>(&self, cause: impl AsRef<str>, cure: impl AsRef<str>) -> Option<T> {
        let fault = Fault::new(format!("`{}` {}", self.path, cause.as_ref()), cure);
        self.sheet.note(Some(&self.span), fault);
        None
    }

    /// The same where the fault is another's, and is told there.
    pub(super) fn wrong_because<T>(&self, cause: impl AsRef<str>, cure: impl AsRef<str>) -> Option<T> {
        let fault = Fault::new(format!("`{}` {}", self.path, cause.as_ref()), cure);
        self.sheet.note_follower(Place::of(self.sheet.text, &self.span), fault);
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
        let needed = PlacedNeed {
            file: self.sheet.file.to_owned(),
            place: Place::of(self.sheet.text, &self.span),
            need,
        };
        self.sheet.needs.borrow_mut().push(needed);
    }

    /// The folder that relative paths start from: that of the file.
    pub(super) fn folder(&self) -> &'a Path {
        self.sheet.file.parent().unwrap_or(Path::new(""))
    }

    /// The same from the root on, for what another process than ours looks for.
    pub(super) fn whole_folder(&self) -> PathBuf {
        let folder = self.folder();
        absolute(folder.join("x"))
            .ok()
            .and_then(|inside| inside.parent().map(Path::to_owned))
            .unwrap_or_else(|| folder.to_owned())
    }

    /// Where the value's key stands.
    pub(super) fn place(&self) -> Place {
        Place::of(self.sheet.text, &self.key)
    }

    /// The keys of a table, each with its line.
    pub(super) fn keys(&self) -> Vec<(usize, String)> {
        let DeValue::Table(table) = self.raw else {
            return Vec::new();
        };
        let key = |key: &Spanned<DeString<'_>>| {
            let line = Place::of(self.sheet.text, &key.span()).line;
            (line, key.get_ref().clone().into_owned())
        };
        table.keys().map(key).collect()
    }

    /// The values of an array; a single value counts as an array of one.
    pub(super) fn items(&self) -> Vec<PlacedValue<'a>> {
        let DeValue::Array(items) = self.raw else {
            return vec![self.clone()];
        };
        let item = |item: &'a Spanned<DeValue<'a>>| PlacedValue {
            span: item.span(),
            raw: item.get_ref(),
            below: None,
            ..self.clone()
        };
        items.iter().map(item).collect()
    }
}

/// A value's type in words.
pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
