//! The secrets of one request to a token server, as they are now: those of the configuration, and the newest refresh token.

use sha2::{Digest, Sha256};

use super::{
    error::AuthError,
    proof::ProofMaterial,
    stored::{StoredSignIn, StoredToken},
};
use crate::{
    config::{Grant, OAuth},
    secret::{ExposeSecret, Secret},
};

/// Secrets, as they were read for one request.
pub(super) struct Secrets {
    pub(super) proof: ProofMaterial,
    /// The configured refresh token, or a service account's key.
    configured: Option<Secret>,
    /// The newest refresh token, if it descends from the configured one.
    stored: Option<StoredToken>,
}

impl Secrets {
    /// Reads those of the configuration off the runtime's threads, since their place may be a slow network disk.
    pub(super) async fn read(oauth: &OAuth, known: StoredSignIn) -> Result<Self, AuthError> {
        let (client, grant) = (oauth.client.clone(), oauth.grant.clone());
        let reading = tokio::task::spawn_blocking(move || {
            let configured = match &grant {
                Grant::RefreshToken(Some(secret)) | Grant::ServiceAccount { key: secret } => Some(secret.read()?),
                Grant::RefreshToken(None) | Grant::ClientCredentials => None,
            };
            Ok::<_, AuthError>((ProofMaterial::read(&client)?, configured))
        });
        let (proof, configured) = reading.await.map_err(|_| AuthError::Interrupted)??;
        let mut secrets = Self {
            proof,
            configured,
            stored: None,
        };
        secrets.update(known);
        Ok(secrets)
    }

    /// Takes the newest refresh token. One that descends from another configured one belongs to an older sign-in.
    pub(super) fn update(&mut self, known: StoredSignIn) {
        let origin = self.origin();
        self.stored = known.token.filter(|token| origin.is_none() || token.origin == origin);
    }

    /// SHA-256 of the configured refresh token.
    pub(super) fn origin(&self) -> Option<[u8; 32]> {
        let configured = self.configured.as_ref()?;
        Some(Sha256::digest(configured.expose_secret()).into())
    }

    /// The refresh token to use, or the service account's key.
    pub(super) fn grant(&self) -> Option<&Secret> {
        let stored = self.stored.as_ref().map(|stored| &stored.refresh_token);
        stored.or(self.configured.as_ref())
    }

    /// The newest refresh token as it is stored.
    pub(super) fn stored(&self) -> Option<&StoredToken> {
        self.stored.as_ref()
    }

    /// What they are made of: others are tried at once where these have failed.
    pub(super) fn fingerprint(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        let grant = self.grant().map(|secret| secret.expose_secret().as_bytes());
        for part in self.proof.material().into_iter().chain([grant.unwrap_or_default()]) {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        hasher.finalize().into()
    }
}
