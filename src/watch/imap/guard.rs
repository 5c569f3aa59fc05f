//! What a server may say, checked byte by byte before the parser sees it.
//!
//! imap-proto recurses into nested lists until the stack is gone (335 parentheses in a release build, 2026), and async-imap
//! buffers whatever size a server announces. So this reader lets through only what we ask for: lines of text, and FETCH answers
//! whose lists are flat and whose literals are small. It follows the grammar rather than counting, because a guard that takes for a
//! literal what the parser takes for text (or the other way round) can be led around. Nothing is copied: literals are skipped as they
//! pass. What breaks a rule is an [`io::Error`] that holds a [`Violation`]; the connection is of no use after it.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::watch::error::Violation;

/// The bytes of one response outside of its literals. The longest that we ask for is COPYUID after a MOVE of 8,000 bytes.
const MAX_LINE: usize = 64 * 1024;
/// The bytes of the literals of one response: the largest piece of a mail that we ask for is 1 MiB.
const MAX_LITERALS: u64 = (1 << 20) + 4096;

/// A stream whose reading side is checked.
#[derive(Debug)]
pub(super) struct Guard<T> {
    inner: T,
    grammar: Grammar,
    received: u64,
}

impl<T> Guard<T> {
    pub(super) fn new(inner: T) -> Self {
        Self {
            inner,
            grammar: Grammar::default(),
            received: 0,
        }
    }

    pub(super) fn into_inner(self) -> T {
        self.inner
    }

    /// Bytes that came so far.
    pub(super) fn received(&self) -> u64 {
        self.received
    }

    /// Complete responses that came so far; `None` in the middle of one.
    pub(super) fn responses(&self) -> Option<u64> {
        (self.grammar.at == At::Start).then_some(self.grammar.responses)
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Guard<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        std::task::ready!(Pin::new(&mut this.inner).poll_read(cx, buf))?;
        let new = buf.filled().get(before..).unwrap_or_default();
        this.received += new.len() as u64;
        Poll::Ready(this.grammar.feed(new).map_err(io::Error::other))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Guard<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

/// Where in a response we are. Only `* n FETCH (` opens a list that the parser would follow into its depth, and only there a
/// literal may stand; every other response is a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Start,
    Star,
    StarSpace,
    Number,
    /// So many bytes of `FETCH ` were there.
    Fetch(usize),
    Line(Brace),
    Open,
    /// An attribute's name; `true` while it has no byte yet.
    Name(bool),
    /// What stands in brackets in a name, `BODY[HEADER.FIELDS (DATE FROM)]`; `true` in its list.
    Section(bool),
    Value,
    Atom,
    Quoted,
    Escaped,
    List,
    /// A literal's size; `None` while it has no digit yet.
    Size(Option<u64>),
    SizeCr(u64),
    SizeLf(u64),
    Literal(u64),
    AfterValue,
    Closed,
    Lf,
}

/// Whether a line of text ends like the announcement of a literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Brace {
    No,
    Open,
    Digits,
    Closed,
}

#[derive(Debug)]
struct Grammar {
    at: At,
    line: usize,
    literals: u64,
    responses: u64,
}

impl Default for Grammar {
    fn default() -> Self {
        Self {
            at: At::Start,
            line: 0,
            literals: 0,
            responses: 0,
        }
    }
}

impl Grammar {
    fn feed(&mut self, mut bytes: &[u8]) -> Result<(), Violation> {
        loop {
            if let At::Literal(left) = self.at {
                let here = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                bytes = bytes.get(here..).unwrap_or_default();
                let left = left - here as u64;
                self.at = if left == 0 { At::AfterValue } else { At::Literal(left) };
            }
            let Some((&byte, rest)) = bytes.split_first() else {
                return Ok(());
            };
            self.at = self.step(byte)?;
            bytes = rest;
        }
    }

    fn step(&mut self, byte: u8) -> Result<At, Violation> {
        self.line += 1;
        if self.line > MAX_LINE {
            return Err(Violation::Line);
        }
        Ok(match (self.at, byte) {
            (_, 0) => return Err(Violation::Grammar),

            (At::Start, b'*') => At::Star,
            (At::Star, b' ') => At::StarSpace,
            (At::StarSpace | At::Number, b'0'..=b'9') => At::Number,
            (At::Number, b' ') => At::Fetch(0),
            (At::Fetch(n), _) if b"FETCH ".get(n).is_some_and(|c| c.eq_ignore_ascii_case(&byte)) => match n {
                5 => At::Open,
                _ => At::Fetch(n + 1),
            },
            (At::Start | At::Star | At::StarSpace | At::Number | At::Fetch(_), _) => text(Brace::No, byte)?,
            (At::Line(brace), _) => text(brace, byte)?,

            (At::Open, b'(') => At::Name(true),
            (At::Name(true), b')') | (At::Atom | At::AfterValue, b')') => At::Closed,
            (At::Name(true) | At::Atom | At::AfterValue, b' ') => At::Name(true),
            (At::Name(false), b' ') => At::Value,
            (At::Name(false), b'[') => At::Section(false),
            (At::Section(false), b']') => At::Name(false),
            (At::Section(false), b'(') => At::Section(true),
            (At::Section(true), b')') => At::Section(false),
            (At::Section(true), b']') => return Err(Violation::Grammar),
            (At::Section(open), _) if byte == b' ' || is_plain(byte) => At::Section(open),
            (At::Name(_), _) if is_plain(byte) => At::Name(false),
            (At::Value, b'"') => At::Quoted,
            (At::Value, b'(') => At::List,
            (At::Value, b'{') => At::Size(None),
            (At::Value | At::Atom, _) if is_plain(byte) => At::Atom,
            (At::List, b')') => At::AfterValue,
            (At::List, b' ') => At::List,
            (At::List, _) if is_plain(byte) => At::List,
            (At::List, b'(') => return Err(Violation::Nested),
            (At::Quoted, b'"') => At::AfterValue,
            (At::Quoted, b'\\') => At::Escaped,
            (At::Quoted, _) if byte != b'\r' && byte != b'\n' => At::Quoted,
            (At::Escaped, b'"' | b'\\') => At::Quoted,
            (At::Size(n), b'0'..=b'9') => At::Size(Some(self.announced(n, byte)?)),
            (At::Size(Some(n)), b'}') => At::SizeCr(n),
            (At::SizeCr(n), b'\r') => At::SizeLf(n),
            (At::SizeLf(n), b'\n') => {
                self.literals = self.literals.saturating_add(n);
                if self.literals > MAX_LITERALS {
                    return Err(Violation::Literal);
                }
                At::Literal(n)
            }
            (At::Closed, b' ') => At::Closed,
            (At::Closed, b'\r') => At::Lf,
            (At::Lf, b'\n') => {
                (self.line, self.literals) = (0, 0);
                self.responses += 1;
                At::Start
            }
            _ => return Err(Violation::Grammar),
        })
    }

    /// The size so far, with one more digit. A size that can't be allowed is refused before it can overflow.
    fn announced(&self, so_far: Option<u64>, digit: u8) -> Result<u64, Violation> {
        let size = so_far.unwrap_or(0) * 10 + u64::from(digit - b'0');
        if size > MAX_LITERALS {
            return Err(Violation::Literal);
        }
        Ok(size)
    }
}

/// One byte of a response that is a line. A line that ends like a literal is refused: the parser would read on in the next one.
fn text(brace: Brace, byte: u8) -> Result<At, Violation> {
    Ok(match (brace, byte) {
        (Brace::Closed, b'\r') => return Err(Violation::Unasked),
        (_, b'\r') => At::Lf,
        (_, b'\n') => return Err(Violation::Grammar),
        (_, b'{') => At::Line(Brace::Open),
        (Brace::Open | Brace::Digits, b'0'..=b'9') => At::Line(Brace::Digits),
        (Brace::Digits, b'}') => At::Line(Brace::Closed),
        _ => At::Line(Brace::No),
    })
}

/// What may stand in an attribute's name, an atom, or a flat list.
fn is_plain(byte: u8) -> bool {
    byte > b' ' && byte != 0x7f && !matches!(byte, b'(' | b')' | b'{' | b'"')
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
