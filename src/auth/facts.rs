//! What the files of an account say of its end: the certificate, the token that somebody else gets. The only look at them that is
//! not for signing in.

use std::{fs, path::Path};

use chrono::DateTime;

use super::{
    certificate::{self, CertificateError},
    claims::Claims,
    forecast::{AccountFacts, TokenFile},
};
use crate::{
    config::{Account, Auth, ClientProof, TokenSource},
    secret::{Secret, SecretError, SecretRef, read_token},
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
pub fn read(account: &Account) -> Result<AccountFacts, FactError> {
    let mut facts = AccountFacts::default();
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
        Auth::Token(_) | Auth::Password(_) | Auth::None => {}
    }
    Ok(facts)
}

fn token_file(file: &Path, token: &Secret) -> TokenFile {
    let written = fs::metadata(file).and_then(|meta| meta.modified()).ok();
    TokenFile {
        ends: Claims::read(token).and_then(|claims| claims.expires),
        written: written.map(DateTime::from),
    }
}
