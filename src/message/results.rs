//! The header field Authentication-Results, read strictly (RFC 8601 section 2.2). Pure.
//!
//! What is not well-formed says nothing at all: a parser that repairs can be talked into a verdict that nobody gave.

use std::iter::Peekable;

/// The longest field that is read, in bytes.
const LONGEST: usize = 16 << 10;
/// Results that one field may have.
const MOST_RESULTS: usize = 50;
/// Properties that one result may have.
const MOST_PROPERTIES: usize = 20;

/// What one field says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Results {
    /// Who says so, in lower case; `None` where nobody is named, as in Microsoft 365.
    pub id: Option<String>,
    /// The results in their order; none where it says `none`.
    pub results: Vec<MethodResult>,
}

/// The result of one method.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MethodResult {
    /// E.g. `dkim`, in lower case.
    pub method: String,
    /// E.g. `pass`, in lower case.
    pub result: String,
    /// E.g. `header.d` and its value; names in lower case. Microsoft's `action` has no dot.
    pub properties: Vec<(String, String)>,
}

impl MethodResult {
    /// The value of a property, where it is there exactly once.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&str> {
        let mut found = self.properties.iter().filter(|(known, _)| known == name);
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Some(value),
            _ => None,
        }
    }
}

/// A piece of the field's value; comments and blanks are none.
#[derive(Debug, Clone, PartialEq, Eq)]
enum ResultToken {
    /// A run of characters without a special meaning.
    Word(String),
    /// A quoted string, without its quotes.
    Quoted(String),
    /// `;`
    End,
    /// `=`
    Equals,
}

/// Reads the value of one field; `None` when it is not well-formed or over a limit.
#[must_use]
pub fn parse(value: &str) -> Option<Results> {
    if value.len() > LONGEST {
        return None;
    }
    let pieces = pieces(value)?;
    let groups: Vec<_> = pieces.split(|piece| *piece == ResultToken::End).collect();
    // A final semicolon is common.
    let groups = match groups.as_slice() {
        [rest @ .., []] => rest,
        all => all,
    };
    let (first, rest) = groups.split_first()?;
    let (id, findings) = match first {
        [id] | [id, ResultToken::Word(_)] if text(id).is_some() => (text(id), rest),
        _ => (None, groups),
    };
    if let [[ResultToken::Word(none)]] = findings
        && none.eq_ignore_ascii_case("none")
    {
        let results = Vec::new();
        return id.is_some().then(|| Results {
            id: id.map(lower),
            results,
        });
    }
    if findings.is_empty() || findings.len() > MOST_RESULTS {
        return None;
    }
    let results = findings.iter().map(|group| finding(group)).collect::<Option<_>>()?;
    Some(Results {
        id: id.map(lower),
        results,
    })
}

fn text(piece: &ResultToken) -> Option<&str> {
    match piece {
        ResultToken::Word(text) | ResultToken::Quoted(text) => Some(text),
        ResultToken::End | ResultToken::Equals => None,
    }
}

fn lower(text: &str) -> String {
    text.to_ascii_lowercase()
}

/// `method=result`, then `name=value` as often as there are. A version after the method (`dkim/1`) is left out.
fn finding(group: &[ResultToken]) -> Option<MethodResult> {
    let mut pairs = Vec::new();
    let mut rest = group;
    while let [ResultToken::Word(name), ResultToken::Equals, value, tail @ ..] = rest {
        pairs.push((lower(name), text(value)?.to_owned()));
        rest = tail;
    }
    let mut pairs = pairs.into_iter();
    let (method, result) = pairs.next()?;
    let properties: Vec<_> = pairs.collect();
    let method = method.split('/').next()?.to_owned();
    let known = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let whole = rest.is_empty() && properties.len() <= MOST_PROPERTIES;
    (whole && known(&method) && known(&result)).then(|| MethodResult {
        method,
        result: lower(&result),
        properties,
    })
}

fn pieces(value: &str) -> Option<Vec<ResultToken>> {
    let mut chars = value.chars().peekable();
    let mut pieces = Vec::new();
    while let Some(&c) = chars.peek() {
        match c {
            ' ' | '\t' | '\r' | '\n' => drop(chars.next()),
            '(' => comment(&mut chars)?,
            ';' => {
                chars.next();
                pieces.push(ResultToken::End);
            }
            '=' => {
                chars.next();
                pieces.push(ResultToken::Equals);
            }
            '"' => pieces.push(ResultToken::Quoted(quoted(&mut chars)?)),
            _ => pieces.push(ResultToken::Word(word(&mut chars)?)),
        }
    }
    Some(pieces)
}

/// Skips a comment with those inside it (RFC 5322 section 3.2.2); one without an end is not well-formed.
fn comment(chars: &mut Peekable<impl Iterator<Item = char>>) -> Option<()> {
    let mut depth = 0_usize;
    loop {
        match chars.next()? {
            '(' => depth += 1,
            ')' => depth -= 1,
            '\\' => drop(chars.next()?),
            _ => {}
        }
        if depth == 0 {
            return Some(());
        }
    }
}

fn quoted(chars: &mut Peekable<impl Iterator<Item = char>>) -> Option<String> {
    chars.next();
    let mut text = String::new();
    loop {
        match chars.next()? {
            '"' => return Some(text),
            '\\' => text.push(chars.next()?),
            c if c.is_control() => return None,
            c => text.push(c),
        }
    }
}

/// A run of characters up to one with a meaning of its own; what can stand nowhere makes the field not well-formed.
fn word(chars: &mut Peekable<impl Iterator<Item = char>>) -> Option<String> {
    let ends = |c: char| matches!(c, ' ' | '\t' | '\r' | '\n' | '(' | ';' | '=' | '"');
    let mut text = String::new();
    while let Some(c) = chars.next_if(|&c| !ends(c)) {
        if c.is_control() || matches!(c, ')' | '<' | '>' | '\\' | ',') {
            return None;
        }
        text.push(c);
    }
    Some(text)
}

#[cfg(test)]
#[path = "results_tests.rs"]
mod tests;
