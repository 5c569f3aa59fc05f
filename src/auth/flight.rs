//! Talking to the token server: one at a time for a sign-in, over all processes.
//!
//! A rotated refresh token is stored before the access token that came with it is used; while it can't be stored, that access token
//! isn't used and the new refresh token isn't forgotten. After a failure the server is left alone for a while, and everybody gets
//! the same answer.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use tokio::{
    sync::{Notify, OwnedMutexGuard},
    time::Instant,
};

use super::{
    StoredToken, TokenStore,
    answer::Granted,
    error::AuthError,
    external,
    grant::TokenRequester,
    life::{Age, Life},
    metadata::{self, Addresses},
    secrets::Secrets,
    token::{CachedToken, InUse},
    trouble::{LastFailure, RefusalState, SecretsHash, UNREADABLE},
};
use crate::{
    config::{Account, Auth, Grant, OAuth, Protocol, TokenSource},
    metrics::{TokenOutcome, TokenRequests},
    secret::{ExposeSecret, Secret},
};

/// How long the output of a token command is used.
const EXTERNAL_LIFE: Duration = Duration::from_secs(5 * 60);
/// How long an authorization server's metadata is believed.
const METADATA_LIFE: Duration = Duration::from_secs(60 * 60);

/// What all sessions of a sign-in share.
pub(super) struct LoginInner {
    pub(super) account: Arc<Account>,
    pub(super) store: Arc<dyn TokenStore>,
    pub(super) http: reqwest::Client,
    /// Counts what is asked of the token server.
    requests: TokenRequests,
    /// What it asks for.
    scopes: Mutex<Vec<String>>,
    /// The access token in use.
    pub(super) token: InUse,
    /// Held by whoever talks to the token server.
    pub(super) flight: Arc<tokio::sync::Mutex<TokenFetch>>,
    /// Rings when an access token was granted.
    pub(super) granted: Notify,
    /// Rings when a session works that did not.
    pub(super) works: Notify,
    /// What was written down of what mail servers said: nothing where one let us in.
    judged: Mutex<BTreeMap<String, Option<String>>>,
}

/// What the one who talks to the token server must know.
#[derive(Default)]
pub(super) struct TokenFetch {
    /// A granted token whose refresh token is not stored yet.
    pub(super) unsaved: Option<(CachedToken, StoredToken)>,
    pub(super) trouble: Option<LastFailure>,
    addresses: Option<(Instant, Addresses)>,
}

impl LoginInner {
    pub(super) fn new(
        account: Arc<Account>,
        uses: &[Protocol],
        store: Arc<dyn TokenStore>,
        http: reqwest::Client,
        requests: TokenRequests,
    ) -> Self {
        Self {
            requests,
            scopes: Mutex::new(account.scopes(uses)),
            account,
            store,
            http,
            token: InUse::default(),
            flight: Arc::default(),
            granted: Notify::new(),
            works: Notify::new(),
            judged: Mutex::default(),
        }
    }

    pub(super) fn judged(&self) -> MutexGuard<'_, BTreeMap<String, Option<String>>> {
        self.judged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn use_for(&self, uses: &[Protocol]) {
        *self.scopes.lock().unwrap_or_else(PoisonError::into_inner) = self.account.scopes(uses);
    }

    pub(super) fn scopes(&self) -> Vec<String> {
        self.scopes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// When a person signed in, where that is known.
    pub(super) async fn signed_in(&self) -> Option<DateTime<Utc>> {
        let known = self.store.load(&self.account.sign_in).await.ok()?;
        known.token.map(|token| token.signed_in)
    }

    /// Whether only a person can help.
    pub(super) async fn refusal(&self) -> RefusalState {
        let Some(oauth) = self.account.auth.oauth() else {
            return RefusalState::None;
        };
        let secrets = match self.store.load(&self.account.sign_in).await {
            Ok(known) => Secrets::read(oauth, known).await,
            Err(error) => Err(error.into()),
        };
        let print = secrets.ok().map(|secrets| secrets.fingerprint());
        let flight = self.flight.lock().await;
        let refusal = |trouble: &LastFailure| trouble.refusal(print.as_ref(), Instant::now());
        flight.trouble.as_ref().map_or(RefusalState::None, refusal)
    }

    /// With the flight in hand: a fresh token, or the ageing one while no fresh one is to be had.
    pub(super) async fn fly(&self, mut flight: OwnedMutexGuard<TokenFetch>) -> Result<Secret, AuthError> {
        let old = match self.token.current() {
            (Age::Fresh, Some(token)) => return Ok(token),
            (_, old) => old,
        };
        match (self.renew(&mut flight).await, old) {
            (Ok(token), _) | (Err(_), Some(token)) => Ok(token),
            (Err(error), None) => Err(error),
        }
    }

    async fn renew(&self, flight: &mut TokenFetch) -> Result<Secret, AuthError> {
        let oauth = match &self.account.auth {
            Auth::OAuth(oauth) => oauth,
            Auth::Token(TokenSource::Command { argv, pass_env }) => {
                let asked = Instant::now();
                let secret = external::token(argv, pass_env).await?;
                return Ok(self.put(CachedToken {
                    secret,
                    life: Life::new(asked, EXTERNAL_LIFE),
                }));
            }
            Auth::None | Auth::Password(_) | Auth::Token(TokenSource::Kept(_)) => return Err(AuthError::Url),
        };
        let known = match self.store.load(&self.account.sign_in).await {
            Ok(known) => known,
            Err(error) => return Err(self.unreadable(flight, error.into()).await),
        };
        // Not remembered as trouble: the next call reads again, and costs the server nothing.
        let mut secrets = Secrets::read(oauth, known).await?;
        let print = secrets.fingerprint();
        let trouble = flight.trouble.as_ref();
        if let Some(answer) = trouble.and_then(|trouble| trouble.answer(&print, Instant::now())) {
            return Err(answer);
        }
        match self.fetch(flight, oauth, &mut secrets).await {
            Ok(token) => {
                flight.trouble = None;
                self.note(None).await;
                Ok(self.put(token))
            }
            Err(error) => {
                self.remember(flight, &error, print).await;
                Err(error)
            }
        }
    }

    pub(super) fn put(&self, token: CachedToken) -> Secret {
        let secret = self.token.put(token);
        self.granted.notify_waiters();
        secret
    }

    /// What is known of the sign-in can't be read; where that takes a person, it is told once.
    async fn unreadable(&self, flight: &mut TokenFetch, error: AuthError) -> AuthError {
        let told = flight
            .trouble
            .as_ref()
            .is_some_and(|trouble| trouble.is_about(&UNREADABLE));
        if error.needs_person() && !told {
            self.remember(flight, &error, UNREADABLE).await;
        }
        error
    }

    async fn remember(&self, flight: &mut TokenFetch, error: &AuthError, secrets: SecretsHash) {
        let (trouble, wait) = LastFailure::after(flight.trouble.as_ref(), error, secrets, Instant::now());
        let failures = trouble.failures();
        flight.trouble = Some(trouble);
        let (account, wait_s) = (&self.account.sign_in, wait.as_secs());
        if error.needs_person() {
            self.note(Some(error)).await;
            tracing::error!(%account, wait_s, %error, "the account can't sign in until somebody acts");
        } else {
            tracing::warn!(%account, failures, wait_s, %error, "no access token");
        }
    }

    /// Notes how the sign-in is doing. What can't be noted is noted the next time.
    pub(super) async fn note(&self, trouble: Option<&AuthError>) {
        let (sign_in, now) = (&self.account.sign_in, Utc::now());
        let noted = match trouble {
            None => self.store.note_refreshed(sign_in, now).await,
            Some(error) => self.store.note_refused(sign_in, now, &error.to_string()).await,
        };
        if let Err(error) = noted {
            tracing::warn!(account = %sign_in, %error, "the state of a sign-in can't be noted");
        }
    }

    async fn fetch(
        &self,
        flight: &mut TokenFetch,
        oauth: &OAuth,
        secrets: &mut Secrets,
    ) -> Result<CachedToken, AuthError> {
        if let Some(token) = self.save(flight, secrets.origin()).await? {
            return Ok(token);
        }
        // While we hold it, no other process uses the refresh token; what it made of it before is read now.
        let mut lock = None;
        if oauth.is_person() {
            lock = Some(self.store.lock(&self.account.sign_in).await?);
            secrets.update(self.store.load(&self.account.sign_in).await?);
        }
        let asked = Instant::now();
        let granted = self.ask(flight, oauth, secrets).await;
        if let Some(outcome) = granted
            .as_ref()
            .err()
            .map_or(Some(TokenOutcome::Granted), AuthError::outcome)
        {
            self.requests.count(outcome);
        }
        let granted = granted.map_err(|error| error.of(oauth))?;
        let token = CachedToken {
            secret: granted.access_token,
            life: Life::new(asked, granted.length),
        };
        let used = secrets.grant().map(ExposeSecret::expose_secret);
        let rotated = granted.refresh_token.filter(|new| used != Some(new.expose_secret()));
        if let Some(new) = rotated.filter(|_| oauth.is_person()) {
            let issued = Utc::now();
            let stored = StoredToken {
                refresh_token: new,
                origin: secrets.origin(),
                issued,
                signed_in: secrets.stored().map_or(issued, |stored| stored.signed_in),
            };
            flight.unsaved = Some((token.clone(), stored));
            self.save(flight, secrets.origin()).await?;
        }
        drop(lock);
        Ok(token)
    }

    async fn ask(&self, flight: &mut TokenFetch, oauth: &OAuth, secrets: &Secrets) -> Result<Granted, AuthError> {
        let token_url = self.addresses(flight, oauth).await?.token;
        let scopes = self.scopes();
        let asker = TokenRequester {
            http: &self.http,
            oauth,
            token_url: &token_url,
            proof: &secrets.proof,
            scopes: &scopes,
        };
        match (&oauth.grant, secrets.grant()) {
            (Grant::ClientCredentials, _) => asker.client_credentials().await,
            (Grant::RefreshToken(_), Some(token)) => asker.refresh(token).await,
            (Grant::ServiceAccount { .. }, Some(key)) => asker.service_account(key, &self.account.user).await,
            (Grant::RefreshToken(_) | Grant::ServiceAccount { .. }, None) => {
                Err(AuthError::NotSignedIn(self.account.sign_in.clone()))
            }
        }
    }

    /// The authorization server's addresses, asked once an hour where they have to be asked.
    pub(super) async fn addresses(&self, flight: &mut TokenFetch, oauth: &OAuth) -> Result<Addresses, AuthError> {
        match &flight.addresses {
            Some((until, addresses)) if Instant::now() < *until => Ok(addresses.clone()),
            _ => {
                let addresses = metadata::addresses(&self.http, &oauth.server).await?;
                flight.addresses = Some((Instant::now() + METADATA_LIFE, addresses.clone()));
                Ok(addresses)
            }
        }
    }

    /// Stores what waits to be stored. Gives its access token, where that is fresh.
    async fn save(&self, flight: &mut TokenFetch, origin: Option<[u8; 32]>) -> Result<Option<CachedToken>, AuthError> {
        // A new sign-in makes the old one's tokens worthless.
        flight.unsaved.take_if(|(_, stored)| stored.origin != origin);
        let Some((_, stored)) = &flight.unsaved else {
            return Ok(None);
        };
        self.store.save(&self.account.sign_in, stored.clone()).await?;
        let token = flight.unsaved.take().map(|(token, _)| token);
        Ok(token.filter(|token| token.life.age(Instant::now()) == Age::Fresh))
    }

    pub(super) async fn flight(&self) -> OwnedMutexGuard<TokenFetch> {
        self.flight.clone().lock_owned().await
    }
}
