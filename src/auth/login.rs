//! One sign-in, shared by all its sessions.
//!
//! Hands out a credential that is good now. Access tokens are refreshed at 80 % of their life, one request at a time for the
//! sign-in, over all processes. A rotated refresh token is stored before the access token that came with it is handed out; while it
//! can't be stored, that access token isn't used and the new refresh token isn't forgotten. When the token server is in trouble it is
//! left alone for a while, and everybody gets the same answer; where only a person can help, it is asked once an hour.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::Utc;
use tokio::{
    sync::{Notify, OwnedMutexGuard},
    time::Instant,
};

use super::{
    Credential, StoredToken, TokenStore,
    answer::Granted,
    error::Error,
    external,
    grant::Asker,
    life::{self, Age, Life},
    metadata::{self, Addresses},
    secrets::Secrets,
};
use crate::{
    config::{Account, Auth, Grant, OAuth, Protocol, TokenSource},
    secret::{ExposeSecret, Secret, SecretRef},
};

/// How long the output of a token command is used.
const EXTERNAL_LIFE: Duration = Duration::from_secs(5 * 60);
/// How long an authorization server's metadata is believed.
const METADATA_LIFE: Duration = Duration::from_secs(60 * 60);
/// How often it is looked whether a person has signed in, while one is needed.
const LOOK: Duration = Duration::from_secs(3);

/// A sign-in. Clones share one.
#[derive(Clone)]
pub struct Login {
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub(super) account: Arc<Account>,
    pub(super) store: Arc<dyn TokenStore>,
    pub(super) http: reqwest::Client,
    /// What it asks for.
    scopes: Mutex<Vec<String>>,
    /// The access token in use.
    token: Mutex<Option<Token>>,
    /// Held by whoever talks to the token server.
    flight: Arc<tokio::sync::Mutex<Flight>>,
    /// Rings when an access token was granted.
    granted: Notify,
}

#[derive(Clone)]
struct Token {
    secret: Secret,
    life: Life,
}

/// What the one who talks to the token server must know.
#[derive(Default)]
pub(super) struct Flight {
    /// A granted token whose refresh token is not stored yet.
    unsaved: Option<(Token, StoredToken)>,
    trouble: Option<Trouble>,
    addresses: Option<(Instant, Addresses)>,
}

/// Whether the token server's last word was that a person is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    /// It was not.
    None,
    /// It was, an hour ago or about other secrets.
    Over,
    /// It was, about the secrets that are there now.
    Stands,
}

/// The last failure, and how long its answer stands.
struct Trouble {
    error: Error,
    failures: u32,
    until: Instant,
    /// The secrets that failed: others are tried at once.
    secrets: [u8; 32],
}

impl Login {
    /// A sign-in of `account`, for these uses. `http` must not follow redirects, and should give up connecting after 10 s.
    #[must_use]
    pub fn new(account: Arc<Account>, uses: &[Protocol], store: Arc<dyn TokenStore>, http: reqwest::Client) -> Self {
        let scopes = Mutex::new(account.scopes(uses));
        let shared = Shared {
            account,
            store,
            http,
            scopes,
            token: Mutex::default(),
            flight: Arc::default(),
            granted: Notify::new(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// From the next request on, asks for what these uses need.
    pub fn use_for(&self, uses: &[Protocol]) {
        let mut scopes = self.shared.scopes.lock().unwrap_or_else(PoisonError::into_inner);
        *scopes = self.shared.account.scopes(uses);
    }

    /// A credential that is good now. Takes up to a minute when the token server is slow; may be dropped at any time.
    ///
    /// # Errors
    /// When there is none; [`Error::verdict`] says who must act.
    pub async fn credential(&self) -> Result<Credential, Error> {
        match &self.shared.account.auth {
            Auth::Password(secret) => Ok(Credential::Password(read(secret).await?)),
            Auth::Token(TokenSource::Kept(secret)) => Ok(Credential::Bearer(read(secret).await?)),
            Auth::OAuth(_) | Auth::Token(TokenSource::Command(_)) => Ok(Credential::Bearer(self.access_token().await?)),
        }
    }

    /// The server did not take this credential: it isn't handed out again. Says nothing of a password, which is read anew each time.
    pub fn rejected(&self, credential: &Credential) {
        let Credential::Bearer(rejected) = credential else {
            return;
        };
        let mut token = self.shared.token.lock().unwrap_or_else(PoisonError::into_inner);
        token.take_if(|token| token.secret.expose_secret() == rejected.expose_secret());
    }

    /// Keeps the sign-in alive for ever: refreshes it at 80 % of a token's life although nobody asks, so that an end of the sign-in is
    /// known before a session needs it. Returns at once where there is nothing to refresh.
    pub async fn keep(&self) {
        if self.shared.account.auth.oauth().is_none() {
            return;
        }
        loop {
            match self.access_token().await {
                Ok(_) => tokio::time::sleep_until(self.shared.refresh_due()).await,
                Err(error) if error.needs_person() => self.mended().await,
                Err(_) => tokio::time::sleep(LOOK).await,
            }
        }
    }

    /// Waits; while only a person can help, no longer than until one did.
    pub async fn pause(&self, wait: Duration) {
        match self.shared.refusal().await {
            Refusal::None => tokio::time::sleep(wait).await,
            Refusal::Over => {}
            Refusal::Stands => {
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    () = self.mended() => {}
                }
            }
        }
    }

    /// Waits until it is worthwhile to try again although the token server said no: other secrets are there, somebody signed in, or
    /// the hour is over. At once where the token server did not say no.
    async fn mended(&self) {
        loop {
            let granted = self.shared.granted.notified();
            if self.shared.refusal().await != Refusal::Stands {
                return;
            }
            tokio::select! {
                () = granted => return,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    async fn access_token(&self) -> Result<Secret, Error> {
        let flight = match self.shared.current() {
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
            .unwrap_or(Err(Error::Interrupted))
    }
}

impl Shared {
    pub(super) fn scopes(&self) -> Vec<String> {
        self.scopes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn current(&self) -> (Age, Option<Secret>) {
        let token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        match token.as_ref() {
            Some(token) => match token.life.age(Instant::now()) {
                Age::Over => (Age::Over, None),
                age => (age, Some(token.secret.clone())),
            },
            None => (Age::Over, None),
        }
    }

    /// When the token in use wants to be refreshed; soon where there is none.
    fn refresh_due(&self) -> Instant {
        let token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        let soon = Instant::now() + LOOK;
        token.as_ref().map_or(soon, |token| token.life.refresh().max(soon))
    }

    /// Whether only a person can help.
    async fn refusal(&self) -> Refusal {
        let Some(oauth) = self.account.auth.oauth() else {
            return Refusal::None;
        };
        let (until, failed) = match &self.flight.lock().await.trouble {
            Some(trouble) if trouble.error.needs_person() => (trouble.until, trouble.secrets),
            _ => return Refusal::None,
        };
        let secrets = match self.store.load(&self.account.sign_in).await {
            Ok(known) => Secrets::read(oauth, known).await,
            Err(error) => Err(error.into()),
        };
        // What can't be read is not another secret.
        let same = secrets.map_or(true, |secrets| secrets.fingerprint() == failed);
        if same && Instant::now() < until {
            Refusal::Stands
        } else {
            Refusal::Over
        }
    }

    /// With the flight in hand: a fresh token, or the ageing one while no fresh one is to be had.
    async fn fly(&self, mut flight: OwnedMutexGuard<Flight>) -> Result<Secret, Error> {
        let old = match self.current() {
            (Age::Fresh, Some(token)) => return Ok(token),
            (_, old) => old,
        };
        match (self.renew(&mut flight).await, old) {
            (Ok(token), _) | (Err(_), Some(token)) => Ok(token),
            (Err(error), None) => Err(error),
        }
    }

    async fn renew(&self, flight: &mut Flight) -> Result<Secret, Error> {
        let oauth = match &self.account.auth {
            Auth::OAuth(oauth) => oauth,
            Auth::Token(TokenSource::Command(argv)) => {
                let asked = Instant::now();
                let secret = external::token(argv).await?;
                return Ok(self.put(Token {
                    secret,
                    life: Life::new(asked, EXTERNAL_LIFE),
                }));
            }
            Auth::Password(_) | Auth::Token(TokenSource::Kept(_)) => return Err(Error::Url),
        };
        // Not remembered as trouble: the next call reads again, and costs the server nothing.
        let known = self.store.load(&self.account.sign_in).await?;
        let mut secrets = Secrets::read(oauth, known).await?;
        let print = secrets.fingerprint();
        if let Some(trouble) = &flight.trouble
            && trouble.secrets == print
            && Instant::now() < trouble.until
        {
            return Err(trouble.error.clone());
        }
        match self.fetch(flight, oauth, &mut secrets).await {
            Ok(token) => {
                flight.trouble = None;
                self.note(None).await;
                Ok(self.put(token))
            }
            Err(error) => {
                self.remember(flight, &error, print);
                if error.needs_person() {
                    self.note(Some(&error)).await;
                }
                Err(error)
            }
        }
    }

    /// Puts a token to use.
    fn put(&self, token: Token) -> Secret {
        let secret = token.secret.clone();
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
        self.granted.notify_waiters();
        secret
    }

    fn remember(&self, flight: &mut Flight, error: &Error, secrets: [u8; 32]) {
        let before = flight.trouble.as_ref().filter(|trouble| trouble.secrets == secrets);
        let failures = before.map_or(0, |trouble| trouble.failures).saturating_add(1);
        let wait = life::pause(error, failures);
        let (account, wait_s) = (&self.account.sign_in, wait.as_secs());
        if error.needs_person() {
            tracing::error!(%account, wait_s, %error, "the account needs a person");
        } else {
            tracing::warn!(%account, failures, wait_s, %error, "no access token");
        }
        flight.trouble = Some(Trouble {
            error: error.clone(),
            failures,
            until: Instant::now() + wait,
            secrets,
        });
    }

    /// Notes how the sign-in is doing. What can't be noted is noted the next time.
    async fn note(&self, trouble: Option<&Error>) {
        let (sign_in, now) = (&self.account.sign_in, Utc::now());
        let noted = match trouble {
            None => self.store.note_refreshed(sign_in, now).await,
            Some(error) => self.store.note_refused(sign_in, now, &error.to_string()).await,
        };
        if let Err(error) = noted {
            tracing::warn!(account = %sign_in, %error, "the state of a sign-in can't be noted");
        }
    }

    async fn fetch(&self, flight: &mut Flight, oauth: &OAuth, secrets: &mut Secrets) -> Result<Token, Error> {
        if let Some(token) = self.save(flight, secrets.origin()).await? {
            return Ok(token);
        }
        // While we hold it, no other process uses the refresh token; what it made of it before is read now.
        let mut lock = None;
        if matches!(oauth.grant, Grant::RefreshToken(_)) {
            lock = Some(self.store.lock(&self.account.sign_in).await?);
            secrets.update(self.store.load(&self.account.sign_in).await?);
        }
        let asked = Instant::now();
        let granted = self.ask(flight, oauth, secrets).await?;
        let token = Token {
            secret: granted.access_token,
            life: Life::new(asked, granted.length),
        };
        let used = secrets.grant().map(ExposeSecret::expose_secret);
        let rotated = granted.refresh_token.filter(|new| used != Some(new.expose_secret()));
        if let (Some(new), Grant::RefreshToken(_)) = (rotated, &oauth.grant) {
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

    async fn ask(&self, flight: &mut Flight, oauth: &OAuth, secrets: &Secrets) -> Result<Granted, Error> {
        let token_url = self.addresses(flight, oauth).await?.token;
        let scopes = self.scopes();
        let asker = Asker {
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
                Err(Error::NotSignedIn(self.account.sign_in.clone()))
            }
        }
    }

    /// The authorization server's addresses, asked once an hour where they have to be asked.
    pub(super) async fn addresses(&self, flight: &mut Flight, oauth: &OAuth) -> Result<Addresses, Error> {
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
    async fn save(&self, flight: &mut Flight, origin: Option<[u8; 32]>) -> Result<Option<Token>, Error> {
        // A new sign-in makes the old one's tokens worthless.
        flight.unsaved.take_if(|(_, stored)| stored.origin != origin);
        let Some((_, stored)) = &flight.unsaved else {
            return Ok(None);
        };
        self.store.save(&self.account.sign_in, stored.clone()).await?;
        let token = flight.unsaved.take().map(|(token, _)| token);
        Ok(token.filter(|token| token.life.age(Instant::now()) == Age::Fresh))
    }

    /// A person has signed in: stores the refresh token, then uses the access token.
    pub(super) async fn begin(
        &self,
        flight: &mut Flight,
        granted: Granted,
        asked: Instant,
        origin: Option<[u8; 32]>,
    ) -> Result<(), Error> {
        let Some(refresh_token) = granted.refresh_token else {
            return Err(Error::Answer(
                "has no refresh_token: allow offline access for this client (the scope offline_access)",
            ));
        };
        let now = Utc::now();
        let stored = StoredToken {
            refresh_token,
            origin,
            issued: now,
            signed_in: now,
        };
        flight.unsaved = None;
        flight.trouble = None;
        self.store.save(&self.account.sign_in, stored).await?;
        self.note(None).await;
        self.put(Token {
            secret: granted.access_token,
            life: Life::new(asked, granted.length),
        });
        Ok(())
    }

    pub(super) async fn flight(&self) -> OwnedMutexGuard<Flight> {
        self.flight.clone().lock_owned().await
    }
}

/// Off the runtime's threads: the place of a secret may be a slow network disk.
async fn read(secret: &SecretRef) -> Result<Secret, Error> {
    let secret = secret.clone();
    match tokio::task::spawn_blocking(move || secret.read()).await {
        Ok(read) => Ok(read?),
        Err(_) => Err(Error::Interrupted),
    }
}

#[cfg(test)]
#[path = "login_tests.rs"]
mod tests;
