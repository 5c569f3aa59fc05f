//! JSON Web Tokens that we sign: a client's assertion (RFC 7523 section 2.2) and a service account's (section 2.1). Pure, but for the
//! random salt of a signature.
//!
//! Signed by ring, our only provider of cryptography: jsonwebtoken 11 signs with RSA by aws-lc-rs or by the crate rsa (2026-11). What
//! remains is the compact form of RFC 7515 section 3.1. Nothing is ever verified here.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use ring::{
    rand::SystemRandom,
    rsa::KeyPair,
    signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding},
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::secret::{ExposeSecret, Secret};

/// How long an assertion is good. Microsoft advises 5 to 10 minutes ("Certificate credentials", 2025).
const LIFE: Duration = Duration::from_secs(10 * 60);
/// How long a service account's assertion is good: an hour is the most that Google takes.
const SERVICE_LIFE: Duration = Duration::from_secs(60 * 60);

/// Why no assertion can be signed. Never holds the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AssertionError {
    /// The certificate's file.
    #[error("the client's certificate is not PEM: write the path of a file with -----BEGIN CERTIFICATE-----")]
    Certificate,
    /// The key's file.
    #[error(
        "the private key is not PEM: it must begin with -----BEGIN PRIVATE KEY----- or -----BEGIN RSA PRIVATE KEY-----"
    )]
    Key,
    /// A key of another kind or size.
    #[error("the private key is not RSA of 2048 to 4096 bits, which these assertions need")]
    Kind,
    /// The service account's file.
    #[error("the service account's key file is not the JSON that Google makes: it needs client_email and private_key")]
    ServiceAccount,
}

/// Who asserts what: the parts of a client's assertion that vary.
pub(super) struct AssertionParts<'a> {
    pub(super) client_id: &'a str,
    /// The token endpoint's URL.
    pub(super) audience: &'a str,
    pub(super) now: DateTime<Utc>,
    /// Unique for each assertion.
    pub(super) id: &'a str,
}

/// A client's assertion as Microsoft wants it: PS256, and the certificate's SHA-256 in the header ("Certificate credentials").
pub(super) fn client(
    who: &AssertionParts<'_>,
    certificate_pem: &[u8],
    key_pem: &Secret,
) -> Result<Secret, AssertionError> {
    let certificate = CertificateDer::from_pem_slice(certificate_pem).map_err(|_| AssertionError::Certificate)?;
    let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(&certificate));
    let header = json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint });
    let now = who.now.timestamp();
    let claims = json!({
        "aud": who.audience,
        "iss": who.client_id,
        "sub": who.client_id,
        "jti": who.id,
        "nbf": now,
        "iat": now,
        "exp": after(now, LIFE),
    });
    sign(&header, &claims, &RSA_PSS_SHA256, key_pem)
}

/// A Google service account's key file, as far as it counts.
#[derive(Deserialize)]
struct ServiceKey {
    client_email: String,
    private_key: Secret,
    private_key_id: Option<String>,
}

/// A service account's assertion: it asks for a token of `user` (Google, "Using OAuth 2.0 for server to server applications").
pub(super) fn service_account(
    key_file: &Secret,
    user: &str,
    scopes: &[String],
    audience: &str,
    now: DateTime<Utc>,
) -> Result<Secret, AssertionError> {
    let key: ServiceKey = serde_json::from_str(key_file.expose_secret()).map_err(|_| AssertionError::ServiceAccount)?;
    let mut header = json!({ "alg": "RS256", "typ": "JWT" });
    if let (Some(id), Value::Object(header)) = (key.private_key_id, &mut header) {
        header.insert("kid".to_owned(), id.into());
    }
    let now = now.timestamp();
    let claims = json!({
        "iss": key.client_email,
        "sub": user,
        "scope": scopes.join(" "),
        "aud": audience,
        "iat": now,
        "exp": after(now, SERVICE_LIFE),
    });
    sign(&header, &claims, &RSA_PKCS1_SHA256, &key.private_key)
}

fn after(now: i64, life: Duration) -> i64 {
    now.saturating_add_unsigned(life.as_secs())
}

fn sign(
    header: &Value,
    claims: &Value,
    encoding: &'static dyn RsaEncoding,
    key_pem: &Secret,
) -> Result<Secret, AssertionError> {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let key = key_pair(key_pem)?;
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(encoding, &SystemRandom::new(), signed.as_bytes(), &mut signature)
        .map_err(|_| AssertionError::Kind)?;
    Ok(Secret::from(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))))
}

fn key_pair(pem: &Secret) -> Result<KeyPair, AssertionError> {
    let key = PrivateKeyDer::from_pem_slice(pem.expose_secret().as_bytes()).map_err(|_| AssertionError::Key)?;
    let pair = match &key {
        PrivateKeyDer::Pkcs1(der) => KeyPair::from_der(der.secret_pkcs1_der()),
        PrivateKeyDer::Pkcs8(der) => KeyPair::from_pkcs8(der.secret_pkcs8_der()),
        _ => return Err(AssertionError::Kind),
    };
    pair.map_err(|_| AssertionError::Kind)
}

#[cfg(test)]
#[path = "assertion_tests.rs"]
mod tests;
