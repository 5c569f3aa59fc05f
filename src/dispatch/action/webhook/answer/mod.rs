//! What a webhook's answer means: status, header fields and body in, outcome out. Pure.
//!
//! 2xx is done, whatever its head or body looks like: whoever did the work is not asked again. The body may be the result: plain text is the
//! text of the reply, JSON with a `reply` is text and files, any other media type is one file. What can't be used of it is left out,
//! and said. What any other status means, [`crate::refusal`] says: another attempt, none at all until the operator has acted (401, 404), or
//! a failed job, of which its sender hears what is in the `reply` of a JSON answer; plain text only where the endpoint says so. Redirects are not followed (Standard Webhooks 1.0.0, CloudEvents HTTP webhook).
//!
//! A page in HTML never goes back by itself: it is what a server shows to people, a sign-in page above all. It goes as a file where
//! Content-Disposition says `attachment`. What has no markup is text, as PHP and Flask say `text/html` of everything.

mod coding;
mod contract;
mod fields;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use mail_parser::decoders::html::html_to_text;
use reqwest::{
    StatusCode,
    header::{CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, RETRY_AFTER},
};

pub use self::contract::schema;
use self::{coding::DecodedText, fields::FieldValue};
use crate::{
    dispatch::{AttemptResult, json, later, result::TOO_LARGE},
    job::{Answer, Outcome, Reason, ResultFile},
    message::{clean::clean_lines, safe_name::safe_name},
    refusal::{self, Remedy},
    retry_after::retry_after,
};

/// Bytes of a refusal's text that are told to the sender.
const MAX_TELL: usize = 2 * 1024;

/// What came of an answer.
pub(in crate::dispatch) enum AnswerBody {
    /// All of its body.
    Whole(Bytes),
    /// More than may be read.
    TooLarge {
        /// How much may be.
        most: u64,
    },
    /// A part, and then nothing more: why, in words.
    Broken(String),
    /// Nothing but the status: why its head can't be read, in words.
    Headless(String),
}

/// What may be made of an answer.
#[derive(Debug, Clone, Copy)]
pub(in crate::dispatch) struct AnswerLimits {
    /// Bytes of an answer that is packed, unpacked.
    pub(in crate::dispatch) most: u64,
    /// Whether a refusal in plain text is meant for the sender: it may hold whatever was sent there. One in JSON with a `reply` is.
    pub(in crate::dispatch) tells: bool,
}

/// The outcome that an answer asks for.
#[must_use]
pub(in crate::dispatch) fn judge(
    status: StatusCode,
    headers: &HeaderMap,
    came: AnswerBody,
    limits: AnswerLimits,
    now: DateTime<Utc>,
) -> AttemptResult {
    if status.is_success() {
        return done(status, headers, came, limits.most);
    }
    let reason = Reason::Status(status.as_u16());
    let said = refusal::webhook(status.as_u16());
    let plain = format!("the webhook answered {}", status.as_u16());
    let told = format!("{plain}: {}; {}", said.what, said.cure);
    let outcome = match said.remedy {
        Remedy::Wait => Outcome::Retry {
            reason,
            detail: plain,
            not_before: retry_after(&text_of(headers, RETRY_AFTER), now),
        },
        // Its sender can do nothing about that, and hears nothing of it.
        Remedy::Operator => later(reason, told),
        Remedy::Smaller | Remedy::Never => Outcome::Failed {
            reason,
            detail: told,
            tell: match came {
                AnswerBody::Whole(body) if !status.is_redirection() => tell(headers, &body, limits.tells),
                _ => None,
            },
        },
    };
    AttemptResult {
        gone: status == StatusCode::GONE,
        ..outcome.into()
    }
}

/// The work is done: nothing here may say otherwise.
fn done(status: StatusCode, headers: &HeaderMap, came: AnswerBody, most: u64) -> AttemptResult {
    let (answer, raw) = match came {
        AnswerBody::Whole(_) if status == StatusCode::PARTIAL_CONTENT => (
            Answer::unusable("the webhook answered 206: a part of an answer"),
            Bytes::new(),
        ),
        // Packed is never empty: it was cut before its first byte.
        AnswerBody::Whole(body) if body.is_empty() && !empty(status, headers) => {
            (Answer::unusable("the answer broke off: it is packed, and empty"), body)
        }
        AnswerBody::Whole(body) => match coding::decoded(body, &all_of(headers, CONTENT_ENCODING), most) {
            Ok(body) => (result(headers, &body), body),
            Err(what) => (Answer::unusable(&what), Bytes::new()),
        },
        AnswerBody::TooLarge { most } => (too_large(most), Bytes::new()),
        AnswerBody::Broken(why) => (Answer::unusable(&format!("the answer broke off: {why}")), Bytes::new()),
        AnswerBody::Headless(why) => (
            Answer::unusable(&format!("the head of the answer can't be read: {why}")),
            Bytes::new(),
        ),
    };
    AttemptResult {
        raw,
        ..Outcome::Done(answer).into()
    }
}

/// Whether an answer without a body can be meant so.
fn empty(status: StatusCode, headers: &HeaderMap) -> bool {
    let packed = headers.contains_key(CONTENT_ENCODING) && text_of(headers, CONTENT_LENGTH) != "0";
    !packed || matches!(status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT)
}

fn too_large(most: u64) -> Answer {
    let mut answer = Answer::unusable(&format!("the answer is larger than {most} bytes (max_answer)"));
    answer.note(TOO_LARGE);
    answer
}

fn field(headers: &HeaderMap, name: HeaderName) -> FieldValue {
    headers
        .get(name)
        .map(|value| FieldValue::read(value.as_bytes()))
        .unwrap_or_default()
}

fn text_of(headers: &HeaderMap, name: HeaderName) -> String {
    let value = headers.get(name).map(|value| value.as_bytes()).unwrap_or_default();
    String::from_utf8_lossy(value.trim_ascii()).into_owned()
}

/// A list that may be in several fields.
fn all_of(headers: &HeaderMap, name: HeaderName) -> String {
    let values = headers
        .get_all(name)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()));
    values.collect::<Vec<_>>().join(",")
}

/// What an answer is.
enum AnswerKind {
    Text,
    Json,
    Html,
    /// Text that nobody called so.
    Unnamed,
    File(String),
}

/// By its media type; where there is none or no legal one, by its content.
fn kind(content_type: &FieldValue, body: &[u8], is_attachment: bool) -> AnswerKind {
    let Some(declared) = legal_media_type(&content_type.value) else {
        return match str::from_utf8(body) {
            Ok(text) if is_page(text) => AnswerKind::Html,
            Ok(text) if text.trim_start().starts_with('{') && json::whole(text).is_ok() => AnswerKind::Json,
            Ok(_) => AnswerKind::Unnamed,
            Err(_) => AnswerKind::File(OCTETS.to_owned()),
        };
    };
    match declared.as_str() {
        "text/plain" => AnswerKind::Text,
        "application/json" => AnswerKind::Json,
        // Others may be meant as files, and say so.
        _ if is_attachment => AnswerKind::File(declared),
        "text/json" | "text/x-json" | "application/x-json" => AnswerKind::Json,
        json if json.ends_with("+json") => AnswerKind::Json,
        "text/html" | "application/xhtml+xml" => AnswerKind::Html,
        _ => AnswerKind::File(declared),
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

fn result(headers: &HeaderMap, body: &Bytes) -> Answer {
    if body.is_empty() {
        return Answer::default();
    }
    let (content_type, disposition) = (field(headers, CONTENT_TYPE), field(headers, CONTENT_DISPOSITION));
    let charset = content_type.parameter("charset");
    let media_type = match kind(&content_type, body, disposition.value == "attachment") {
        AnswerKind::File(media_type) => media_type,
        kind => {
            return match coding::text(body, charset.as_deref()) {
                Ok(text) => readable(&kind, text),
                Err(what) => Answer::unusable(&what),
            };
        }
    };
    let wanted = disposition
        .file_name("filename")
        .or_else(|| content_type.file_name("name"));
    let file = ResultFile {
        name: wanted.map(|wanted| safe_name(&wanted, &media_type)).unwrap_or_default(),
        media_type,
        data: body.clone(),
    };
    Answer {
        files: vec![file],
        ..Answer::default()
    }
}

fn readable(kind: &AnswerKind, DecodedText { text, flaw }: DecodedText) -> Answer {
    let mut answer = match kind {
        AnswerKind::Json | AnswerKind::Unnamed if text.trim().is_empty() => Answer::default(),
        AnswerKind::Unnamed => Answer::unusable(
            "the answer has no Content-Type, so it is not taken for a text that its sender may read: answer with \
             Content-Type: text/plain, or in JSON with a reply",
        ),
        AnswerKind::Json => contract::read(&text),
        AnswerKind::Html if text.contains('<') => page(&text),
        AnswerKind::Html => Answer {
            text: some_text(&html_to_text(&text)),
            ..Answer::default()
        },
        AnswerKind::Text | AnswerKind::File(_) => Answer {
            text: some_text(&text),
            ..Answer::default()
        },
    };
    if let Some(flaw) = flaw {
        answer.mark(Reason::BadAnswer, &flaw);
    }
    answer
}

/// A page for people. The status says that the work is done; where people are asked to sign in, it most likely is not.
fn page(html: &str) -> Answer {
    let html = html.to_ascii_lowercase();
    let asks = ["type=\"password\"", "type='password'", "type=password"];
    if asks.iter().any(|field| html.contains(field)) {
        return Answer::unusable(
            "the answer is a sign-in page in HTML: the work is most likely not done, though the webhook answered 2xx; check url and \
             what proves us there (headers), then run the job anew (mailjob jobs replay)",
        );
    }
    Answer::unusable(
        "the answer is a page in HTML, which goes back only with Content-Disposition: attachment; see that the url is the webhook's",
    )
}

fn is_page(text: &str) -> bool {
    let start = text.trim_start();
    ["<!doctype html", "<html"].into_iter().any(|tag| {
        start
            .get(..tag.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(tag))
    })
}

fn some_text(text: &str) -> Option<String> {
    Some(clean_lines(text)).filter(|text| !text.is_empty())
}

/// What a refusal says to the sender: its `reply` in JSON, or else its plain text where that is said to be for the sender.
fn tell(headers: &HeaderMap, body: &Bytes, tells: bool) -> Option<String> {
    let body = coding::decoded(body.clone(), &all_of(headers, CONTENT_ENCODING), MAX_REFUSED).ok()?;
    let content_type = field(headers, CONTENT_TYPE);
    let text = || coding::text(&body, content_type.parameter("charset").as_deref()).ok();
    let text = match kind(&content_type, &body, false) {
        AnswerKind::Json => contract::read(&text()?.text).text?,
        AnswerKind::Text if tells => text()?.text,
        AnswerKind::Text | AnswerKind::Unnamed | AnswerKind::Html | AnswerKind::File(_) => return None,
    };
    some_text(text.get(..text.floor_char_boundary(MAX_TELL)).unwrap_or(&text))
}

/// Bytes of a refusal's text, once it is unpacked.
const MAX_REFUSED: u64 = 256 * 1024;

#[cfg(test)]
mod tests;
