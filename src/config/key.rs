//! A key of the configuration is declared once, on one line of [`keys!`], of which come its field, its reader, its default, and its place in
//! the reference, the JSON Schema and `mailjob show`. A line left out is a field that isn't there, so that nothing can be forgotten.
//!
//! Serde's derive does not do here: it ends at the first fault, where an operator is told all of them, each with its place, its limits and
//! what to write; and it knows nothing of examples and words. What TOML says is read by the crate `toml`, which keeps the places.

use super::{
    kind::{Described, Kind},
    table::Table,
};

/// A table of an endpoint file.
#[derive(Debug)]
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
}

/// A key of a table.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) allowed: Allowed,
    pub(super) given: Given,
    /// What it is for. Its limits are said after it.
    pub(super) about: &'static str,
    /// A paragraph that stands above it.
    pub(super) above: &'static str,
    /// Its default where the mailbox is read by POP3, if that is another one; empty where it has no use there.
    pub(super) by_pop3: Option<&'static str>,
    /// Keys that exclude it.
    pub(super) unless: &'static [&'static str],
}

/// What the reference shows of a key, as TOML.
#[derive(Debug, Clone)]
pub(super) enum Given {
    /// It must be written: an example, and other ways to write it, each with what is said of it alone.
    Must(&'static str, Examples),
    /// Its default.
    Usual(String),
    /// It has no default, or excludes another key: examples.
    Never(Examples),
}

/// Values with what is said of each alone.
type Examples = &'static [(&'static str, &'static str)];

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
    Table(Vec<Key>),
    /// A table that is described elsewhere.
    Elsewhere,
}

impl Allowed {
    /// A list that may be empty, of so many at most.
    pub(super) fn list(each: Self, most: usize) -> Self {
        Self::List(Box::new(each), most)
    }

    /// One, or a list of one at least.
    pub(super) fn one_or_more(each: Self) -> Self {
        Self::OneOrMore(Box::new(each))
    }

    /// A table that must have this one key.
    pub(super) fn only(key: &'static str, each: Self) -> Self {
        Self::Table(vec![Key::must(key, each, "\"…\"", "")])
    }

    /// A table of keys of which each may be left out.
    pub(super) fn any_of(keys: &[(&'static str, Self)]) -> Self {
        let key = |(name, allowed): &(&'static str, Self)| Key::of(name, allowed.clone(), Given::Never(&[]), "");
        Self::Table(keys.iter().map(key).collect())
    }
}

impl Section {
    pub(super) fn new(name: &'static str, about: &'static str, keys: Vec<Key>) -> Self {
        Self {
            name,
            about,
            off: false,
            keys,
            open: None,
        }
    }

    /// A table with names that are the operator's own; the reference shows these.
    pub(super) fn open(
        name: &'static str,
        about: &'static str,
        each: &Allowed,
        examples: &[[&'static str; 3]],
    ) -> Self {
        let key = |[name, value, about]: &[&'static str; 3]| {
            let given = Given::Usual((*value).to_owned());
            Key::of(name, each.clone(), given, about)
        };
        Self {
            off: true,
            open: Some(each.clone()),
            ..Self::new(name, about, examples.iter().map(key).collect())
        }
    }

    /// The same, left out where it isn't wished for.
    pub(super) fn off(self) -> Self {
        Self { off: true, ..self }
    }

    /// Whether its defaults count although it is not written: all but `[reply]`, without which nobody is answered.
    pub(super) fn stands(&self) -> bool {
        self.name != "reply"
    }
}

impl Key {
    pub(super) fn of(name: &'static str, allowed: Allowed, given: Given, about: &'static str) -> Self {
        Self {
            name,
            allowed,
            given,
            about,
            above: "",
            by_pop3: None,
            unless: &[],
        }
    }

    /// The key of a line of [`keys!`].
    pub(super) fn declared<K: Described>(
        name: &'static str,
        kind: &K,
        otherwise: &impl Shown<K>,
        about: &'static str,
    ) -> Self {
        Self::of(name, kind.allowed(), otherwise.given(kind), about)
    }

    pub(super) fn must(name: &'static str, allowed: Allowed, example: &'static str, about: &'static str) -> Self {
        Self::of(name, allowed, Given::Must(example, &[]), about)
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

    /// The same where it has no use beside others.
    pub(super) fn unless(self, unless: &'static [&'static str]) -> Self {
        Self { unless, ..self }
    }

    /// What stands for it when nothing is written, if anything.
    pub(super) fn usual_value(&self, pop3: bool, written: impl Fn(&str) -> bool) -> Option<&str> {
        let usual = match (self.by_pop3, &self.given) {
            (Some(usual), _) if pop3 => usual,
            (_, Given::Usual(usual)) => usual,
            (_, Given::Must(..) | Given::Never(_)) => return None,
        };
        let excluded = || self.unless.iter().any(|other| written(other));
        (!usual.is_empty() && !excluded()).then_some(usual)
    }
}

/// What a key is when it is not written: one of the seven below.
pub(super) trait Otherwise<T> {
    /// What its field holds.
    type Field;
    /// The field of a key with this value: nothing inside where it is wrong, and nothing where it isn't written. Nothing comes of it where
    /// its table is of no use then.
    fn field(self, table: &Table<'_>, key: &'static str, found: Option<Option<T>>) -> Option<Self::Field>;
}

/// What the reference shows of that.
pub(super) trait Shown<K> {
    fn given(&self, kind: &K) -> Given;
}

/// What a field is in a table that says nothing.
pub(super) trait Unwritten<Field> {
    fn unwritten(self) -> Field;
}

/// This value, which also stands in for one that is wrong: its file has a problem and won't be used.
pub(super) struct Usual<T>(T);
/// The same, written in this way.
pub(super) struct UsualAs<T>(T, &'static str);
/// Something that depends on more than the table, and is written in this way where it can be.
pub(super) struct Implied(&'static str);
/// Nothing: with an example.
pub(super) struct Never(Examples);
/// A fault: the cure, and an example; and other examples.
pub(super) struct Must(&'static str, &'static str, Examples);

pub(super) fn usual<T>(usual: T) -> Usual<T> {
    Usual(usual)
}

pub(super) fn usual_as<T>(usual: T, written: &'static str) -> UsualAs<T> {
    UsualAs(usual, written)
}

pub(super) fn implied(written: &'static str) -> Implied {
    Implied(written)
}

pub(super) fn never(examples: Examples) -> Never {
    Never(examples)
}

pub(super) fn must(cure: &'static str, example: &'static str) -> Must {
    Must(cure, example, &[])
}

pub(super) fn must_or(cure: &'static str, example: &'static str, others: Examples) -> Must {
    Must(cure, example, others)
}

impl<T> Otherwise<T> for Usual<T> {
    type Field = T;
    fn field(self, _: &Table<'_>, _: &'static str, found: Option<Option<T>>) -> Option<T> {
        Some(found.flatten().unwrap_or(self.0))
    }
}

impl<T> Otherwise<T> for UsualAs<T> {
    type Field = T;
    fn field(self, _: &Table<'_>, _: &'static str, found: Option<Option<T>>) -> Option<T> {
        Some(found.flatten().unwrap_or(self.0))
    }
}

impl<T> Otherwise<T> for Implied {
    type Field = Option<T>;
    fn field(self, _: &Table<'_>, _: &'static str, found: Option<Option<T>>) -> Option<Option<T>> {
        Some(found.flatten())
    }
}

impl<T> Otherwise<T> for Never {
    type Field = Option<T>;
    fn field(self, _: &Table<'_>, _: &'static str, found: Option<Option<T>>) -> Option<Option<T>> {
        Some(found.flatten())
    }
}

impl<T> Otherwise<T> for Must {
    type Field = T;
    fn field(self, table: &Table<'_>, key: &'static str, found: Option<Option<T>>) -> Option<T> {
        if found.is_none() {
            table.lacks_key(key, self.0);
        }
        found.flatten()
    }
}

impl<K: Kind<Is = T>, T> Shown<K> for Usual<T> {
    fn given(&self, kind: &K) -> Given {
        Given::Usual(kind.written(&self.0))
    }
}

impl<K, T> Shown<K> for UsualAs<T> {
    fn given(&self, _: &K) -> Given {
        Given::Usual(self.1.to_owned())
    }
}

impl<K> Shown<K> for Implied {
    fn given(&self, _: &K) -> Given {
        Given::Usual(self.0.to_owned())
    }
}

impl<K> Shown<K> for Never {
    fn given(&self, _: &K) -> Given {
        Given::Never(self.0)
    }
}

impl<K> Shown<K> for Must {
    fn given(&self, _: &K) -> Given {
        Given::Must(self.1, self.2)
    }
}

impl<T> Unwritten<T> for Usual<T> {
    fn unwritten(self) -> T {
        self.0
    }
}

impl<T> Unwritten<T> for UsualAs<T> {
    fn unwritten(self) -> T {
        self.0
    }
}

impl<T> Unwritten<Option<T>> for Never {
    fn unwritten(self) -> Option<T> {
        None
    }
}

impl<T: Default> Unwritten<T> for Must {
    fn unwritten(self) -> T {
        T::default()
    }
}

/// Declares a table: a struct with a line for each key,
///
/// ```text
/// field: Type = kind, otherwise, "what it is for", more(…);
/// field("key"): Type = what is allowed => reader, otherwise, "what it is for";
/// ```
///
/// where `kind` is one of `kind.rs`, `otherwise` says what a key is that is not written ([`usual`], [`usual_as`], [`implied`], [`never`],
/// [`must`], [`must_or`]), and `more` is a method of [`Key`]. `Type::read` reads the table, with what it takes after `reads`, which readers
/// may use, as they may use the fields above theirs. `Type::section` describes it. `: Default` makes a table that says nothing.
macro_rules! keys {
    (
        $(#[$meta:meta])* $vis:vis struct $name:ident : Default in $section:literal $about:literal $(reads($($with:tt)*))? { $($body:tt)* }
    ) => {
        keys! { $(#[$meta])* $vis struct $name in $section $about $(reads($($with)*))? { $($body)* } }
        keys! { @default $name { $($body)* } }
    };
    (
        $(#[$meta:meta])* $vis:vis struct $name:ident in $section:literal $about:literal $(reads($($with:ident: $is:ty),*))? {
            $($(#[$doc:meta])* $field:ident $(($key:literal))? : $type:ty = $kind:expr $(=> $reader:expr)?, $otherwise:expr,
                $for:literal $(, $more:ident($($value:expr),*))*;)*
        }
    ) => {
        $(#[$meta])*
        $vis struct $name {
            $($(#[$doc])* #[doc = concat!("`", keys!(@key $field $($key)?), "`: ", $for)] $vis $field: $type,)*
        }

        impl $name {
            /// Reads the table. Every key is asked for before anything is given up.
            pub(in crate::config) fn read(
                table: &mut $crate::config::table::Table<'_>,
                $($($with: $is),*)?
            ) -> Option<Self> {
                $(
                    let key = keys!(@key $field $($key)?);
                    let found = table.value(key).map(|value| keys!(@value value, $kind $(=> $reader)?));
                    let $field = $crate::config::key::Otherwise::field($otherwise, table, key, found);
                )*
                Some(Self { $($field: $field?),* })
            }

            /// The table as the reference has it.
            #[allow(dead_code, reason = "tables of mailjob.toml have no reference yet")]
            pub(in crate::config) fn section() -> $crate::config::key::Section {
                use $crate::config::key::{Key, Section};
                let keys = vec![
                    $(Key::declared(keys!(@key $field $($key)?), &$kind, &$otherwise, $for)$(.$more($($value),*))*),*
                ];
                Section::new($section, $about, keys)
            }
        }
    };
    (
        @default $name:ident {
            $($(#[$doc:meta])* $field:ident $(($key:literal))? : $type:ty = $kind:expr $(=> $reader:expr)?, $otherwise:expr,
                $for:literal $(, $more:ident($($value:expr),*))*;)*
        }
    ) => {
        impl Default for $name {
            fn default() -> Self {
                use $crate::config::key::Unwritten as _;
                Self { $($field: $otherwise.unwritten()),* }
            }
        }
    };
    (@key $field:ident) => { stringify!($field) };
    (@key $field:ident $key:literal) => { $key };
    (@value $value:ident, $kind:expr) => { $crate::config::kind::Kind::read(&$kind, $value) };
    (@value $value:ident, $allowed:expr => $reader:expr) => { ($reader)($value) };
}

pub(super) use keys;
