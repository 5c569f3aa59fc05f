//! What a test makes of the server's answers: others in their place, changed ones, late and lost ones, and ones that wait.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Map, Value, json};

use super::OAuth;

/// What one token request is answered.
#[derive(Debug, Clone, Default)]
pub struct TokenAnswer {
    instead: Option<(u16, String, String)>,
    patch: Map<String, Value>,
    grant: Option<String>,
    delay: Duration,
    lost: bool,
}

impl TokenAnswer {
    /// The server's own answer, to be changed.
    #[must_use]
    pub fn real() -> Self {
        Self::default()
    }

    /// Another answer in its place; the server doesn't see the request, so nothing is used up or granted.
    #[must_use]
    pub fn text(status: u16, content_type: &str, body: impl Into<String>) -> Self {
        Self {
            instead: Some((status, content_type.to_owned(), body.into())),
            ..Self::default()
        }
    }

    /// JSON in place of the server's answer.
    #[must_use]
    pub fn json(status: u16, body: &Value) -> Self {
        Self::text(status, "application/json; charset=utf-8", body.to_string())
    }

    /// A refusal with this `error` (RFC 6749 section 5.2), status 400.
    #[must_use]
    pub fn refusal(error: &str) -> Self {
        Self::json(400, &json!({ "error": error, "error_description": "scripted" }))
    }

    /// With this field changed, or without it when the value is null; an access token that was granted stays granted.
    #[must_use]
    pub fn with(mut self, field: &str, value: Value) -> Self {
        self.patch.insert(field.to_owned(), value);
        self
    }

    /// For the next request of this grant type; otherwise for the next request of any.
    #[must_use]
    pub fn to(mut self, grant_type: &str) -> Self {
        self.grant = Some(grant_type.to_owned());
        self
    }

    /// Given only after this time.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Never given: the connection is closed. With [`Self::real`] the old refresh token is used up and the new one lost.
    #[must_use]
    pub fn lost(mut self) -> Self {
        self.lost = true;
        self
    }

    fn to_json(&self) -> Value {
        let (status, kind, body) = self.instead.clone().unwrap_or_default();
        json!({
            "grant": self.grant,
            "status": status,
            "type": kind,
            "body": body,
            "patch": self.patch,
            "delay": u64::try_from(self.delay.as_millis()).unwrap_or(u64::MAX),
            "lost": self.lost,
        })
    }
}

impl OAuth {
    /// The next token requests are answered so, one after the other.
    ///
    /// # Errors
    /// When one both replaces and changes the answer, or the server doesn't answer.
    pub async fn script(&self, answers: &[TokenAnswer]) -> Result<()> {
        let clash = answers.iter().any(|one| one.instead.is_some() && !one.patch.is_empty());
        ensure!(!clash, "an answer in place of the server's has no fields to change");
        let answers: Vec<_> = answers.iter().map(TokenAnswer::to_json).collect();
        self.testbed("script", json!({ "answers": answers })).await.map(drop)
    }

    /// How many scripted answers still wait for their request.
    ///
    /// # Errors
    /// When the server doesn't answer.
    pub async fn scripted(&self) -> Result<u64> {
        let stats = self.testbed("stats", json!({})).await?;
        Ok(stats["scripted"].as_u64().unwrap_or(0))
    }

    /// From now on answers of this path wait, ready as they are, until [`Self::release`]. `/token`: what is granted is
    /// granted, but the client doesn't know it. `/token/introspection`: Dovecot doesn't yet know whether a token is good.
    ///
    /// # Errors
    /// When the server doesn't answer.
    pub async fn hold(&self, path: &str) -> Result<()> {
        self.testbed("hold", json!({ "path": path })).await.map(drop)
    }

    /// Waits until an answer of this path is held.
    ///
    /// # Errors
    /// When the path isn't held.
    pub async fn held(&self, path: &str) -> Result<()> {
        self.testbed("held", json!({ "path": path })).await.map(drop)
    }

    /// Lets the answers of this path go, those that wait and all that come.
    ///
    /// # Errors
    /// When the path isn't held.
    pub async fn release(&self, path: &str) -> Result<()> {
        self.testbed("release", json!({ "path": path })).await.map(drop)
    }
}
