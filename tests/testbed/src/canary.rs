//! Whether a text holds a secret: plain, in base64 as a SASL response would, or as a form and a URL would.

use std::collections::BTreeSet;

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};

/// Shorter values can't be told from ordinary words.
const SHORTEST: usize = 8;
/// Of a secret of several lines, or in JSON, only pieces of this length are the secret itself: the lines of a key.
const SHORTEST_PIECE: usize = 40;

/// The names of the secrets, of these names and values, that `text` holds.
pub(crate) fn leaks<'a>(text: &str, secrets: impl IntoIterator<Item = (&'a str, &'a str)>) -> BTreeSet<String> {
    let leaked = secrets
        .into_iter()
        .filter(|(_, value)| pieces(value).iter().any(|piece| holds(text, piece)));
    leaked.map(|(name, _)| name.to_owned()).collect()
}

/// What of a secret to look for: all of it, or the lines of the key in it.
fn pieces(value: &str) -> Vec<String> {
    let value = value.trim();
    let whole = !value.starts_with('{') && value.lines().count() == 1;
    if whole {
        return Vec::from_iter((value.len() >= SHORTEST).then(|| value.to_owned()));
    }
    // A key within JSON has its line ends as two characters.
    let text = value.replace("\\n", "\n");
    let pieces = text.split(['\n', '\r', '"', ' ']);
    pieces
        .filter(|piece| piece.len() >= SHORTEST_PIECE)
        .map(str::to_owned)
        .collect()
}

fn holds(text: &str, secret: &str) -> bool {
    let in_base64 = |before| {
        let encoded = in_base64(secret, before);
        text.contains(&encoded) || text.contains(&encoded.replace('+', "-").replace('/', "_"))
    };
    text.contains(secret) || text.contains(&in_url(secret)) || (0..3).any(in_base64)
}

/// Each byte that is not unreserved (RFC 3986 section 2.3) as `%` and two digits.
fn in_url(secret: &str) -> String {
    let encoded = secret.bytes().map(|byte| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    });
    encoded.collect()
}

/// The characters of base64 that tell of nothing but the secret, when `before` bytes, modulo 3, come before it.
fn in_base64(secret: &str, before: usize) -> String {
    let bytes = [vec![0; before], secret.as_bytes().to_vec()].concat();
    let encoded = STANDARD_NO_PAD.encode(&bytes);
    // A character holds 6 bits: the first that starts in the secret, and as many as end in it.
    let (start, end) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
    encoded[start..end].to_owned()
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    const SECRET: &str = "a-secret-of-some-length";

    fn leaked(text: &str, secret: &str) -> bool {
        leaks(text, [("name", secret)]).contains("name")
    }

    #[test]
    fn a_secret_is_found_in_every_form() {
        assert!(leaked(&format!("token={SECRET}&more"), SECRET));
        for user in ["a", "bc", "def", "ghij"] {
            for after in ["", "\x01\x01"] {
                let response = STANDARD.encode(format!("user={user}\x01auth=Bearer {SECRET}{after}"));
                assert!(
                    leaked(&format!("AUTH XOAUTH2 {response}\r\n"), SECRET),
                    "{user} {after:?}"
                );
            }
        }
        assert!(leaked(
            "client_secret=a%2Fsecret%2Bof-some-length%3D&x=1",
            "a/secret+of-some-length="
        ));
        assert!(leaked("Pz8_Pz8_Pz8-", "????????>"));
        assert!(!leaked("nothing of the kind", SECRET));
        assert!(!leaked("a short one", "short"));
    }

    #[test]
    fn a_key_is_looked_for_by_its_lines() {
        let line = "MIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQC4E7";
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{line}\nAAAA\n-----END PRIVATE KEY-----\n");
        let json = serde_json::json!({ "client_email": "robot@example.test", "private_key": pem }).to_string();
        for secret in [&pem, &json] {
            assert!(leaked(&format!("key: {line}"), secret));
            assert!(!leaked("-----BEGIN PRIVATE KEY----- robot@example.test", secret));
        }
    }
}
