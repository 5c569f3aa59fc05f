//! An answer as `application/json`: the contract, and what is made of an answer that breaks it. Pure.
//!
//! The work is done, whatever its answer looks like. What clearly means something is taken for it; what doesn't is left out, and said.

use base64::{
    Engine,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use schemars::{JsonSchema, Schema, schema_for};
use serde_json::Value;

use super::{OCTETS, legal_media_type, some_text};
use crate::{
    dispatch::{
        json::{self, Picked, RawJson},
        result::{MAX_DATA, MAX_FILES, too_many},
    },
    job::{Answer, Reason, ResultFile},
    message::{clean::clean, safe_name::Names},
    plural,
};

/// Names of what is left out that are told.
const MAX_TOLD: usize = 5;

/// What a webhook may answer as `application/json`. Other keys are ignored; without `reply` nothing goes back.
#[derive(JsonSchema)]
#[schemars(title = "Mailjob answer")]
#[expect(dead_code, reason = "the contract as a schema; answers are read more leniently")]
struct AnswerDocument {
    /// What goes back to the sender: text and files, or the text alone.
    reply: Option<ReplyForm>,
    /// What templates of the reply get, and whoever the endpoint hands an answer to that reply: any JSON.
    #[serde(default)]
    data: Option<Value>,
}

#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "as above")]
enum ReplyForm {
    /// Text and files.
    Whole(AnswerReply),
    /// Plain text.
    Text(String),
}

/// What goes back to the sender.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "as above")]
#[schemars(rename = "Reply")]
struct AnswerReply {
    /// Plain text.
    #[serde(default)]
    text: Option<String>,
    /// Files, 100 at most.
    #[serde(default)]
    files: Vec<AnsweredFile>,
}

/// A file that goes back to the sender.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "File")]
#[expect(dead_code, reason = "as above")]
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
    schema_for!(AnswerDocument)
}

/// What is in an answer: only what is kept of it is built.
pub(super) fn read(text: &str) -> Answer {
    let answered = match json::whole(text) {
        Ok(answered) => answered,
        Err(error) => return Answer::unusable(&format!("the answer says that it is JSON, and is not: {error}")),
    };
    match json::pick(answered, ["data", "reply"]) {
        Ok(Picked {
            values: [data, reply], ..
        }) => contents(data, reply),
        Err(_) if answered.get().starts_with('{') => Answer::unusable("the answer has a key that is no text"),
        Err(_) => Answer::unusable(&format!("the answer is {} and no JSON object", json::kind(answered))),
    }
}

fn contents(data: Option<RawJson<'_>>, reply: Option<RawJson<'_>>) -> Answer {
    let mut answer = Answer::default();
    match data.map(|data| json::built(data, MAX_DATA)).transpose() {
        Ok(data) => answer.data = data,
        Err(what) => answer.mark(Reason::BadAnswer, &what),
    }
    match reply {
        None => {}
        Some(reply) if reply.get().starts_with('{') => fill(&mut answer, reply),
        Some(other) => match json::word(other) {
            Some(text) => answer.text = some_text(&text),
            None => answer.mark(Reason::BadAnswer, &format!("its reply is {}", json::kind(other))),
        },
    }
    answer
}

fn fill(answer: &mut Answer, reply: RawJson<'_>) {
    let Ok(reply) = json::pick(reply, ["text", "files"]) else {
        answer.mark(Reason::BadAnswer, "its reply has a key that is no text");
        return;
    };
    let [text, files] = reply.values;
    if let Some(value) = text {
        match json::word(value) {
            Some(text) => answer.text = some_text(&text),
            None => answer.mark(Reason::BadAnswer, &format!("its reply.text is {}", json::kind(value))),
        }
    }
    match files {
        None => {}
        Some(file) if file.get().starts_with('{') => take(answer, &[file], 1),
        Some(files) => match json::elements(files, MAX_FILES) {
            Ok((files, count)) => take(answer, &files, count),
            Err(_) => answer.mark(Reason::BadAnswer, &format!("its reply.files is {}", json::kind(files))),
        },
    }
    unknown(answer, "reply", &reply);
}

/// Files that are all right; of too many, none: which of them matter, nobody knows.
fn take(answer: &mut Answer, files: &[RawJson<'_>], count: usize) {
    if count > MAX_FILES {
        answer.mark(
            Reason::BadAnswer,
            &format!("its reply has {}, {MAX_FILES} at most", plural::counted(count, "file")),
        );
        answer.note(&too_many());
        return;
    }
    let mut names = Names::default();
    let mut left_out = Vec::new();
    for (number, value) in (1..).zip(files) {
        let Ok(file) = json::pick(value, ["name", "media_type", "content"]) else {
            answer.mark(
                Reason::BadAnswer,
                &format!("file {number} of its reply is {}", json::kind(value)),
            );
            left_out.push(number.to_string());
            continue;
        };
        let [name, media_type, written] = file.values;
        let media_type = media_type.and_then(json::text);
        let media_type = media_type.as_deref().and_then(legal_media_type);
        let media_type = media_type.unwrap_or_else(|| OCTETS.to_owned());
        let name = name.and_then(json::word);
        let name = names.add_indexed(name.as_deref(), &media_type);
        match content(written) {
            Ok(data) => answer.files.push(ResultFile {
                name,
                media_type,
                data: data.into(),
            }),
            Err(what) => {
                answer.mark(Reason::BadAnswer, &format!("the content of {name} is {what}"));
                left_out.push(name);
            }
        }
        unknown(answer, "a file", &file);
    }
    if !left_out.is_empty() {
        answer.note(&format!(
            "The work is done, but not every file of the result can be sent. Left out: {}.",
            few(&left_out, 0)
        ));
    }
}

/// Base64 as it is really written: with line breaks, without padding, for URLs, or as a whole `data:` URL.
fn content(value: Option<RawJson<'_>>) -> Result<Vec<u8>, String> {
    let value = value.ok_or("missing")?;
    let text = json::text(value).ok_or_else(|| json::kind(value).to_owned())?;
    let written = match text.strip_prefix("data:").and_then(|url| url.split_once(";base64,")) {
        Some((_, content)) => content,
        None => &*text,
    };
    let alphabet = if written.contains(['-', '_']) {
        URL_SAFE
    } else {
        STANDARD
    };
    let lax = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let engine = GeneralPurpose::new(&alphabet, lax);
    let decoded = if written.contains(|c: char| c.is_ascii_whitespace()) {
        engine.decode(written.split_ascii_whitespace().collect::<String>())
    } else {
        engine.decode(written)
    };
    decoded.map_err(|error| format!("no base64 ({error})"))
}

fn unknown<const N: usize>(answer: &mut Answer, of: &str, picked: &Picked<'_, N>) {
    if picked.others.is_empty() {
        return;
    }
    let names: Vec<_> = picked.others.iter().map(|key| clean(key, 40)).collect();
    answer.mark(
        Reason::BadAnswer,
        &format!("{of} has keys that are not known: {}", few(&names, picked.more)),
    );
}

/// The first of some names, and how many more there are beside these and `more`.
fn few(names: &[String], more: usize) -> String {
    let shown = names.get(..MAX_TOLD).unwrap_or(names);
    match names.len() - shown.len() + more {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
