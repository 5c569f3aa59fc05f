//! How a mail ended whose attachments had jobs of their own. Pure.

use super::later;
use crate::{
    config::Partial,
    job::{Answer, EndedPart, Outcome, Reason, state::State},
    ledger::GatheredParts,
    message::{clean::clean, safe_name::Names},
    plural,
};

/// Parts that are named in a detail.
const NAMED: usize = 5;

/// The outcome of the mail. In a combined one the text has a section for each part, and all files are there, in order.
pub(super) fn outcome(gathered: GatheredParts, partial: Partial, combined: bool) -> Outcome {
    let parts = &gathered.parts;
    let with = |state| parts.iter().filter(move |part| part.state == state);
    let (done, failed) = (with(State::Done).count(), with(State::Failed).count());
    let is_done = match partial {
        Partial::Failed => done > 0 && failed == 0,
        Partial::Done => done > 0,
    };
    match (is_done, failed) {
        (true, _) if combined => Outcome::Done(answer(gathered)),
        (true, _) => Outcome::Done(Answer::default()),
        (false, 0) if parts.is_empty() => later(Reason::Local, "no part was found in the ledger".to_owned()),
        (false, 0) => Outcome::Ignored {
            reason: Reason::Part,
            detail: format!("{} ignored, which is all", plural::counted(parts.len(), "part")),
        },
        (false, failed) => Outcome::Failed {
            reason: Reason::Part,
            detail: format!(
                "{failed} of {} failed: {}",
                plural::counted(parts.len(), "part"),
                named(with(State::Failed))
            ),
            tell: combined.then(|| text(parts)),
        },
    }
}

fn named<'a>(parts: impl Iterator<Item = &'a EndedPart>) -> String {
    let names: Vec<_> = parts.map(|part| format!("{} ({})", part.name, code(part))).collect();
    match names.get(..NAMED).zip(names.len().checked_sub(NAMED)) {
        Some((shown, more @ 1..)) => format!("{} and {more} more", shown.join(", ")),
        _ => names.join(", "),
    }
}

fn code(part: &EndedPart) -> &str {
    part.reason.as_deref().unwrap_or("unknown")
}

/// One answer made of all.
fn answer(gathered: GatheredParts) -> Answer {
    let text = text(&gathered.parts);
    let mut names = Names::default();
    let (mut files, mut data) = (Vec::new(), Vec::new());
    for part in gathered.parts {
        data.push(part.answer.data.unwrap_or_default());
        for mut file in part.answer.files {
            file.name = names.add_indexed(Some(&file.name), &file.media_type);
            files.push(file);
        }
    }
    let said = data.iter().any(|data| !data.is_null());
    Answer {
        text: Some(text),
        files,
        data: said.then(|| data.into()),
        flaw: None,
    }
}

/// A section for each part: its name, and its text, or that and why it failed.
fn text(parts: &[EndedPart]) -> String {
    let section = |part: &EndedPart| {
        let name = clean(&part.name, 200);
        let said = match part.state {
            State::Done => part.answer.text.clone().unwrap_or_else(|| "done".to_owned()),
            State::Failed => match part.tell.as_deref().map(str::trim).filter(|tell| !tell.is_empty()) {
                Some(tell) => format!("failed ({}): {tell}", code(part)),
                None => format!("failed ({})", code(part)),
            },
            State::Ignored => format!("ignored ({})", code(part)),
            State::Queued | State::Running | State::Deferred | State::Waiting | State::Held => "open".to_owned(),
        };
        format!("{name}:\n{said}")
    };
    parts.iter().map(section).collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
#[path = "gather_tests.rs"]
mod tests;
