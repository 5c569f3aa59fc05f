//! A last look at a built mail. Pure.
//!
//! The mail builder escaped everything, and everything was clean before; this is for the day on which one of both is wrong.

/// A line's length without its CRLF (RFC 5322 section 2.1.1).
const MAX_LINE: usize = 998;

/// The fields that a reply has, each once at most.
const FIELDS: [&str; 14] = [
    "From",
    "To",
    "Reply-To",
    "Date",
    "Message-ID",
    "Subject",
    "In-Reply-To",
    "References",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    crate::message::LOOP_MARK,
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
];

/// Whether a mail is ASCII in short lines that all end in CRLF, and its header has our fields and no others.
pub(super) fn is_sound(mail: &[u8]) -> bool {
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
            .is_none_or(|seen| is_header_line(line, number == 0, seen))
    }) && header.is_none()
        && has_only_crlf(mail)
}

fn is_header_line<'a>(line: &'a [u8], first: bool, seen: &mut Vec<&'a [u8]>) -> bool {
    if matches!(line.first(), Some(b' ' | b'\t')) {
        return !first;
    }
    let name = line.split(|&b| b == b':').next().unwrap_or_default();
    let known = FIELDS.iter().any(|field| field.as_bytes() == name) && !seen.contains(&name);
    seen.push(name);
    known
}

/// Whether no CR and no LF stands alone: a lone one ends a line for some servers and not for others, and what follows is a
/// second mail for some (SMTP smuggling, CVE-2023-51764).
pub(super) fn has_only_crlf(bytes: &[u8]) -> bool {
    let mut before = 0;
    let paired = bytes.iter().all(|&b| {
        let fine = (b == b'\n') == (before == b'\r');
        before = b;
        fine
    });
    paired && before != b'\r'
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
