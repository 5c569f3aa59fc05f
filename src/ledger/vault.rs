//! Sign-ins in a ledger, sealed on their way in and opened on their way out.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{Error, SealedToken, SignInTable};
use crate::auth::{SealError, SealKey, StoreError, StoredSignIn, StoredToken, TokenStore};

/// A ledger's sign-ins and the key to them.
#[derive(Clone)]
pub struct Vault {
    table: Arc<dyn SignInTable>,
    key: Arc<SealKey>,
}

impl Vault {
    /// The sign-ins of this table under this key.
    #[must_use]
    pub fn new(table: Arc<dyn SignInTable>, key: Arc<SealKey>) -> Self {
        Self { table, key }
    }

    /// The table: what may be shown of every sign-in, whatever the key.
    #[must_use]
    pub fn table(&self) -> &Arc<dyn SignInTable> {
        &self.table
    }

    /// The refresh token as it was before it was sealed.
    fn opened(&self, sign_in: &str, token: SealedToken) -> Result<StoredToken, SealError> {
        let SealedToken {
            sealed,
            origin,
            issued,
            signed_in,
        } = token;
        Ok(StoredToken {
            refresh_token: self.key.open(sign_in, &sealed)?,
            origin,
            issued,
            signed_in,
        })
    }
}

#[async_trait]
impl TokenStore for Vault {
    async fn load(&self, sign_in: &str) -> Result<StoredSignIn, StoreError> {
        let Some(row) = self.table.sign_in(sign_in).await? else {
            return Ok(StoredSignIn::default());
        };
        let token = row.token.map(|token| self.opened(sign_in, token)).transpose()?;
        Ok(StoredSignIn {
            token,
            refreshed: row.refreshed,
            refused: row.refused,
        })
    }

    async fn save(&self, sign_in: &str, token: StoredToken) -> Result<(), StoreError> {
        let sealed = SealedToken {
            sealed: self.key.seal(sign_in, &token.refresh_token)?,
            origin: token.origin,
            issued: token.issued,
            signed_in: token.signed_in,
        };
        Ok(self.table.store_sign_in(sign_in, sealed).await?)
    }

    async fn note_refreshed(&self, sign_in: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
        Ok(self.table.note_refreshed(sign_in, at).await?)
    }

    async fn note_refused(&self, sign_in: &str, at: DateTime<Utc>, why: &str) -> Result<(), StoreError> {
        Ok(self.table.note_refused(sign_in, at, why).await?)
    }

    async fn lock(&self, sign_in: &str) -> Result<Box<dyn Send>, StoreError> {
        Ok(self.table.lock_sign_in(sign_in).await?)
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        Self::Failed(error.to_string())
    }
}
