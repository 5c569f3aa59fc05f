//! Every key of an endpoint file in one place: what it is, its limits, its default, and what it is for. The JSON Schema for editors
//! and the commented reference `endpoints.d/reference.toml.example` are made from it, and tests hold it against what `check`
//! reads: keys, defaults and limits.

mod action;
mod inputs;
mod mailbox;
mod reply;
mod schema;
mod senders;
#[cfg(test)]
mod tests;
mod text;

pub(super) use action::{COMMAND, WEBHOOK};
pub use schema::schema;
pub use text::reference;

use super::Action;

/// A table of an endpoint file.
#[derive(Debug)]
pub(super) struct Section {
    /// E.g. `webhook.headers`; nothing for the top of the file. A last part `*` is any name.
    pub(super) name: &'static str,
    /// Lines that stand above it.
    about: &'static str,
    /// Whether the reference leaves it out: it has no use without a wish, or excludes another one.
    pub(super) off: bool,
    /// Its keys in their order.
    pub(super) keys: &'static [Key],
    /// What its entries are, where their names are the operator's own.
    pub(super) open: Option<&'static Shape>,
}

/// A key of a table.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    shape: Shape,
    given: Given,
    /// What it is for. The limits of its shape are said after it.
    about: &'static str,
    /// A paragraph that stands above it.
    above: &'static str,
    /// Its default where the mailbox is read by POP3, if that is another one; empty where it has no use there.
    by_pop3: Option<&'static str>,
    /// Keys that exclude it.
    unless: &'static [&'static str],
}

/// What the reference shows of a key, as TOML.
#[derive(Debug, Clone, Copy)]
enum Given {
    /// It must be written: an example.
    Must(&'static str),
    /// Its default.
    Usual(&'static str),
    /// It has no default, or excludes another key: examples, each with what is said of it alone.
    Never(&'static [(&'static str, &'static str)]),
    /// It must be written, and may be in several ways: the first one stands, the others are shown beside it.
    OneOf(&'static str, &'static [(&'static str, &'static str)]),
}

/// What a value may be.
#[derive(Debug)]
pub(super) enum Shape {
    /// Text on one line, one character at least.
    Text,
    /// Text of any length.
    Prose,
    /// true or false.
    Flag,
    /// A whole number.
    Count(i64, i64),
    /// Text with a unit of time.
    Duration(&'static str, &'static str),
    /// Text with a unit of bytes.
    Size(&'static str, &'static str),
    /// A whole number, or -1 for all of them.
    CountOrAll(i64, i64),
    /// How often in a time, or false.
    Rate,
    /// Any plain value.
    Plain,
    /// One of these words.
    Word(&'static [&'static str]),
    /// The place of a secret.
    Secret,
    /// A list that may be empty, of so many at most.
    List(&'static Shape, usize),
    /// One, or a list of one at least.
    OneOrMore(&'static Shape),
    /// One of several.
    Either(&'static [Shape]),
    /// A table with these keys.
    Table(&'static [Key]),
    /// A table that is described elsewhere.
    Elsewhere,
}

impl Section {
    pub(super) const fn new(name: &'static str, about: &'static str, keys: &'static [Key]) -> Self {
        Self {
            name,
            about,
            off: false,
            keys,
            open: None,
        }
    }

    /// The same, left out where it isn't wished for.
    pub(super) const fn off(self) -> Self {
        Self { off: true, ..self }
    }

    /// The same with names that are the operator's own, its keys being examples.
    const fn open(self, each: &'static Shape) -> Self {
        let open = Some(each);
        Self { open, ..self }
    }

    /// Whether its defaults count although it is not written: all but `[reply]`, without which nobody is answered.
    pub(super) fn stands(&self) -> bool {
        self.name != "reply"
    }
}

impl Key {
    const fn new(name: &'static str, shape: Shape, given: Given, about: &'static str) -> Self {
        Self {
            name,
            shape,
            given,
            about,
            above: "",
            by_pop3: None,
            unless: &[],
        }
    }

    const fn must(name: &'static str, shape: Shape, example: &'static str, about: &'static str) -> Self {
        Self::new(name, shape, Given::Must(example), about)
    }

    const fn usual(name: &'static str, shape: Shape, usual: &'static str, about: &'static str) -> Self {
        Self::new(name, shape, Given::Usual(usual), about)
    }

    const fn never(name: &'static str, shape: Shape, shown: &'static [(&'static str, &'static str)]) -> Self {
        Self::new(name, shape, Given::Never(shown), "")
    }

    /// The same with a paragraph above it.
    const fn below(self, above: &'static str) -> Self {
        Self { above, ..self }
    }

    /// The same with another default by POP3.
    const fn by_pop3(self, usual: &'static str) -> Self {
        let by_pop3 = Some(usual);
        Self { by_pop3, ..self }
    }

    /// The same where it has no use beside others.
    const fn unless(self, unless: &'static [&'static str]) -> Self {
        Self { unless, ..self }
    }

    /// What stands for it when nothing is written, if anything.
    pub(super) fn usual_value(&self, pop3: bool, written: impl Fn(&str) -> bool) -> Option<&'static str> {
        let usual = match (self.by_pop3, self.given) {
            (Some(usual), _) if pop3 => usual,
            (_, Given::Usual(usual)) => usual,
            (_, Given::Must(_) | Given::Never(_) | Given::OneOf(..)) => return None,
        };
        let excluded = || self.unless.iter().any(|other| written(other));
        (!usual.is_empty() && !excluded()).then_some(usual)
    }
}

/// All tables in the order of the reference.
pub(super) fn sections() -> impl Iterator<Item = &'static Section> {
    let before = [mailbox::SECTIONS, senders::SECTIONS, inputs::SECTIONS];
    let actions = Action::KINDS.iter().map(|kind| kind.sections);
    let after = [action::SECTIONS, reply::SECTIONS];
    before.into_iter().chain(actions).chain(after).flatten()
}

/// Whether this is a key of ours, with the tables around it, in a table whose names are not the operator's own.
pub(super) fn is_known(path: &str) -> bool {
    let (table, key) = path.rsplit_once('.').unwrap_or(("", path));
    sections().any(|section| {
        section.name == table && section.open.is_none() && section.keys.iter().any(|known| known.name == key)
    })
}
