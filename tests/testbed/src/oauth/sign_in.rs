//! What a person does in a browser, without a browser: signs in, agrees or says no.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result, bail};
use reqwest::{Response, header};
use serde_json::{Value, json};

use super::OAuth;

/// Where a browser is sent after signing in when no listener waits for it, as Microsoft has it for its own; registered for
/// each client of people. What the address bar then shows is what the person copies.
pub const NATIVE_REDIRECT: &str = "https://login.example.test/common/oauth2/nativeclient";
/// Pages from the first to the last; two questions make eight.
const PAGES: usize = 16;

/// A decision on the consent page.
#[derive(Clone, Copy)]
enum Says<'a> {
    Yes(&'a str),
    No,
}

impl OAuth {
    /// Opens an authorize URL, signs in as `user` and agrees. Returns the address that the browser is sent to in the end,
    /// with `code` and `state` or with `error`; nobody has gone there yet.
    ///
    /// # Errors
    /// When the server shows an error page instead, such as for a redirect that isn't registered.
    pub async fn sign_in(&self, authorize_url: &str, user: &str) -> Result<String> {
        self.browse(authorize_url, Says::Yes(user)).await
    }

    /// Opens an authorize URL and says no: the final address has `error=access_denied`.
    ///
    /// # Errors
    /// When the server shows an error page instead.
    pub async fn refuse_sign_in(&self, authorize_url: &str) -> Result<String> {
        self.browse(authorize_url, Says::No).await
    }

    async fn browse(&self, authorize_url: &str, says: Says<'_>) -> Result<String> {
        let mut browser = Browser {
            oauth: self,
            cookies: BTreeMap::new(),
        };
        let mut page = browser.get(authorize_url).await?;
        for _ in 0..PAGES {
            if let Some(next) = header(&page, header::LOCATION.as_str()) {
                let next = next
                    .strip_prefix('/')
                    .map_or(next.clone(), |path| self.url(&format!("/{path}")));
                if !next.starts_with(&self.url("/")) {
                    return Ok(next);
                }
                page = browser.get(&next).await?;
                continue;
            }
            let (url, status) = (page.url().to_string(), page.status());
            let html = page.text().await?;
            if !status.is_success() {
                bail!("{url} answers {status}: {html}");
            }
            page = browser.answer(&url, &html, says).await?;
        }
        bail!("more than {PAGES} pages from {authorize_url}")
    }

    /// Asks for a device's code; the answer, which may be a refusal (`error`).
    ///
    /// # Errors
    /// When the server doesn't answer.
    pub async fn device(&self, form: &[(&str, &str)]) -> Result<Value> {
        Ok(self
            .http
            .post(self.device_url())
            .form(form)
            .send()
            .await?
            .json()
            .await?)
    }

    /// The user's consent to a device's code, as if given on the page.
    ///
    /// # Errors
    /// When there is no such code.
    pub async fn approve_device(&self, user: &str, user_code: &str) -> Result<()> {
        let body = json!({ "user": user, "user_code": user_code });
        self.testbed("approve-device", body).await.map(drop)
    }

    /// The user's no to a device's code.
    ///
    /// # Errors
    /// When there is no such code.
    pub async fn deny_device(&self, user_code: &str) -> Result<()> {
        let body = json!({ "user_code": user_code });
        self.testbed("deny-device", body).await.map(drop)
    }

    /// Ends the life of a device's code now.
    ///
    /// # Errors
    /// When there is no such code.
    pub async fn expire_device(&self, user_code: &str) -> Result<()> {
        let body = json!({ "user_code": user_code });
        self.testbed("expire-device", body).await.map(drop)
    }

    /// Device codes made from now on live `life`, and may be polled every `interval` (1 s at first); who polls faster is told
    /// `slow_down` and has to wait `slower` more each time (5 s at first, as RFC 8628 section 3.5 has it). In whole seconds.
    ///
    /// # Errors
    /// When the server doesn't answer.
    pub async fn set_device(&self, life: Duration, interval: Duration, slower: Duration) -> Result<()> {
        let settings = json!({
            "device_ttl": life.as_secs(),
            "device_interval": interval.as_secs(),
            "slow_down_by": slower.as_secs(),
        });
        self.testbed("settings", settings).await.map(drop)
    }
}

/// Keeps cookies. Their paths don't matter here: one browser signs in once.
struct Browser<'a> {
    oauth: &'a OAuth,
    cookies: BTreeMap<String, String>,
}

impl Browser<'_> {
    async fn get(&mut self, url: &str) -> Result<Response> {
        let request = self.oauth.http.get(url);
        self.send(request).await
    }

    /// Does what a page of oidc-provider's `devInteractions` asks for.
    async fn answer(&mut self, url: &str, html: &str, says: Says<'_>) -> Result<Response> {
        let Says::Yes(user) = says else {
            return self.get(&format!("{url}/abort")).await;
        };
        let asks = |prompt: &str| html.contains(&format!("name=\"prompt\" value=\"{prompt}\""));
        let form = if asks("login") {
            vec![("prompt", "login"), ("login", user), ("password", "any")]
        } else if asks("consent") {
            vec![("prompt", "consent")]
        } else {
            bail!("{url} shows neither a sign-in nor a consent page: {html}")
        };
        let request = self.oauth.http.post(url).form(&form);
        self.send(request).await
    }

    async fn send(&mut self, request: reqwest::RequestBuilder) -> Result<Response> {
        let cookies: Vec<_> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let answer = request.header(header::COOKIE, cookies.join("; ")).send().await?;
        for cookie in answer.headers().get_all(header::SET_COOKIE) {
            let pair = cookie.to_str()?.split(';').next().unwrap_or_default();
            let (name, value) = pair.split_once('=').context("a cookie without a value")?;
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(answer)
    }
}

fn header(answer: &Response, name: &str) -> Option<String> {
    Some(answer.headers().get(name)?.to_str().ok()?.to_owned())
}
