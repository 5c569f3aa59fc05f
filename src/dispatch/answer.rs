//! What a webhook's answer means: status, header fields and body in, outcome out. Pure.
//!
//! 2xx is done, and its body may be the result: `text/plain` is the text of the reply, `application/json` with a `reply` is text
//! and files, any other media type is one file. 408, 425, 429 and 5xx ask for another attempt, 410 asks for none at all, and all
//! others have failed. Redirects are not followed (Standard Webhooks 1.0.0, CloudEvents HTTP webhook).

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::{
    StatusCode,
    header::{CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, RETRY_AFTER},
};
use schemars::{JsonSchema, Schema, schema_for};
use serde::Deserialize;

use super::Ended;
use crate::{
    job::{Answer, File, Outcome, Reason},
    message::{
        clean::{clean, clean_lines},
        safe_name::{Names, extension},
    },
};

/// Files of one answer at most.
pub(super) const MAX_FILES: usize = 100;

/// Bytes of a refusal's text that are told to the sender.
const MAX_TELL: usize = 2 * 1024;

/// What a webhook may answer as `application/json`. Other keys are ignored; without `reply` nothing goes back.
#[derive(Deserialize, JsonSchema)]
#[schemars(title = "Mailjob answer")]
struct Answered {
    /// What goes back to the sender.
    reply: Option<Reply>,
    /// What templates of the reply get, and whoever the endpoint hands an answer to that reply: any JSON.
    #[serde(default)]
    data: Option<serde_json::Value>,
}

/// What goes back to the sender.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Reply {
    /// Plain text.
    #[serde(default)]
    text: Option<String>,
    /// Files, 100 at most.
    #[serde(default)]
    files: Vec<AnsweredFile>,
}

/// A file that goes back to the sender.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "File")]
struct AnsweredFile {
    /// Its name, without a folder.
    name: String,
    /// Its media type. Default `application/octet-stream`.
    #[serde(default)]
    media_type: Option<String>,
    /// Its content.
    #[schemars(extend("contentEncoding" = "base64"))]
    content: String,
}

/// The JSON Schema of what a webhook may answer as `application/json`.
#[must_use]
pub fn schema() -> Schema {
    schema_for!(Answered)
}

/// The outcome that an answer asks for.
#[must_use]
pub(super) fn judge(status: StatusCode, headers: &HeaderMap, body: Bytes, now: DateTime<Utc>) -> Ended {
    let reason = Reason::Status(status.as_u16());
    let detail = format!("the webhook answered {}", status.as_u16());
    let outcome = match status.as_u16() {
        200..=299 => result(headers, body).map_or_else(bad_answer, Outcome::Done),
        408 | 410 | 425 | 429 | 500..=599 => Outcome::Retry {
            reason,
            detail,
            not_before: retry_after(field(headers, RETRY_AFTER), now),
        },
        300..=399 => Outcome::Failed {
            reason,
            detail: format!("{detail}; redirects are not followed, set the final address"),
            tell: None,
        },
        _ => Outcome::Failed {
            reason,
            detail,
            tell: tell(headers, &body),
        },
    };
    Ended {
        outcome,
        gone: status == StatusCode::GONE,
    }
}

/// An answer that can't be used: the action did its work, so it is not run again.
pub(super) fn bad_answer(detail: String) -> Outcome {
    Outcome::Failed {
        reason: Reason::BadAnswer,
        detail,
        tell: None,
    }
}

fn field(headers: &HeaderMap, name: HeaderName) -> &str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .trim()
}

/// Seconds or an HTTP date (RFC 9110 section 10.2.3); anything else is as if it were not there.
fn retry_after(value: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        let seconds = value.parse().unwrap_or(i64::MAX);
        let after = TimeDelta::try_seconds(seconds).and_then(|after| now.checked_add_signed(after));
        return Some(after.unwrap_or(DateTime::<Utc>::MAX_UTC));
    }
    DateTime::parse_from_rfc2822(value).ok().map(|date| date.to_utc())
}

/// The media type in lower case without parameters; where there is none or no legal one, what is readable is text.
fn media_type(headers: &HeaderMap, body: &[u8]) -> String {
    let declared = field(headers, CONTENT_TYPE)
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    match legal_media_type(declared) {
        Some(legal) => legal,
        None if str::from_utf8(body).is_ok() => "text/plain".to_owned(),
        None => OCTETS.to_owned(),
    }
}

const OCTETS: &str = "application/octet-stream";

/// RFC 6838 section 4.2; so no answer can put anything else into a header of the reply.
fn legal_media_type(text: &str) -> Option<String> {
    let legal = |name: &str| {
        (1..=127).contains(&name.len())
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
    };
    let (kind, subtype) = text.split_once('/')?;
    (legal(kind) && legal(subtype)).then(|| text.to_ascii_lowercase())
}

fn result(headers: &HeaderMap, body: Bytes) -> Result<Answer, String> {
    if body.is_empty() {
        return Ok(Answer::default());
    }
    let encoding = field(headers, CONTENT_ENCODING);
    if !encoding.is_empty() && !encoding.eq_ignore_ascii_case("identity") {
        return Err(format!(
            "the answer is encoded as {}, but no encoding was asked for",
            clean(encoding, 40)
        ));
    }
    let media_type = media_type(headers, &body);
    match media_type.as_str() {
        "text/plain" => Ok(Answer {
            text: some_text(&String::from_utf8_lossy(&body)),
            ..Answer::default()
        }),
        "application/json" => {
            let answered = serde_json::from_slice::<Answered>(&body);
            answered
                .map_err(|error| format!("the answer is not what the contract says: {error}"))
                .and_then(contents)
        }
        _ => {
            let wanted = file_name(field(headers, CONTENT_DISPOSITION))
                .unwrap_or_else(|| format!("result.{}", extension(&media_type)));
            let file = File {
                name: Names::default().add(Some(&wanted), &media_type),
                media_type,
                data: body,
            };
            Ok(Answer {
                files: vec![file],
                ..Answer::default()
            })
        }
    }
}

fn contents(answered: Answered) -> Result<Answer, String> {
    let data = answered.data;
    let Some(reply) = answered.reply else {
        return Ok(Answer {
            data,
            ..Answer::default()
        });
    };
    if reply.files.len() > MAX_FILES {
        return Err(format!("the answer has more than {MAX_FILES} files"));
    }
    let mut names = Names::default();
    let file = |file: AnsweredFile| {
        let media_type = file.media_type.as_deref().and_then(legal_media_type);
        let media_type = media_type.unwrap_or_else(|| OCTETS.to_owned());
        let name = names.add(Some(&file.name), &media_type);
        let data = STANDARD
            .decode(&file.content)
            .map_err(|_| format!("the content of {name} is not base64"))?;
        Ok(File {
            name,
            media_type,
            data: data.into(),
        })
    };
    Ok(Answer {
        text: reply.text.as_deref().and_then(some_text),
        files: reply.files.into_iter().map(file).collect::<Result<_, String>>()?,
        data,
    })
}

fn some_text(text: &str) -> Option<String> {
    Some(clean_lines(text)).filter(|text| !text.is_empty())
}

/// What a refusal says in plain text.
fn tell(headers: &HeaderMap, body: &[u8]) -> Option<String> {
    let start = body.get(..MAX_TELL).unwrap_or(body);
    (media_type(headers, body) == "text/plain").then(|| some_text(&String::from_utf8_lossy(start)))?
}

/// The `filename` of a Content-Disposition (RFC 6266); the extended form is left to those who need it.
fn file_name(disposition: &str) -> Option<String> {
    let parameters = disposition.split(';').skip(1);
    let mut pairs = parameters.filter_map(|parameter| parameter.split_once('='));
    let (_, value) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("filename"))?;
    let name = clean(value.trim().trim_matches('"'), 1_000);
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
