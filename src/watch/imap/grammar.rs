//! The words of a response, one after the other. Pure.
//!
//! Reads as much of IMAP's grammar as answers to our commands have. Blanks may be as many as they like, or missing where nothing else
//! can be meant; lists are passed over, however deep, without a call for each.

use std::borrow::Cow;

use super::frame::{Frame, ImapLiteral, LITERAL, is_blank};

/// A response, as far as it was read.
pub(super) struct Scanner<'a> {
    text: &'a [u8],
    literals: std::slice::Iter<'a, ImapLiteral>,
}

/// The value of an attribute.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum AttributeValue<'a> {
    Nil,
    Atom(&'a [u8]),
    Quoted(Vec<u8>),
    Literal(&'a ImapLiteral),
    List,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(frame: &'a Frame) -> Self {
        Self {
            text: &frame.text,
            literals: frame.literals.iter(),
        }
    }

    /// What was not read yet, without blanks around it.
    pub(super) fn rest(&self) -> &'a [u8] {
        trimmed(self.text)
    }

    /// The same as text.
    pub(super) fn words(&self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.rest())
    }

    /// The next word, up to a blank; empty at the end.
    pub(super) fn word(&mut self) -> &'a [u8] {
        self.blanks();
        let end = self
            .text
            .iter()
            .position(|byte| is_blank(*byte))
            .unwrap_or(self.text.len());
        self.take(end)
    }

    /// The next word, up to a blank or a list.
    pub(super) fn word_or_list(&mut self) -> &'a [u8] {
        self.blanks();
        let end = self.text.iter().position(|byte| is_blank(*byte) || *byte == b'(');
        self.take(end.unwrap_or(self.text.len()))
    }

    /// Whether this byte is the next.
    pub(super) fn is_at(&mut self, byte: u8) -> bool {
        self.blanks();
        self.peek() == Some(byte)
    }

    /// Passes over this byte, where it is the next.
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let is_next = self.is_at(byte);
        if is_next {
            self.take(1);
        }
        is_next
    }

    /// An attribute's name: `BODY[HEADER.FIELDS (DATE)]<0>` is one.
    pub(super) fn name(&mut self) -> &'a [u8] {
        self.blanks();
        let mut in_section = false;
        let end = self.text.iter().position(|byte| {
            match byte {
                b'[' => in_section = true,
                b']' => in_section = false,
                _ => {}
            }
            !in_section && (is_blank(*byte) || matches!(*byte, b'(' | b')' | b'"' | LITERAL))
        });
        self.take(end.unwrap_or(self.text.len()))
    }

    /// A value; `None` where there is none, or its end can't be found.
    pub(super) fn value(&mut self) -> Option<AttributeValue<'a>> {
        self.blanks();
        match self.peek()? {
            LITERAL => self.literal().map(AttributeValue::Literal),
            b'"' => self.quoted().map(AttributeValue::Quoted),
            b'(' => self.list().then_some(AttributeValue::List),
            b')' => None,
            _ => {
                let end = self
                    .text
                    .iter()
                    .position(|byte| is_blank(*byte) || matches!(*byte, b'(' | b')' | LITERAL));
                let atom = self.take(end.unwrap_or(self.text.len()));
                Some(if atom.eq_ignore_ascii_case(b"NIL") {
                    AttributeValue::Nil
                } else {
                    AttributeValue::Atom(atom)
                })
            }
        }
    }

    /// Passes over flags: `(\Seen Odd"one)`, whose quotes are no quotes.
    pub(super) fn flags(&mut self) -> bool {
        if !self.is_at(b'(') {
            return false;
        }
        // One with a literal in it is none.
        let end = self.text.iter().position(|byte| matches!(*byte, b')' | LITERAL));
        match end {
            Some(end) if self.text.get(end) == Some(&b')') => {
                self.take(end + 1);
                true
            }
            _ => false,
        }
    }

    /// A literal, behind which a mail can't go on.
    fn literal(&mut self) -> Option<&'a ImapLiteral> {
        self.take(1);
        let ends = self.peek().is_none_or(|next| is_blank(next) || next == b')');
        self.literals.next().filter(|_| ends)
    }

    fn quoted(&mut self) -> Option<Vec<u8>> {
        self.take(1);
        let mut quoted = Vec::new();
        loop {
            match self.take(1).first()? {
                b'"' => return Some(quoted),
                &LITERAL => return None,
                b'\\' => quoted.push(*self.take(1).first()?),
                byte => quoted.push(*byte),
            }
        }
    }

    /// Passes over a list and those in it.
    fn list(&mut self) -> bool {
        let mut depth = 0_usize;
        loop {
            match self.peek() {
                None => return false,
                Some(b'"') => {
                    if self.quoted().is_none() {
                        return false;
                    }
                    continue;
                }
                Some(LITERAL) => {
                    if self.literal().is_none() {
                        return false;
                    }
                    continue;
                }
                Some(b'(') => depth += 1,
                Some(b')') => depth = depth.saturating_sub(1),
                Some(_) => {}
            }
            self.take(1);
            if depth == 0 {
                return true;
            }
        }
    }

    fn blanks(&mut self) {
        let blanks = self.text.iter().take_while(|byte| is_blank(**byte)).count();
        self.take(blanks);
    }

    fn peek(&self) -> Option<u8> {
        self.text.first().copied()
    }

    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.text.split_at_checked(length).unwrap_or((self.text, &[]));
        self.text = rest;
        taken
    }
}

fn trimmed(text: &[u8]) -> &[u8] {
    let begin = text.iter().position(|byte| !is_blank(*byte)).unwrap_or(text.len());
    let end = text
        .iter()
        .rposition(|byte| !is_blank(*byte))
        .map_or(begin, |last| last + 1);
    text.get(begin..end).unwrap_or_default()
}
