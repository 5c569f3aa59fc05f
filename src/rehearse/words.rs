//! Plain words for what is a code or a value elsewhere. Pure.

use crate::{
    config::{MatchMode, Route, SettleAction},
    dispatch::rehearsal::Origin,
    job::{AllowedSenders, NewConversation, Outcome},
    message::Address,
    secret::SecretRef,
};

/// What becomes of a mail in its mailbox.
pub(super) fn fate(fate: &SettleAction) -> String {
    match fate {
        SettleAction::Keep => "stays as it is".to_owned(),
        SettleAction::Mark => "stays, marked as read (\\Seen)".to_owned(),
        SettleAction::Flag => "stays, flagged (\\Flagged)".to_owned(),
        SettleAction::Move(target) => format!("is moved to {target}"),
        SettleAction::Delete => "is deleted".to_owned(),
    }
}

/// Who gets mails of the mailbox.
pub(super) fn route(route: &Route) -> String {
    let names: Vec<_> = route.names().iter().map(ToString::to_string).collect();
    let names = names.join(", ");
    match route.mailbox.taker {
        MatchMode::First => format!("asks its endpoints in this order, until one wants the mail: {names}"),
        MatchMode::All => format!("gives each mail to all of its endpoints: {names}"),
    }
}

/// What becomes of a mail whose job is held.
pub(super) const HELD: &str = "stays as it is until a person decides";
/// What becomes of a mail whose job is tried again.
pub(super) const WAITING: &str = "stays as it is; the job is tried again";

/// Why there is no reply, by its code.
#[must_use]
pub fn silence(code: &str) -> &'static str {
    match code {
        "off" => "replies of this kind are switched off",
        "combined" => "the mail's job answers for all of its attachments",
        "failed" => "the job would fail before its action runs",
        "each" => "each of its attachments had an answer",
        "nobody" => "[reply] names no recipient",
        "ourselves" => "the mail, or who would be answered, is one of our own",
        "no-identity" => "its From names nobody: it is missing, or can be read in two ways",
        "rate" => "there were more replies than [rates] allows",
        "loop" => "the mails answer our own replies, more often than `replies_in_thread` under [rates] allows",
        "discarded" => "an operator discarded the job",
        "no-sender" => "there is no address that can be answered safely",
        "unbuildable" => "the reply can't be built",
        "auto-submitted" => "the mail says that it was sent automatically (Auto-Submitted)",
        "mailing-list" => "the mail came from a mailing list (List-*)",
        "null-sender" => "the mail has no return path: it is a bounce or a notice",
        "role-sender" => "the sender is an address behind which nobody reads",
        "bulk" => "the mail is bulk mail (Precedence)",
        "auto-response" => "the mail asks for no automatic answers",
        "report" => "the mail is a bounce or a receipt (multipart/report)",
        "too-many-hops" => "the mail passed so many servers that it goes round",
        _ => "no reply",
    }
}

/// Where a secret is kept.
pub(super) fn place(secret: &SecretRef) -> String {
    match secret {
        SecretRef::File(path) => format!("file {}", path.display()),
        SecretRef::Env(name) => format!("variable {name}"),
    }
}

/// Where a variable's value comes from.
pub(super) fn origin(origin: &Origin) -> String {
    match origin {
        Origin::Ours => "passed on from our own environment".to_owned(),
        Origin::Text(text) => format!("= {text}"),
        Origin::Secret(secret) => format!("a secret, from {}", place(secret)),
        Origin::Folder => "the path of its folder, new each time".to_owned(),
        Origin::Attachments(names) => {
            let paths: Vec<_> = names
                .iter()
                .map(|name| format!("$MAILJOB_DIR/attachments/{name}"))
                .collect();
            format!("= {}", paths.join("\n"))
        }
    }
}

/// What becomes of a job that does not run, in one word, its reason's code, and why.
pub(super) fn hindrance(outcome: &Outcome) -> (&'static str, String, &str) {
    match outcome {
        Outcome::Ignored { reason, detail } => ("ignored", reason.code(), detail),
        Outcome::Held { reason, detail } => ("held", reason.code(), detail),
        Outcome::Retry { reason, detail, .. } => ("tried again", reason.code(), detail),
        Outcome::Failed { reason, detail, .. } => ("failed", reason.code(), detail),
        Outcome::Done(_) => ("done", String::new(), ""),
        Outcome::Split(_) => ("split", String::new(), ""),
    }
}

/// An address as people write it.
pub(super) fn address(address: &Address) -> String {
    match &address.name {
        Some(name) => format!("{name} <{}>", address.address),
        None => address.address.clone(),
    }
}

/// Whether a reply may be answered: by whom, how often, until when.
pub(super) fn answers(new: Option<&NewConversation>) -> String {
    let Some(new) = new else {
        return "are mails like any other".to_owned();
    };
    let by = match &new.allowed {
        AllowedSenders::Exactly(addresses) | AllowedSenders::Like(addresses) => addresses.join(" or "),
    };
    let times = match new.most {
        1 => "once".to_owned(),
        most => format!("{most} times at most"),
    };
    let until = new.expires.format("%Y-%m-%d %H:%M UTC");
    format!(
        "by {by}, {times}, until {until}, become jobs of {}; the token is made up",
        new.endpoint
    )
}
