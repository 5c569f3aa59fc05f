//! What the files of an account say of its end: the certificate, the token that somebody else gets. The only look at them that is
//! not for signing in.

use std::{fs, path::Path};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{
    certificate::{self, CertificateError},
    forecast::{Facts, TokenFile},
};
use crate::{
    config::{Account, Auth, ClientProof, TokenSource},
    secret::{ExposeSecret as _, Secret, SecretError, SecretRef, read_token},
};

/// Why a file says nothing.
#[derive(Debug, thiserror::Error)]
pub enum FactError {
    /// The certificate can't be read.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The token can't be read.
    #[error(transparent)]
    Token(#[from] SecretError),
}

/// Reads what there is to read of an account. Blocks.
///
/// # Errors
/// When a file is missing or is not what it should be.
pub fn read(account: &Account) -> Result<Facts, FactError> {
    let mut facts = Facts::default();
    match &account.auth {
        Auth::OAuth(oauth) => match &oauth.client {
            ClientProof::Certificate { certificate, .. } => {
                facts.certificate = Some(certificate::read(certificate)?.ends);
            }
            ClientProof::Federated(file) => facts.token = Some(token_file(file, &read_token(file)?)),
            ClientProof::Public | ClientProof::Secret { .. } => {}
        },
        Auth::Token(TokenSource::Kept(place @ SecretRef::File(file))) => {
            facts.token = Some(token_file(file, &place.read()?));
        }
        Auth::Token(_) | Auth::Password(_) => {}
    }
    Ok(facts)
}

fn token_file(file: &Path, token: &Secret) -> TokenFile {
    let written = fs::metadata(file).and_then(|meta| meta.modified()).ok();
    TokenFile {
        ends: ends(token.expose_secret()),
        written: written.map(DateTime::from),
    }
}

/// The `exp` claim of a JWT (RFC 7519 section 4.1.4); `None` of anything else.
fn ends(token: &str) -> Option<DateTime<Utc>> {
    let mut parts = token.split('.');
    let claims = (parts.next(), parts.next()?, parts.next()?).1;
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
    let exp = claims.get("exp")?;
    // A NumericDate may have a fraction; whole seconds are enough, and what is too large is no time.
    let seconds = exp.as_i64().or_else(|| exp.as_f64().map(|seconds| seconds as i64))?;
    DateTime::from_timestamp(seconds, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_jwt_is_read_and_nothing_else_is_one() {
        let jwt = |claims: &str| format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims));
        let at = |seconds| DateTime::from_timestamp(seconds, 0);
        for (token, expected) in [
            (jwt(r#"{"exp":1800000000}"#), at(1_800_000_000)),
            (jwt(r#"{"exp":1800000000.9}"#), at(1_800_000_000)),
            (jwt(r#"{"exp":"1800000000"}"#), None),
            (jwt(r#"{"exp":9e300}"#), None),
            (jwt(r#"{"sub":"x"}"#), None),
            (jwt("[]"), None),
            ("e30.%%%.c2ln".into(), None),
            ("opaque".into(), None),
            (String::new(), None),
        ] {
            assert_eq!(ends(&token), expected, "{token}");
        }
    }
}
