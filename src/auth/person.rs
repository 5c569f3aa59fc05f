//! The first sign-in, by a person: begun here, ended in the store.

use chrono::Utc;
use tokio::time::Instant;

use super::{
    StoredSignIn, StoredToken,
    answer::Granted,
    code::BrowserSignIn,
    device::{DeviceError, DeviceSignIn},
    error::AuthError,
    flight::{LoginInner, TokenFetch},
    grant::TokenRequester,
    life::Life,
    login::Login,
    metadata::Addresses,
    secrets::Secrets,
    token::CachedToken,
};
use crate::{config::OAuth, secret::Secret};

impl Login {
    /// Where the authorization server is asked for what.
    ///
    /// # Errors
    /// When its metadata can't be had, or the account is no person's.
    pub async fn addresses(&self) -> Result<Addresses, AuthError> {
        let oauth = self.person()?;
        let mut flight = self.shared.flight().await;
        self.shared.addresses(&mut flight, oauth).await
    }

    /// Begins a sign-in with a browser, which is sent back to `redirect`.
    ///
    /// # Errors
    /// When the account has no page for that.
    pub async fn browser(&self, redirect: &str) -> Result<BrowserSignIn, AuthError> {
        let oauth = self.person()?;
        let Some(authorize) = self.addresses().await?.authorize else {
            return Err(AuthError::NoWay(
                "no page to sign in is known; write oauth = { authorize_url = \"…\" }",
            ));
        };
        let scopes = self.shared.scopes();
        BrowserSignIn::begin(
            &oauth.client_id,
            &authorize,
            redirect,
            &scopes,
            self.shared.account.provider,
        )
    }

    /// Ends a sign-in with a browser: the code becomes tokens, which are stored.
    ///
    /// # Errors
    /// When the token server refuses the code, or nothing can be stored.
    pub async fn redeem(&self, sign_in: &BrowserSignIn, code: &Secret) -> Result<(), AuthError> {
        let oauth = self.person()?;
        let mut flight = self.shared.flight().await;
        let token_url = self.shared.addresses(&mut flight, oauth).await?.token;
        let (secrets, scopes) = (self.secrets(oauth).await?, self.shared.scopes());
        let asked = Instant::now();
        let asker = self.asker(oauth, &token_url, &secrets, &scopes);
        let granted = asker.code(code, sign_in.verifier(), sign_in.redirect.clone()).await?;
        self.shared.begin(&mut flight, granted, asked, secrets.origin()).await
    }

    /// Begins a sign-in with another device.
    ///
    /// # Errors
    /// When the account has no address for that, or the server refuses.
    pub async fn device(&self) -> Result<DeviceSignIn, AuthError> {
        let oauth = self.person()?;
        let addresses = self.addresses().await?;
        let Some(device) = addresses.device else {
            return Err(AuthError::NoWay(
                "no address for device codes is known; write oauth = { device_url = \"…\" }",
            ));
        };
        let (secrets, scopes) = (self.secrets(oauth).await?, self.shared.scopes());
        DeviceSignIn::begin(&self.asker(oauth, &addresses.token, &secrets, &scopes), &device).await
    }

    /// Waits for the person at the other device, and ends the sign-in.
    ///
    /// # Errors
    /// When the person says no or does not come, or nothing can be stored.
    pub async fn await_device(&self, sign_in: &DeviceSignIn) -> Result<(), DeviceError> {
        let oauth = self.person()?;
        let mut flight = self.shared.flight().await;
        let token_url = self.shared.addresses(&mut flight, oauth).await?.token;
        let (secrets, scopes) = (self.secrets(oauth).await?, self.shared.scopes());
        let granted = sign_in.wait(&self.asker(oauth, &token_url, &secrets, &scopes)).await?;
        let origin = secrets.origin();
        Ok(self.shared.begin(&mut flight, granted, Instant::now(), origin).await?)
    }

    /// The settings, when a person signs in to this account.
    fn person(&self) -> Result<&OAuth, AuthError> {
        match self.shared.account.auth.oauth() {
            Some(oauth) if oauth.is_person() => Ok(oauth),
            Some(_) => Err(AuthError::NoWay("it signs in by itself, without a person")),
            None => Err(AuthError::NoWay("it has a password or a token of its own")),
        }
    }

    /// What the client proves itself with. What is stored of an older sign-in does not count, and may be unreadable.
    async fn secrets(&self, oauth: &OAuth) -> Result<Secrets, AuthError> {
        Secrets::read(oauth, StoredSignIn::default()).await
    }

    fn asker<'a>(
        &'a self,
        oauth: &'a OAuth,
        token_url: &'a str,
        secrets: &'a Secrets,
        scopes: &'a [String],
    ) -> TokenRequester<'a> {
        TokenRequester {
            http: &self.shared.http,
            oauth,
            token_url,
            proof: &secrets.proof,
            scopes,
        }
    }
}

impl LoginInner {
    /// A person has signed in: stores the refresh token, then uses the access token.
    async fn begin(
        &self,
        flight: &mut TokenFetch,
        granted: Granted,
        asked: Instant,
        origin: Option<[u8; 32]>,
    ) -> Result<(), AuthError> {
        let Some(refresh_token) = granted.refresh_token else {
            return Err(AuthError::Answer(
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
        self.put(CachedToken {
            secret: granted.access_token,
            life: Life::new(asked, granted.length),
        });
        Ok(())
    }
}
