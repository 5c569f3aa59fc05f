//! The webhook: one POST with a signed body, one capped answer.
//!
//! It never follows a redirect, asks for no compression, and ends within its time. A request that may have arrived is only ever
//! repeated as another attempt with the same id; one that was answered with 2xx is not repeated, whatever becomes of the answer.

pub mod answer;
pub(in crate::dispatch) mod body;
pub(in crate::dispatch) mod breaker;
pub(in crate::dispatch) mod probing;
pub(in crate::dispatch) mod signature;
mod trace;

use std::io;

use chrono::{SecondsFormat, Utc};
use reqwest::{
    StatusCode, Url,
    header::{
        ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
        InvalidHeaderName, InvalidHeaderValue, USER_AGENT,
    },
};
use tokio::time::{Instant, timeout_at};
use tokio_util::io::ReaderStream;

use self::{
    answer::{Came, Limits},
    signature::Signer,
    trace::Answered,
};
use crate::{
    budget::{Budget, Room},
    causes, config,
    dispatch::{Ended, catch::Catch, later, room::Means, spool::Body, struck, work::Work},
    job::{Cut, Outcome, Reason},
    message::clean::clean,
    net::{
        self,
        exchange::{Content, ExchangeError, HttpAnswer, HttpClient, Progress},
        tls_cure,
    },
    secret::{ExposeSecret, Redaction, SecretError, SecretRef, signing::BadKey},
};

/// Bytes read of an answer that is no success: a refusal's words.
const MAX_REFUSAL: u64 = 16 * 1024;

/// Bytes of a spooled body that are read at once.
const PIECE: usize = 256 * 1024;

/// A request that is ready to be sent.
#[derive(Debug)]
pub(in crate::dispatch) struct Request {
    headers: HeaderMap,
    body: Body,
    /// What the body takes in memory.
    room: Option<Room>,
    /// What of it is secret.
    secrets: Redaction,
}

impl Request {
    /// The request as it may lie there while the webhook takes its time: in memory where there is room for that, else in a file. Blocks.
    ///
    /// # Errors
    /// When the temporary folder fails.
    pub(in crate::dispatch) fn parked(mut self, parked: &Budget) -> Result<Self, Unmade> {
        if let Body::Memory(bytes) = &self.body {
            match parked.try_take(bytes.len() as u64) {
                Some(room) => self.room = Some(room),
                None => self.body = Body::filed(bytes)?,
            }
        }
        Ok(self)
    }

    #[cfg(test)]
    pub(in crate::dispatch) fn into_parts(mut self) -> (HeaderMap, Vec<u8>) {
        let mut body = Vec::new();
        self.body.read(|from| from.read_to_end(&mut body)).unwrap();
        (self.headers, body)
    }
}

/// Why a request could not be made.
#[derive(Debug, thiserror::Error)]
pub(in crate::dispatch) enum Unmade {
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
pub(in crate::dispatch) enum Field {
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
pub(in crate::dispatch) fn prepare(webhook: &config::Webhook, work: &Work<'_>) -> Result<Request, Unmade> {
    let keys: Vec<_> = webhook.secrets.iter().map(SecretRef::read).collect::<Result<_, _>>()?;
    let signer = Signer::new(&keys, &work.job.id.to_string(), work.now.timestamp())?;
    let (media_type, mut body) = body::write(webhook.body, work)?;
    let planned = fields(webhook, work, &media_type, body.len())?;
    let signature = body.read(|body| signer.sign(body))?.unwrap_or_default();
    let mut headers = HeaderMap::with_capacity(planned.len());
    let mut secrets = struck::query(webhook);
    keys.iter().for_each(|key| secrets.add_handed(key.expose_secret()));
    for (name, field) in &planned {
        let value = value(field, &signature)?;
        if value.is_sensitive() {
            secrets.add_handed(&String::from_utf8_lossy(value.as_bytes()));
        }
        headers.insert(name, value);
    }
    Ok(Request {
        headers,
        body,
        room: None,
        secrets,
    })
}

/// The header fields of a request, each once; ours win over configured ones. Reads no secret. Pure.
///
/// # Errors
/// When a configured field is not legal.
pub(in crate::dispatch) fn fields(
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
        (ACCEPT_ENCODING.as_str(), "identity"),
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
///
/// The status that an answer begins with says what became of the work: where it was heard, nothing that follows is asked.
pub(in crate::dispatch) async fn send(
    client: &HttpClient,
    webhook: &config::Webhook,
    request: Request,
    tells: bool,
    means: &mut Means<'_>,
) -> Ended {
    let sent = request.body.len();
    let secrets = request.secrets.clone();
    let mut answered = None;
    let mut progress = Progress::default();
    let until = Instant::now() + webhook.timeout;
    let exchanged = timeout_at(until, exchange(client, webhook, request, &mut progress)).await;
    let ended = match (exchanged, progress.status()) {
        (Ok(Ok(answer)), _) => judged(webhook, answer, until, tells, means, &mut answered).await,
        (Ok(Err(error)), Some(status)) => headless(status, why(&error), means, &mut answered).await,
        (Err(_elapsed), Some(status)) => headless(status, late(webhook), means, &mut answered).await,
        (Ok(Err(error)), None) => unreachable(&error).into(),
        (Err(_elapsed), None) => later(Reason::Timeout, late(webhook)).into(),
    };
    Ended {
        exchange: Some(trace::exchange(webhook, sent, answered)),
        ..ended
    }
    .struck(&secrets)
}

fn late(webhook: &config::Webhook) -> String {
    format!("the webhook did not answer within {:?}", webhook.timeout)
}

/// The head of the answer.
async fn exchange(
    client: &HttpClient,
    webhook: &config::Webhook,
    request: Request,
    progress: &mut Progress,
) -> Result<HttpAnswer, ExchangeError> {
    let url = Url::parse(&webhook.url).map_err(|error| ExchangeError::Url(error.to_string()))?;
    let content = match request.body {
        Body::Memory(bytes) => Content::Bytes(bytes),
        Body::File { file, .. } => {
            let pieces = ReaderStream::with_capacity(tokio::fs::File::from_std(file), PIECE);
            Content::Stream(reqwest::Body::wrap_stream(pieces))
        }
    };
    let answer = client.post(&url, request.headers, content, progress).await;
    // What was sent is not needed any more.
    drop(request.room);
    answer
}

/// From here on the webhook's status says what the job is: a body that doesn't come costs the answer alone.
async fn judged(
    webhook: &config::Webhook,
    mut answer: HttpAnswer,
    until: Instant,
    tells: bool,
    means: &mut Means<'_>,
    seen: &mut Option<Answered>,
) -> Ended {
    let status = answer.status;
    let seen = seen.insert(Answered::new(status, &answer.headers));
    let most = if status.is_success() {
        webhook.max_answer
    } else {
        MAX_REFUSAL
    };
    let mut body = Catch::new(means.parked);
    let came = timeout_at(until, caught(&mut answer, most, &mut body)).await;
    // What is packed is as large as it may be, once it is unpacked.
    let size = match answer.headers.contains_key(CONTENT_ENCODING) {
        true => body.len().saturating_add(most),
        false => body.len(),
    };
    means.for_result(size).await;
    let came = match came {
        Ok(Ok(true)) => match body.bytes() {
            Ok(body) => {
                seen.body = Some(Cut::head(&body));
                Came::Whole(body)
            }
            Err(error) => Came::Broken(format!("its body can't be read from the temporary folder: {error}")),
        },
        Ok(Ok(false)) => Came::TooLarge { most },
        Ok(Err(error)) => Came::Broken(format!("its body did not come whole: {}", why(&error))),
        Err(_elapsed) => Came::Broken(late(webhook)),
    };
    let limits = Limits {
        most: webhook.max_answer,
        tells,
    };
    answer::judge(status, &answer.headers, came, limits, Utc::now())
}

/// Whether all of an answer's body came, or more than may be.
async fn caught(answer: &mut HttpAnswer, most: u64, body: &mut Catch) -> Result<bool, hyper::Error> {
    while let Some(piece) = answer.piece().await? {
        if body.len() + piece.len() as u64 > most {
            return Ok(false);
        }
        body.push(&piece);
    }
    Ok(true)
}

/// An answer of which no more than the status is known.
async fn headless(status: StatusCode, why: String, means: &mut Means<'_>, seen: &mut Option<Answered>) -> Ended {
    means.for_result(0).await;
    let none = HeaderMap::new();
    *seen = Some(Answered::new(status, &none));
    let limits = Limits { most: 0, tells: false };
    answer::judge(status, &none, Came::Headless(why), limits, Utc::now())
}

/// What a failure on the way there or back means. The text is without the URL, which may hold a key.
fn unreachable(error: &ExchangeError) -> Outcome {
    if net::is_ours(error) {
        return ours(error);
    }
    let by_tls = tls_cure(error);
    let (reason, cure) = match error {
        ExchangeError::PrivateNetwork(_) => return later(Reason::PrivateNetwork, error.to_string()),
        ExchangeError::Url(_) => return later(Reason::Network, error.to_string()),
        ExchangeError::Connect(net::Error::Proxy(error)) if error.needs_person() => (Reason::Proxy, Some(error.cure())),
        ExchangeError::Connect(net::Error::Timeout { .. }) => (Reason::Timeout, None),
        // It names its cure itself.
        ExchangeError::Connect(net::Error::Resolve { .. }) | ExchangeError::Http(_) => (Reason::Network, None),
        ExchangeError::Connect(error) => (Reason::Network, Some(error.cure())),
    };
    let reason = if by_tls.is_some() { Reason::Tls } else { reason };
    let what = format!("the exchange with the webhook failed: {}", why(error));
    later(
        reason,
        by_tls.or(cure).map_or(what.clone(), |cure| format!("{what}; {cure}")),
    )
}

/// What fails because this machine has no more: the job waits, and no sender hears of it.
fn ours(error: &ExchangeError) -> Outcome {
    let what = why(error);
    later(
        Reason::Local,
        format!(
            "the webhook was not asked: {what}; this machine has no more open files, threads or memory for Mailjob: raise its limits"
        ),
    )
}

fn why(error: &dyn std::error::Error) -> String {
    clean(&causes::causes(error), MAX_CAUSES)
}

/// Characters kept of why a request failed.
const MAX_CAUSES: usize = 1_000;

#[cfg(test)]
mod tests;
