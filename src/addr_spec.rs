//! Mail addresses that are safe to answer: a strict form of RFC 5322's addr-spec. Pure.

/// Whether an address is one `local@domain` of plain characters, at most 254 bytes. Quoted and routed forms are legal, but in
/// mail of today they are tricks to show one address and be another.
#[must_use]
pub fn is_plain(address: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let dotted = |text: &str| text.split('.').all(|atom| !atom.is_empty());
    address.len() <= 254
        && address.split_once('@').is_some_and(|(local, domain)| {
            local.len() <= 64
                && local.chars().all(plain)
                && dotted(local)
                && domain.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '.')
                && dotted(domain)
        })
}

/// Whether an address can stand in an SMTP command and a header field as it is: plain, and ASCII.
#[must_use]
pub fn is_sendable(address: &str) -> bool {
    address.is_ascii() && is_plain(address)
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
