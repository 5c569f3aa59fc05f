//! How a client proves who it is: reading what that takes, and adding it to a request.

use chrono::{DateTime, Utc};
use oauth2::{AuthType, ClientId, ClientSecret};
use uuid::Uuid;

use super::{
    answer::OAuthClient,
    assertion::{self, AssertionError},
    error::AuthError,
};
use crate::{
    config::{ClientProof, OAuth, SendSecret},
    secret::{ExposeSecret, Secret, SecretError, read_token},
};

/// RFC 7523 section 2.2.
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What a client's proof is made of, as it was read for one request.
pub(super) enum ProofMaterial {
    /// A public client has none.
    None,
    /// A secret, and how it is sent.
    Secret(Secret, SendSecret),
    /// A certificate in PEM and its key, with which each assertion is signed anew.
    Certificate(Vec<u8>, Secret),
    /// An assertion that somebody else signed.
    Assertion(Secret),
}

impl ProofMaterial {
    /// Reads files and variables, and so blocks.
    pub(super) fn read(proof: &ClientProof) -> Result<Self, AuthError> {
        Ok(match proof {
            ClientProof::Public => Self::None,
            ClientProof::Secret { secret, send, .. } => Self::Secret(secret.read()?, *send),
            ClientProof::Certificate { certificate, key } => {
                let pem = std::fs::read(certificate).map_err(|source| SecretError::Read {
                    path: certificate.clone(),
                    source,
                })?;
                Self::Certificate(pem, key.read()?)
            }
            ClientProof::Federated(file) => Self::Assertion(read_token(file)?),
        })
    }

    /// What it is made of, to tell whether it changed.
    pub(super) fn material(&self) -> [&[u8]; 2] {
        match self {
            Self::None => [&[], &[]],
            Self::Secret(secret, _) | Self::Assertion(secret) => [secret.expose_secret().as_bytes(), &[]],
            Self::Certificate(pem, key) => [pem, key.expose_secret().as_bytes()],
        }
    }

    /// A client that proves itself so, but for what [`ProofMaterial::parameters`] adds to each request.
    pub(super) fn client(&self, oauth: &OAuth) -> OAuthClient {
        let client = OAuthClient::new(ClientId::new(oauth.client_id.clone()));
        match self {
            Self::Secret(secret, send) => client
                .set_client_secret(ClientSecret::new(secret.expose_secret().to_owned()))
                .set_auth_type(match send {
                    SendSecret::Body => AuthType::RequestBody,
                    SendSecret::Basic => AuthType::BasicAuth,
                }),
            Self::None | Self::Certificate(..) | Self::Assertion(_) => client.set_auth_type(AuthType::RequestBody),
        }
    }

    /// Further parameters of a request to the token endpoint `audience`.
    pub(super) fn parameters(
        &self,
        client_id: &str,
        audience: &str,
        now: DateTime<Utc>,
    ) -> Result<Vec<(&'static str, String)>, AssertionError> {
        let assertion = match self {
            Self::None | Self::Secret(..) => return Ok(Vec::new()),
            Self::Assertion(assertion) => assertion.expose_secret().to_owned(),
            Self::Certificate(certificate, key) => {
                let id = Uuid::now_v7().to_string();
                let who = assertion::AssertionParts {
                    client_id,
                    audience,
                    now,
                    id: &id,
                };
                assertion::client(&who, certificate, key)?.expose_secret().to_owned()
            }
        };
        Ok(vec![
            ("client_assertion_type", JWT_BEARER.to_owned()),
            ("client_assertion", assertion),
        ])
    }
}
