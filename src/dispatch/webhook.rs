//! The webhook: one POST with a signed body, one capped answer.
//!
//! It never follows a redirect, asks for no compression and undoes none, and ends within its time. A request that may have
//! arrived is only ever repeated as another attempt with the same id.

use std::io;

use bytes::Bytes;
use chrono::{SecondsFormat, Utc};
use reqwest::{
    Client, Response, Url,
    header::{
        CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, InvalidHeaderName, InvalidHeaderValue,
        USER_AGENT,
    },
};
use tokio::time::timeout;
use tokio_util::io::ReaderStream;

use super::{
    Ended,
    answer::{self, bad_answer},
    body, later,
    signature::{BadKey, Signer},
    spool::Body,
    trace::{self, Answered},
    work::Work,
};
use crate::{
    config,
    job::{Cut, Outcome, Reason},
    net::http::{body, is_private_literal, is_private_network},
    secret::{ExposeSecret, SecretError, SecretRef},
};

/// Bytes read of an answer that is no success: a refusal's words.
const MAX_REFUSAL: u64 = 16 * 1024;

/// Bytes of a spooled body that are read at once.
const PIECE: usize = 256 * 1024;

/// A request that is ready to be sent.
#[derive(Debug)]
pub(super) struct Request {
    headers: HeaderMap,
    body: Body,
}

impl Request {
    /// Whether the body takes memory.
    pub(super) fn is_in_memory(&self) -> bool {
        matches!(self.body, Body::Memory(_))
    }

    #[cfg(test)]
    pub(super) fn into_parts(mut self) -> (HeaderMap, Vec<u8>) {
        let mut body = Vec::new();
        self.body.read(|from| from.read_to_end(&mut body)).unwrap();
        (self.headers, body)
    }
}

/// Why a request could not be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unmade {
    /// A secret can't be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A signing key is unusable.
    #[error(transparent)]
    Key(#[from] BadKey),
    /// A configured header field has an illegal name.
    #[error("the name of a header field is not legal: {0}")]
    Name(#[from] InvalidHeaderName),
    /// A configured header field has an illegal value; it is not shown, it may be a secret.
    #[error("the value of a header field is not legal")]
    Value(#[from] InvalidHeaderValue),
    /// The body could not be spooled.
    #[error("the body could not be written to the temporary folder: {0}")]
    Spool(#[from] io::Error),
}

impl From<Unmade> for Outcome {
    fn from(unmade: Unmade) -> Self {
        let reason = match unmade {
            Unmade::Secret(_) | Unmade::Key(_) | Unmade::Name(_) | Unmade::Value(_) => Reason::Secret,
            Unmade::Spool(_) => Reason::Local,
        };
        later(reason, unmade.to_string())
    }
}

/// What a header field's value is made of.
#[derive(Debug, Clone)]
pub(super) enum Field {
    /// This text.
    Text(HeaderValue),
    /// The secret that is kept there.
    Secret(SecretRef),
    /// The signatures over id, time and body, one for each key.
    Signature,
}

/// The request of one attempt. Blocks: reads secrets, writes and signs the body.
///
/// # Errors
/// When a secret is missing or unusable, or the temporary folder fails.
pub(super) fn prepare(webhook: &config::Webhook, work: &Work<'_>) -> Result<Request, Unmade> {
    let keys: Vec<_> = webhook.secrets.iter().map(SecretRef::read).collect::<Result<_, _>>()?;
    let signer = Signer::new(&keys, &work.job.id.to_string(), work.now.timestamp())?;
    let (media_type, mut body) = body::write(webhook.body, work)?;
    let planned = fields(webhook, work, &media_type, body.len())?;
    let signature = body.read(|body| signer.sign(body))?.unwrap_or_default();
    let mut headers = HeaderMap::with_capacity(planned.len());
    for (name, field) in &planned {
        headers.insert(name, value(field, &signature)?);
    }
    Ok(Request { headers, body })
}

/// The header fields of a request, each once; ours win over configured ones. Reads no secret. Pure.
///
/// # Errors
/// When a configured field is not legal.
pub(super) fn fields(
    webhook: &config::Webhook,
    work: &Work<'_>,
    media_type: &str,
    length: u64,
) -> Result<HeaderMap<Field>, Unmade> {
    let mut fields = HeaderMap::with_capacity(16);
    for (name, value) in &webhook.headers {
        let field = match value {
            config::HeaderValue::Plain(value) => Field::Text(HeaderValue::from_str(value)?),
            config::HeaderValue::Secret(secret) => Field::Secret(secret.clone()),
        };
        fields.insert(HeaderName::try_from(name)?, field);
    }
    if !webhook.secrets.is_empty() {
        fields.insert("webhook-signature", Field::Signature);
    }
    let id = work.job.id.to_string();
    let taken = work.job.taken.to_rfc3339_opts(SecondsFormat::Millis, true);
    let ours = [
        ("webhook-timestamp", work.now.timestamp().to_string()),
        ("idempotency-key", format!("\"{id}\"")),
        ("ce-id", id.clone()),
        ("webhook-id", id),
        ("ce-source", format!("/endpoints/{}", work.endpoint)),
        ("ce-time", taken),
        ("x-mailjob-attempt", work.job.attempt.to_string()),
    ];
    let answered = work
        .answers
        .map(|answers| ("x-mailjob-conversation", answers.job.to_string()));
    for (name, value) in ours.into_iter().chain(answered) {
        fields.insert(name, Field::Text(HeaderValue::try_from(value)?));
    }
    let fixed = [
        ("ce-specversion", "1.0"),
        ("ce-type", "mailjob.mail.v1"),
        (USER_AGENT.as_str(), concat!("mailjob/", env!("CARGO_PKG_VERSION"))),
    ];
    for (name, value) in fixed {
        fields.insert(
            HeaderName::from_static(name),
            Field::Text(HeaderValue::from_static(value)),
        );
    }
    fields.insert(CONTENT_TYPE, Field::Text(HeaderValue::try_from(media_type)?));
    fields.insert(CONTENT_LENGTH, Field::Text(HeaderValue::from(length)));
    Ok(fields)
}

fn value(field: &Field, signature: &str) -> Result<HeaderValue, Unmade> {
    match field {
        Field::Text(value) => Ok(value.clone()),
        Field::Secret(secret) => {
            let mut value = HeaderValue::from_str(secret.read()?.expose_secret())?;
            value.set_sensitive(true);
            Ok(value)
        }
        Field::Signature => Ok(HeaderValue::try_from(signature)?),
    }
}

/// Sends a request and judges the answer, all within the webhook's time.
pub(super) async fn send(client: &Client, webhook: &config::Webhook, request: Request) -> Ended {
    let sent = request.body.len();
    let mut answered = None;
    let ended = match timeout(webhook.timeout, exchange(client, webhook, request, &mut answered)).await {
        Ok(ended) => ended,
        Err(_elapsed) => {
            let detail = format!("the webhook did not answer within {:?}", webhook.timeout);
            later(Reason::Timeout, detail).into()
        }
    };
    Ended {
        exchange: Some(trace::webhook(webhook, sent, answered)),
        ..ended
    }
}

async fn exchange(client: &Client, webhook: &config::Webhook, request: Request, seen: &mut Option<Answered>) -> Ended {
    let url = match Url::parse(&webhook.url) {
        Ok(url) => url,
        Err(error) => return later(Reason::Network, format!("the URL is not usable: {error}")).into(),
    };
    if !webhook.allow_private_network && is_private_literal(&url) {
        let detail = "the URL is in a private network; set allow_private_network = true if that is meant";
        return later(Reason::PrivateNetwork, detail.to_owned()).into();
    }
    let body = match request.body {
        Body::Memory(bytes) => reqwest::Body::from(bytes),
        Body::File { file, .. } => {
            let pieces = ReaderStream::with_capacity(tokio::fs::File::from_std(file), PIECE);
            reqwest::Body::wrap_stream(pieces)
        }
    };
    match client.post(url).headers(request.headers).body(body).send().await {
        Ok(response) => answered(webhook, response, seen).await,
        Err(error) => unreachable(&error).into(),
    }
}

async fn answered(webhook: &config::Webhook, mut response: Response, seen: &mut Option<Answered>) -> Ended {
    let status = response.status();
    let seen = seen.insert(Answered::new(status, response.headers()));
    let cap = if status.is_success() {
        webhook.max_answer
    } else {
        MAX_REFUSAL
    };
    let body = match body(&mut response, cap).await {
        Ok(Some(body)) => body,
        Ok(None) if status.is_success() => {
            return bad_answer(format!("the answer is larger than {cap} bytes")).into();
        }
        Ok(None) => Bytes::new(),
        Err(error) => return unreachable(&error).into(),
    };
    seen.body = Some(Cut::head(&body));
    Ended {
        raw: body.clone(),
        ..answer::judge(status, response.headers(), body, Utc::now())
    }
}

/// What a failure on the way there or back means; the error's text without the URL, which may hold a key.
fn unreachable(error: &reqwest::Error) -> Outcome {
    let reason = if is_private_network(error) {
        Reason::PrivateNetwork
    } else if error.is_timeout() {
        Reason::Timeout
    } else {
        Reason::Network
    };
    let mut causes = vec!["the exchange with the webhook failed".to_owned()];
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    later(reason, causes.join(": "))
}

#[cfg(test)]
#[path = "webhook_tests.rs"]
mod tests;
