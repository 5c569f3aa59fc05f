//! Addresses as people type them: `ada@example.com`, `Ada <ada@example.com>`, several with commas between them. Pure.

use super::DraftError;
use crate::{addr_spec::is_sendable, message::clean::clean};

/// Characters kept of a name.
const MAX_NAME: usize = 200;

/// An address and the name before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedAddress {
    /// On one line.
    pub name: Option<String>,
    /// `local@domain`, fit for SMTP.
    pub address: String,
}

/// Reads a list of addresses; empty entries are passed over.
///
/// # Errors
/// When one of them is no address that can be sent to.
pub fn addresses(text: &str) -> Result<Vec<NamedAddress>, DraftError> {
    let entries = entries(text);
    let written = entries
        .iter()
        .map(|entry| entry.trim())
        .filter(|entry| !entry.is_empty());
    written.map(mailbox).collect()
}

/// Cuts at commas that are not inside quotes.
fn entries(text: &str) -> Vec<String> {
    let (mut entries, mut entry, mut quoted) = (Vec::new(), String::new(), false);
    for c in text.chars() {
        quoted ^= c == '"';
        if c == ',' && !quoted {
            entries.push(std::mem::take(&mut entry));
        } else {
            entry.push(c);
        }
    }
    entries.push(entry);
    entries
}

fn mailbox(entry: &str) -> Result<NamedAddress, DraftError> {
    let (name, address) = match entry.strip_suffix('>').and_then(|rest| rest.rsplit_once('<')) {
        Some((name, address)) => (name.trim().trim_matches('"'), address.trim()),
        None => ("", entry),
    };
    if !is_sendable(address) {
        return Err(DraftError::Address(clean(entry, MAX_NAME)));
    }
    // What looks like an encoded word (RFC 2047) would be decoded by readers.
    let name = clean(name, MAX_NAME).replace("=?", "= ?");
    Ok(NamedAddress {
        name: Some(name).filter(|name| !name.is_empty()),
        address: address.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_people_type_them() {
        let read = |text: &str| {
            let found = addresses(text).unwrap();
            let shown = found
                .into_iter()
                .map(|m| format!("{}|{}", m.name.unwrap_or_default(), m.address));
            shown.collect::<Vec<_>>()
        };
        assert_eq!(
            read("a@example.com, b@example.com,"),
            ["|a@example.com", "|b@example.com"]
        );
        assert_eq!(read("Ada <a@example.com>"), ["Ada|a@example.com"]);
        assert_eq!(
            read("\"Lovelace, Ada\" <a@example.com>, b@example.com"),
            ["Lovelace, Ada|a@example.com", "|b@example.com"]
        );
        assert_eq!(read("<a@example.com>"), ["|a@example.com"]);
        assert!(read("").is_empty());
    }

    #[test]
    fn what_is_no_address_is_named() {
        for bad in [
            "ada",
            "a@b c",
            "a@x, nobody",
            "\"a b\"@example.com",
            "<a@x>\r\nBcc: b@y",
            "ü@example.com",
            "@",
        ] {
            assert!(addresses(bad).is_err(), "{bad}");
        }
        let name = addresses("A\r\nB: c =?utf-8?q?x?= <a@example.com>").unwrap();
        assert_eq!(name[0].name.as_deref(), Some("A  B: c = ?utf-8?q?x?="));
    }
}
