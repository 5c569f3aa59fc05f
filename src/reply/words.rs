//! The words of a reply: plain text for whoever sent the mail. Never internals; those are the operator's.

use crate::{
    job::{Ending, JobId, Outcome, Reason},
    message::clean::clean,
};

/// The text of a reply, lines ended by CRLF.
pub(super) fn body(ending: &Ending<'_>, files: &[&str]) -> String {
    let text = match ending.outcome {
        Outcome::Done(answer) => match answer.text.as_deref().map(plain).filter(|text| !text.trim().is_empty()) {
            Some(text) => text,
            None => done(files),
        },
        Outcome::Failed { reason, tell, .. } => failed(*reason, tell.as_deref(), ending.job),
        Outcome::Retry { reason, .. } | Outcome::Ignored { reason, .. } | Outcome::Held { reason, .. } => {
            failed(*reason, None, ending.job)
        }
        // Nobody is told of that.
        Outcome::Split(_) => String::new(),
    };
    let mut text = text.trim_end().replace('\n', "\r\n");
    text.push_str("\r\n");
    text
}

fn done(files: &[&str]) -> String {
    match files {
        [] => "Your mail was handled.".to_owned(),
        files => {
            let names: Vec<_> = files.iter().map(|name| format!("  {}", clean(name, 200))).collect();
            format!("Your mail was handled. The result is attached:\n\n{}", names.join("\n"))
        }
    }
}

fn failed(reason: Reason, tell: Option<&str>, job: JobId) -> String {
    let mut text = format!("Your mail could not be handled:\n{}.\n", because(reason));
    if let Some(tell) = tell.map(plain).filter(|tell| !tell.trim().is_empty()) {
        text.push('\n');
        text.push_str(tell.trim());
        text.push('\n');
    }
    text.push_str("\nIf you ask about it, please give this number:\n");
    text.push_str(&job.to_string());
    text
}

/// What a sender can understand and perhaps change. Everything on our side of the fence is one sentence.
fn because(reason: Reason) -> &'static str {
    match reason {
        Reason::TooLarge | Reason::Size => "its size is not within the limits",
        Reason::Encrypted => "it is encrypted, and can't be read here",
        Reason::Sender | Reason::Untrusted => "it is not accepted from this sender",
        Reason::Rate => "there were too many mails in a short time",
        Reason::Input => "something that is needed is missing",
        Reason::Part => "a part of it could not be handled",
        Reason::Oversize => "the result is too large for a mail",
        Reason::Conversation => "it answers a mail that can't be answered any more, or not by its sender",
        Reason::Unreadable | Reason::Slow | Reason::Panicked => "it could not be read",
        Reason::Attachments => "it does not have the attachments that are expected",
        Reason::From | Reason::To | Reason::Subject => "it does not match what is expected here",
        Reason::Status(_) | Reason::Exit(_) => "the system that it is meant for did not accept it",
        Reason::Timeout => "the system that it is meant for took too long",
        Reason::Exhausted | Reason::Network => "the system that it is meant for can't be reached or kept failing",
        Reason::Poison
        | Reason::PrivateNetwork
        | Reason::BadAnswer
        | Reason::Signal(_)
        | Reason::Spawn
        | Reason::Secret
        | Reason::Local => "something is wrong on our side",
    }
}

/// Text with `\n` as its only control character beside tabs.
fn plain(text: &str) -> String {
    let lines = text.replace("\r\n", "\n").replace('\r', "\n");
    lines
        .chars()
        .filter(|&c| matches!(c, '\n' | '\t') || !c.is_control())
        .collect()
}
