//! What becomes of a mail that was read: whether it is meant, accepted from its sender, and an answer that counts, and what its action gets.
//! Pure: one function of values.

use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::{
    conversation::{Answering, ConversationLookup, counts, made_up, not_meant},
    inputs::{Material, given},
    work::Work,
};
use crate::{
    config::{Answers, Endpoint, Per, Senders},
    job::{AttachmentRef, JobScope, Outcome, Part, Reason},
    ledger::ClaimedJob,
    message::{
        Attachment, Head, Mail,
        filter::{self, Judgement, Miss},
        policy::{self, Rejection},
        trust::Sender,
    },
};

/// All that is known of a mail.
pub(super) struct MailFacts<'a> {
    /// The endpoint.
    pub(super) endpoint: &'a Endpoint,
    /// The job.
    pub(super) job: &'a ClaimedJob,
    /// The mail.
    pub(super) mail: &'a Mail<'a>,
    /// Its head.
    pub(super) head: &'a Head,
    /// Its bytes, shared.
    pub(super) raw: &'a Bytes,
    /// Who sent it, and what shows that.
    pub(super) sender: Sender,
    /// What the ledger says of the replies that it names.
    pub(super) asked: ConversationLookup,
    /// The time of the attempt.
    pub(super) now: DateTime<Utc>,
}

/// What becomes of it.
pub(super) struct MailDecision<'a> {
    /// What it answers.
    pub(super) answering: Answering,
    /// What its action gets to work with, or why it gets nothing. A mail of which each attachment gets a job of its own gives nothing to
    /// work with, but [`Outcome::Split`].
    pub(super) work: Result<Work<'a>, Outcome>,
}

/// Decides. The filter is asked once.
pub(super) fn decide(facts: MailFacts<'_>) -> MailDecision<'_> {
    let (answering, attachments) = match &facts.job.share {
        JobScope::Part(part) => match of_part(&facts) {
            Ok(answering) => (answering, attachment_of(part, facts.mail).map(|file| vec![file])),
            Err(why) => (Answering::Nothing, Err(not_meant(why))),
        },
        JobScope::Whole | JobScope::Gathering { .. } => of_mail(&facts),
    };
    MailDecision {
        answering,
        work: attachments.and_then(|attachments| work(facts, attachments)),
    }
}

/// What the action gets.
fn work<'a>(facts: MailFacts<'a>, attachments: Vec<Attachment<'a>>) -> Result<Work<'a>, Outcome> {
    let MailFacts {
        endpoint,
        job,
        mail,
        head,
        raw,
        sender,
        now,
        ..
    } = facts;
    let material = Material {
        mail,
        head,
        attachments: &attachments,
        ours: &endpoint.mailbox.account.user,
    };
    let inputs = given(&endpoint.inputs, &material)?;
    Ok(Work {
        endpoint: &endpoint.name,
        job,
        now,
        mail,
        head,
        sender,
        attachments,
        inputs,
        raw,
        answers: None,
    })
}

/// The job of a mail.
fn of_mail<'a>(facts: &MailFacts<'a>) -> (Answering, Result<Vec<Attachment<'a>>, Outcome>) {
    let meant = match meant(facts) {
        Ok(meant) => meant,
        Err(outcome) => return (Answering::Nothing, Err(outcome)),
    };
    match answering(facts) {
        Ok(answering) => (answering, shared(facts.endpoint, meant)),
        Err(why) => (Answering::Nothing, Err(not_meant(why))),
    }
}

/// The job of an attachment: its mail was accepted as an answer by the mail's own job, or not at all. What the filter says now does not
/// count: it was asked when the mail was split.
fn of_part(facts: &MailFacts<'_>) -> Result<Answering, &'static str> {
    match &facts.asked {
        ConversationLookup::Known(Some(known)) if known.ours && meant(facts).is_ok() => {
            Ok(Answering::Accepted(known.told.clone()))
        }
        ConversationLookup::MadeUp | ConversationLookup::Nameless if meant(facts).is_ok() => answering(facts),
        ConversationLookup::MadeUp
        | ConversationLookup::Nothing
        | ConversationLookup::Nameless
        | ConversationLookup::Known(_) => Ok(Answering::Nothing),
    }
}

/// A mail that the filter means and that is accepted from its sender.
struct AcceptedMail<'a> {
    attachments: Vec<Attachment<'a>>,
    /// The places of those that are handed on.
    handed_on: Vec<usize>,
    /// It is encrypted, and the endpoint does not want such mails.
    is_sealed: bool,
}

fn meant<'a>(facts: &MailFacts<'a>) -> Result<AcceptedMail<'a>, Outcome> {
    let MailFacts {
        endpoint, mail, head, ..
    } = facts;
    let attachments = mail.attachments();
    let names = attachments.iter().map(Attachment::shown_name);
    let is_sealed = mail.encrypted().is_some() && !endpoint.filter.encrypted;
    let handed_on = match filter::judge(&endpoint.filter, head, facts.job.size, names) {
        // Of an encrypted mail nobody knows which attachments it has.
        Judgement::Not(Miss::Attachments, _) if is_sealed => {
            may(&endpoint.senders, &facts.sender)?;
            return Err(encrypted());
        }
        Judgement::Not(miss, detail) => {
            let reason = missed(miss);
            return Err(Outcome::Ignored { reason, detail });
        }
        Judgement::Meant(handed_on) => handed_on,
    };
    may(&endpoint.senders, &facts.sender)?;
    Ok(AcceptedMail {
        attachments,
        handed_on,
        is_sealed,
    })
}

/// What a mail that is meant answers.
fn answering(facts: &MailFacts<'_>) -> Result<Answering, &'static str> {
    let (endpoint, wanted) = (facts.endpoint, &facts.endpoint.filter.answers);
    let only = matches!(wanted, Answers::Only(_));
    let counts = match &facts.asked {
        ConversationLookup::Nothing => return Ok(Answering::Nothing),
        ConversationLookup::MadeUp => return Ok(made_up(endpoint).map_or(Answering::Nothing, Answering::Accepted)),
        ConversationLookup::Nameless => Err("it names no reply of ours"),
        ConversationLookup::Known(known) => {
            let proven = facts.sender.proven_by().is_some();
            counts(known.as_deref().cloned(), facts.head, proven, endpoint, facts.job)
        }
    };
    match (counts, wanted) {
        (Ok(_), Answers::None) => Err("it answers a reply, and this endpoint wants mails that do not"),
        (Ok((key, accepted)), _) => Ok(Answering::Counts { key, accepted, only }),
        (Err(why), Answers::Only(_)) => Err(why),
        (Err(_), Answers::Any | Answers::None) => Ok(Answering::Nothing),
    }
}

/// The attachments that go to the mail's job, or those that get jobs of their own.
fn shared<'a>(endpoint: &Endpoint, meant: AcceptedMail<'a>) -> Result<Vec<Attachment<'a>>, Outcome> {
    let AcceptedMail {
        attachments,
        handed_on,
        is_sealed,
    } = meant;
    if is_sealed {
        return Err(encrypted());
    }
    let mut pieces = Vec::new();
    let mut kept = Vec::with_capacity(handed_on.len());
    for (index, file) in (0u32..).zip(attachments) {
        if usize::try_from(index).is_ok_and(|index| handed_on.binary_search(&index).is_ok()) {
            let name = file.safe_name.clone();
            pieces.push(AttachmentRef { index, name });
            kept.push(file);
        }
    }
    match (endpoint.jobs.per, pieces.is_empty()) {
        (Per::Mail, _) => Ok(kept),
        (Per::Attachment, false) => Err(Outcome::Split(pieces)),
        (Per::Attachment, true) => Err(Outcome::Ignored {
            reason: Reason::Attachments,
            detail: "the mail has no attachment that is handed on, and each job is of one".to_owned(),
        }),
    }
}

/// The attachment that a job is of.
fn attachment_of<'a>(part: &Part, mail: &'a Mail<'a>) -> Result<Attachment<'a>, Outcome> {
    let AttachmentRef { index, name } = &part.attachment;
    let mut attachments = mail.attachments();
    let as_before = usize::try_from(*index).ok();
    let as_before = as_before.filter(|index| attachments.get(*index).is_some_and(|file| file.safe_name == *name));
    // Another version of Mailjob may count attachments in another way.
    let place = as_before.or_else(|| attachments.iter().position(|file| file.safe_name == *name));
    match place {
        Some(place) => Ok(attachments.swap_remove(place)),
        None => Err(Outcome::Held {
            reason: Reason::Part,
            detail: format!("the mail has no attachment {name} any more, as this version reads it"),
        }),
    }
}

/// Whether a sender may.
fn may(senders: &Senders, sender: &Sender) -> Result<(), Outcome> {
    policy::judge(senders, sender).map_err(|refusal| {
        let (reason, detail) = match refusal {
            Rejection::Sender(detail) => (Reason::Sender, detail),
            Rejection::Untrusted(detail) => (Reason::Untrusted, detail),
        };
        Outcome::Ignored { reason, detail }
    })
}

fn encrypted() -> Outcome {
    Outcome::Failed {
        reason: Reason::Encrypted,
        detail: "the mail is encrypted, and nothing of it can be read here".to_owned(),
        tell: Some(
            "Your mail is encrypted and can't be read here. Please send it again without encryption.".to_owned(),
        ),
    }
}

/// The reason that stands for a part of the filter.
pub(super) fn missed(miss: Miss) -> Reason {
    match miss {
        Miss::From => Reason::From,
        Miss::To | Miss::Plus => Reason::To,
        Miss::Subject => Reason::Subject,
        Miss::Attachments => Reason::Attachments,
        Miss::Size => Reason::Size,
        Miss::Automatic => Reason::Automatic,
    }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
