//! Where in a file something stands, for people: line, column, and a look at the line. Pure.

use std::ops::Range;

/// Columns of a line that are shown on each side of the fault.
const AROUND: usize = 60;

/// Parts of words that stand beside secrets. A line that has one is never shown: the output may land in a log.
const SECRETIVE: [&str; 8] = ["pass", "pw", "secret", "token", "key", "auth", "credential", "bearer"];

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// The line up to the end of the fault, the blanks in front of the fault, and its width; nothing where that could
    /// show a secret.
    excerpt: Option<(String, usize, usize)>,
}

impl Place {
    /// The start of a file.
    pub(super) const START: Self = Self {
        line: 1,
        column: 1,
        excerpt: None,
    };

    /// The place of a span of bytes.
    pub(super) fn of(text: &str, span: &Range<usize>) -> Self {
        let before = text.get(..span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let lead = before.get(line_start..).unwrap_or_default();
        let rest = text.get(before.len()..).unwrap_or_default();
        let fault = text.get(before.len()..span.end).unwrap_or_default();
        let fault = fault.lines().next().unwrap_or_default();
        let line = rest.lines().next().unwrap_or_default();
        let tail = line.get(fault.len()..).unwrap_or_default();
        Self {
            line: before.matches('\n').count() + 1,
            column: lead.chars().count() + 1,
            excerpt: (!may_hold_secret(lead, line)).then(|| excerpt(lead, fault, tail)),
        }
    }

    /// The same place without a look at the line.
    pub(super) fn blind(mut self) -> Self {
        self.excerpt = None;
        self
    }

    /// The same place with a look at no more than another span of its line.
    pub(super) fn looking_at(self, text: &str, span: &Range<usize>) -> Self {
        let Self { excerpt, .. } = Self::of(text, span);
        Self { excerpt, ..self }
    }

    /// The line with its number, and carets under the fault.
    pub(super) fn show(&self) -> Option<String> {
        let (line, blanks, width) = self.excerpt.as_ref()?;
        let (number, carets) = (self.line, "^".repeat(*width));
        Some(format!("{number:5} | {line}\n      | {:blanks$}{carets}", ""))
    }
}

/// Only what leads up to the fault and the fault itself: behind an unknown `pasword =` may stand a secret.
fn excerpt(lead: &str, fault: &str, tail: &str) -> (String, usize, usize) {
    let cut = lead.chars().count().saturating_sub(AROUND);
    let lead: String = lead.chars().skip(cut).map(visible).collect();
    let shown: String = fault.chars().take(AROUND).map(visible).collect();
    let (blanks, width) = (lead.chars().count(), shown.chars().count().max(1));
    let closing = tail.chars().all(|c| "]})\"',".contains(c));
    let tail = if closing { tail } else { " …" };
    (format!("{lead}{shown}{tail}"), blanks, width)
}

fn may_hold_secret(lead: &str, line: &str) -> bool {
    let line = format!("{lead}{line}").to_lowercase();
    SECRETIVE.iter().any(|word| line.contains(word))
}

/// A character that can't move the cursor or colour a terminal.
pub(super) fn visible(c: char) -> char {
    match c {
        '\t' => ' ',
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}

#[cfg(test)]
#[path = "place_tests.rs"]
mod tests;
