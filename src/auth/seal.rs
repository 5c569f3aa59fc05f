//! Refresh tokens are kept sealed: ChaCha20-Poly1305 (RFC 8439) under a key that lies elsewhere.
//!
//! A sealed token is a version byte, a nonce and the ciphertext with its tag. The sign-in's name is bound to it: moved to another
//! row, it does not open. Nonces are random; 96 bits are enough for more tokens than an account ever gets.

use std::fmt;

use base64::{Engine, engine::general_purpose};
use ring::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand::{SecureRandom, SystemRandom},
};
use secrecy::zeroize::Zeroizing;

use crate::secret::{ExposeSecret, Secret};

/// The way in which tokens are sealed now.
const VERSION: u8 = 1;
/// What is sealed: nothing of one kind opens as the other.
const SIGN_IN: &str = "mailjob sign-in ";
const FILE: &str = "mailjob file ";
/// Bytes of a key.
const KEY: usize = 32;

/// Random bytes that no other sealing under the same key may have had.
type NonceBytes = [u8; NONCE_LEN];

/// The key that tokens are sealed with. Can't be printed.
pub struct SealKey(LessSafeKey);

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key([REDACTED])")
    }
}

/// Why a token can't be sealed or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// It was sealed with another key, for another sign-in, or was changed since.
    #[error(
        "the sign-in `{0}` is sealed with another key: put that key back, or sign in anew by `mailjob auth login {0}`"
    )]
    OtherKey(String),
    /// It was sealed in a way that is not known here.
    #[error(
        "the sign-in `{0}` was sealed by another version of Mailjob: run that version, or sign in anew by `mailjob auth login {0}`"
    )]
    OtherVersion(String),
    /// The system has no random numbers, or the token is endless.
    #[error("the sign-in `{0}` can't be sealed: the system gives no random numbers")]
    Unsealable(String),
}

/// Why a text is no key. Never holds it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSealKey {
    /// Neither of the two ways to write one.
    #[error("is neither base64 nor hex")]
    Unreadable,
    /// Too short or too long.
    #[error("has {0} bytes, not 32")]
    Length(usize),
}

impl SealKey {
    /// Reads a key of 32 bytes, written in base64 (RFC 4648 section 4 or 5, with or without padding) or hex.
    ///
    /// # Errors
    /// When it is neither, or of another length.
    pub fn parse(text: &Secret) -> Result<Self, BadSealKey> {
        let bytes = Zeroizing::new(bytes(text.expose_secret().trim()).ok_or(BadSealKey::Unreadable)?);
        let key = UnboundKey::new(&CHACHA20_POLY1305, &bytes).map_err(|_| BadSealKey::Length(bytes.len()))?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Seals the refresh token of a sign-in.
    ///
    /// # Errors
    /// [`SealError::Unsealable`] when the system has no random numbers.
    pub fn seal(&self, sign_in: &str, token: &Secret) -> Result<Vec<u8>, SealError> {
        nonce()
            .and_then(|nonce| self.seal_with(nonce, sign_in, token))
            .ok_or_else(|| SealError::Unsealable(sign_in.to_owned()))
    }

    /// Seals a text of this name: a file that may hold secrets. Nothing when the system has no random numbers.
    #[must_use]
    pub fn seal_text(&self, name: &str, text: &str) -> Option<Vec<u8>> {
        self.sealed(nonce()?, bound(FILE, name), text.as_bytes())
    }

    /// Opens a text of this name; nothing when it was sealed with another key, under another name, in another way, or changed since.
    #[must_use]
    pub fn open_text(&self, name: &str, sealed: &[u8]) -> Option<Zeroizing<String>> {
        let sealed = sealed.strip_prefix(&[VERSION])?;
        let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut body = Zeroizing::new(body.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let text = self.0.open_in_place(nonce, bound(FILE, name), &mut body).ok()?;
        str::from_utf8(text).ok().map(|text| Zeroizing::new(text.to_owned()))
    }

    fn seal_with(&self, nonce: NonceBytes, sign_in: &str, token: &Secret) -> Option<Vec<u8>> {
        self.sealed(nonce, bound(SIGN_IN, sign_in), token.expose_secret().as_bytes())
    }

    fn sealed(&self, nonce: NonceBytes, bound: Aad<Vec<u8>>, token: &[u8]) -> Option<Vec<u8>> {
        // Of its full length from the start: nothing of the token stays behind in a smaller buffer.
        let mut body = Zeroizing::new(Vec::with_capacity(token.len() + CHACHA20_POLY1305.tag_len()));
        body.extend_from_slice(token);
        self.0
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), bound, &mut *body)
            .ok()?;
        Some([&[VERSION], nonce.as_slice(), &body].concat())
    }

    /// Opens what was sealed for this sign-in.
    ///
    /// # Errors
    /// When the key, the sign-in or the way of sealing are not those it was sealed with.
    pub fn open(&self, sign_in: &str, sealed: &[u8]) -> Result<Secret, SealError> {
        let other = || SealError::OtherKey(sign_in.to_owned());
        let (version, sealed) = sealed.split_first().ok_or_else(other)?;
        if *version != VERSION {
            return Err(SealError::OtherVersion(sign_in.to_owned()));
        }
        let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>().ok_or_else(other)?;
        let mut body = Zeroizing::new(body.to_vec());
        let token = self
            .0
            .open_in_place(Nonce::assume_unique_for_key(*nonce), bound(SIGN_IN, sign_in), &mut body)
            .map_err(|_| other())?;
        str::from_utf8(token).map(Secret::from).map_err(|_| other())
    }
}

/// What a sealed token, or a sealed text, is bound to.
fn bound(kind: &str, name: &str) -> Aad<Vec<u8>> {
    Aad::from([kind.as_bytes(), &[VERSION], name.as_bytes()].concat())
}

fn nonce() -> Option<NonceBytes> {
    let mut nonce = [0; NONCE_LEN];
    SystemRandom::new().fill(&mut nonce).ok()?;
    Some(nonce)
}

/// A new key, as it is written into a file.
pub(super) fn new_key() -> Option<Zeroizing<String>> {
    let mut key = Zeroizing::new([0; KEY]);
    SystemRandom::new().fill(key.as_mut_slice()).ok()?;
    Some(Zeroizing::new(general_purpose::STANDARD.encode(key.as_slice())))
}

/// Hexadecimal digits are base64 too, but no random key in base64 is all hexadecimal.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let bare = text.trim_end_matches('=');
    hex(text)
        .or_else(|| general_purpose::STANDARD_NO_PAD.decode(bare).ok())
        .or_else(|| general_purpose::URL_SAFE_NO_PAD.decode(bare).ok())
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
#[path = "seal_tests.rs"]
mod tests;
