//! What is kept of a sign-in, and where: the ledger, in the running program.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::SealError;
use crate::secret::Secret;

/// The durable part of a sign-in.
#[derive(Debug, Clone)]
pub struct StoredToken {
    /// The newest refresh token.
    pub refresh_token: Secret,
    /// SHA-256 of the configured refresh token that it descends from: a new one in the configuration wins. `None` when
    /// `mailjob auth login` began it and none is configured.
    pub origin: Option<[u8; 32]>,
    /// When the token server issued this one.
    pub issued: DateTime<Utc>,
    /// When the person signed in, or the first one was taken from the configuration.
    pub signed_in: DateTime<Utc>,
}

/// What is known of a sign-in.
#[derive(Debug, Clone, Default)]
pub struct StoredSignIn {
    /// Its newest refresh token.
    pub token: Option<StoredToken>,
    /// When the token server last granted an access token.
    pub refreshed: Option<DateTime<Utc>>,
    /// Since when it needs a person, and why.
    pub refused: Option<BlockedSignIn>,
}

/// A sign-in that needs a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockedSignIn {
    /// Since when.
    pub since: DateTime<Utc>,
    /// Why, in words fit to be shown.
    pub why: String,
}

/// Why a sign-in could not be stored or read, in the store's own words.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It is there, but can't be opened.
    #[error(transparent)]
    Sealed(#[from] SealError),
    /// The store failed.
    #[error("token store: {0}")]
    Failed(String),
}

/// Where sign-ins are kept.
#[async_trait]
pub trait TokenStore: Send + Sync + 'static {
    /// What is known of a sign-in; nothing is known of one that never was used.
    async fn load(&self, sign_in: &str) -> Result<StoredSignIn, StoreError>;

    /// Stores a new refresh token, and that the sign-in is well; durable on return.
    async fn save(&self, sign_in: &str, token: StoredToken) -> Result<(), StoreError>;

    /// Notes that an access token was granted: clears `refused`.
    async fn note_refreshed(&self, sign_in: &str, at: DateTime<Utc>) -> Result<(), StoreError>;

    /// Notes that it needs a person; keeps `since` of an earlier note.
    async fn note_refused(&self, sign_in: &str, at: DateTime<Utc>, why: &str) -> Result<(), StoreError>;

    /// Held while a refresh token is used: one process at a time, so that two never use one twice. Released when dropped.
    async fn lock(&self, sign_in: &str) -> Result<Box<dyn Send>, StoreError>;
}

/// Keeps nothing: for sign-ins whose tokens need not be kept.
pub struct NullTokenStore;

#[async_trait]
impl TokenStore for NullTokenStore {
    async fn load(&self, _: &str) -> Result<StoredSignIn, StoreError> {
        Ok(StoredSignIn::default())
    }

    async fn save(&self, _: &str, _: StoredToken) -> Result<(), StoreError> {
        Err(StoreError::Failed("sign-ins are not kept here".to_owned()))
    }

    async fn note_refreshed(&self, _: &str, _: DateTime<Utc>) -> Result<(), StoreError> {
        Ok(())
    }

    async fn note_refused(&self, _: &str, _: DateTime<Utc>, _: &str) -> Result<(), StoreError> {
        Ok(())
    }

    async fn lock(&self, _: &str) -> Result<Box<dyn Send>, StoreError> {
        Ok(Box::new(()))
    }
}
