//! One request to a token endpoint, by the oauth2 crate over our HTTP client.
//!
//! Reads at most 1 MiB, waits at most 30 s, follows no redirect (the client that is handed in must not), and tells 429 and 5xx
//! apart from refusals, which the oauth2 crate does not.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use oauth2::{
    AccessToken, AuthType, ClientId, ClientSecret, EmptyExtraTokenFields, HttpRequest, HttpResponse, RefreshToken,
    RequestTokenError, Scope, StandardRevocableToken, StandardTokenIntrospectionResponse, TokenResponse, TokenUrl,
    basic::{BasicRevocationErrorResponse, BasicTokenType},
    http::{Response, header},
};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{
    error::{Error, Refusal},
    life,
};
use crate::{
    config::{AuthorizationServer, ClientProof, OAuth, SendSecret},
    secret::{ExposeSecret, Secret},
};

/// The whole exchange, body included.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of an answer that are read.
const MOST: usize = 1 << 20;

/// What the token server granted.
pub(super) struct Granted {
    pub(super) access_token: Secret,
    pub(super) length: Duration,
    pub(super) refresh_token: Option<Secret>,
}

/// Asks for an access token: by a refresh token (RFC 6749 section 6), or with none by client credentials (section 4.4).
pub(super) async fn request(
    http: &reqwest::Client,
    oauth: &OAuth,
    client_secret: Option<&Secret>,
    refresh_token: Option<&Secret>,
) -> Result<Granted, Error> {
    let AuthorizationServer::Known { token_url, .. } = &oauth.server else {
        return Err(Error::Url);
    };
    let url = TokenUrl::new(token_url.clone()).map_err(|_| Error::Url)?;
    let basic = matches!(
        oauth.client,
        ClientProof::Secret {
            send: SendSecret::Basic,
            ..
        }
    );
    let mut client = Client::new(ClientId::new(oauth.client_id.clone())).set_auth_type(if basic {
        AuthType::BasicAuth
    } else {
        AuthType::RequestBody
    });
    if let Some(secret) = client_secret {
        client = client.set_client_secret(ClientSecret::new(secret.expose_secret().to_owned()));
    }
    let client = client.set_token_uri(url);
    let scopes = oauth.scopes.iter().flatten().cloned().map(Scope::new);
    // Owned, since a closure over a reference makes a future that the compiler can't see to be Send.
    let http = http.clone();
    let call = move |request| exchange(http.clone(), request);
    let answer = match refresh_token {
        Some(token) => {
            let token = RefreshToken::new(token.expose_secret().to_owned());
            client
                .exchange_refresh_token(&token)
                .add_scopes(scopes)
                .request_async(&call)
                .await
        }
        None => {
            client
                .exchange_client_credentials()
                .add_scopes(scopes)
                .request_async(&call)
                .await
        }
    };
    granted(answer.map_err(failure)?)
}

fn granted(answer: Answer) -> Result<Granted, Error> {
    let token = answer.access_token.secret();
    if answer.token_type != BasicTokenType::Bearer {
        return Err(Error::Answer("is a token of a type that isn't Bearer"));
    }
    if token.is_empty() || token.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(Error::Answer("has no usable access_token"));
    }
    Ok(Granted {
        access_token: Secret::from(token.clone()),
        length: life::length(answer.expires_in.as_ref()),
        refresh_token: answer
            .refresh_token
            .as_ref()
            .map(RefreshToken::secret)
            .filter(|token| !token.is_empty())
            .map(|token| Secret::from(token.clone())),
    })
}

fn failure(error: RequestTokenError<HttpError, Refused>) -> Error {
    match error {
        RequestTokenError::ServerResponse(refused) => Error::Refused(Refusal::new(
            &refused.error,
            refused.suberror.as_deref(),
            refused.error_description.as_deref(),
        )),
        RequestTokenError::Request(HttpError(error)) => error,
        // Their texts quote the body, and the body may hold a token.
        RequestTokenError::Parse(..) => Error::Answer("is not the JSON of a token"),
        RequestTokenError::Other(_) => Error::Answer("is empty or not JSON"),
    }
}

async fn exchange(http: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, HttpError> {
    tokio::time::timeout(PATIENCE, read(&http, request))
        .await
        .unwrap_or(Err(Error::Timeout(PATIENCE)))
        .map_err(HttpError)
}

async fn read(http: &reqwest::Client, request: HttpRequest) -> Result<HttpResponse, Error> {
    let unreachable = |error: reqwest::Error| Error::Unreachable(Arc::new(error.without_url()));
    let request = request.try_into().map_err(unreachable)?;
    let mut answer = http.execute(request).await.map_err(unreachable)?;
    let status = answer.status();
    if status == 429 || status.is_server_error() {
        let asked = answer
            .headers()
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok());
        return Err(Error::Busy {
            status: status.as_u16(),
            retry_after: asked.and_then(|text| retry_after(text, Utc::now())),
        });
    }
    let mut response = Response::builder().status(status);
    if let Some(media_type) = answer.headers().get(header::CONTENT_TYPE) {
        response = response.header(header::CONTENT_TYPE, media_type);
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > MOST {
            return Err(Error::Answer("is over 1 MiB"));
        }
        body.extend_from_slice(&chunk);
    }
    response.body(body).map_err(|_| Error::Answer("has broken headers"))
}

/// Retry-After (RFC 9110 section 10.2.3): seconds, or a date.
fn retry_after(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    match text.trim().parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => (DateTime::parse_from_rfc2822(text.trim()).ok()?.to_utc() - now)
            .to_std()
            .ok(),
    }
}

type Client = oauth2::Client<
    Refused,
    Answer,
    StandardTokenIntrospectionResponse<EmptyExtraTokenFields, BasicTokenType>,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
>;

#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct HttpError(Error);

/// RFC 6749 section 5.2, and Microsoft's `suberror`.
#[derive(Debug, Serialize, Deserialize)]
struct Refused {
    error: String,
    error_description: Option<String>,
    suberror: Option<String>,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.error)
    }
}

impl oauth2::ErrorResponse for Refused {}

/// RFC 6749 section 5.1, with whatever servers write for `expires_in`.
#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    access_token: AccessToken,
    #[serde(default = "bearer", deserialize_with = "token_type")]
    token_type: BasicTokenType,
    expires_in: Option<Value>,
    refresh_token: Option<RefreshToken>,
}

impl TokenResponse for Answer {
    type TokenType = BasicTokenType;

    fn access_token(&self) -> &AccessToken {
        &self.access_token
    }
    fn token_type(&self) -> &BasicTokenType {
        &self.token_type
    }
    fn expires_in(&self) -> Option<Duration> {
        Some(life::length(self.expires_in.as_ref()))
    }
    fn refresh_token(&self) -> Option<&RefreshToken> {
        self.refresh_token.as_ref()
    }
    fn scopes(&self) -> Option<&Vec<Scope>> {
        None
    }
}

fn bearer() -> BasicTokenType {
    BasicTokenType::Bearer
}

/// The type's name has no case (RFC 6749 section 5.1).
fn token_type<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BasicTokenType, D::Error> {
    let name = String::deserialize(deserializer)?;
    Ok(if name.eq_ignore_ascii_case("bearer") {
        BasicTokenType::Bearer
    } else {
        BasicTokenType::Extension(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = DateTime::parse_from_rfc3339("2026-11-22T10:00:00Z").unwrap().to_utc();
        for (text, seconds) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Sun, 22 Nov 2026 10:01:30 GMT", Some(90)),
            ("Sun, 22 Nov 2026 09:00:00 GMT", None),
            ("-5", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(retry_after(text, now), seconds.map(Duration::from_secs), "{text}");
        }
    }
}
