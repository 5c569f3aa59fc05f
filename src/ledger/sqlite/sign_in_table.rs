//! Sign-ins in the ledger that this process has open.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{Sqlite, side::Side, sign_in_rows, turn};
use crate::{
    auth::Key,
    ledger::{Error, SealedToken, SignInRow, SignInTable},
};

#[async_trait]
impl SignInTable for Sqlite {
    async fn sign_in(&self, name: &str) -> Result<Option<SignInRow>, Error> {
        let name = name.to_owned();
        self.readers.read(move |db| sign_in_rows::find(db, &name)).await
    }

    async fn sign_ins(&self) -> Result<Vec<(String, SignInRow)>, Error> {
        self.readers.read(sign_in_rows::all).await
    }

    async fn store_sign_in(&self, name: &str, token: SealedToken) -> Result<(), Error> {
        let name = name.to_owned();
        self.post
            .ask(0, move |desk| sign_in_rows::store(desk.db, &name, &token))
            .await
    }

    async fn note_refreshed(&self, name: &str, at: DateTime<Utc>) -> Result<(), Error> {
        let name = name.to_owned();
        self.post
            .ask(0, move |desk| sign_in_rows::refreshed(desk.db, &name, at))
            .await
    }

    async fn note_refused(&self, name: &str, at: DateTime<Utc>, why: &str) -> Result<(), Error> {
        let (name, why) = (name.to_owned(), why.to_owned());
        self.post
            .ask(0, move |desk| sign_in_rows::refused(desk.db, &name, at, &why))
            .await
    }

    async fn forget_sign_in(&self, name: &str) -> Result<bool, Error> {
        let name = name.to_owned();
        self.post.ask(0, move |desk| sign_in_rows::forget(desk.db, &name)).await
    }

    async fn seal_plain(&self, key: Arc<Key>) -> Result<(), Error> {
        Side::of(self.readers.path()).seal_plain(key).await
    }

    async fn lock_sign_in(&self, name: &str) -> Result<Box<dyn Send>, Error> {
        let turn = turn::take(self.readers.path(), name, turn::LONGEST_WAIT).await?;
        Ok(Box::new(turn))
    }
}
