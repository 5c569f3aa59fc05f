//! Whether a mail is meant for an endpoint, and which of its attachments are. Pure.

use wildmatch::WildMatch;

use super::{Address, Head};
use crate::config::Filter;

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
    /// `subject`.
    Subject,
    /// `attachments`.
    Attachments,
    /// `min_size`, `max_size`.
    Size,
}

/// Judges a mail by its head, the bytes of its raw form and the names of its attachments.
#[must_use]
pub fn judge<'a>(filter: &Filter, head: &Head, size: u64, names: impl Iterator<Item = &'a str>) -> Judgement {
    let no = |miss, detail: String| Judgement::Not(miss, detail);
    if filter.min_size.is_some_and(|min| size < min) {
        return no(Miss::Size, format!("{size} bytes are too few"));
    }
    if filter.max_size.is_some_and(|max| size > max) {
        return no(Miss::Size, format!("{size} bytes are too many"));
    }
    if !any_address(&filter.from, head.from.iter()) {
        return no(Miss::From, format!("no entry for From matches {}", shown(&head.from)));
    }
    if !any_address(&filter.to, head.to.iter().chain(&head.cc)) {
        return no(Miss::To, format!("no entry for To or Cc matches {}", shown(&head.to)));
    }
    if !filter.subject.is_empty() && !matches_any(&globs(&filter.subject), &head.subject) {
        return no(
            Miss::Subject,
            format!("no entry matches the subject {:?}", head.subject),
        );
    }
    let (wanted, unwanted) = (globs(&filter.attachments), globs(&filter.not_attachments));
    let handed_on: Vec<usize> = names
        .enumerate()
        .filter(|(_, name)| wanted.is_empty() || matches_any(&wanted, name))
        .filter(|(_, name)| !matches_any(&unwanted, name))
        .map(|(index, _)| index)
        .collect();
    if handed_on.is_empty() && !wanted.is_empty() {
        return no(Miss::Attachments, "no attachment matches".into());
    }
    Judgement::Meant(handed_on)
}

fn any_address<'a>(patterns: &[String], mut addresses: impl Iterator<Item = &'a Address>) -> bool {
    let globs = globs(patterns);
    globs.is_empty() || addresses.any(|address| matches_any(&globs, &address.address))
}

fn globs(patterns: &[String]) -> Vec<WildMatch> {
    patterns
        .iter()
        .map(|pattern| WildMatch::new_case_insensitive(pattern))
        .collect()
}

fn matches_any(globs: &[WildMatch], text: &str) -> bool {
    globs.iter().any(|glob| glob.matches(text))
}

fn shown(addresses: &[Address]) -> &str {
    addresses.first().map_or("an empty field", |first| &first.address)
}

#[cfg(test)]
#[path = "filter_tests.rs"]
mod tests;
