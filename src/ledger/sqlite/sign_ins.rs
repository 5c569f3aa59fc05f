//! The sign-ins by the side door. Nothing else of the ledger is touched.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{plain_tokens, side::Side, sign_in_rows, turn};
use crate::{
    auth::Key,
    ledger::{Error, SealedToken, SignInRow, SignInTable},
};

#[async_trait]
impl SignInTable for Side {
    async fn sign_in(&self, name: &str) -> Result<Option<SignInRow>, Error> {
        let name = name.to_owned();
        self.with(move |db| sign_in_rows::find(db, &name)).await
    }

    async fn sign_ins(&self) -> Result<Vec<(String, SignInRow)>, Error> {
        self.with(|db| sign_in_rows::all(db)).await
    }

    async fn store_sign_in(&self, name: &str, token: SealedToken) -> Result<(), Error> {
        let name = name.to_owned();
        self.with(move |db| sign_in_rows::store(db, &name, &token)).await
    }

    async fn note_refreshed(&self, name: &str, at: DateTime<Utc>) -> Result<(), Error> {
        let name = name.to_owned();
        self.with(move |db| sign_in_rows::refreshed(db, &name, at)).await
    }

    async fn note_refused(&self, name: &str, at: DateTime<Utc>, why: &str) -> Result<(), Error> {
        let (name, why) = (name.to_owned(), why.to_owned());
        self.with(move |db| sign_in_rows::refused(db, &name, at, &why)).await
    }

    async fn forget_sign_in(&self, name: &str) -> Result<bool, Error> {
        let name = name.to_owned();
        self.with(move |db| sign_in_rows::forget(db, &name)).await
    }

    async fn seal_plain(&self, key: Arc<Key>) -> Result<(), Error> {
        self.with(move |db| plain_tokens::seal(db, &key)).await
    }

    async fn lock_sign_in(&self, name: &str) -> Result<Box<dyn Send>, Error> {
        Ok(Box::new(turn::take(self.path(), name, turn::LONGEST_WAIT).await?))
    }
}
