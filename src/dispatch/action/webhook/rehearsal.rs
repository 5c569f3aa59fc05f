//! The request that a webhook would get. No secret is read, and nothing is sent.

use std::io::Read;

use super::{
    body, probe,
    request::{HeaderSource, RequestError, fields},
};
use crate::{
    config,
    dispatch::{
        action::plan::{PlannedHeader, RequestPlan, made_up_answer},
        excerpt::Excerpt,
        work::Work,
    },
    job::{Outcome, Reason},
};

/// The request of an attempt; of its body at most `most` bytes.
///
/// # Errors
/// When it could not be made.
pub(in crate::dispatch) fn request(
    webhook: &config::Webhook,
    work: &Work<'_>,
    most: u64,
) -> Result<RequestPlan, RequestError> {
    let (media_type, mut body) = body::write(webhook.body, work)?;
    let size = body.len();
    let shown = body.read(|from| {
        let mut shown = Vec::new();
        from.take(most).read_to_end(&mut shown)?;
        Ok(shown)
    })?;
    let value = |field: &HeaderSource| match field {
        HeaderSource::Text(text) => PlannedHeader::Text(String::from_utf8_lossy(text.as_bytes()).into_owned()),
        HeaderSource::Secret(secret) => PlannedHeader::Secret(secret.clone()),
        HeaderSource::Signature => PlannedHeader::Signature(webhook.secrets.clone()),
    };
    let fields = fields(webhook, work, &media_type, size)?;
    let mut headers: Vec<_> = fields
        .iter()
        .map(|(name, field)| (name.to_string(), value(field)))
        .collect();
    headers.sort_by(|(one, _), (other, _)| one.cmp(other));
    let (shown, place) = (shown.into(), webhook.place());
    let query = if place == webhook.url { "" } else { "?…" };
    Ok(RequestPlan {
        url: format!("{place}{query}"),
        headers,
        body: Excerpt { shown, size },
        refused: probe::destination(webhook).err(),
    })
}

/// What it could answer: a success and a refusal, with placeholders for its own words.
pub(super) fn made_up() -> (Outcome, Outcome) {
    let refused = Outcome::Failed {
        reason: Reason::Status(422),
        detail: String::new(),
        tell: Some("[the reply that the webhook answers, if any]".to_owned()),
    };
    (made_up_answer("[the text that the webhook answers]"), refused)
}
