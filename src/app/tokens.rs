//! The ledger as the place where rotated refresh tokens live.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    auth::{StoreError, StoredToken, TokenStore},
    ledger::Ledger,
};

/// Tokens in the ledger.
pub(super) struct LedgerTokens(pub(super) Arc<dyn Ledger>);

#[async_trait]
impl TokenStore for LedgerTokens {
    async fn load(&self, account: &str) -> Result<Option<StoredToken>, StoreError> {
        self.0.token(account).await.map_err(|e| StoreError(e.to_string()))
    }

    async fn save(&self, account: &str, token: StoredToken) -> Result<(), StoreError> {
        self.0
            .store_token(account, token)
            .await
            .map_err(|e| StoreError(e.to_string()))
    }
}
