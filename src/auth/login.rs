//! One sign-in, shared by all its sessions.
//!
//! Hands out a credential that is good now, refreshed at 80 % of its life. Where only a person can help, the token server is asked
//! once an hour, and whoever waits is woken as soon as one did.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    Credential, TokenStore,
    error::{AuthError, AuthVerdict},
    flight::LoginInner,
    life::Age,
    trouble::RefusalState,
};
use crate::{
    config::{Account, Auth, Protocol, TokenSource},
    metrics::TokenRequests,
    prints,
    secret::{Secret, SecretRef},
};

/// How often it is looked whether a person has signed in, while one is needed.
const LOOK: Duration = Duration::from_secs(3);

/// How often a sign-in that nobody waits for is tried again, while the token server is in trouble.
const AGAIN: Duration = Duration::from_secs(15);

/// How a pause ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PauseEnd {
    /// Its time is over.
    Over,
    /// Another session works.
    Works,
    /// Somebody mended the account.
    Mended,
}

/// A sign-in. Clones share one.
#[derive(Clone)]
pub struct Login {
    pub(super) shared: Arc<LoginInner>,
}

impl Login {
    /// A sign-in of `account`, for these uses. `http` must not follow redirects, and should give up connecting after 10 s.
    #[must_use]
    pub fn new(account: Arc<Account>, uses: &[Protocol], store: Arc<dyn TokenStore>, http: reqwest::Client) -> Self {
        Self::counted(account, uses, store, http, TokenRequests::default())
    }

    /// The same, whose requests are counted.
    #[must_use]
    pub fn counted(
        account: Arc<Account>,
        uses: &[Protocol],
        store: Arc<dyn TokenStore>,
        http: reqwest::Client,
        requests: TokenRequests,
    ) -> Self {
        Self {
            shared: Arc::new(LoginInner::new(account, uses, store, http, requests)),
        }
    }

    /// From the next request on, asks for what these uses need.
    pub fn use_for(&self, uses: &[Protocol]) {
        self.shared.use_for(uses);
    }

    /// A credential that is good now. Takes up to a minute when the token server is slow; may be dropped at any time.
    ///
    /// # Errors
    /// When there is none; [`AuthError::verdict`] says who must act.
    pub async fn credential(&self) -> Result<Credential, AuthError> {
        match &self.shared.account.auth {
            Auth::None => Err(AuthError::NoWay("it only sends, without a sign-in")),
            Auth::Password(secret) => Ok(Credential::Password(read(secret).await?)),
            Auth::Token(TokenSource::Kept(secret)) => Ok(Credential::Bearer(read(secret).await?)),
            Auth::OAuth(_) | Auth::Token(TokenSource::Command { .. }) => {
                Ok(Credential::Bearer(self.access_token().await?))
            }
        }
    }

    /// The server did not take this credential: it isn't handed out again. Says nothing of a password, which is read anew each time.
    pub fn rejected(&self, credential: &Credential) {
        if let Credential::Bearer(rejected) = credential {
            self.shared.token.reject(rejected);
        }
    }

    /// Keeps the sign-in alive for ever: refreshes it at 80 % of a token's life although nobody asks, so that an end of the sign-in is
    /// known before a session needs it. Returns at once where there is nothing to refresh.
    pub async fn keep(&self) {
        if self.shared.account.auth.oauth().is_none() {
            return;
        }
        loop {
            match self.access_token().await {
                Ok(_) => {
                    let soon = Instant::now() + AGAIN;
                    let due = self.shared.token.refresh_due().unwrap_or(soon);
                    tokio::select! {
                        () = tokio::time::sleep_until(due.max(soon)) => {}
                        () = self.replaced() => {}
                    }
                }
                Err(error) if error.needs_person() => self.mended().await,
                Err(_) => tokio::time::sleep(AGAIN).await,
            }
        }
    }

    /// Waits after a failure. Where somebody has to act, no longer than until one did: signed in, or put another secret, key or certificate
    /// in its place; or until another session of the account works that had failed.
    pub async fn pause(&self, wait: Duration, verdict: AuthVerdict) -> PauseEnd {
        let works = self.shared.works.notified();
        let account = self.shared.account.clone();
        let files = move || account.mendable();
        let refusal = self.shared.refusal().await;
        if refusal == RefusalState::Over {
            return PauseEnd::Over;
        }
        if refusal == RefusalState::None && verdict == AuthVerdict::Reconnect {
            tokio::time::sleep(wait).await;
            return PauseEnd::Over;
        }
        let granted = async {
            match refusal {
                RefusalState::Stands => self.mended().await,
                RefusalState::None | RefusalState::Over => std::future::pending().await,
            }
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => PauseEnd::Over,
            () = works => PauseEnd::Works,
            () = granted => PauseEnd::Mended,
            () = self.signed_in_anew() => PauseEnd::Mended,
            () = prints::changed(files, LOOK) => PauseEnd::Mended,
        }
    }

    /// A session of the account works that did not before: whoever pauses need not wait.
    pub fn works(&self) {
        self.shared.works.notify_waiters();
    }

    /// Waits until the sign-in whose tokens are used was forgotten or replaced by another: they are used no more.
    async fn replaced(&self) {
        let before = match self.shared.signed_in().await {
            Some(before) if self.shared.account.auth.is_person() => before,
            _ => return std::future::pending().await,
        };
        loop {
            tokio::time::sleep(LOOK).await;
            let Ok(known) = self.shared.store.load(&self.shared.account.sign_in).await else {
                continue;
            };
            if known.token.is_none_or(|token| token.signed_in != before) {
                self.shared.token.forget();
                return;
            }
        }
    }

    /// Waits until a person has signed in. Tokens of the sign-in before are used no more: it may have been another person's.
    async fn signed_in_anew(&self) {
        if !self.shared.account.auth.is_person() {
            return std::future::pending().await;
        }
        let before = self.shared.signed_in().await;
        loop {
            tokio::time::sleep(LOOK).await;
            let now = self.shared.signed_in().await;
            if now.is_some() && now != before {
                self.shared.token.forget();
                return;
            }
        }
    }

    /// Waits until it is worthwhile to try again although the token server said no: other secrets are there, somebody signed in, or
    /// the hour is over. At once where the token server did not say no.
    async fn mended(&self) {
        loop {
            let granted = self.shared.granted.notified();
            if self.shared.refusal().await != RefusalState::Stands {
                return;
            }
            tokio::select! {
                () = granted => return,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    async fn access_token(&self) -> Result<Secret, AuthError> {
        let flight = match self.shared.token.current() {
            (Age::Fresh, Some(token)) => return Ok(token),
            // Somebody is at it already, and there is time.
            (Age::Ageing, Some(token)) => match self.shared.flight.clone().try_lock_owned() {
                Ok(flight) => flight,
                Err(_) => return Ok(token),
            },
            _ => self.shared.flight.clone().lock_owned().await,
        };
        let shared = self.shared.clone();
        // A task of its own: whoever asked may give up, but a refresh token that the server has rotated must reach the store.
        tokio::spawn(async move { shared.fly(flight).await })
            .await
            .unwrap_or(Err(AuthError::Interrupted))
    }
}

/// Off the runtime's threads: the place of a secret may be a slow network disk.
async fn read(secret: &SecretRef) -> Result<Secret, AuthError> {
    let secret = secret.clone();
    match tokio::task::spawn_blocking(move || secret.read()).await {
        Ok(read) => Ok(read?),
        Err(_) => Err(AuthError::Interrupted),
    }
}

#[cfg(test)]
#[path = "login_tests.rs"]
mod tests;
