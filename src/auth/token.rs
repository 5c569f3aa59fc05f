//! The access token in use.

use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use super::life::{Age, Life};
use crate::secret::{ExposeSecret, Secret};

/// An access token and its life.
#[derive(Clone)]
pub(super) struct CachedToken {
    pub(super) secret: Secret,
    pub(super) life: Life,
}

/// The one in use, if there is one.
#[derive(Default)]
pub(super) struct InUse(pub(super) Mutex<Option<CachedToken>>);

impl InUse {
    /// The token that is still good, and how old it is.
    pub(super) fn current(&self) -> (Age, Option<Secret>) {
        let token = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match token.as_ref() {
            Some(token) => match token.life.age(Instant::now()) {
                Age::Over => (Age::Over, None),
                age => (age, Some(token.secret.clone())),
            },
            None => (Age::Over, None),
        }
    }

    /// When it wants to be refreshed; nothing where there is none.
    pub(super) fn refresh_due(&self) -> Option<Instant> {
        let token = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        token.as_ref().map(|token| token.life.refresh())
    }

    /// Puts a token to use.
    pub(super) fn put(&self, token: CachedToken) -> Secret {
        let secret = token.secret.clone();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
        secret
    }

    /// None is to be used any more.
    pub(super) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// This one isn't to be used any more.
    pub(super) fn reject(&self, rejected: &Secret) {
        let mut token = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        token.take_if(|token| token.secret.expose_secret() == rejected.expose_secret());
    }
}
