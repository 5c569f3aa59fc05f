//! Signing in: where access tokens come from, and the words that SASL wants.
//!
//! One [`Login`] serves every session of an account: it hands out a credential that is good now, refreshes early and one at
//! a time, and saves a rotated refresh token durably before the access token that came with it is used.

pub mod certificate;
pub mod error;
mod grant;
mod life;
mod login;
pub mod sasl;

pub use error::{Error, Verdict};
pub use login::Login;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::secret::Secret;

/// What proves to a server who we are.
#[derive(Debug, Clone)]
pub enum Credential {
    /// A password.
    Password(Secret),
    /// An access token.
    Bearer(Secret),
}

/// The durable part of a sign-in.
#[derive(Debug, Clone)]
pub struct StoredToken {
    /// The newest refresh token.
    pub refresh_token: Secret,
    /// SHA-256 of the configured refresh token that it descends from: a new one in the configuration wins.
    pub origin: [u8; 32],
    /// When it was stored.
    pub stored: DateTime<Utc>,
}

/// Why a token could not be stored or read, in the store's own words.
#[derive(Debug, thiserror::Error)]
#[error("token store: {0}")]
pub struct StoreError(pub String);

/// Where rotated refresh tokens live: the ledger, in the running program.
#[async_trait]
pub trait TokenStore: Send + Sync + 'static {
    /// The newest refresh token of an account.
    async fn load(&self, account: &str) -> Result<Option<StoredToken>, StoreError>;
    /// Stores it; durable on return.
    async fn save(&self, account: &str, token: StoredToken) -> Result<(), StoreError>;
}
