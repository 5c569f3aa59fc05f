//! Signatures of Standard Webhooks 1.0.0: `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`. Pure.

use std::io::{self, Read};

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::secret::{
    Secret,
    signing::{self, BadSigningKey},
};

/// Signs one body with every key. While a key is rotated there are two, and the receiver takes whichever it knows.
pub(in crate::dispatch) struct Signer(Vec<Hmac<Sha256>>);

impl Signer {
    /// Begins a signature.
    ///
    /// # Errors
    /// When a key is not what Standard Webhooks wants.
    pub(in crate::dispatch) fn new(keys: &[Secret], id: &str, timestamp: i64) -> Result<Self, BadSigningKey> {
        let begin = |key: &Secret| {
            let key = signing::key(key)?;
            let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|_| BadSigningKey)?;
            mac.update(format!("{id}.{timestamp}.").as_bytes());
            Ok(mac)
        };
        keys.iter().map(begin).collect::<Result<_, _>>().map(Self)
    }

    /// The header's value over this body; `None` when there is no key.
    ///
    /// # Errors
    /// When the body can't be read.
    pub(in crate::dispatch) fn sign(mut self, mut body: impl Read) -> io::Result<Option<String>> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = body.read(&mut buffer)?;
            let Some(piece) = buffer.get(..read).filter(|piece| !piece.is_empty()) else {
                break;
            };
            self.0.iter_mut().for_each(|mac| mac.update(piece));
        }
        let signatures = self
            .0
            .into_iter()
            .map(|mac| format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())));
        Ok(Some(signatures.collect::<Vec<_>>().join(" ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const SIGNED: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn signed(keys: &[&str], body: &str) -> Option<String> {
        let keys: Vec<_> = keys.iter().map(|&key| Secret::from(key)).collect();
        Signer::new(&keys, ID, 1_614_265_330)
            .unwrap()
            .sign(body.as_bytes())
            .unwrap()
    }

    /// The vector that the reference libraries of Standard Webhooks share.
    #[test]
    fn the_published_vector_holds() {
        let body = r#"{"test": 2432232314}"#;
        assert_eq!(signed(&[KEY], body).unwrap(), SIGNED);
        assert_eq!(signed(&[KEY.trim_start_matches("whsec_")], body).unwrap(), SIGNED);
        assert_ne!(signed(&[KEY], r#"{"test": 2432232315}"#).unwrap(), SIGNED);
    }

    #[test]
    fn each_key_signs() {
        let both = signed(
            &["whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX", KEY],
            r#"{"test": 2432232314}"#,
        )
        .unwrap();
        let (first, second) = both.split_once(' ').unwrap();
        assert!(first.starts_with("v1,") && first != second, "{both}");
        assert_eq!(second, SIGNED);
        assert_eq!(signed(&[], "x"), None);
    }

    #[test]
    fn bad_keys_are_refused_without_being_shown() {
        for key in ["whsec_", "whsec_not base64!", ""] {
            let refused = Signer::new(&[Secret::from(key)], ID, 0).err().unwrap();
            assert!(!refused.to_string().contains("not base64!"));
        }
    }

    #[test]
    fn long_bodies_are_signed_whole() {
        let body = "x".repeat(200_000);
        assert_ne!(signed(&[KEY], &body), signed(&[KEY], &body[1..]));
    }
}
