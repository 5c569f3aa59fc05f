//! Keys that webhooks are signed with, as Standard Webhooks 1.0.0 writes them. Pure.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{ExposeSecret as _, Secret};

/// A signing key is not `whsec_` and base64.
#[derive(Debug, thiserror::Error)]
#[error("a webhook secret is not `whsec_` followed by base64; {CURE}")]
pub struct BadSigningKey;

/// How one is made.
pub const CURE: &str = "make one with: echo whsec_$(openssl rand -base64 32)";

/// The bytes of a key.
///
/// # Errors
/// When it is not what Standard Webhooks wants.
pub fn key(secret: &Secret) -> Result<Vec<u8>, BadSigningKey> {
    let text = secret.expose_secret().trim();
    let key = STANDARD.decode(text.strip_prefix("whsec_").unwrap_or(text));
    key.ok().filter(|key| !key.is_empty()).ok_or(BadSigningKey)
}
