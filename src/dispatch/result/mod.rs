//! What goes back of an action's answer: where text and data are from, how its files are called, and how large they may be together.

mod naming;
mod oversize;

use bytes::Bytes;
use chrono::NaiveDate;
use serde_json::Value as Json;

pub(super) use naming::source;

use super::answer::bad_answer;
use crate::{
    config::{DataFrom, Output, TextFrom},
    job::{Answer, File, JobId, Outcome},
    message::clean::clean_lines,
};

/// Bytes of data at most: they lie in the ledger with the reply.
const MAX_DATA: usize = 256 * 1024;

/// What names of results are made of, beside the results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    /// The job.
    pub(super) job: JobId,
    /// The day on which the mail was taken, UTC.
    pub(super) day: NaiveDate,
    /// [`source`].
    pub(super) source: String,
}

/// What goes back of an answer; `raw` is what a command printed or a webhook answered. It may block for as long as it takes to
/// pack files.
///
/// # Errors
/// The outcome, when the answer is not what the configuration says, or too large.
pub(super) fn finish(answer: Answer, raw: &Bytes, output: &Output, facts: &Facts) -> Result<Answer, Outcome> {
    oversize::within(named(answer, raw, output, facts)?, output, facts)
}

/// The same, however large it is.
///
/// # Errors
/// As above, but not for its size.
pub(super) fn named(answer: Answer, raw: &Bytes, output: &Output, facts: &Facts) -> Result<Answer, Outcome> {
    let mut answer = placed(answer, raw, output).map_err(bad_answer)?;
    naming::name(&mut answer.files, output.name.as_deref(), facts);
    Ok(answer)
}

/// An answer of several parts that has its names, when it is not too large.
///
/// # Errors
/// The outcome when it is.
pub(super) fn within(answer: Answer, output: &Output, facts: &Facts) -> Result<Answer, Outcome> {
    oversize::within(answer, output, facts)
}

/// Bytes of files that are too many whatever is done about it.
pub(super) fn most(output: &Output) -> u64 {
    oversize::most(output)
}

/// The outcome of a result that is too large.
pub(super) fn too_large(size: u64, output: &Output) -> Outcome {
    oversize::refused(size, output)
}

/// Text and data from where they should be.
fn placed(mut answer: Answer, raw: &Bytes, output: &Output) -> Result<Answer, String> {
    match &output.text {
        TextFrom::Stdout => {}
        TextFrom::Nothing => answer.text = None,
        TextFrom::File(name) => {
            let file = taken(&mut answer, name)?;
            answer.text = some(&String::from_utf8_lossy(&file.data));
        }
        TextFrom::Json(pointer) => answer.text = text(&found(raw, pointer)?, pointer)?,
    }
    match &output.data {
        None => {}
        Some(DataFrom::File(name)) => {
            let file = taken(&mut answer, name)?;
            answer.data = Some(parsed(&file.data).map_err(|error| format!("{name} is no JSON: {error}"))?);
        }
        Some(DataFrom::Json(pointer)) => answer.data = Some(found(raw, pointer)?),
    }
    let size = answer.data.as_ref().map_or(0, |data| data.to_string().len());
    if size > MAX_DATA {
        return Err(format!("the data has {size} bytes, {MAX_DATA} at most"));
    }
    Ok(answer)
}

fn taken(answer: &mut Answer, name: &str) -> Result<File, String> {
    let place = answer.files.iter().position(|file| file.name == name);
    match place {
        Some(place) => Ok(answer.files.remove(place)),
        None => Err(format!("the result has no file {name}")),
    }
}

fn parsed(bytes: &[u8]) -> Result<Json, serde_json::Error> {
    serde_json::from_slice(bytes)
}

/// The value at a pointer; null when there is none.
fn found(raw: &[u8], pointer: &str) -> Result<Json, String> {
    let all = parsed(raw).map_err(|error| format!("what was answered is no JSON: {error}"))?;
    Ok(all.pointer(pointer).cloned().unwrap_or_default())
}

fn text(value: &Json, pointer: &str) -> Result<Option<String>, String> {
    match value {
        Json::Null => Ok(None),
        Json::String(text) => Ok(some(text)),
        Json::Number(_) | Json::Bool(_) => Ok(Some(value.to_string())),
        Json::Array(_) | Json::Object(_) => Err(format!("what is at \"{pointer}\" is no text")),
    }
}

fn some(text: &str) -> Option<String> {
    Some(clean_lines(text)).filter(|text| !text.is_empty())
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
