//! The table of sign-ins. What it holds of a token is sealed; the ledger can't open it.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::Error;
use crate::auth::{Key, Refused, forecast::Known};

/// A refresh token as it is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedToken {
    /// The token, sealed with a key that is not in the ledger.
    pub sealed: Vec<u8>,
    /// SHA-256 of the configured refresh token that it descends from.
    pub origin: Option<[u8; 32]>,
    /// When the token server issued it.
    pub issued: DateTime<Utc>,
    /// When the sign-in began.
    pub signed_in: DateTime<Utc>,
}

impl fmt::Debug for SealedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedToken")
            .field("issued", &self.issued)
            .field("signed_in", &self.signed_in)
            .finish_non_exhaustive()
    }
}

/// A sign-in's row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SignInRow {
    /// Its newest refresh token.
    pub token: Option<SealedToken>,
    /// When the token server last granted an access token.
    pub refreshed: Option<DateTime<Utc>>,
    /// Since when it needs a person, and why.
    pub refused: Option<Refused>,
}

impl SignInRow {
    /// What may be known of it without the key.
    #[must_use]
    pub fn known(&self) -> Known {
        Known {
            issued: self.token.as_ref().map(|token| token.issued),
            signed_in: self.token.as_ref().map(|token| token.signed_in),
            refreshed: self.refreshed,
            refused: self.refused.clone(),
        }
    }
}

/// What a ledger can do for sign-ins. Changes are durable on return.
#[async_trait]
pub trait SignInTable: Send + Sync + 'static {
    /// A sign-in's row.
    async fn sign_in(&self, name: &str) -> Result<Option<SignInRow>, Error>;

    /// Every sign-in's row, by name.
    async fn sign_ins(&self) -> Result<Vec<(String, SignInRow)>, Error>;

    /// Stores a refresh token. An access token came with it: the sign-in is well since it was issued.
    async fn store_sign_in(&self, name: &str, token: SealedToken) -> Result<(), Error>;

    /// Notes that an access token was granted: the sign-in is well.
    async fn note_refreshed(&self, name: &str, at: DateTime<Utc>) -> Result<(), Error>;

    /// Notes that the sign-in needs a person; keeps the time of an earlier note.
    async fn note_refused(&self, name: &str, at: DateTime<Utc>, why: &str) -> Result<(), Error>;

    /// Forgets its token and how it was. Says whether there was a token.
    async fn forget_sign_in(&self, name: &str) -> Result<bool, Error>;

    /// Seals refresh tokens that the first schema kept plain, if there are any, and wipes out their remains. To be called before
    /// anybody signs in.
    ///
    /// # Errors
    /// When a token could not be sealed or moved; then none was.
    async fn seal_plain(&self, key: Arc<Key>) -> Result<(), Error>;

    /// Waits for its turn to use the sign-in's refresh token, 60 s at the most. The turn ends when this is dropped.
    async fn lock_sign_in(&self, name: &str) -> Result<Box<dyn Send>, Error>;
}
