//! Whether a mail is meant for an endpoint, and which of its attachments are. Pure.

use super::{Address, Automatic, Head, plus};
use crate::config::{Filter, Machines, glob::Glob};

/// What a filter says of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// It is meant; the attachments with these indexes are handed on.
    Meant(Vec<usize>),
    /// It is not, and why in a few words.
    Not(Miss, String),
}

/// The part of a filter that did not match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Miss {
    /// `from`.
    From,
    /// `to`.
    To,
    /// `plus`.
    Plus,
    /// `subject`.
    Subject,
    /// `attachments`.
    Attachments,
    /// `min_size`, `max_size`.
    Size,
    /// `automatic`.
    Automatic,
}

/// Judges a mail by its head, the bytes of its raw form and the names of its attachments.
#[must_use]
pub fn judge<'a>(filter: &'a Filter, head: &'a Head, size: u64, names: impl Iterator<Item = &'a str>) -> Judgement {
    explain(filter, head, size, names).judgement()
}

/// A judgement with its reasons: every condition that the filter names, those after a failed one too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation<'a> {
    /// The conditions in the order in which they count; all have to hold.
    pub conditions: Vec<Condition<'a>>,
    /// What becomes of each attachment, in their order.
    pub files: Vec<FileFate<'a>>,
}

/// One condition of a filter and what it met in a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition<'a> {
    /// The part of the filter.
    pub part: Miss,
    /// What was tested.
    pub test: Test<'a>,
}

/// What a condition tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test<'a> {
    /// `min_size`, and the mail's bytes.
    AtLeast(u64, u64),
    /// `max_size`, and the mail's bytes.
    AtMost(u64, u64),
    /// Whether a person wrote it or none did, and what shows that none did.
    Person(bool, Option<&'static str>),
    /// One of the patterns has to match one of the values.
    OneOf {
        /// As written.
        patterns: &'a [String],
        /// What the mail has.
        values: Vec<&'a str>,
        /// The first pattern and value that met.
        met: Option<(&'a str, &'a str)>,
    },
}

/// What becomes of an attachment, and the pattern that decides it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFate<'a> {
    /// It is handed on: by an entry of `attachments`, or because there is none.
    HandedOn(Option<&'a str>),
    /// It is not: by an entry of `not_attachments`, or because no entry of `attachments` matches.
    LeftOut(Option<&'a str>),
}

/// Tests every condition of a filter. [`judge`] is this without the reasons.
#[must_use]
pub fn explain<'a>(
    filter: &'a Filter,
    head: &'a Head,
    size: u64,
    names: impl Iterator<Item = &'a str>,
) -> Explanation<'a> {
    let (wanted, unwanted) = (globs(&filter.attachments), globs(&filter.not_attachments));
    let names: Vec<_> = names.collect();
    let files: Vec<_> = names.iter().map(|name| fate(&wanted, &unwanted, name)).collect();
    let handed_on = names.iter().zip(&files).find_map(|(name, fate)| match fate {
        FileFate::HandedOn(by) => Some(((*by)?, *name)),
        FileFate::LeftOut(_) => None,
    });
    let sizes = [
        filter.min_size.map(|min| Test::AtLeast(min, size)),
        filter.max_size.map(|max| Test::AtMost(max, size)),
    ];
    // Whoever has no usable address may be a person all the same.
    let machine = head
        .automatic
        .filter(|why| *why != Automatic::NoSender)
        .map(Automatic::code);
    let person = match filter.automatic {
        Machines::Allow => None,
        Machines::Skip => Some(Test::Person(true, machine)),
        Machines::Only => Some(Test::Person(false, machine)),
    };
    let person = person.map(|test| Condition {
        part: Miss::Automatic,
        test,
    });
    let addresses = |list: &'a [Address]| list.iter().map(|address| address.address.as_str());
    let one_of = |part, patterns, values: Vec<&'a str>| Condition {
        part,
        test: Test::OneOf {
            patterns,
            met: first_met(&globs(patterns), &values),
            values,
        },
    };
    let from = addresses(&head.from).collect();
    let to = addresses(&head.to).chain(addresses(&head.cc)).collect();
    let details = filter.ours.iter().flat_map(|ours| plus::details(head, ours)).collect();
    let named = [
        one_of(Miss::From, &filter.from, from),
        one_of(Miss::To, &filter.to, to),
        one_of(Miss::Plus, &filter.plus, details),
        one_of(Miss::Subject, &filter.subject, vec![&head.subject]),
        Condition {
            part: Miss::Attachments,
            test: Test::OneOf {
                patterns: &filter.attachments,
                values: names,
                met: handed_on,
            },
        },
    ];
    let sizes = sizes
        .into_iter()
        .flatten()
        .map(|test| Condition { part: Miss::Size, test });
    Explanation {
        conditions: sizes
            .chain(person)
            .chain(named.into_iter().filter(Condition::is_named))
            .collect(),
        files,
    }
}

impl Explanation<'_> {
    /// What the filter says: the first condition that does not hold decides.
    #[must_use]
    pub fn judgement(&self) -> Judgement {
        if let Some(failed) = self.conditions.iter().find(|condition| !condition.holds()) {
            return Judgement::Not(failed.part, failed.why());
        }
        let handed_on = |(index, fate): (usize, &FileFate<'_>)| fate.is_handed_on().then_some(index);
        Judgement::Meant(self.files.iter().enumerate().filter_map(handed_on).collect())
    }
}

/// Patterns and values that are named where none met.
const MAX_SHOWN: usize = 5;

impl Condition<'_> {
    /// Whether the filter says anything about it.
    fn is_named(&self) -> bool {
        !matches!(self.test, Test::OneOf { patterns: [], .. })
    }

    /// Whether the mail meets it.
    #[must_use]
    pub fn holds(&self) -> bool {
        match &self.test {
            Test::AtLeast(min, size) => size >= min,
            Test::AtMost(max, size) => size <= max,
            Test::Person(wanted, machine) => *wanted == machine.is_none(),
            Test::OneOf { met, .. } => met.is_some(),
        }
    }

    /// Why it holds or does not, in a few words.
    #[must_use]
    pub fn why(&self) -> String {
        match &self.test {
            Test::AtLeast(min, size) if size < min => format!("{size} bytes are too few; {min} at least"),
            Test::AtMost(max, size) if size > max => format!("{size} bytes are too many; {max} at most"),
            Test::AtLeast(min, size) => format!("{size} bytes, {min} at least"),
            Test::AtMost(max, size) => format!("{size} bytes, {max} at most"),
            Test::Person(_, Some(code)) => format!("no person wrote it ({code})"),
            Test::Person(_, None) => "nothing says that no person wrote it".to_owned(),
            Test::OneOf {
                met: Some((pattern, value)),
                ..
            } => format!("{pattern:?} matches {value:?}"),
            Test::OneOf { patterns, values, .. } => {
                let patterns = quoted(patterns.iter().map(String::as_str));
                match values.as_slice() {
                    [] => format!("nothing is there that {patterns} could match"),
                    values => format!("{patterns} does not match {}", quoted(values.iter().copied())),
                }
            }
        }
    }
}

impl FileFate<'_> {
    /// Whether it is handed on.
    #[must_use]
    pub fn is_handed_on(&self) -> bool {
        matches!(self, Self::HandedOn(_))
    }

    /// Why, in a few words.
    #[must_use]
    pub fn why(&self) -> String {
        match self {
            Self::HandedOn(Some(pattern)) => format!("{pattern:?} matches"),
            Self::HandedOn(None) => "all are wanted".to_owned(),
            Self::LeftOut(Some(pattern)) => format!("not_attachments has {pattern:?}"),
            Self::LeftOut(None) => "no entry of attachments matches".to_owned(),
        }
    }
}

fn quoted<'a>(texts: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = texts.len().saturating_sub(MAX_SHOWN);
    let shown: Vec<_> = texts.take(MAX_SHOWN).map(|text| format!("{text:?}")).collect();
    match (shown.join(", "), more) {
        (shown, 0) => shown,
        (shown, more) => format!("{shown} and {more} more"),
    }
}

fn fate<'a>(wanted: &[CompiledPattern<'a>], unwanted: &[CompiledPattern<'a>], name: &str) -> FileFate<'a> {
    let by = matching(wanted, name);
    if !wanted.is_empty() && by.is_none() {
        return FileFate::LeftOut(None);
    }
    match matching(unwanted, name) {
        Some(pattern) => FileFate::LeftOut(Some(pattern)),
        None => FileFate::HandedOn(by),
    }
}

/// A pattern as written, and ready to match.
type CompiledPattern<'a> = (&'a str, Glob);

fn globs(patterns: &[String]) -> Vec<CompiledPattern<'_>> {
    let ready = |pattern| (pattern, Glob::new(pattern));
    patterns.iter().map(String::as_str).map(ready).collect()
}

/// The first pattern that matches.
fn matching<'a>(globs: &[CompiledPattern<'a>], text: &str) -> Option<&'a str> {
    globs
        .iter()
        .find(|(_, glob)| glob.matches(text))
        .map(|(pattern, _)| *pattern)
}

fn first_met<'a>(globs: &[CompiledPattern<'a>], values: &[&'a str]) -> Option<(&'a str, &'a str)> {
    values.iter().find_map(|value| Some((matching(globs, value)?, *value)))
}

#[cfg(test)]
#[path = "filter_tests.rs"]
mod tests;
