//! A person's sign-in with another device (RFC 8628): a short code, typed in on a phone or a desktop.

use std::time::Duration;

use oauth2::{
    DeviceAuthorizationUrl, DeviceCodeErrorResponse, RequestTokenError, Scope, StandardDeviceAuthorizationResponse,
    TokenUrl,
};

use super::{
    answer::{Granted, granted},
    error::{AuthError, TokenRefusal},
    exchange::{HttpError, caller},
    grant::TokenRequester,
};

/// The longest time between two questions, while the server can't be reached.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// A sign-in that waits for a person at another device.
pub struct DeviceSignIn {
    answer: StandardDeviceAuthorizationResponse,
}

/// Why a sign-in with another device came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// The person said no.
    #[error("the sign-in was refused at the other device")]
    Denied,
    /// Nobody came in time.
    #[error("the code has expired: nobody signed in in time; start again")]
    Expired,
    /// No token, for another reason.
    #[error(transparent)]
    Auth(#[from] AuthError),
}

impl DeviceSignIn {
    /// Asks for a code.
    pub(super) async fn begin(asker: &TokenRequester<'_>, device_url: &str) -> Result<Self, AuthError> {
        let url = DeviceAuthorizationUrl::new(device_url.to_owned()).map_err(|_| AuthError::Url)?;
        let client = asker.proof.client(asker.oauth).set_device_authorization_url(url);
        let scopes = asker.scopes.iter().cloned().map(Scope::new);
        let request = client.exchange_device_code().add_scopes(scopes);
        let answer = request.request_async(&caller(asker.http)).await;
        let answer = answer.map_err(super::answer::failure)?;
        Ok(Self { answer })
    }

    /// Where the person goes.
    #[must_use]
    pub fn url(&self) -> &str {
        self.answer.verification_uri()
    }

    /// What the person types in there.
    #[must_use]
    pub fn code(&self) -> &str {
        self.answer.user_code().secret()
    }

    /// How long the code is good.
    #[must_use]
    pub fn life(&self) -> Duration {
        self.answer.expires_in()
    }

    /// Asks until the person has decided or the code has expired, never faster than the server wants (RFC 8628 section 3.5).
    pub(super) async fn wait(&self, asker: &TokenRequester<'_>) -> Result<Granted, DeviceError> {
        let url = TokenUrl::new(asker.token_url.to_owned()).map_err(|_| AuthError::Url)?;
        let client = asker.proof.client(asker.oauth).set_token_uri(url);
        let mut request = client
            .exchange_device_access_token(&self.answer)
            .set_max_backoff_interval(LONGEST_WAIT);
        for (name, value) in asker.parameters()? {
            request = request.add_extra_param(name, value);
        }
        let answer = request
            .request_async(&caller(asker.http), pause, Some(self.life()))
            .await;
        Ok(granted(answer.map_err(ended)?)?)
    }
}

/// A server that says 0 is not asked without a pause.
async fn pause(wanted: Duration) {
    tokio::time::sleep(wanted.max(Duration::from_secs(1))).await;
}

/// Why there is no token: by RFC 8628's names, or by Microsoft's ("OAuth 2.0 device authorization grant flow", 2025).
fn ended(error: RequestTokenError<HttpError, DeviceCodeErrorResponse>) -> DeviceError {
    let refused = match error {
        RequestTokenError::ServerResponse(refused) => refused,
        RequestTokenError::Request(HttpError(error)) => return error.into(),
        RequestTokenError::Parse(..) => return AuthError::Answer("is not the JSON of a token").into(),
        RequestTokenError::Other(_) => return AuthError::Answer("is empty or not JSON").into(),
    };
    let code = refused.error().as_ref();
    match code {
        "access_denied" | "authorization_declined" => DeviceError::Denied,
        // The crate gives up by itself while the person may still come.
        "expired_token" | "authorization_pending" | "slow_down" => DeviceError::Expired,
        code => AuthError::Refused(TokenRefusal::new(
            code,
            None,
            refused.error_description().map(String::as_str),
        ))
        .into(),
    }
}

#[cfg(test)]
#[path = "device_tests.rs"]
mod tests;
