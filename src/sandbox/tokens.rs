//! The token server (RFC 6749): client credentials and refresh tokens, for clients that prove themselves by a secret.

use std::collections::HashMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use super::{
    credentials::{Credentials, GrantRequest, LIFE},
    https::{HttpAsked, HttpSaid},
};

/// Parameters of a request that are looked at.
const PARAMETERS: usize = 20;

/// Answers a token request.
pub(super) fn answer(credentials: &Credentials, asked: &HttpAsked) -> HttpSaid {
    let refused = |status, error| HttpSaid::json(status, &json!({ "error": error }));
    if asked.path != "/token" {
        return HttpSaid::text(404, "there is only /token");
    }
    let form: HashMap<String, String> = form_urlencoded::parse(&asked.body)
        .into_owned()
        .take(PARAMETERS)
        .collect();
    let field = |name: &str| form.get(name).cloned().unwrap_or_default();
    let (client, secret) = basic(asked).unwrap_or_else(|| (field("client_id"), field("client_secret")));
    let refresh_token = field("refresh_token");
    let grant = match field("grant_type").as_str() {
        "client_credentials" => GrantRequest::ClientCredentials,
        "refresh_token" => GrantRequest::RefreshToken(&refresh_token),
        _ => return refused(400, "unsupported_grant_type"),
    };
    let is_refresh = grant != GrantRequest::ClientCredentials;
    match credentials.grant(&client, &secret, &grant) {
        Ok(Some(token)) => HttpSaid::json(
            200,
            &json!({ "access_token": token, "token_type": "Bearer", "expires_in": LIFE.as_secs() }),
        ),
        Ok(None) if is_refresh => refused(400, "invalid_grant"),
        Ok(None) => refused(401, "invalid_client"),
        Err(_) => refused(503, "temporarily_unavailable"),
    }
}

/// The client of HTTP's basic authentication (RFC 6749 section 2.3.1).
fn basic(asked: &HttpAsked) -> Option<(String, String)> {
    let encoded = asked.header("authorization").strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (client, secret) = text.split_once(':')?;
    let decoded = |text: &str| {
        let pair = form_urlencoded::parse(text.as_bytes()).next();
        pair.map(|(name, _)| name.into_owned()).unwrap_or_default()
    };
    Some((decoded(client), decoded(secret)))
}
