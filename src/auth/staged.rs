//! A sign-in that is tried before it is kept: what came before it stays until the new one has shown what it opens.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use parking_lot::{Mutex, MutexGuard};

use super::{StoreError, StoredSignIn, StoredToken, TokenStore};

/// Keeps what is stored beside the store below it, until that is wanted there.
pub struct Staged {
    below: Arc<dyn TokenStore>,
    token: Mutex<Option<StoredToken>>,
}

impl Staged {
    /// Nothing is staged yet: what is below counts.
    #[must_use]
    pub fn over(below: Arc<dyn TokenStore>) -> Self {
        Self {
            below,
            token: Mutex::default(),
        }
    }

    /// Stores what was staged below, where something was; the sign-in before is no more.
    ///
    /// # Errors
    /// As the store below says.
    pub async fn keep(&self, sign_in: &str) -> Result<(), StoreError> {
        let staged = self.staged().clone();
        match staged {
            Some(token) => self.below.save(sign_in, token).await,
            None => Ok(()),
        }
    }

    fn staged(&self) -> MutexGuard<'_, Option<StoredToken>> {
        self.token.lock()
    }
}

#[async_trait]
impl TokenStore for Staged {
    async fn load(&self, sign_in: &str) -> Result<StoredSignIn, StoreError> {
        let staged = self.staged().clone();
        match staged {
            Some(token) => Ok(StoredSignIn {
                token: Some(token),
                ..StoredSignIn::default()
            }),
            None => self.below.load(sign_in).await,
        }
    }

    async fn save(&self, _: &str, token: StoredToken) -> Result<(), StoreError> {
        *self.staged() = Some(token);
        Ok(())
    }

    async fn note_refreshed(&self, _: &str, _: DateTime<Utc>) -> Result<(), StoreError> {
        Ok(())
    }

    async fn note_refused(&self, _: &str, _: DateTime<Utc>, _: &str) -> Result<(), StoreError> {
        Ok(())
    }

    /// Nobody else has what is staged.
    async fn lock(&self, _: &str) -> Result<Box<dyn Send>, StoreError> {
        Ok(Box::new(()))
    }
}
