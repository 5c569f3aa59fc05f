//! What is asked of a mail, and what is said of it. Pure.

use crate::sandbox::trays::StoredMail;

/// A part of a mail's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum MailSection {
    Whole,
    Header,
    Text,
    /// The header fields of these names, or all but them.
    Fields {
        names: Vec<String>,
        but: bool,
    },
}

/// Something that is asked of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FetchItem {
    Uid,
    Flags,
    InternalDate,
    Size,
    Body {
        /// As it is repeated in the answer: `BODY[HEADER]<0>`.
        label: String,
        section: MailSection,
        /// Where it begins, and how long it is at most.
        range: Option<(usize, usize)>,
        /// Whether the mail stays unread.
        peeks: bool,
    },
}

impl FetchItem {
    pub(super) fn read(text: &str) -> Option<Self> {
        let upper = text.to_ascii_uppercase();
        let whole = |label: &str, section, peeks| Self::Body {
            label: label.to_owned(),
            section,
            range: None,
            peeks,
        };
        Some(match upper.as_str() {
            "UID" => Self::Uid,
            "FLAGS" => Self::Flags,
            "INTERNALDATE" => Self::InternalDate,
            "RFC822.SIZE" => Self::Size,
            "RFC822" => whole("RFC822", MailSection::Whole, false),
            "RFC822.HEADER" => whole("RFC822.HEADER", MailSection::Header, true),
            "RFC822.TEXT" => whole("RFC822.TEXT", MailSection::Text, false),
            _ => return Self::body(&upper),
        })
    }

    fn body(upper: &str) -> Option<Self> {
        let (rest, peeks) = match upper.strip_prefix("BODY.PEEK[") {
            Some(rest) => (rest, true),
            None => (upper.strip_prefix("BODY[")?, false),
        };
        let (inner, tail) = rest.split_once(']')?;
        let section = match inner {
            "" => MailSection::Whole,
            "HEADER" => MailSection::Header,
            "TEXT" => MailSection::Text,
            _ => {
                let (word, names) = inner.split_once(' ')?;
                let names = names.strip_prefix('(')?.strip_suffix(')')?;
                MailSection::Fields {
                    names: names.split_ascii_whitespace().map(str::to_owned).collect(),
                    but: match word {
                        "HEADER.FIELDS" => false,
                        "HEADER.FIELDS.NOT" => true,
                        _ => return None,
                    },
                }
            }
        };
        let range = match tail {
            "" => None,
            tail => {
                let (offset, most) = tail.strip_prefix('<')?.strip_suffix('>')?.split_once('.')?;
                Some((offset.parse().ok()?, most.parse().ok()?))
            }
        };
        let origin = range.map(|(offset, _)| format!("<{offset}>")).unwrap_or_default();
        Some(Self::Body {
            label: format!("BODY[{inner}]{origin}"),
            section,
            range,
            peeks,
        })
    }

    /// Whether it marks the mail as read.
    pub(super) fn reads(&self) -> bool {
        matches!(self, Self::Body { peeks: false, .. })
    }

    /// Says it of a mail.
    fn say(&self, mail: &StoredMail, into: &mut Vec<u8>) {
        match self {
            Self::Uid => into.extend(format!("UID {}", mail.uid).bytes()),
            Self::Flags => into.extend(format!("FLAGS ({})", mail.flags.join(" ")).bytes()),
            Self::InternalDate => {
                let date = mail.received.format("%d-%b-%Y %H:%M:%S +0000");
                into.extend(format!("INTERNALDATE \"{date}\"").bytes());
            }
            Self::Size => into.extend(format!("RFC822.SIZE {}", mail.bytes.len()).bytes()),
            Self::Body {
                label, section, range, ..
            } => {
                let bytes = section.of(&mail.bytes);
                let (offset, most) = range.unwrap_or((0, usize::MAX));
                let begin = offset.min(bytes.len());
                let end = begin.saturating_add(most).min(bytes.len());
                let bytes = bytes.get(begin..end).unwrap_or_default();
                into.extend(format!("{label} {{{}}}\r\n", bytes.len()).bytes());
                into.extend_from_slice(bytes);
            }
        }
    }
}

/// The answer for one mail, whose number in the session is given.
pub(super) fn answer(number: usize, mail: &StoredMail, items: &[FetchItem], by_uid: bool) -> Vec<u8> {
    let mut said = format!("* {number} FETCH (").into_bytes();
    let unasked = by_uid && !items.contains(&FetchItem::Uid);
    for (at, item) in unasked.then_some(&FetchItem::Uid).into_iter().chain(items).enumerate() {
        if at > 0 {
            said.push(b' ');
        }
        item.say(mail, &mut said);
    }
    said.extend_from_slice(b")\r\n");
    said
}

impl MailSection {
    fn of(&self, mail: &[u8]) -> Vec<u8> {
        let (header, text) = halves(mail);
        match self {
            Self::Whole => mail.to_vec(),
            Self::Header => header.to_vec(),
            Self::Text => text.to_vec(),
            Self::Fields { names, but } => {
                let mut kept = Vec::new();
                for (name, field) in fields(header) {
                    if names.iter().any(|wanted| wanted.eq_ignore_ascii_case(&name)) != *but {
                        kept.extend_from_slice(field);
                    }
                }
                kept.extend_from_slice(b"\r\n");
                kept
            }
        }
    }
}

/// The header with the empty line behind it, and the rest.
pub(super) fn halves(mail: &[u8]) -> (&[u8], &[u8]) {
    let end = mail.windows(4).position(|window| window == b"\r\n\r\n");
    mail.split_at_checked(end.map_or(mail.len(), |end| end + 4))
        .unwrap_or((mail, &[]))
}

/// Each field of a header, with the lines that continue it, and its name.
pub(super) fn fields(header: &[u8]) -> impl Iterator<Item = (String, &[u8])> {
    let mut rest = header;
    std::iter::from_fn(move || {
        let is_end = |at: &usize| {
            let next = rest.get(at + 1);
            rest.get(*at) == Some(&b'\n') && !matches!(next, Some(b' ' | b'\t'))
        };
        let end = (0..rest.len()).find(is_end).map_or(rest.len(), |at| at + 1);
        let (field, tail) = rest.split_at_checked(end)?;
        rest = tail;
        let colon = field.iter().position(|byte| *byte == b':')?;
        let name = String::from_utf8_lossy(field.get(..colon)?).trim().to_owned();
        Some((name, field))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIL: &[u8] = b"From: a\r\nSubject: x\r\n y\r\nDate: d\r\n\r\nline\r\n";

    fn said(items: &[&str], by_uid: bool) -> String {
        let mail = StoredMail {
            uid: 7,
            flags: vec!["\\Seen".into()],
            received: chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
            bytes: MAIL.into(),
        };
        let items: Vec<_> = items.iter().map(|item| FetchItem::read(item).unwrap()).collect();
        String::from_utf8(answer(3, &mail, &items, by_uid)).unwrap()
    }

    #[test]
    fn what_is_asked_is_said() {
        for (items, expected) in [
            (&["FLAGS"][..], "* 3 FETCH (FLAGS (\\Seen))\r\n"),
            (&["uid", "rfc822.size"], "* 3 FETCH (UID 7 RFC822.SIZE 42)\r\n"),
            (
                &["INTERNALDATE"],
                "* 3 FETCH (INTERNALDATE \"15-Jan-2027 08:00:00 +0000\")\r\n",
            ),
            (&["BODY.PEEK[TEXT]"], "* 3 FETCH (BODY[TEXT] {6}\r\nline\r\n)\r\n"),
            (&["BODY[]<36.4>"], "* 3 FETCH (BODY[]<36> {4}\r\nline)\r\n"),
            (&["BODY[]<99.4>"], "* 3 FETCH (BODY[]<99> {0}\r\n)\r\n"),
            (
                &["BODY.PEEK[HEADER.FIELDS (SUBJECT X)]"],
                "* 3 FETCH (BODY[HEADER.FIELDS (SUBJECT X)] {18}\r\nSubject: x\r\n y\r\n\r\n)\r\n",
            ),
            (
                &["BODY.PEEK[HEADER.FIELDS.NOT (Subject date)]"],
                "* 3 FETCH (BODY[HEADER.FIELDS.NOT (SUBJECT DATE)] {11}\r\nFrom: a\r\n\r\n)\r\n",
            ),
        ] {
            assert_eq!(said(items, false), expected);
        }
        assert_eq!(said(&["FLAGS"], true), "* 3 FETCH (UID 7 FLAGS (\\Seen))\r\n");
        assert_eq!(said(&["UID"], true), "* 3 FETCH (UID 7)\r\n");
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for refused in [
            "BODY",
            "ENVELOPE",
            "BODY[1.MIME]",
            "BODY[",
            "BODY[]<1>",
            "BODY[HEADER.FIELDS SUBJECT]",
        ] {
            assert_eq!(FetchItem::read(refused), None, "{refused}");
        }
    }
}
