//! Mailbox names as IMAP writes them: modified UTF-7 (RFC 3501 section 5.1.3) in a quoted string. Pure.

use base64::{
    Engine,
    alphabet::IMAP_MUTF7,
    engine::{GeneralPurpose, general_purpose::NO_PAD},
};

const BASE64: GeneralPurpose = GeneralPurpose::new(&IMAP_MUTF7, NO_PAD);

/// The name as a quoted string; `None` when it is empty or has control characters, which no server takes.
///
/// What comes out is printable ASCII whose quotes are escaped, so that a name can never end its string.
#[must_use]
pub(crate) fn quoted(name: &str) -> Option<String> {
    if name.is_empty() || name.chars().any(char::is_control) {
        return None;
    }
    let mut out = String::with_capacity(name.len() + 2);
    let mut shifted = String::new();
    out.push('"');
    for c in name.chars() {
        if !(' '..='~').contains(&c) {
            shifted.push(c);
            continue;
        }
        unshift(&mut out, &mut shifted);
        match c {
            '&' => out.push_str("&-"),
            '"' | '\\' => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    unshift(&mut out, &mut shifted);
    out.push('"');
    Some(out)
}

/// Writes what can't stand for itself as `&` base64 of UTF-16 `-`.
fn unshift(out: &mut String, shifted: &mut String) {
    if shifted.is_empty() {
        return;
    }
    let utf16: Vec<u8> = shifted.encode_utf16().flat_map(u16::to_be_bytes).collect();
    out.push('&');
    BASE64.encode_string(utf16, out);
    out.push('-');
    shifted.clear();
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names() {
        for (name, written) in [
            ("INBOX", r#""INBOX""#),
            ("Processed", r#""Processed""#),
            // RFC 3501 section 5.1.3
            ("~peter/mail/台北/日本語", r#""~peter/mail/&U,BTFw-/&ZeVnLIqe-""#),
            ("Entwürfe", r#""Entw&APw-rfe""#),
            ("R&D", r#""R&-D""#),
            ("ü&ü", r#""&APw-&-&APw-""#),
            ("📬", r#""&2D3c7A-""#),
            (r#"a"b\c"#, r#""a\"b\\c""#),
            ("{5}", r#""{5}""#),
        ] {
            assert_eq!(quoted(name).as_deref(), Some(written), "{name}");
        }
        for bad in ["", "a\r\nA2 LOGOUT", "a\0", "\u{85}", "\u{7f}"] {
            assert_eq!(quoted(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn a_name_never_ends_its_string(name in "\\PC{1,40}") {
            let written = quoted(&name).unwrap();
            prop_assert!(written.bytes().all(|b| (b' '..=b'~').contains(&b)));
            let inner = written.strip_prefix('"').unwrap().strip_suffix('"').unwrap();
            let mut escaped = false;
            for c in inner.chars() {
                prop_assert!(escaped || c != '"');
                escaped = !escaped && c == '\\';
            }
            prop_assert!(!escaped);
        }

        #[test]
        fn two_names_are_never_written_alike(a in "[a-zé&-]{1,6}", b in "[a-zé&-]{1,6}") {
            prop_assume!(a != b);
            prop_assert_ne!(quoted(&a), quoted(&b));
        }
    }
}
