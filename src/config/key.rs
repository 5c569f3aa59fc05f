//! What there is to say of a table and its keys, for the reference, the JSON Schema and `mailjob show`. `declare` makes it.

use super::rule::Rule;

/// A table of a file.
#[derive(Debug, Clone)]
pub(super) struct Section {
    /// E.g. `webhook.headers`; nothing for the top of the file. A last part `*` is any name.
    pub(super) name: &'static str,
    /// Lines that stand above it.
    pub(super) about: &'static str,
    /// Whether the reference leaves it out: it has no use without a wish, or excludes another one.
    pub(super) off: bool,
    /// Its keys in their order.
    pub(super) keys: Vec<Key>,
    /// What its entries are, where their names are the operator's own.
    pub(super) open: Option<Allowed>,
    /// What its keys are to one another.
    pub(super) rules: Vec<Rule>,
    /// What the reference shows in its place: whole tables, of which each key is told where it stands first.
    pub(super) samples: &'static str,
}

/// A key of a table.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) allowed: Allowed,
    pub(super) given: KeyDefault,
    /// What it is for. Its limits are said after it.
    pub(super) about: &'static str,
    /// A paragraph that stands above it.
    pub(super) above: &'static str,
    /// Its default where the mailbox is read by POP3, if that is another one; empty where it has no use there.
    pub(super) by_pop3: Option<&'static str>,
    /// Whether it is a table that is described apart.
    apart: bool,
}

/// What the reference shows of a key, as TOML.
#[derive(Debug, Clone)]
pub(super) enum KeyDefault {
    /// It must be written: an example, and other ways to write it, each with what is said of it alone.
    Must(&'static str, Examples),
    /// Its default.
    Usual(String),
    /// It has no default, or excludes another key: examples.
    Never(Vec<(&'static str, &'static str)>),
}

/// Values with what is said of each alone.
pub(super) type Examples = &'static [(&'static str, &'static str)];

/// What a value may be.
#[derive(Debug, Clone)]
pub(super) enum Allowed {
    /// Text on one line, one character at least.
    Text,
    /// Text of any length.
    Prose,
    /// true or false.
    Flag,
    /// A whole number.
    Count(u64, u64),
    /// Text with a unit of time.
    Duration(String, String),
    /// Text with a unit of bytes.
    Size(String, String),
    /// A whole number, or -1 for all of them.
    CountOrAll(u64, u64),
    /// How often in a time, or false.
    Rate,
    /// Any plain value.
    Plain,
    /// One of these words.
    Word(Vec<&'static str>),
    /// The place of a secret.
    Secret,
    /// A list that may be empty, of so many at most.
    List(Box<Allowed>, usize),
    /// One, or a list of one at least.
    OneOrMore(Box<Allowed>),
    /// One of several.
    Either(Vec<Allowed>),
    /// A table with these keys.
    Table(InnerTable),
    /// A table that is described elsewhere.
    Elsewhere,
}

/// A table as the value of a key.
#[derive(Debug, Clone)]
pub(super) struct InnerTable {
    pub(super) keys: Vec<Key>,
    pub(super) rules: Vec<Rule>,
}

impl Allowed {
    /// A list that may be empty, of so many at most.
    pub(super) fn list(each: Self, most: usize) -> Self {
        Self::List(Box::new(each), most)
    }

    /// Text, or the place of a secret.
    pub(super) fn setting() -> Self {
        Self::Either(vec![Self::Prose, Self::Secret])
    }

    /// One, or a list of one at least.
    pub(super) fn one_or_more(each: Self) -> Self {
        Self::OneOrMore(Box::new(each))
    }

    /// A table that must have this one key.
    pub(super) fn only(key: &'static str, each: Self) -> Self {
        let rules = Vec::new();
        let keys = vec![Key::must(key, each, "\"…\"", "")];
        Self::Table(InnerTable { keys, rules })
    }
}

impl Section {
    pub(super) fn new(name: &'static str, about: &'static str, mut keys: Vec<Key>) -> Self {
        keys.retain(|key| !key.apart);
        Self {
            name,
            about,
            off: false,
            keys,
            open: None,
            rules: Vec::new(),
            samples: "",
        }
    }

    /// A table with names that are the operator's own; the reference shows these samples.
    pub(super) fn open(name: &'static str, about: &'static str, each: Allowed, samples: &'static str) -> Self {
        Self {
            off: true,
            open: Some(each),
            samples,
            ..Self::new(name, about, Vec::new())
        }
    }

    /// The same with the keys of another declaration.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.keys.extend(other.keys);
        self.rules.extend(other.rules);
        self
    }

    /// The same with what its keys are to one another.
    pub(super) fn ruled(mut self, rules: &[Rule]) -> Self {
        self.rules.extend(rules);
        self
    }

    /// It as the value of a key.
    pub(super) fn inner(self) -> InnerTable {
        let Self { keys, rules, .. } = self;
        InnerTable { keys, rules }
    }

    /// The same, left out where it isn't wished for.
    pub(super) fn off(self) -> Self {
        Self { off: true, ..self }
    }

    /// The same as whole tables in the reference, since what one key is depends on others.
    pub(super) fn shown_as(self, samples: &'static str) -> Self {
        Self { samples, ..self }
    }

    /// Whether its defaults count although it is not written: all but `[reply]`, without which nobody is answered.
    pub(super) fn stands(&self) -> bool {
        self.name != "reply"
    }
}

impl Key {
    pub(super) fn of(name: &'static str, allowed: Allowed, given: KeyDefault, about: &'static str) -> Self {
        Self {
            name,
            allowed,
            given,
            about,
            above: "",
            by_pop3: None,
            apart: false,
        }
    }

    pub(super) fn must(name: &'static str, allowed: Allowed, example: &'static str, about: &'static str) -> Self {
        Self::of(name, allowed, KeyDefault::Must(example, &[]), about)
    }

    /// The same with a paragraph above it.
    pub(super) fn below(self, above: &'static str) -> Self {
        Self { above, ..self }
    }

    /// The same with another default by POP3.
    pub(super) fn by_pop3(self, usual: &'static str) -> Self {
        let by_pop3 = Some(usual);
        Self { by_pop3, ..self }
    }

    /// The same as a table that is described apart.
    pub(super) fn apart(self) -> Self {
        Self { apart: true, ..self }
    }

    /// What stands for it when nothing is written, if anything.
    pub(super) fn usual_value(&self, pop3: bool) -> Option<&str> {
        let usual = match (self.by_pop3, &self.given) {
            (Some(usual), _) if pop3 => usual,
            (_, KeyDefault::Usual(usual)) => usual,
            (_, KeyDefault::Must(..) | KeyDefault::Never(_)) => return None,
        };
        Some(usual).filter(|usual| !usual.is_empty())
    }
}
