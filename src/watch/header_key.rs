//! A key of a mail's header, for servers that render a mail anew. Pure.
//!
//! Exchange builds the bytes of a mail when they are asked for (2026), so that after a change of UIDVALIDITY a hash of all bytes may
//! not find it again. Message-ID, Date and From stay.

use sha2::{Digest, Sha256};

/// SHA-256 over Message-ID, Date and From, folding and spaces evened out; `None` without a Message-ID.
pub(crate) fn header_key(head: &[u8]) -> Option<[u8; 32]> {
    let mut fields: [Option<Vec<u8>>; 3] = [None, None, None];
    let mut current: Option<usize> = None;
    for line in head.split(|b| *b == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match line.first() {
            None => break,
            Some(b' ' | b'\t') => {
                if let Some(field) = current.and_then(|n| fields.get_mut(n)).and_then(Option::as_mut) {
                    field.push(b' ');
                    field.extend_from_slice(line);
                }
            }
            Some(_) => {
                current = None;
                let mut parts = line.splitn(2, |b| *b == b':');
                let (Some(name), Some(value)) = (parts.next(), parts.next()) else {
                    continue;
                };
                let wanted = ["message-id", "date", "from"];
                let found = wanted
                    .iter()
                    .position(|w| name.trim_ascii_end().eq_ignore_ascii_case(w.as_bytes()));
                // The first of each counts.
                if let Some(slot) = found.and_then(|n| fields.get_mut(n)).filter(|slot| slot.is_none()) {
                    *slot = Some(value.to_vec());
                    current = found;
                }
            }
        }
    }
    let [message_id, date, from] = fields.map(|field| field.map(|value| evened(&value)));
    let message_id = message_id.filter(|id| !id.is_empty())?;
    let mut hash = Sha256::new();
    for field in [message_id, date.unwrap_or_default(), from.unwrap_or_default()] {
        hash.update((field.len() as u64).to_be_bytes());
        hash.update(field);
    }
    Some(hash.finalize().into())
}

/// Words with one space between them.
fn evened(value: &[u8]) -> Vec<u8> {
    let words: Vec<&[u8]> = value
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
        .collect();
    words.join(&b' ')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_same_mail_in_other_clothes() {
        let key = header_key(b"Message-ID: <a@b>\r\nDate: Mon, 2 Nov 2026 10:00:00 +0000\r\nFrom: A <a@b>\r\n\r\nbody")
            .unwrap();
        for same in [
            &b"X: y\r\nFROM:  A\r\n <a@b>\r\nMESSAGE-id:<a@b>\r\nDate: Mon, 2 Nov 2026\r\n\t10:00:00 +0000\r\n\r\nother body"[..],
            b"Message-ID: <a@b>\nDate: Mon, 2 Nov 2026 10:00:00 +0000\nFrom: A <a@b>\n\nMessage-ID: <other>",
            b"Message-ID: <a@b>\r\nMessage-ID: <c@d>\r\nDate: Mon, 2 Nov 2026 10:00:00 +0000\r\nFrom: A <a@b>",
        ] {
            assert_eq!(header_key(same), Some(key), "{}", String::from_utf8_lossy(same));
        }
        for other in [
            &b"Message-ID: <a@c>\r\nDate: Mon, 2 Nov 2026 10:00:00 +0000\r\nFrom: A <a@b>\r\n"[..],
            b"Message-ID: <a@b>\r\nFrom: A <a@b>\r\n",
        ] {
            assert!(header_key(other).is_some_and(|found| found != key));
        }
    }

    #[test]
    fn without_a_message_id_there_is_none() {
        for head in [
            &b""[..],
            b"\r\nMessage-ID: <a@b>",
            b"Message-ID:\r\n \r\n",
            b"From: a@b\r\n",
            b"Message-ID <a@b>\r\n",
            b"\0\xff",
        ] {
            assert_eq!(header_key(head), None);
        }
    }

    proptest! {
        #[test]
        fn any_bytes(head in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert_eq!(header_key(&head), header_key(&head));
        }
    }
}
