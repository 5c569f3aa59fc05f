//! The status that an answer begins with, known as soon as it was said, whatever follows. Pure.
//!
//! Whoever did the work says so in the first line. A head that our HTTP library can't read (too many fields, two lengths that differ, a
//! byte that is none of a header's) must not make that unsaid.

/// Characters of a line that are looked at.
const MAX_LINE: usize = 64;

/// The status of one answer, out of its bytes as they come.
#[derive(Debug, Default)]
pub(super) struct StatusLine {
    place: StatusLineState,
    line: Vec<u8>,
}

#[derive(Debug, Default)]
enum StatusLineState {
    /// In the first line, or in blank ones before it.
    #[default]
    Line,
    /// In the head of an interim answer (1xx), at the beginning of a line or not.
    Interim { begins: bool },
    /// Behind the first line of the answer.
    Behind(Option<u16>),
}

impl StatusLine {
    /// More of the answer.
    pub(super) fn hear(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            match &mut self.place {
                StatusLineState::Behind(_) => return,
                StatusLineState::Line if byte == b'\n' => self.end_of_line(),
                StatusLineState::Line if self.line.len() < MAX_LINE => self.line.push(byte),
                StatusLineState::Line => {}
                StatusLineState::Interim { begins } => match byte {
                    b'\n' if *begins => self.place = StatusLineState::Line,
                    b'\n' => *begins = true,
                    b'\r' => {}
                    _ => *begins = false,
                },
            }
        }
    }

    fn end_of_line(&mut self) {
        if self.line.trim_ascii().is_empty() {
            self.line.clear();
            return;
        }
        self.place = match status(&self.line) {
            Some(100..=199) => StatusLineState::Interim { begins: true },
            other => StatusLineState::Behind(other),
        };
        self.line.clear();
    }

    /// What it says, once that is certain. No interim answer counts.
    pub(super) fn status(&self) -> Option<u16> {
        match self.place {
            StatusLineState::Line => status(&self.line).filter(|status| *status >= 200),
            StatusLineState::Interim { .. } => None,
            StatusLineState::Behind(status) => status,
        }
    }
}

/// The status in a whole line.
pub(super) fn status_of(line: &[u8]) -> Option<u16> {
    status(&[line, b"\n"].concat())
}

/// The status in a line, when more of it can't change it.
fn status(line: &[u8]) -> Option<u16> {
    let (name, rest) = line.split_at_checked(5)?;
    if !name.eq_ignore_ascii_case(b"HTTP/") {
        return None;
    }
    let blank = rest.iter().position(u8::is_ascii_whitespace)?;
    let rest = rest.get(blank..)?.trim_ascii_start();
    let (digits, rest) = rest.split_at_checked(3)?;
    let more = rest.first()?;
    if more.is_ascii_digit() {
        return None;
    }
    let status: u16 = str::from_utf8(digits).ok()?.parse().ok()?;
    (100..1_000).contains(&status).then_some(status)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn heard(pieces: &[&[u8]]) -> Option<u16> {
        let mut line = StatusLine::default();
        for piece in pieces {
            line.hear(piece);
        }
        line.status()
    }

    #[test]
    fn what_an_answer_begins_with() {
        for (words, status) in [
            ("HTTP/1.1 200 OK\r\n", Some(200)),
            ("HTTP/1.1 200 OK\nX", Some(200)),
            ("HTTP/1.1 204\r\n", Some(204)),
            ("HTTP/1.0 503 Busy", Some(503)),
            ("http/1.1  422 No\r\n", Some(422)),
            ("HTTP/2\t201 \r\n", Some(201)),
            ("\r\n\nHTTP/1.1 200 OK\r\n", Some(200)),
            ("HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 500 No\r\n", Some(200)),
            ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n", Some(200)),
            (
                "HTTP/1.1 103 Hints\nLink: <x>\r\nLink: <y>\n\nHTTP/1.1 500 No\r\n",
                Some(500),
            ),
            ("HTTP/1.1 100 Continue\r\nX: HTTP/1.1 200 OK\r\n", None),
            ("HTTP/1.1 100 Continue", None),
            ("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 20", None),
            ("HTTP/1.1 200", None),
            ("HTTP/1.1 20", None),
            ("HTTP/1.1 2000 OK\r\n", None),
            ("HTTP/1.1 +20 OK\r\n", None),
            ("HTTP/1.1 099 OK\r\n", None),
            ("HTTP/1.1 OK\r\n", None),
            ("ICY 200 OK\r\n", None),
            ("200 OK\r\n", None),
            ("\u{0}\u{0}\u{12}\u{4}HTTP/1.1 200 OK", None),
            ("", None),
            ("\r\n", None),
        ] {
            assert_eq!(heard(&[words.as_bytes()]), status, "{words:?}");
        }
        let endless = vec![b'x'; 1_000_000];
        let mut line = StatusLine::default();
        line.hear(&endless);
        assert!(line.line.capacity() <= 2 * MAX_LINE);
        line.hear(b"\r\nHTTP/1.1 200 OK\r\n");
        assert_eq!(line.status(), None, "the first line decides");
    }

    proptest! {
        #[test]
        fn no_cut_changes_what_was_said(
            words in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..200),
                "(HTTP/1.1 10[023] x\r?\n(A: b\r?\n){0,2}\r?\n){0,2}HTTP/1.[01] [2-5][0-9][0-9] [a-z]{0,80}\r?\n.{0,20}".prop_map(String::into_bytes),
            ],
            at in any::<prop::sample::Index>(),
        ) {
            let (first, rest) = words.split_at(at.index(words.len() + 1));
            let whole = heard(&[&words]);
            prop_assert_eq!(heard(&[first, rest]), whole);
            let each: Vec<&[u8]> = words.chunks(1).collect();
            prop_assert_eq!(heard(&each), whole);
            // What was certain once stays so.
            if let Some(early) = heard(&[first]) {
                prop_assert_eq!(whole, Some(early));
            }
        }
    }
}
