//! The request of one attempt: a signed body, and the header fields that say whose it is.

use std::io;

use chrono::SecondsFormat;
use reqwest::header::{
    ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, InvalidHeaderName,
    InvalidHeaderValue, USER_AGENT,
};

use super::{body, signature::Signer};
use crate::{
    budget::{Budget, Room},
    config,
    dispatch::{later, spool::SpooledBody, struck, work::Work},
    job::{Outcome, Reason},
    secret::{ExposeSecret, Redaction, SecretError, SecretRef, signing::BadSigningKey},
};

/// A request that is ready to be sent.
#[derive(Debug)]
pub(in crate::dispatch) struct WebhookRequest {
    pub(super) headers: HeaderMap,
    pub(super) body: SpooledBody,
    /// What the body takes in memory.
    pub(super) room: Option<Room>,
    /// What of it is secret.
    pub(super) secrets: Redaction,
}

impl WebhookRequest {
    /// The request as it may lie there while the webhook takes its time: in memory where there is room for that, else in a file. Blocks.
    ///
    /// # Errors
    /// When the temporary folder fails.
    pub(in crate::dispatch) fn parked(mut self, parked: &Budget) -> Result<Self, RequestError> {
        if let SpooledBody::Memory(bytes) = &self.body {
            match parked.try_take(bytes.len() as u64) {
                Some(room) => self.room = Some(room),
                None => self.body = SpooledBody::filed(bytes)?,
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
pub(in crate::dispatch) enum RequestError {
    /// A secret can't be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A signing key is unusable.
    #[error(transparent)]
    Key(#[from] BadSigningKey),
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

impl From<RequestError> for Outcome {
    fn from(unmade: RequestError) -> Self {
        let reason = match unmade {
            RequestError::Secret(_) | RequestError::Key(_) | RequestError::Name(_) | RequestError::Value(_) => {
                Reason::Secret
            }
            RequestError::Spool(_) => Reason::Local,
        };
        later(reason, unmade.to_string())
    }
}

/// What a header field's value is made of.
#[derive(Debug, Clone)]
pub(in crate::dispatch) enum HeaderSource {
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
pub(in crate::dispatch) fn prepare(webhook: &config::Webhook, work: &Work<'_>) -> Result<WebhookRequest, RequestError> {
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
    Ok(WebhookRequest {
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
) -> Result<HeaderMap<HeaderSource>, RequestError> {
    let mut fields = HeaderMap::with_capacity(16);
    for (name, value) in &webhook.headers {
        let field = match value {
            config::HeaderValue::Plain(value) => HeaderSource::Text(HeaderValue::from_str(value)?),
            config::HeaderValue::Secret(secret) => HeaderSource::Secret(secret.clone()),
        };
        fields.insert(HeaderName::try_from(name)?, field);
    }
    if !webhook.secrets.is_empty() {
        fields.insert("webhook-signature", HeaderSource::Signature);
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
        fields.insert(name, HeaderSource::Text(HeaderValue::try_from(value)?));
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
            HeaderSource::Text(HeaderValue::from_static(value)),
        );
    }
    fields.insert(CONTENT_TYPE, HeaderSource::Text(HeaderValue::try_from(media_type)?));
    fields.insert(CONTENT_LENGTH, HeaderSource::Text(HeaderValue::from(length)));
    Ok(fields)
}

fn value(field: &HeaderSource, signature: &str) -> Result<HeaderValue, RequestError> {
    match field {
        HeaderSource::Text(value) => Ok(value.clone()),
        HeaderSource::Secret(secret) => {
            let mut value = HeaderValue::from_str(secret.read()?.expose_secret())?;
            value.set_sensitive(true);
            Ok(value)
        }
        HeaderSource::Signature => Ok(HeaderValue::try_from(signature)?),
    }
}
