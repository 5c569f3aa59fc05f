//! The kinds of values that keys have: how one is read, what the schema says of it, and how a default of it is written. Pure.

use std::{ops::RangeInclusive, path::PathBuf, time::Duration};

use toml::de::DeValue;

use super::{
    Rate,
    key::Allowed,
    sheet::{self, PlacedValue},
    value,
};
use crate::secret::SecretRef;

/// What can be said of a kind of value without one.
pub(super) trait Described {
    fn allowed(&self) -> Allowed;
}

impl Described for Allowed {
    fn allowed(&self) -> Allowed {
        self.clone()
    }
}

/// A kind of value.
pub(super) trait Kind: Described {
    type Is;
    /// What a value means; what is wrong with it is noted.
    fn read(&self, value: PlacedValue<'_>) -> Option<Self::Is>;
    /// It as TOML.
    fn written(&self, is: &Self::Is) -> String;
}

/// `true` or `false`.
pub(super) struct Flag;
/// Text on one line.
pub(super) struct Text;
/// Text of any length.
pub(super) struct Prose;
/// A whole number.
pub(super) struct Count(pub(super) RangeInclusive<usize>);
/// A whole number of 64 bits: what may be more than memory holds.
pub(super) struct Number(pub(super) RangeInclusive<u64>);
/// A whole number, or -1 for no bound.
pub(super) struct CountOrAll(pub(super) RangeInclusive<usize>);
/// A duration with its unit.
pub(super) struct Time(pub(super) RangeInclusive<Duration>);
/// A number of bytes with its unit.
pub(super) struct Bytes(pub(super) RangeInclusive<u64>);
/// One of these words.
pub(super) struct OneOf<T: 'static>(pub(super) &'static [(&'static str, T)]);
/// How often in a time.
pub(super) struct PerTime;
/// A PEM file of trusted roots.
pub(super) struct Roots;
/// The place of a secret.
pub(super) struct SecretPlace;
/// The place of a secret that is sent to a server as it is.
pub(super) struct SecretLine;
/// This, or false.
pub(super) struct OrFalse<K>(pub(super) K);
/// A list that may be empty, of so many at most.
pub(super) struct List<K>(pub(super) K, pub(super) usize);

/// One line of this is one kind: what it means, what is allowed, how it is read, and how it is written.
macro_rules! kind {
    (
        $($name:ident $(<$of:ident: $bound:path>)?: $is:ty, $self:ident => $allowed:expr, $value:ident => $read:expr, $shown:ident => $written:expr;)*) => {
        $(
            impl$(<$of: $bound>)? Described for $name$(<$of>)? {
                fn allowed(&$self) -> Allowed {
                    $allowed
                }
            }

            impl$(<$of: $bound>)? Kind for $name$(<$of>)? {
                type Is = $is;
                fn read(&$self, $value: PlacedValue<'_>) -> Option<$is> {
                    $read
                }
                fn written(&$self, $shown: &$is) -> String {
                    $written
                }
            }
        )*
    };
}

/// A word that can be told from others.
pub(super) trait Keyword: Clone + PartialEq {}

impl<T: Clone + PartialEq> Keyword for T {}

kind! {
    Flag: bool, self => Allowed::Flag, value => value::flag(value), is => is.to_string();
    Text: String, self => Allowed::Text, value => value::text(value), is => format!("{is:?}");
    Prose: String, self => Allowed::Prose, value => value::prose(value), is => format!("{is:?}");
    Count: usize, self => Allowed::Count(*self.0.start() as u64, *self.0.end() as u64), value => value::count(self.0.clone())(value), is => is.to_string();
    Number: u64, self => Allowed::Count(*self.0.start(), *self.0.end()), value => value::number(self.0.clone())(value), is => is.to_string();
    CountOrAll: Option<usize>, self => Allowed::CountOrAll(*self.0.start() as u64, *self.0.end() as u64),
        value => value::count_or_all(self.0.clone())(value), is => is.map_or("-1".to_owned(), |count| count.to_string());
    Time: Duration, self => Allowed::Duration(value::show_time(self.0.start()), value::show_time(self.0.end())),
        value => value::duration(self.0.clone())(value), is => format!("\"{}\"", value::show_time(is));
    Bytes: u64, self => Allowed::Size(value::show_size(*self.0.start()), value::show_size(*self.0.end())),
        value => value::size(self.0.clone())(value), is => format!("\"{}\"", value::show_size(*is));
    OneOf<T: Keyword>: T, self => Allowed::Word(self.0.iter().map(|(word, _)| *word).collect()), value => value::choice(self.0)(value),
        is => self.0.iter().find(|(_, known)| known == is).map(|(word, _)| format!("\"{word}\"")).unwrap_or_default();
    PerTime: Option<Rate>, self => Allowed::Rate, value => value::rate_or_none(value),
        is => is.map_or("false".to_owned(), |rate| format!("\"{rate}\""));
    SecretPlace: SecretRef, self => Allowed::Secret, value => value::secret(value), _is => String::new();
    SecretLine: SecretRef, self => Allowed::Secret, value => value::secret_line(value), _is => String::new();
    Roots: PathBuf, self => Allowed::Text, value => value::roots(value), is => format!("{is:?}");
    OrFalse<K: Kind>: Option<K::Is>, self => Allowed::Either(vec![Allowed::Flag, self.0.allowed()]),
        value => if let DeValue::Boolean(false) = value.raw { Some(None) } else { self.0.read(value).map(Some) },
        is => is.as_ref().map_or("false".to_owned(), |is| self.0.written(is));
    List<K: Kind>: Vec<K::Is>, self => Allowed::list(self.0.allowed(), self.1), value => value::at_most(self.1, &value)
        .and_then(value::list(|each| self.0.read(each))), is => format!("[{}]", is.iter().map(|each| self.0.written(each)).collect::<Vec<_>>().join(", "));
}

/// One of these words, or a table with one of these keys.
pub(super) struct WordOrTable<T: 'static> {
    pub(super) words: &'static [(&'static str, T)],
    pub(super) keys: &'static [(&'static str, Allowed)],
    /// All of them, as they are written.
    pub(super) forms: &'static str,
}

impl<T> Described for WordOrTable<T> {
    fn allowed(&self) -> Allowed {
        let words: Vec<_> = self.words.iter().map(|(word, _)| *word).collect();
        let words = Some(words).filter(|words| !words.is_empty()).map(Allowed::Word);
        let tables = self
            .keys
            .iter()
            .map(|(key, allowed)| Allowed::only(key, allowed.clone()));
        Allowed::Either(words.into_iter().chain(tables).collect())
    }
}

impl<T: Clone> WordOrTable<T> {
    /// What is written; `inner` reads the value of the key that is there.
    pub(super) fn read<'a>(
        &self,
        value: PlacedValue<'a>,
        inner: impl FnOnce(&'static str, PlacedValue<'a>) -> Option<T>,
    ) -> Option<T> {
        let cure = &format!("write {}", self.forms);
        match value.raw {
            DeValue::String(word) => {
                let known = self.words.iter().find(|(known, _)| known == word);
                let meaning = known.map(|(_, meaning)| meaning.clone());
                meaning.or_else(|| value.wrong(format!("is \"{word}\""), cure))
            }
            DeValue::Table(_) => {
                let here = value.clone();
                value.table(|table| {
                    let written = self.keys.iter().map(|(key, _)| (*key, table.value(key)));
                    let mut written: Vec<_> = written.filter_map(|(key, value)| Some((key, value?))).collect();
                    match (written.pop(), written.pop(), self.keys) {
                        (Some((key, value)), None, _) => inner(key, value),
                        (Some((_, one)), Some((_, other)), _) => one.wrong(
                            format!("stands beside `{}`, and one of them is meant", other.path),
                            cure,
                        ),
                        (None, _, [(key, _)]) => {
                            table.lacks_key(key, cure);
                            None
                        }
                        (None, ..) => here.wrong("names no place", cure),
                    }
                })
            }
            other => value.wrong(format!("is {}", sheet::kind(other)), cure),
        }
    }
}
