//! What goes back of an action's answer: where text and data are from, how its files are called, and how large they may be together.

mod naming;
mod oversize;

use bytes::Bytes;
use chrono::NaiveDate;

pub(super) use naming::source;

use super::json::{self, RawJson};
use crate::{
    config::{DataFrom, Output, TextFrom},
    job::{Answer, JobId, Reason, ResultFile},
    message::clean::clean_lines,
};

/// Bytes of data at most: they lie in the ledger with the reply.
pub(super) const MAX_DATA: usize = 256 * 1024;

/// Files of one result at most.
pub(super) const MAX_FILES: usize = 100;

/// For the sender, whose result is larger than we take.
pub(super) const TOO_LARGE: &str = "The work is done, but its result is too large to be sent.";

/// For the sender, whose result has too many files.
pub(super) fn too_many() -> String {
    format!("The work is done, but its result has more than {MAX_FILES} files, which is too many for a mail.")
}

/// What names of results are made of, beside the results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ResultNaming {
    /// The job.
    pub(super) job: JobId,
    /// The day on which the mail was taken, UTC.
    pub(super) day: NaiveDate,
    /// [`source`].
    pub(super) source: String,
}

/// What goes back of an answer; `raw` is what a command printed or a webhook answered. It may block for as long as it takes to
/// pack files. What is not as the configuration says, or too large, is left out and marked: the work is done.
pub(super) fn finish(answer: Answer, raw: &Bytes, output: &Output, facts: &ResultNaming) -> Answer {
    oversize::within(named(answer, raw, output, facts), output, facts)
}

/// The same, however large it is.
pub(super) fn named(answer: Answer, raw: &Bytes, output: &Output, facts: &ResultNaming) -> Answer {
    let mut answer = placed(answer, raw, output);
    naming::name(&mut answer.files, output.name.as_deref(), facts);
    answer
}

/// An answer of several parts that has its names, as far as it is not too large.
pub(super) fn within(answer: Answer, output: &Output, facts: &ResultNaming) -> Answer {
    oversize::within(answer, output, facts)
}

/// Bytes of files that are too many whatever is done about it.
pub(super) fn most(output: &Output) -> u64 {
    oversize::most(output)
}

/// The answer without its files, which are too large.
pub(super) fn too_large(answer: Answer, size: u64, output: &Output) -> Answer {
    oversize::refused(answer, size, output)
}

/// Text and data from where they should be.
fn placed(mut answer: Answer, raw: &Bytes, output: &Output) -> Answer {
    // Of an answer that can't be used at all it is said already, and it has nothing to look into.
    let lost = answer.flaw.is_some() && raw.is_empty();
    if let Err(what) = place_text(&mut answer, raw, &output.text) {
        answer.text = None;
        mark(&mut answer, &what, lost);
    }
    if let Some(from) = &output.data
        && let Err(what) = place_data(&mut answer, raw, from)
    {
        mark(&mut answer, &what, lost);
    }
    answer
}

fn mark(answer: &mut Answer, what: &str, lost: bool) {
    if !lost {
        answer.mark(Reason::BadAnswer, what);
    }
}

fn place_text(answer: &mut Answer, raw: &Bytes, from: &TextFrom) -> Result<(), String> {
    match from {
        TextFrom::Stdout => {}
        TextFrom::Nothing => answer.text = None,
        TextFrom::File(name) => {
            let file = taken(answer, name)?;
            answer.text = some(&String::from_utf8_lossy(&file.data));
        }
        TextFrom::Json(pointer) => answer.text = text(found(raw, pointer)?, pointer)?,
    }
    Ok(())
}

fn place_data(answer: &mut Answer, raw: &Bytes, from: &DataFrom) -> Result<(), String> {
    match from {
        DataFrom::File(name) => {
            let file = taken(answer, name)?;
            // What came of an answer before is not what was asked for.
            answer.data = None;
            let text = written(&file.data).map_err(|error| format!("{name} is no JSON: {error}"))?;
            let data = json::whole(text).map_err(|error| format!("{name} is no JSON: {error}"))?;
            answer.data = Some(json::built(data, MAX_DATA)?);
        }
        DataFrom::Json(pointer) => {
            answer.data = None;
            let data = found(raw, pointer)?.map(|data| json::built(data, MAX_DATA));
            answer.data = Some(data.transpose()?.unwrap_or_default());
        }
    }
    Ok(())
}

fn taken(answer: &mut Answer, name: &str) -> Result<ResultFile, String> {
    let place = answer.files.iter().position(|file| file.name == name);
    match place {
        Some(place) => Ok(answer.files.remove(place)),
        None => Err(format!("the result has no file {name}")),
    }
}

/// Text, also where an editor or PowerShell put a byte-order mark before it.
fn written(bytes: &[u8]) -> Result<&str, std::str::Utf8Error> {
    str::from_utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes))
}

/// The value at a pointer.
fn found<'a>(raw: &'a [u8], pointer: &str) -> Result<Option<RawJson<'a>>, String> {
    let text = written(raw).map_err(|error| format!("what was answered is no JSON: {error}"))?;
    let found = json::whole(text).and_then(|all| json::at(all, pointer));
    found.map_err(|error| format!("what was answered is no JSON: {error}"))
}

fn text(value: Option<RawJson<'_>>, pointer: &str) -> Result<Option<String>, String> {
    match value {
        None => Ok(None),
        Some(value) if json::is_null(value) => Ok(None),
        Some(value) => match json::word(value) {
            Some(text) => Ok(some(&text)),
            None => Err(format!("what is at \"{pointer}\" is no text")),
        },
    }
}

fn some(text: &str) -> Option<String> {
    Some(clean_lines(text)).filter(|text| !text.is_empty())
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
