//! One HTTP exchange with an authorization server.
//!
//! Reads at most 1 MiB, waits at most two minutes, follows no redirect (the client that is handed in must not), and tells 429 and 5xx
//! apart from refusals, which the oauth2 crate does not.

use std::{sync::Arc, time::Duration};

use chrono::Utc;
use oauth2::{
    HttpRequest, HttpResponse,
    http::{Method, Request, Response, header},
};
use reqwest::Url;

use super::{
    error::{AuthError, clean},
    normal,
};
use crate::{causes::causes, net::http::refused_on_the_way, retry_after::retry_after, secret::Redaction};

/// The whole exchange, body included. Long, because a server that rotates refresh tokens has made the old one worthless before it
/// answers: some need over half a minute, and who gives up has lost the new one.
const PATIENCE: Duration = Duration::from_secs(120);
/// Bytes of an answer that are read.
const MOST: usize = 1 << 20;

/// Characters kept of why it can't be reached.
const MAX_CAUSES: usize = 500;

#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(super) struct HttpError(pub(super) AuthError);

/// The way of the oauth2 crate to our HTTP client. Owned, since a closure over a reference makes a future that the compiler can't see
/// to be Send.
pub(super) fn caller(
    http: &reqwest::Client,
) -> impl Fn(HttpRequest) -> std::pin::Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send>>
+ Send
+ Sync
+ use<> {
    let http = http.clone();
    move |request| Box::pin(exchange(http.clone(), request))
}

/// Fetches a document; any status but 200 is no answer.
pub(super) async fn get(http: &reqwest::Client, url: Url) -> Result<Vec<u8>, AuthError> {
    let request = Request::builder()
        .method(Method::GET)
        .uri(url.as_str())
        .header(header::ACCEPT, "application/json")
        .body(Vec::new())
        .map_err(|_| AuthError::Url)?;
    let answer = exchange(http.clone(), request)
        .await
        .map_err(|HttpError(error)| error)?;
    if answer.status() != 200 {
        return Err(AuthError::Answer("is not there"));
    }
    Ok(answer.into_body())
}

/// Posts a form to a token endpoint.
pub(super) async fn post(http: &reqwest::Client, url: &str, form: &[(&str, &str)]) -> Result<HttpResponse, AuthError> {
    let mut body = Url::parse(url).map_err(|_| AuthError::Url)?;
    body.query_pairs_mut().clear().extend_pairs(form);
    let request = Request::builder()
        .method(Method::POST)
        .uri(url)
        .header(header::ACCEPT, "application/json")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(body.query().unwrap_or_default().as_bytes().to_vec())
        .map_err(|_| AuthError::Url)?;
    exchange(http.clone(), request).await.map_err(|HttpError(error)| error)
}

/// The secrets of a form.
fn secrets(form: &[u8]) -> Redaction {
    const SECRET: [&str; 7] = [
        "refresh_token",
        "client_secret",
        "client_assertion",
        "assertion",
        "code",
        "code_verifier",
        "device_code",
    ];
    let pairs = form_urlencoded::parse(form).filter(|(key, _)| SECRET.contains(&&**key));
    pairs.fold(Redaction::default(), |secrets, (_, value)| secrets.and_sent(&value))
}

async fn exchange(http: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, HttpError> {
    tokio::time::timeout(PATIENCE, read(&http, request))
        .await
        .unwrap_or(Err(AuthError::Timeout(PATIENCE)))
        .map_err(HttpError)
}

async fn read(http: &reqwest::Client, request: HttpRequest) -> Result<HttpResponse, AuthError> {
    let host = request.uri().host().unwrap_or_default().to_owned();
    let unreachable = |error: reqwest::Error| {
        let error = error.without_url();
        AuthError::Unreachable {
            host: host.clone(),
            why: clean(&causes(&error), MAX_CAUSES),
            source: Arc::new(error),
        }
    };
    let secrets = secrets(request.body());
    let request: reqwest::Request = request.try_into().map_err(unreachable)?;
    let url = request.url().clone();
    let mut answer = match http.execute(request).await {
        Ok(answer) => answer,
        // The library does not tell what a proxy said.
        Err(error) if error.is_connect() => {
            return Err(match refused_on_the_way(&url).await {
                Some(by_proxy) => AuthError::Proxy {
                    error: Arc::new(by_proxy),
                },
                None => unreachable(error),
            });
        }
        Err(error) => return Err(unreachable(error)),
    };
    let status = answer.status();
    if status == 429 || status.is_server_error() {
        let now = Utc::now();
        let asked = answer
            .headers()
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok());
        return Err(AuthError::Busy {
            status: status.as_u16(),
            retry_after: asked.and_then(|text| (retry_after(text, now)? - now).to_std().ok()),
        });
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > MOST {
            return Err(AuthError::Answer("is over 1 MiB"));
        }
        body.extend_from_slice(&chunk);
    }
    let (status, body) = normal::meant(status, &body, &secrets).unwrap_or((status, body));
    let response = Response::builder().status(status);
    response.body(body).map_err(|_| AuthError::Answer("has broken headers"))
}
