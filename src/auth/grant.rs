//! Requests to a token endpoint, by the oauth2 crate where it has a word for the grant.

use chrono::Utc;
use oauth2::{AuthorizationCode, PkceCodeVerifier, RedirectUrl, RefreshToken, Scope, TokenUrl};

use super::{
    answer::{self, Granted, failure, granted},
    assertion,
    error::AuthError,
    exchange::{caller, post},
    proof::ProofMaterial,
};
use crate::{
    config::OAuth,
    secret::{ExposeSecret, Secret},
};

/// RFC 7523 section 2.1.
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// Who asks, where, and for which scopes.
pub(super) struct TokenRequester<'a> {
    pub(super) http: &'a reqwest::Client,
    pub(super) oauth: &'a OAuth,
    pub(super) token_url: &'a str,
    pub(super) proof: &'a ProofMaterial,
    pub(super) scopes: &'a [String],
}

impl TokenRequester<'_> {
    fn url(&self) -> Result<TokenUrl, AuthError> {
        TokenUrl::new(self.token_url.to_owned()).map_err(|_| AuthError::Url)
    }

    fn scopes(&self) -> impl Iterator<Item = Scope> {
        self.scopes.iter().cloned().map(Scope::new)
    }

    /// What the client's proof adds to a request.
    pub(super) fn parameters(&self) -> Result<Vec<(&'static str, String)>, AuthError> {
        Ok(self
            .proof
            .parameters(&self.oauth.client_id, self.token_url, Utc::now())?)
    }

    /// By a refresh token (RFC 6749 section 6).
    pub(super) async fn refresh(&self, token: &Secret) -> Result<Granted, AuthError> {
        let client = self.proof.client(self.oauth).set_token_uri(self.url()?);
        let token = RefreshToken::new(token.expose_secret().to_owned());
        let mut request = client.exchange_refresh_token(&token).add_scopes(self.scopes());
        for (name, value) in self.parameters()? {
            request = request.add_extra_param(name, value);
        }
        let answer = request.request_async(&caller(self.http)).await;
        granted(answer.map_err(failure)?)
    }

    /// By client credentials (RFC 6749 section 4.4).
    pub(super) async fn client_credentials(&self) -> Result<Granted, AuthError> {
        let client = self.proof.client(self.oauth).set_token_uri(self.url()?);
        let mut request = client.exchange_client_credentials().add_scopes(self.scopes());
        for (name, value) in self.parameters()? {
            request = request.add_extra_param(name, value);
        }
        let answer = request.request_async(&caller(self.http)).await;
        granted(answer.map_err(failure)?)
    }

    /// By a service account's key, for `user`. The oauth2 crate does not know this grant.
    pub(super) async fn service_account(&self, key: &Secret, user: &str) -> Result<Granted, AuthError> {
        let assertion = assertion::service_account(key, user, self.scopes, self.token_url, Utc::now())?;
        let form = [("grant_type", JWT_BEARER), ("assertion", assertion.expose_secret())];
        answer::read(&post(self.http, self.token_url, &form).await?)
    }

    /// By an authorization code (RFC 6749 section 4.1.3, RFC 7636).
    pub(super) async fn code(
        &self,
        code: &Secret,
        verifier: PkceCodeVerifier,
        redirect: RedirectUrl,
    ) -> Result<Granted, AuthError> {
        let client = self
            .proof
            .client(self.oauth)
            .set_redirect_uri(redirect)
            .set_token_uri(self.url()?);
        let mut request = client
            .exchange_code(AuthorizationCode::new(code.expose_secret().to_owned()))
            .set_pkce_verifier(verifier);
        for (name, value) in self.parameters()? {
            request = request.add_extra_param(name, value);
        }
        let answer = request.request_async(&caller(self.http)).await;
        granted(answer.map_err(failure)?)
    }
}
