//! The table of sign-ins. What it holds of a token is sealed; the ledger can't open it.

use std::fmt;

use chrono::{DateTime, Utc};

use crate::auth::{BlockedSignIn, forecast::SignInInfo};

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
    pub refused: Option<BlockedSignIn>,
}

impl SignInRow {
    /// What may be known of it without the key.
    #[must_use]
    pub fn known(&self) -> SignInInfo {
        SignInInfo {
            issued: self.token.as_ref().map(|token| token.issued),
            signed_in: self.token.as_ref().map(|token| token.signed_in),
            refreshed: self.refreshed,
            refused: self.refused.clone(),
        }
    }
}
