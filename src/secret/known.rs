//! Every secret that this process has read, struck out of what it stores, tells and logs, whoever says it: a webhook that knows the password
//! of a mailbox, a command that prints another endpoint's key, a line of our own log.
//!
//! It is the fence behind the words that each exchange strikes out of its own ([`Redaction`](super::Redaction)), and coarser: whole
//! secrets only, and none that could be an ordinary word.

use std::{
    borrow::Cow,
    collections::HashSet,
    ops::Range,
    sync::{LazyLock, PoisonError, RwLock},
};

use ring::digest::{SHA256, digest};
use secrecy::{ExposeSecret as _, SecretString as Secret};

use super::{
    forms::{Forms, SHORTEST},
    redaction::{STRUCK, written},
};

/// So many secrets are known; later ones are struck out of their own exchanges only. More accounts than that have no ledger in common.
const MOST: usize = 16_384;
/// Bytes from which on anything is taken for a secret.
const SURELY: usize = 12;
/// Bytes of a line within a secret of several lines that is a key's, and not a word beside it.
const KEY_LINE: usize = 40;

#[derive(Default)]
struct SecretRegistry {
    /// Those that were learned, by their digests.
    learned: HashSet<[u8; 32]>,
    forms: Forms,
}

static KNOWN: LazyLock<RwLock<SecretRegistry>> = LazyLock::new(RwLock::default);

impl SecretRegistry {
    fn knows(&self, key: &[u8; 32]) -> bool {
        self.learned.contains(key) || self.learned.len() >= MOST
    }

    fn learn(&mut self, key: [u8; 32], secret: &str) {
        if self.knows(&key) {
            return;
        }
        self.learned.insert(key);
        for part in parts(secret) {
            written(part).iter().for_each(|form| self.forms.add(form));
        }
    }
}

/// From now on this is struck out.
pub(crate) fn learn(secret: &Secret) {
    let secret = secret.expose_secret();
    let Ok(key) = digest(&SHA256, secret.as_bytes()).as_ref().try_into() else {
        return;
    };
    if !KNOWN.read().unwrap_or_else(PoisonError::into_inner).knows(&key) {
        KNOWN.write().unwrap_or_else(PoisonError::into_inner).learn(key, secret);
    }
}

/// The text without the secrets that were read so far. Cheap where there is none in it.
#[must_use]
pub fn strike(text: &str) -> Cow<'_, str> {
    let ranges = stands(text.as_bytes());
    if ranges.is_empty() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(without(text, &ranges))
}

/// Where secrets stand.
pub(super) fn stands(bytes: &[u8]) -> Vec<Range<usize>> {
    KNOWN.read().unwrap_or_else(PoisonError::into_inner).forms.ranges(bytes)
}

/// The text with these parts of it struck out.
pub(super) fn without(text: &str, ranges: &[Range<usize>]) -> String {
    let mut left = String::with_capacity(text.len());
    let mut from = 0;
    for range in ranges {
        left.push_str(text.get(from..range.start).unwrap_or_default());
        left.push_str(STRUCK);
        from = range.end;
    }
    left.push_str(text.get(from..).unwrap_or_default());
    left
}

/// What of a secret is looked for: all of it, or of a key with words around it (PEM, the JSON of a service account) the key's lines.
fn parts(secret: &str) -> Vec<&str> {
    let secret = secret.trim();
    if secret.starts_with('{') || secret.contains('\n') {
        let is_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
        // Line ends within JSON are two characters, and the second is a letter.
        let lines = secret.split("\\n").flat_map(|line| line.split(|c| !is_key(c)));
        return lines.filter(|line| line.len() >= KEY_LINE).collect();
    }
    Vec::from_iter(is_no_word(secret).then_some(secret))
}

/// Whether it can't be a word that anybody uses, such as a weak password may be.
fn is_no_word(secret: &str) -> bool {
    secret.len() >= SURELY || secret.len() >= SHORTEST && secret.chars().any(|c| !c.is_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_learned_is_struck_out_of_anything() {
        let secret = "known-canary/of+all";
        assert_eq!(strike(secret), secret);
        learn(&Secret::from(secret));
        for (said, left) in [
            ("pass known-canary/of+all.".to_owned(), "pass ***."),
            ("?k=known-canary%2Fof%2Ball&x".to_owned(), "?k=***&x"),
            (written(secret)[1].clone(), "***"),
            ("known-canary/of".to_owned(), "known-canary/of"),
        ] {
            assert_eq!(strike(&said), left, "{said}");
        }
    }

    #[test]
    fn words_of_every_day_stay_and_of_a_key_only_the_key_goes() {
        let line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQ";
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{line}\n-----END PRIVATE KEY-----");
        let json =
            format!(r#"{{"token_uri": "https://oauth2.googleapis.com/token", "private_key": "-----BEGIN\n{line}\n"}}"#);
        for (secret, looked_for) in [
            ("invoices", vec![]),
            ("secret1", vec![]),
            ("secret12", vec!["secret12"]),
            ("correcthorse", vec!["correcthorse"]),
            (" two words \r\n", vec!["two words"]),
            (&pem, vec![line]),
            (&json, vec![line]),
        ] {
            assert_eq!(parts(secret), looked_for, "{secret}");
        }
    }

    #[test]
    fn it_knows_no_more_than_it_may() {
        let mut known = SecretRegistry::default();
        for number in 0..MOST as u64 + 10 {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&number.to_le_bytes());
            known.learn(key, "a-secret-of-them");
        }
        assert_eq!(known.learned.len(), MOST);
    }
}
