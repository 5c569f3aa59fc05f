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
    dispatch::{later, spool::Body, struck, work::Work},
    job::{Outcome, Reason},
    secret::{ExposeSecret, Redaction, SecretError, SecretRef, signing::BadKey},
};

/// A request that is ready to be sent.
#[derive(Debug)]
pub(in crate::dispatch) struct Request {
    pub(super) headers: HeaderMap,
    pub(super) body: Body,
    /// What the body takes in memory.
    pub(super) room: Option<Room>,
    /// What of it is secret.
    pub(super) secrets: Redaction,
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
