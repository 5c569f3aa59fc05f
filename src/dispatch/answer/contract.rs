//! An answer as `application/json`: the contract, and what is made of an answer that breaks it. Pure.
//!
//! The work is done, whatever its answer looks like. What clearly means something is taken for it; what doesn't is left out, and said.

use base64::{
    Engine,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use schemars::{JsonSchema, Schema, schema_for};
use serde_json::{Map, Value};

use super::{OCTETS, legal_media_type, some_text};
use crate::{
    job::{Answer, File, Reason},
    message::{clean::clean, safe_name::Names},
};

/// Files of one answer at most.
pub(in crate::dispatch) const MAX_FILES: usize = 100;

/// Names of what is left out that are told.
const MAX_TOLD: usize = 5;

/// What a webhook may answer as `application/json`. Other keys are ignored; without `reply` nothing goes back.
#[derive(JsonSchema)]
#[schemars(title = "Mailjob answer")]
#[expect(dead_code, reason = "the contract as a schema; answers are read more leniently")]
struct Answered {
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
    Whole(Reply),
    /// Plain text.
    Text(String),
}

/// What goes back to the sender.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "as above")]
struct Reply {
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
    schema_for!(Answered)
}

/// What is in an answer.
pub(super) fn read(text: &str) -> Answer {
    match serde_json::from_str(text) {
        Ok(Value::Object(answered)) => contents(answered),
        Ok(other) => Answer::unusable(&format!("the answer is {} and no JSON object", kind(&other))),
        Err(error) => Answer::unusable(&format!("the answer says that it is JSON, and is not: {error}")),
    }
}

fn contents(mut answered: Map<String, Value>) -> Answer {
    let mut answer = Answer {
        data: answered.remove("data").filter(|data| !data.is_null()),
        ..Answer::default()
    };
    match answered.remove("reply") {
        None | Some(Value::Null) => {}
        Some(Value::Object(reply)) => fill(&mut answer, reply),
        Some(other) => match word(&other) {
            Some(text) => answer.text = some_text(&text),
            None => answer.mark(Reason::BadAnswer, &format!("its reply is {}", kind(&other))),
        },
    }
    answer
}

fn fill(answer: &mut Answer, mut reply: Map<String, Value>) {
    match reply.remove("text") {
        None | Some(Value::Null) => {}
        Some(value) => match word(&value) {
            Some(text) => answer.text = some_text(&text),
            None => answer.mark(Reason::BadAnswer, &format!("its reply.text is {}", kind(&value))),
        },
    }
    match reply.remove("files") {
        None | Some(Value::Null) => {}
        Some(Value::Array(files)) => take(answer, files),
        Some(file @ Value::Object(_)) => take(answer, vec![file]),
        Some(other) => answer.mark(Reason::BadAnswer, &format!("its reply.files is {}", kind(&other))),
    }
    unknown(answer, "reply", &reply);
}

/// Files that are all right; of too many, none: which of them matter, nobody knows.
fn take(answer: &mut Answer, files: Vec<Value>) {
    if files.len() > MAX_FILES {
        answer.mark(
            Reason::BadAnswer,
            &format!("its reply has {} files, {MAX_FILES} at most", files.len()),
        );
        answer.note(&too_many());
        return;
    }
    let mut names = Names::default();
    let mut left_out = Vec::new();
    for (number, value) in (1..).zip(files) {
        let Value::Object(mut file) = value else {
            answer.mark(
                Reason::BadAnswer,
                &format!("file {number} of its reply is {}", kind(&value)),
            );
            left_out.push(number.to_string());
            continue;
        };
        let media_type = file.remove("media_type");
        let media_type = media_type.as_ref().and_then(Value::as_str).and_then(legal_media_type);
        let media_type = media_type.unwrap_or_else(|| OCTETS.to_owned());
        let name = file.remove("name").as_ref().and_then(word);
        let name = names.add_indexed(name.as_deref(), &media_type);
        match content(file.remove("content")) {
            Ok(data) => answer.files.push(File {
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
            few(&left_out)
        ));
    }
}

/// For the sender, whose result has too many files.
pub(in crate::dispatch) fn too_many() -> String {
    format!("The work is done, but its result has more than {MAX_FILES} files, which is too many for a mail.")
}

/// Base64 as it is really written: with line breaks, without padding, for URLs, or as a whole `data:` URL.
fn content(value: Option<Value>) -> Result<Vec<u8>, String> {
    let text = match value {
        Some(Value::String(text)) => text,
        Some(other) => return Err(kind(&other).to_owned()),
        None => return Err("missing".to_owned()),
    };
    let written = match text.strip_prefix("data:").and_then(|url| url.split_once(";base64,")) {
        Some((_, content)) => content,
        None => &text,
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

fn unknown(answer: &mut Answer, of: &str, keys: &Map<String, Value>) {
    if keys.is_empty() {
        return;
    }
    let names: Vec<_> = keys.keys().map(|key| clean(key, 40)).collect();
    answer.mark(
        Reason::BadAnswer,
        &format!("{of} has keys that are not known: {}", few(&names)),
    );
}

fn few(names: &[String]) -> String {
    match names.get(..MAX_TOLD) {
        Some(first) if names.len() > MAX_TOLD => format!("{} and {} more", first.join(", "), names.len() - MAX_TOLD),
        _ => names.join(", "),
    }
}

/// A value that is a text, or as good as one.
fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
