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
