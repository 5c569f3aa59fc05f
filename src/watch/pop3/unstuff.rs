//! The end of a mail and the dots at the beginnings of its lines (RFC 1939 section 3). Pure.

/// Where in a line we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LinePosition {
    Start,
    /// After a dot that begins a line.
    Dot,
    /// After that and CR.
    DotCr,
    Text,
    Cr,
    End,
}

/// Takes off the dots that were doubled, and finds the line that is a dot alone. Only CRLF ends a line: what a mail holds beside that is
/// its own affair. A server whose own lines end by LF alone ends those of a mail so.
///
/// A line that begins with one dot and something else was sent by a server that doubles none: the dot is the mail's.
#[derive(Debug)]
pub(super) struct Unstuff {
    at: LinePosition,
    /// LF alone ends a line.
    bare: bool,
    /// The dots that were taken off.
    dots: u64,
}

impl Unstuff {
    pub(super) fn new(bare: bool) -> Self {
        Self {
            at: LinePosition::Start,
            bare,
            dots: 0,
        }
    }

    /// How many dots were taken off so far.
    pub(super) fn dots(&self) -> u64 {
        self.dots
    }

    /// Whether the end was found.
    pub(super) fn ended(&self) -> bool {
        self.at == LinePosition::End
    }

    /// Puts what belongs to the mail into `out`; says how many bytes of `input` were looked at: all of them, but for those behind the
    /// end.
    pub(super) fn feed(&mut self, input: &[u8], out: &mut Vec<u8>) -> usize {
        let mut rest = input;
        while let (false, Some((&byte, tail))) = (self.ended(), rest.split_first()) {
            if self.at == LinePosition::Text {
                let ends = |b: &u8| *b == b'\r' || (self.bare && *b == b'\n');
                let run = rest.iter().position(ends).unwrap_or(rest.len());
                let (text, tail) = rest.split_at_checked(run).unwrap_or((rest, &[]));
                out.extend_from_slice(text);
                rest = tail;
                if let Some((end, tail)) = rest.split_first() {
                    out.push(*end);
                    self.at = if *end == b'\r' {
                        LinePosition::Cr
                    } else {
                        LinePosition::Start
                    };
                    rest = tail;
                }
                continue;
            }
            self.step(byte, out);
            rest = tail;
        }
        input.len() - rest.len()
    }

    fn step(&mut self, byte: u8, out: &mut Vec<u8>) {
        self.at = match (self.at, byte) {
            (LinePosition::Start, b'.') => LinePosition::Dot,
            (LinePosition::Dot, b'\r') => LinePosition::DotCr,
            (LinePosition::DotCr, b'\n') => LinePosition::End,
            (LinePosition::Dot, b'\n') if self.bare => LinePosition::End,
            (LinePosition::DotCr, _) => {
                out.extend(b".\r");
                self.at = LinePosition::Cr;
                return self.step(byte, out);
            }
            (LinePosition::Dot, b'.') => {
                self.dots += 1;
                out.push(b'.');
                LinePosition::Text
            }
            (LinePosition::Cr, b'\n') => {
                out.push(b'\n');
                LinePosition::Start
            }
            (LinePosition::Start | LinePosition::Text, b'\n') if self.bare => {
                out.push(b'\n');
                LinePosition::Start
            }
            (LinePosition::End, _) => LinePosition::End,
            (LinePosition::Dot, _) => {
                out.extend([b'.', byte]);
                LinePosition::Text
            }
            (LinePosition::Start | LinePosition::Text | LinePosition::Cr, _) => {
                out.push(byte);
                if byte == b'\r' {
                    LinePosition::Cr
                } else {
                    LinePosition::Text
                }
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unstuffed(pieces: &[&[u8]]) -> (Vec<u8>, bool, usize) {
        unstuffed_by(false, pieces)
    }

    fn unstuffed_by(bare: bool, pieces: &[&[u8]]) -> (Vec<u8>, bool, usize) {
        let (mut unstuff, mut out, mut used) = (Unstuff::new(bare), Vec::new(), 0);
        for piece in pieces {
            used += unstuff.feed(piece, &mut out);
        }
        (out, unstuff.ended(), used)
    }

    #[test]
    fn dots_and_ends() {
        for (wire, mail, ended) in [
            (&b".\r\n"[..], &b""[..], true),
            (b"a\r\n.\r\n", b"a\r\n", true),
            (b"..\r\n...a\r\n.\r\n", b".\r\n..a\r\n", true),
            (b"..a\r\n.\r\n", b".a\r\n", true),
            (b".a\r\n.\r\n", b".a\r\n", true),
            (b"a.\r\n.b.\r\n", b"a.\r\n.b.\r\n", false),
            (b"a\n.\n", b"a\n.\n", false),
            (b"a\r.\r\n", b"a\r.\r\n", false),
            (b"\r\r\n.\r\n", b"\r\r\n", true),
            (b".\rx\r\n.\r\n", b".\rx\r\n", true),
            (b".\r\r\n.\r\n", b".\r\r\n", true),
            (b"a\r\n.", b"a\r\n", false),
            (b"a\r\n.\r", b"a\r\n", false),
            (b"\0\xff\r\n.\r\n", b"\0\xff\r\n", true),
        ] {
            let shown = String::from_utf8_lossy(wire).into_owned();
            assert_eq!(unstuffed(&[wire]), (mail.to_vec(), ended, wire.len()), "{shown:?}");
        }
    }

    #[test]
    fn a_server_whose_lines_end_by_lf_alone() {
        for (wire, mail, ended) in [
            (&b".\n"[..], &b""[..], true),
            (b"a\n.\n", b"a\n", true),
            (b"a\n\n..b\n.c\n.\n", b"a\n\n.b\n.c\n", true),
            (b"a\r\n.\r\n", b"a\r\n", true),
            (b"a\n.\r\n", b"a\n", true),
            (b"a.\n", b"a.\n", false),
            (b"a\r\n.\n", b"a\r\n", true),
        ] {
            let shown = String::from_utf8_lossy(wire).into_owned();
            assert_eq!(
                unstuffed_by(true, &[wire]),
                (mail.to_vec(), ended, wire.len()),
                "{shown:?}"
            );
        }
    }

    #[test]
    fn what_comes_after_the_end_is_left() {
        assert_eq!(unstuffed(&[b"a\r\n.\r\n+OK"]), (b"a\r\n".to_vec(), true, 6));
        assert_eq!(unstuffed(&[b".\r\n", b"+OK"]), (vec![], true, 3));
    }

    /// What a server sends for a mail whose lines end by CRLF.
    fn stuffed(mail: &[u8]) -> Vec<u8> {
        let mut wire = Vec::new();
        let mut line_begins = true;
        for (n, byte) in mail.iter().enumerate() {
            if line_begins && *byte == b'.' {
                wire.push(b'.');
            }
            wire.push(*byte);
            line_begins = mail[..=n].ends_with(b"\r\n");
        }
        wire.extend(b".\r\n");
        wire
    }

    proptest! {
        #[test]
        fn every_mail_comes_as_it_was_however_it_is_cut(
            bytes in prop::collection::vec(prop::sample::select(b".\r\na\0".to_vec()), 0..200),
            cuts in prop::collection::vec(1usize..9, 1..20),
        ) {
            let mut mail = bytes;
            mail.extend(b"\r\n");
            let wire = stuffed(&mail);
            let mut pieces = Vec::new();
            let mut rest = &wire[..];
            for cut in cuts.iter().cycle() {
                let (piece, tail) = rest.split_at((*cut).min(rest.len()));
                pieces.push(piece);
                rest = tail;
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert_eq!(unstuffed(&pieces), (mail, true, wire.len()));
        }

        #[test]
        fn nothing_is_made_up(bytes in prop::collection::vec(any::<u8>(), 0..500)) {
            let (out, ended, used) = unstuffed(&[&bytes]);
            prop_assert!(out.len() <= used && used <= bytes.len(), "{out:?}");
            prop_assert!(ended || used == bytes.len());
        }
    }
}
