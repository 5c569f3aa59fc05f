//! A last look at a built mail. Pure.
//!
//! The mail builder escaped everything, and everything was clean before; this is for the day on which one of both is wrong.

use mail_parser::MessageParser;

/// A line's length without its CRLF (RFC 5322 section 2.1.1).
const MAX_LINE: usize = 998;

/// The fields that a reply has, each once at most.
const FIELDS: [&str; 16] = [
    "From",
    "To",
    "Cc",
    "Reply-To",
    "Date",
    "Message-ID",
    "Subject",
    "In-Reply-To",
    "References",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    crate::message::LOOP_MARK,
    "Content-Language",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
];

/// Whether a mail is ASCII in short lines that all end in CRLF, and its header has our fields and no others.
pub(super) fn is_sound(mail: &[u8]) -> bool {
    is_sound_with(mail, &[])
}

/// The same, where the header may have these fields too, each once at most.
pub(crate) fn is_sound_with(mail: &[u8], more: &[&str]) -> bool {
    let Some(mail) = mail.strip_suffix(b"\r\n") else {
        return false;
    };
    let mut header = Some(Vec::new());
    mail.split(|&b| b == b'\n').enumerate().all(|(number, line)| {
        // The last line's end was taken off above; every other one still has its CR.
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let fits = line.len() <= MAX_LINE && line.is_ascii() && !line.iter().any(|b| matches!(b, b'\r' | b'\n' | 0));
        if line.is_empty() {
            header = None;
        }
        fits && header
            .as_mut()
            .is_none_or(|seen| is_header_line(line, number == 0, seen, more))
    }) && header.is_none()
        && has_only_crlf(mail)
}

fn is_header_line<'a>(line: &'a [u8], first: bool, seen: &mut Vec<&'a [u8]>, more: &[&str]) -> bool {
    if matches!(line.first(), Some(b' ' | b'\t')) {
        return !first;
    }
    let name = line.split(|&b| b == b':').next().unwrap_or_default();
    let mut fields = FIELDS.iter().chain(more);
    let known = fields.any(|field| field.as_bytes() == name) && !seen.contains(&name);
    seen.push(name);
    known
}

/// Whether a reader finds in a mail what was put there: this subject, a text, HTML where there should be some, and so many
/// attachments.
pub(super) fn reads_back(mail: &[u8], subject: &str, html: bool, attachments: usize) -> bool {
    let Some(read) = MessageParser::default().parse(mail) else {
        return false;
    };
    let kind = read.content_type().map(|kind| (kind.ctype(), kind.subtype()));
    let expected = match (attachments, html) {
        (0, false) => ("text", Some("plain")),
        (0, true) => ("multipart", Some("alternative")),
        _ => ("multipart", Some("mixed")),
    };
    let root = read.root();
    // mail-parser 1.0.1 decodes adjacent encoded words as one, and takes the two escape sequences of ISO-2022-JP that meet there for
    // a fault.
    let whole = |text: &str| text.replace(char::REPLACEMENT_CHARACTER, "");
    read.subject().map(whole) == Some(whole(subject))
        && kind == Some(expected)
        && read.attachments().count() == attachments
        && root.text_body().count() > 0
        && (!html
            || root
                .html_body()
                .any(|part| matches!(part.kind(), mail_parser::PartKind::Html)))
}

/// Whether no CR and no LF stands alone: a lone one ends a line for some servers and not for others, and what follows is a
/// second mail for some (SMTP smuggling, CVE-2023-51764).
pub(super) fn has_only_crlf(bytes: &[u8]) -> bool {
    let mut watch = CrlfWatch::default();
    watch.at(bytes);
    watch.has_only_crlf()
}

/// The same, of bytes that come in pieces.
#[derive(Debug, Default)]
pub(super) struct CrlfWatch {
    before: u8,
    lone: bool,
}

impl CrlfWatch {
    pub(super) fn at(&mut self, piece: &[u8]) {
        let mut before = self.before;
        self.lone |= !piece.iter().all(|&b| {
            let fine = (b == b'\n') == (before == b'\r');
            before = b;
            fine
        });
        self.before = before;
    }

    pub(super) fn has_only_crlf(&self) -> bool {
        !self.lone && self.before != b'\r'
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_fields_in_short_lines() {
        let long = format!("Subject: x\r\n\r\n{}\r\n", "y".repeat(999));
        for (mail, sound) in [
            ("Subject: x\r\n y\r\nTo: <a@b>\r\n\r\nbody\r\n", true),
            ("Subject: x\r\n\r\n", true),
            ("Subject: x\r\n\r\nBcc: in the body\r\n", true),
            ("Subject: x\r\n", false),
            ("Subject: x\r\nBcc: <a@b>\r\n\r\nbody\r\n", false),
            ("Subject: x\r\nSubject: y\r\n\r\nbody\r\n", false),
            (" folded\r\nSubject: x\r\n\r\nbody\r\n", false),
            ("Subject: x\r\nno colon\r\n\r\nbody\r\n", false),
            ("Subject: x\r\n\r\nbare\nfeed\r\n", false),
            ("Subject: x\r\n\r\nbare\rreturn\r\n", false),
            ("Subject: x\r\n\r\nno end", false),
            ("Subject: x\r\n\r\nn\0l\r\n", false),
            ("Subject: ü\r\n\r\nbody\r\n", false),
            (&long, false),
            ("", false),
        ] {
            assert_eq!(is_sound(mail.as_bytes()), sound, "{mail:?}");
        }
    }

    #[test]
    fn line_ends() {
        for (bytes, fine) in [
            ("", true),
            ("a\r\nb\r\n\r\n", true),
            ("a\n", false),
            ("\n", false),
            ("a\r", false),
            ("a\r\r\n", false),
            ("a\r\n\n", false),
        ] {
            assert_eq!(has_only_crlf(bytes.as_bytes()), fine, "{bytes:?}");
        }
    }
}
