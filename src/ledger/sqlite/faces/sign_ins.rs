//! The sign-ins, in the process that has the ledger open and beside it.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures_util::FutureExt;

use crate::{
    auth::SealKey,
    ledger::{
        Error, SealedToken, SignInRow, SignInTable,
        rules::{leases::NamedLease, sign_in},
        sqlite::{Sqlite, external::ExternalSqlite, plain_tokens, sign_in_lock},
    },
};

#[async_trait]
impl SignInTable for ExternalSqlite {
    async fn sign_in(&self, name: &str) -> Result<Option<SignInRow>, Error> {
        let name = name.to_owned();
        self.with(move |db| sign_in::find(db, &name)).await
    }

    async fn sign_ins(&self) -> Result<Vec<(String, SignInRow)>, Error> {
        self.with(|db| sign_in::all(db)).await
    }

    async fn store_sign_in(&self, name: &str, token: SealedToken) -> Result<(), Error> {
        let name = name.to_owned();
        self.change(self.now(), move |tx| sign_in::store(tx, &name, &token))
            .await
    }

    async fn note_refreshed(&self, name: &str, at: DateTime<Utc>) -> Result<(), Error> {
        let name = name.to_owned();
        self.with(move |db| sign_in::refreshed(db, &name, at)).await
    }

    async fn note_refused(&self, name: &str, at: DateTime<Utc>, why: &str) -> Result<(), Error> {
        let (name, why) = (name.to_owned(), why.to_owned());
        self.with(move |db| sign_in::refused(db, &name, at, &why)).await
    }

    async fn forget_sign_in(&self, name: &str) -> Result<bool, Error> {
        let name = name.to_owned();
        self.with(move |db| sign_in::forget(db, &name)).await
    }

    async fn seal_plain(&self, key: Arc<SealKey>) -> Result<(), Error> {
        self.with(move |db| plain_tokens::seal(db, &key)).await
    }

    async fn lock_sign_in(&self, name: &str) -> Result<Box<dyn Send>, Error> {
        let ask = || self.take_named(NamedLease::SignIn, name).boxed();
        Ok(Box::new(
            sign_in_lock::take(name, sign_in_lock::LONGEST_WAIT, ask).await?,
        ))
    }
}

#[async_trait]
impl SignInTable for Sqlite {
    async fn sign_in(&self, name: &str) -> Result<Option<SignInRow>, Error> {
        let name = name.to_owned();
        self.readers.read(move |db| sign_in::find(db, &name)).await
    }

    async fn sign_ins(&self) -> Result<Vec<(String, SignInRow)>, Error> {
        self.readers.read(|db| sign_in::all(db)).await
    }

    async fn store_sign_in(&self, name: &str, token: SealedToken) -> Result<(), Error> {
        let name = name.to_owned();
        self.post.ask(0, move |tx| sign_in::store(tx, &name, &token)).await
    }

    async fn note_refreshed(&self, name: &str, at: DateTime<Utc>) -> Result<(), Error> {
        let name = name.to_owned();
        self.post.ask(0, move |tx| sign_in::refreshed(tx.db, &name, at)).await
    }

    async fn note_refused(&self, name: &str, at: DateTime<Utc>, why: &str) -> Result<(), Error> {
        let (name, why) = (name.to_owned(), why.to_owned());
        self.post
            .ask(0, move |tx| sign_in::refused(tx.db, &name, at, &why))
            .await
    }

    async fn forget_sign_in(&self, name: &str) -> Result<bool, Error> {
        let name = name.to_owned();
        self.post.ask(0, move |tx| sign_in::forget(tx.db, &name)).await
    }

    async fn seal_plain(&self, key: Arc<SealKey>) -> Result<(), Error> {
        ExternalSqlite::of(self.readers.path()).seal_plain(key).await
    }

    async fn lock_sign_in(&self, name: &str) -> Result<Box<dyn Send>, Error> {
        let ask = || self.take_named(NamedLease::SignIn, name).boxed();
        Ok(Box::new(
            sign_in_lock::take(name, sign_in_lock::LONGEST_WAIT, ask).await?,
        ))
    }
}
