//! What a token endpoint answers: a token, or why there is none (RFC 6749 section 5).

use std::time::Duration;

use oauth2::{
    AccessToken, EmptyExtraTokenFields, HttpResponse, RefreshToken, RequestTokenError, Scope, StandardRevocableToken,
    StandardTokenIntrospectionResponse, TokenResponse,
    basic::{BasicRevocationErrorResponse, BasicTokenType},
};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{
    error::{AuthError, TokenRefusal},
    exchange::HttpError,
    life,
};
use crate::secret::Secret;

/// What the token server granted.
#[derive(Debug)]
pub(super) struct Granted {
    /// The access token.
    pub(super) access_token: Secret,
    /// How long it is good, from the moment in which it was asked for.
    pub(super) length: Duration,
    /// A new refresh token, if it gave one.
    pub(super) refresh_token: Option<Secret>,
}

/// The oauth2 crate's client with answers read as they really come.
pub(super) type OAuthClient = oauth2::Client<
    TokenErrorResponse,
    GrantResponse,
    StandardTokenIntrospectionResponse<EmptyExtraTokenFields, BasicTokenType>,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
>;

/// RFC 6749 section 5.2, and Microsoft's `suberror`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct TokenErrorResponse {
    error: String,
    error_description: Option<String>,
    suberror: Option<String>,
}

impl std::fmt::Display for TokenErrorResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.error)
    }
}

impl oauth2::ErrorResponse for TokenErrorResponse {}

/// RFC 6749 section 5.1, with whatever servers write for `expires_in`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct GrantResponse {
    access_token: AccessToken,
    #[serde(default = "bearer", deserialize_with = "token_type")]
    token_type: BasicTokenType,
    expires_in: Option<Value>,
    refresh_token: Option<RefreshToken>,
}

impl TokenResponse for GrantResponse {
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

/// What was granted, when it can be used.
pub(super) fn granted(answer: GrantResponse) -> Result<Granted, AuthError> {
    let token = answer.access_token.secret();
    if answer.token_type != BasicTokenType::Bearer {
        return Err(AuthError::Answer("is a token of a type that isn't Bearer"));
    }
    if token.is_empty() || token.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(AuthError::Answer("has no usable access_token"));
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

/// Why the oauth2 crate got no token.
pub(super) fn failure(error: RequestTokenError<HttpError, TokenErrorResponse>) -> AuthError {
    match error {
        RequestTokenError::ServerResponse(refused) => refused.into(),
        RequestTokenError::Request(HttpError(error)) => error,
        // Their texts quote the body, and the body may hold a token.
        RequestTokenError::Parse(..) => AuthError::Answer("is not the JSON of a token"),
        RequestTokenError::Other(_) => AuthError::Answer("is empty or not JSON"),
    }
}

impl From<TokenErrorResponse> for AuthError {
    fn from(refused: TokenErrorResponse) -> Self {
        Self::Refused(TokenRefusal::new(
            &refused.error,
            refused.suberror.as_deref(),
            refused.error_description.as_deref(),
        ))
    }
}

/// The answer to a request that the oauth2 crate has no word for.
pub(super) fn read(answer: &HttpResponse) -> Result<Granted, AuthError> {
    if answer.status() == 200 {
        let read = serde_json::from_slice(answer.body());
        return granted(read.map_err(|_| AuthError::Answer("is not the JSON of a token"))?);
    }
    match serde_json::from_slice::<TokenErrorResponse>(answer.body()) {
        Ok(refused) => Err(refused.into()),
        Err(_) => Err(AuthError::Answer("is empty or not JSON")),
    }
}
