//! One account's sign-in, shared by all its sessions.
//!
//! Hands out a credential that is good now. Access tokens are refreshed at 80 % of their life, one request at a time for the
//! account. A rotated refresh token is stored before the access token that came with it is handed out; while it can't be stored,
//! that access token isn't used and the new refresh token isn't forgotten. When the token server is in trouble it is left alone
//! for a while, and everybody gets the same answer.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::Utc;
use sha2::{Digest, Sha256};
use tokio::{sync::OwnedMutexGuard, time::Instant};

use super::{
    Credential, StoredToken, TokenStore,
    error::Error,
    grant::{self, Granted},
    life::{self, Age, Life},
};
use crate::{
    config::{Account, Auth, ClientProof, Grant, OAuth},
    secret::{ExposeSecret, Secret, SecretRef},
};

/// An account's sign-in. Clones share one.
#[derive(Clone)]
pub struct Login {
    shared: Arc<Shared>,
}

struct Shared {
    account: Arc<Account>,
    store: Arc<dyn TokenStore>,
    http: reqwest::Client,
    /// The access token in use.
    token: Mutex<Option<Token>>,
    /// Held by whoever talks to the token server.
    flight: Arc<tokio::sync::Mutex<Flight>>,
}

#[derive(Clone)]
struct Token {
    secret: Secret,
    life: Life,
}

/// What the one who talks to the token server must know.
#[derive(Default)]
struct Flight {
    /// A granted token whose refresh token is not stored yet.
    unsaved: Option<(Token, StoredToken)>,
    trouble: Option<Trouble>,
}

/// The last failure, and how long its answer stands.
struct Trouble {
    error: Error,
    failures: u32,
    until: Instant,
    /// The secrets that failed: others are tried at once.
    secrets: [u8; 32],
}

/// The secrets of one request, as they were read for it.
struct Secrets {
    client: Option<Secret>,
    refresh: Option<Secret>,
}

impl Login {
    /// A sign-in for `account`. `http` must not follow redirects, and should give up connecting after 10 s.
    #[must_use]
    pub fn new(account: Arc<Account>, store: Arc<dyn TokenStore>, http: reqwest::Client) -> Self {
        let shared = Shared {
            account,
            store,
            http,
            token: Mutex::default(),
            flight: Arc::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// The user name to sign in with.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.shared.account.user
    }

    /// A credential that is good now. Takes up to a minute when the token server is slow; may be dropped at any time.
    ///
    /// # Errors
    /// When there is none; [`Error::verdict`] says who must act.
    pub async fn credential(&self) -> Result<Credential, Error> {
        match &self.shared.account.auth {
            Auth::Password(secret) => Ok(Credential::Password(read(secret).await?)),
            Auth::OAuth(_) | Auth::Token(_) => Ok(Credential::Bearer(self.access_token().await?)),
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
        let Auth::OAuth(oauth) = &self.account.auth else {
            return Err(Error::Url);
        };
        // Not remembered as trouble: the next call reads again, and costs the server nothing.
        let secrets = Secrets::read(oauth).await?;
        let print = secrets.fingerprint();
        if let Some(trouble) = &flight.trouble
            && trouble.secrets == print
            && Instant::now() < trouble.until
        {
            return Err(trouble.error.clone());
        }
        match self.fetch(flight, oauth, &secrets).await {
            Ok(token) => {
                flight.trouble = None;
                let secret = token.secret.clone();
                *self.token.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
                Ok(secret)
            }
            Err(error) => {
                let failures = flight
                    .trouble
                    .as_ref()
                    .filter(|t| t.secrets == print)
                    .map_or(0, |t| t.failures)
                    + 1;
                let wait = life::pause(error.verdict(), failures, error.retry_after());
                tracing::warn!(account = %self.account.name, failures, wait = wait.as_secs(), %error, "no access token");
                flight.trouble = Some(Trouble {
                    error: error.clone(),
                    failures,
                    until: Instant::now() + wait,
                    secrets: print,
                });
                Err(error)
            }
        }
    }

    async fn fetch(&self, flight: &mut Flight, oauth: &OAuth, secrets: &Secrets) -> Result<Token, Error> {
        let origin = secrets.refresh.as_ref().map(|token| hash(&[token]));
        if let Some(token) = self.save(flight, origin).await? {
            return Ok(token);
        }
        // Another process may use the same sign-in: never one refresh token by two.
        let _turn = match origin {
            Some(_) => Some(self.store.lock(&self.account.sign_in).await?),
            None => None,
        };
        let mut signed_in = None;
        let refresh = match &secrets.refresh {
            Some(configured) => {
                let stored = self.store.load(&self.account.sign_in).await?.token;
                // A stored token that descends from another configured one belongs to an older sign-in.
                let stored = stored.filter(|stored| stored.origin == origin);
                signed_in = stored.as_ref().map(|stored| stored.signed_in);
                Some(stored.map_or_else(|| configured.clone(), |stored| stored.refresh_token))
            }
            None => None,
        };
        let asked = Instant::now();
        let Granted {
            access_token,
            length,
            refresh_token,
        } = grant::request(&self.http, oauth, secrets.client.as_ref(), refresh.as_ref()).await?;
        let token = Token {
            secret: access_token,
            life: Life::new(asked, length),
        };
        if let (Some(used), Some(new)) = (refresh, refresh_token)
            && used.expose_secret() != new.expose_secret()
        {
            let issued = Utc::now();
            let stored = StoredToken {
                refresh_token: new,
                origin,
                issued,
                signed_in: signed_in.unwrap_or(issued),
            };
            flight.unsaved = Some((token.clone(), stored));
            self.save(flight, origin).await?;
        }
        Ok(token)
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
}

impl Secrets {
    async fn read(oauth: &OAuth) -> Result<Self, Error> {
        let client = match &oauth.client {
            ClientProof::Secret { secret, .. } => Some(read(secret).await?),
            _ => None,
        };
        let refresh = match &oauth.grant {
            Grant::RefreshToken(Some(secret)) => Some(read(secret).await?),
            _ => None,
        };
        Ok(Self { client, refresh })
    }

    fn fingerprint(&self) -> [u8; 32] {
        let empty = Secret::from("");
        hash(&[
            self.client.as_ref().unwrap_or(&empty),
            self.refresh.as_ref().unwrap_or(&empty),
        ])
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

fn hash(secrets: &[&Secret]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for (i, secret) in secrets.iter().enumerate() {
        if i > 0 {
            hasher.update([0]);
        }
        hasher.update(secret.expose_secret());
    }
    hasher.finalize().into()
}

#[cfg(test)]
#[path = "login_tests.rs"]
mod tests;
