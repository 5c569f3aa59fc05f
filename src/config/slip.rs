//! One slip in a file that is not TOML: what it is, where it was made, and what to write. Pure.
//!
//! A parser stops making sense of a file somewhere behind the slip, and then of much that is right. So one thing is told: the first one.

use std::ops::Range;

use super::{meant::nearest, place::Place, problem::Fault};

/// Names beside which secrets stand. A line with one of them, or with what may be one of them mistyped, is not shown.
const SECRETIVE: [&str; 7] = [
    "password",
    "passwd",
    "secret",
    "token",
    "key",
    "client_secret",
    "refresh_token",
];

/// What a parser complains of: where, and in which words.
pub(super) struct ParseError<'a> {
    pub(super) span: Range<usize>,
    pub(super) message: &'a str,
}

/// Whether a path such as `webhook.url` is a key of ours, and so no secret.
pub(super) type KeyPredicate = fn(&str) -> bool;

/// The slip that is behind a parser's complaints.
pub(super) fn slip(text: &str, complaints: &[ParseError<'_>], is_known: KeyPredicate) -> Option<(Place, Fault)> {
    let first = complaints.iter().min_by_key(|complaint| complaint.span.start)?;
    let lines = Lines::of(text);
    let Slip { at, what, cure } = lines.slip(first);
    let place = Place::of(text, &at);
    let place = match lines.look(place.line.saturating_sub(1), is_known) {
        LineVisibility::All => place,
        LineVisibility::Key(span) => place.looking_at(text, &span),
        LineVisibility::Nothing => place.blind(),
    };
    Some((place, Fault::new(format!("not TOML: {what}"), cure)))
}

/// How much of a line may be shown.
enum LineVisibility {
    All,
    /// Its key alone.
    Key(Range<usize>),
    Nothing,
}

struct Slip {
    at: Range<usize>,
    what: String,
    cure: String,
}

/// A file's lines, each with where it begins.
struct Lines<'a> {
    lines: Vec<(usize, &'a str)>,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        let mut at = 0;
        let line = |line: &'a str| {
            let begin = at;
            at += line.len();
            (begin, line.trim_end_matches(['\n', '\r']))
        };
        Self {
            lines: text.split_inclusive('\n').map(line).collect(),
        }
    }

    /// The number of the line in which a place is, from 0.
    fn at(&self, place: usize) -> usize {
        self.lines
            .partition_point(|(begin, _)| *begin <= place)
            .saturating_sub(1)
    }

    fn line(&self, number: usize) -> (usize, &'a str) {
        self.lines.get(number).copied().unwrap_or_default()
    }

    /// A line may be shown that sets nothing, or sets what is known to be no secret. Of another one its key, but for what may be one that
    /// names a secret and is mistyped.
    fn look(&self, number: usize, is_known: KeyPredicate) -> LineVisibility {
        let (begin, line) = self.line(number);
        let bare = line.trim_start();
        if ["[", "//", ";", "<<<<<<<", "=======", ">>>>>>>"]
            .iter()
            .any(|mark| bare.starts_with(mark))
        {
            return LineVisibility::All;
        }
        let Some((key, _)) = bare.split_once(['=', ':']) else {
            return LineVisibility::Nothing;
        };
        let key = key.trim_end();
        let start = begin + line.len() - bare.len();
        let names = self.names();
        let path = names.get(number).cloned().flatten().unwrap_or_default();
        match nearest(key, SECRETIVE.into_iter()) {
            Some(_) => LineVisibility::Nothing,
            None if is_known(&path) => LineVisibility::All,
            None => LineVisibility::Key(start..start + key.len()),
        }
    }

    fn slip(&self, complaint: &ParseError<'_>) -> Slip {
        let (number, message) = (self.at(complaint.span.start), complaint.message);
        let (begin, line) = self.line(number);
        let told = |what: &str, cure: &str| Slip {
            at: complaint.span.clone(),
            what: what.to_owned(),
            cure: cure.to_owned(),
        };
        let begins_line = line
            .get(..complaint.span.start.saturating_sub(begin))
            .is_some_and(|lead| lead.trim().is_empty());
        match message {
            _ if ["<<<<<<<", "=======", ">>>>>>>"]
                .iter()
                .any(|mark| line.starts_with(mark)) =>
            {
                told(
                    "a merge left its marks here",
                    "decide what is meant, and remove the lines with <<<<<<<, ======= and >>>>>>>",
                )
            }
            _ if message.starts_with("duplicate key") => self.twice(number, complaint),
            _ if message.starts_with("unclosed table") || message.starts_with("unclosed array table") => {
                let name = line.trim().trim_start_matches('[').trim_end_matches(']');
                let write = if line.trim_start().starts_with("[[") {
                    format!("[[{name}]]")
                } else {
                    format!("[{name}]")
                };
                told("the name of a table has no ] at its end", &format!("write {write}"))
            }
            _ if message.contains("array") && (begins_line || message.starts_with("unclosed array")) => {
                self.open(number, complaint, '[', ']', "list")
            }
            _ if message.contains("key-value pairs") && begins_line || message.starts_with("unclosed inline table") => {
                self.open(number, complaint, '{', '}', "table in braces")
            }
            _ if message.starts_with("missing comma") => {
                told("there is no comma between two entries", "write , between them")
            }
            _ if message.starts_with("invalid basic string") || message.starts_with("invalid literal string") => told(
                "a text has no quote at its end",
                "write the quote that it begins with at its end, too",
            ),
            _ if message.contains("escape") || message.contains("unicode") => told(
                "between \" and \" a \\ begins an escape, and this is none",
                "write the text between single quotes: '…'",
            ),
            _ if message.starts_with("invalid boolean") => {
                told("this is no value", "write true or false, in small letters")
            }
            _ if message.starts_with("string values must be quoted") => unquoted(complaint, line, begin),
            _ if message.starts_with("unexpected key or value") => {
                let rest = self.rest(complaint);
                match rest.trim_start().starts_with(',') {
                    true => told("there are several values", "write a list: [\"…\", \"…\"]"),
                    false => told(
                        "the line goes on behind the value",
                        "write each setting in a line of its own; a comment begins with #",
                    ),
                }
            }
            _ => keyless(complaint, line, begin),
        }
    }

    fn rest(&self, complaint: &ParseError<'_>) -> &'a str {
        let (begin, line) = self.line(self.at(complaint.span.start));
        line.get(complaint.span.start.saturating_sub(begin)..)
            .unwrap_or_default()
    }

    /// Something that was opened and not closed: it is shown where it begins.
    fn open(&self, number: usize, complaint: &ParseError<'_>, opening: char, closing: char, what: &str) -> Slip {
        // The complaint comes with the first line that can't belong to it.
        let begins = |line: &str| {
            line.split_once('=')
                .is_some_and(|(_, value)| value.trim_start().starts_with(opening))
        };
        let last = match complaint.message.starts_with("unclosed") {
            true => number,
            false => number.saturating_sub(1),
        };
        let found = (0..=last).rev().find(|number| begins(self.line(*number).1));
        let at = found.map_or_else(
            || complaint.span.clone(),
            |number| {
                let (begin, line) = self.line(number);
                let opened = line.find(opening).unwrap_or_default();
                let end = line.trim_end().len();
                begin + opened..begin + end
            },
        );
        Slip {
            at,
            what: format!("the {what} that begins here has no {closing} at its end"),
            cure: format!("write {closing} behind its last entry"),
        }
    }

    /// The same table or key once more.
    fn twice(&self, number: usize, complaint: &ParseError<'_>) -> Slip {
        let names = self.names();
        let here = names.get(number).cloned().flatten();
        let before = names
            .iter()
            .take(number)
            .position(|name| name.is_some() && *name == here);
        let is_table = self.line(number).1.trim_start().starts_with('[');
        let name = here.unwrap_or_default();
        let name = if is_table {
            format!("[{name}]")
        } else {
            format!("`{name}`")
        };
        let lines = match before {
            Some(before) => format!(", in lines {} and {}", before + 1, number + 1),
            None => String::new(),
        };
        Slip {
            at: complaint.span.clone(),
            what: format!("{name} is there twice{lines}"),
            cure: "make one of the two, and remove the other".to_owned(),
        }
    }

    /// What each line names: a table, or a key with the table that it is in.
    fn names(&self) -> Vec<Option<String>> {
        let tidy = |name: &str| -> String {
            name.chars()
                .filter(|c| !c.is_whitespace() && !"\"'".contains(*c))
                .collect()
        };
        let mut table = String::new();
        let name = |(_, line): &(usize, &str)| {
            let line = line.trim();
            if let Some(header) = line.strip_prefix('[') {
                let name = header.trim_start_matches('[').split(']').next().unwrap_or_default();
                table = tidy(name);
                return Some(table.clone());
            }
            let (key, _) = line.split_once('=').filter(|_| !line.starts_with('#'))?;
            match table.is_empty() {
                true => Some(tidy(key)),
                false => Some(format!("{table}.{}", tidy(key))),
            }
        };
        self.lines.iter().map(name).collect()
    }
}

fn unquoted(complaint: &ParseError<'_>, line: &str, begin: usize) -> Slip {
    let at = complaint.span.clone();
    let key = line.split_once('=').map_or("", |(key, _)| key.trim());
    let value = line.get(at.start.saturating_sub(begin)..).unwrap_or_default().trim();
    let (what, cure) = match value {
        "" => ("there is no value", format!("write {key} = \"…\"")),
        _ if value.starts_with(['“', '”', '„', '‘', '’', '«']) => (
            "the quotes are those of a word processor",
            format!("write plain ones: {key} = \"…\""),
        ),
        "yes" | "no" | "on" | "off" => ("this is no value", format!("write {key} = true or {key} = false")),
        _ => ("the text has no quotes", format!("write {key} = \"…\"")),
    };
    Slip {
        at,
        what: what.to_owned(),
        cure,
    }
}

/// A line that is neither a table nor a setting.
fn keyless(complaint: &ParseError<'_>, line: &str, begin: usize) -> Slip {
    let trimmed = line.trim();
    let lead = line.len() - line.trim_start().len();
    let whole = begin + lead..begin + line.trim_end().len();
    let told = |at: Range<usize>, what: &str, cure: String| Slip {
        at,
        what: what.to_owned(),
        cure,
    };
    let word = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    if trimmed.starts_with("//") || trimmed.starts_with(';') || trimmed.starts_with("/*") {
        return told(
            begin + lead..begin + lead + 1,
            "this is no setting",
            "begin a comment with #".to_owned(),
        );
    }
    if let Some(name) = trimmed.strip_suffix(']').filter(|name| word(name)) {
        return told(
            whole,
            "the name of a table has no [ in front",
            format!("write [{name}]"),
        );
    }
    if trimmed.starts_with('{') {
        return told(
            whole,
            "this is JSON",
            "write [mailbox] and the like in a line, and under it key = value".to_owned(),
        );
    }
    if let Some((key, _)) = trimmed.split_once(':').filter(|(key, _)| word(key)) {
        let colon = begin + lead + key.len();
        let cure = match trimmed.ends_with(':') {
            true => format!("write [{key}]"),
            false => format!("write {key} = \"…\""),
        };
        return told(colon..colon + 1, "a setting is not written with a colon", cure);
    }
    if trimmed.split_once('=').is_some_and(|(key, _)| key.trim().contains(' ')) {
        return told(
            complaint.span.clone(),
            "a name has a blank in it",
            "write it as it is known, with _ where there is a blank".to_owned(),
        );
    }
    if complaint.message.starts_with("key with no value") {
        let key = trimmed.split([' ', '\t']).next().unwrap_or_default();
        return told(
            complaint.span.clone(),
            "there is no = behind a name",
            format!("write {key} = \"…\""),
        );
    }
    let at = complaint.span.clone();
    told(
        at,
        complaint.message,
        "see https://toml.io for how to write it".to_owned(),
    )
}

#[cfg(test)]
#[path = "slip_tests.rs"]
mod tests;
