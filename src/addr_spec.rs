//! Mail addresses that are safe to answer: a strict form of RFC 5322's addr-spec. Pure.

use std::borrow::Cow;

/// Whether an address is one `local@domain` of plain characters, at most 254 bytes. Its dots may stand anywhere: there are mailboxes
/// called `a..b` and `ab.` (docomo and au by KDDI, until 2009). Routed forms and other quoted ones are legal, but in mail of today they
/// are tricks to show one address and be another.
#[must_use]
pub fn is_plain(address: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || is_mark(c) || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    address.len() <= 254
        && address.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty()
                && local.len() <= 64
                && local.chars().all(plain)
                && domain
                    .chars()
                    .all(|c| c.is_alphanumeric() || is_mark(c) || c == '-' || c == '.')
                && dotted(domain)
        })
}

fn dotted(text: &str) -> bool {
    text.split('.').all(|atom| !atom.is_empty())
}

/// A sign that stands upon or beside a letter, as in Hindi or Thai: no letter itself, and nothing that steers a line.
fn is_mark(c: char) -> bool {
    matches!(u32::from(c), 0x0300..=0x036F | 0x0900..=0x0D7F | 0x0E00..=0x0EFF | 0x3099..=0x309A)
}

/// The form in which a plain address stands in an SMTP command and in a header field: its domain in ASCII (RFC 5890), its local part
/// quoted where its dots want that (RFC 5321 section 4.1.2). A local part that is not ASCII stays so, and needs SMTPUTF8 (RFC 6531).
/// `None` for what is not plain.
#[must_use]
pub fn wire_form(address: &str) -> Option<String> {
    let plain = unquoted(address);
    let (local, domain) = plain.split_once('@').filter(|_| is_plain(&plain))?;
    let domain = match domain.is_ascii() {
        true => domain.to_owned(),
        false => normal_domain(domain)?,
    };
    let form = match dotted(local) {
        true => format!("{local}@{domain}"),
        false => format!("\"{local}\"@{domain}"),
    };
    (form.len() <= 254).then_some(form)
}

/// Whether an address is in the form of [`wire_form`].
#[must_use]
pub fn is_reachable(address: &str) -> bool {
    wire_form(address).is_some_and(|form| form == address)
}

/// An address whose local part is quoted for nothing but its dots, without the quotes.
#[must_use]
pub fn unquoted(address: &str) -> Cow<'_, str> {
    let parts = address.strip_prefix('"').and_then(|rest| rest.split_once("\"@"));
    match parts {
        Some((local, domain)) if !dotted(local) => Cow::Owned(format!("{local}@{domain}")),
        _ => Cow::Borrowed(address),
    }
}

/// One form for all addresses of one mailbox, to count by: without what is behind a `+` (RFC 5233), and at Gmail without dots. Lower case.
#[must_use]
pub fn mailbox_form(address: &str) -> String {
    let address = normal(&unquoted(address)).unwrap_or_else(|| address.to_lowercase());
    let Some((local, domain)) = address.rsplit_once('@') else {
        return address;
    };
    let user = local.split_once('+').map_or(local, |(user, _)| user);
    let user = if user.is_empty() { local } else { user };
    match domain {
        "gmail.com" | "googlemail.com" => format!("{}@gmail.com", user.replace('.', "")),
        _ => format!("{user}@{domain}"),
    }
}

/// Whether an address can stand in an SMTP command and a header field as it is: plain, ASCII, and a dot-atom.
#[must_use]
pub fn is_sendable(address: &str) -> bool {
    let plain_dots = address.split_once('@').is_some_and(|(local, _)| dotted(local));
    address.is_ascii() && plain_dots && is_plain(address)
}

/// A domain in the one form in which domains are compared: ASCII (UTS 46), lower case, without a final dot. `None` for what can't be
/// one.
#[must_use]
pub fn normal_domain(domain: &str) -> Option<String> {
    let ascii = idna::domain_to_ascii(domain).ok()?.to_ascii_lowercase();
    let legal = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    (ascii.len() <= 253 && ascii.split('.').all(legal)).then_some(ascii)
}

/// An address in the one form in which addresses are compared: in lower case, its domain by [`normal_domain`]. `None` for what is not
/// plain.
#[must_use]
pub fn normal(address: &str) -> Option<String> {
    let (local, domain) = address.split_once('@').filter(|_| is_plain(address))?;
    Some(format!("{}@{}", local.to_lowercase(), normal_domain(domain)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_people_have_can_be_reached() {
        for (written, wire) in [
            ("ann@a.example", Some("ann@a.example")),
            ("Ann@A.example", Some("Ann@A.example")),
            ("abc.yyy.@docomo.ne.jp", Some("\"abc.yyy.\"@docomo.ne.jp")),
            ("aaa..bbb@docomo.ne.jp", Some("\"aaa..bbb\"@docomo.ne.jp")),
            (".a@ezweb.ne.jp", Some("\".a\"@ezweb.ne.jp")),
            ("ann@bücher.example", Some("ann@xn--bcher-kva.example")),
            ("änn@bücher.example", Some("änn@xn--bcher-kva.example")),
            ("आशीष@a.example", Some("आशीष@a.example")),
            ("日本..@a.example", Some("\"日本..\"@a.example")),
            ("a b@a.example", None),
            ("a\u{202e}b@a.example", None),
            ("a\u{200b}b@a.example", None),
            ("a\"b@a.example", None),
            ("a>b@a.example", None),
            ("a\r\nRCPT@a.example", None),
            ("ann@a..example", None),
            ("ann@a@b.example", None),
            ("@a.example", None),
            ("ann@[192.0.2.1]", None),
        ] {
            assert_eq!(wire_form(written).as_deref(), wire, "{written:?}");
            if let Some(wire) = wire {
                assert!(is_reachable(wire), "{wire}");
            }
        }
        for not in [
            "aaa..bbb@docomo.ne.jp",
            "\"ann\"@a.example",
            "ann@bücher.example",
            "\"a>b\"@a.example",
            "\"a\"@b\"@c.example",
            "",
        ] {
            assert!(!is_reachable(not), "{not}");
        }
    }

    #[test]
    fn domains_and_addresses_have_one_form() {
        for (written, normal) in [
            ("Bücher.Example", Some("xn--bcher-kva.example")),
            ("XN--BCHER-KVA.example", Some("xn--bcher-kva.example")),
            ("a.example", Some("a.example")),
            ("_dmarc.a.example", Some("_dmarc.a.example")),
            ("a.example'b.example", None),
            ("a..example", None),
            ("", None),
            ("a b.example", None),
            ("a/b.example", None),
        ] {
            assert_eq!(normal_domain(written).as_deref(), normal, "{written}");
        }
        assert_eq!(
            normal("Ann@BÜCHER.example").as_deref(),
            Some("ann@xn--bcher-kva.example")
        );
        assert_eq!(normal("ann@a@b.example"), None);
        assert_eq!(normal("\"ann\"@a.example"), None);
    }
}
