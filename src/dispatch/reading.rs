//! From a mail's bytes to what its action gets, or to why it gets nothing.

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::{
    inputs::{Material, given},
    later, result, trace,
    trial::may,
    work::Work,
};
use crate::{
    config::{Endpoint, Per},
    job::{Accepted, Decision, Outcome, Part, Piece, Reason, Share},
    ledger::ClaimedJob,
    message::{
        self, Attachment, Head, Mail, Unreadable,
        filter::{Judgement, Miss, judge},
        trust::{Evidence, Sender},
    },
};

/// A mail that was read: its head, and what was made for the action or why it gets nothing.
pub(super) struct Read<T> {
    pub(super) seen: Seen,
    pub(super) made: Result<T, Outcome>,
}

/// What is known of a mail that was read.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Its head; nothing when it could not be read.
    pub(super) head: Option<Head>,
    /// Whether something shows that it is of whom its From names.
    pub(super) proven: bool,
    /// What results come from: [`result::source`].
    pub(super) source: String,
    /// The named inputs, where it gave them, for the words of its reply.
    pub(super) inputs: Option<serde_json::Value>,
    /// How many answers in a row led to it, this mail included.
    pub(super) depth: u32,
    /// That it is meant, and why it may.
    pub(super) decision: Option<Decision>,
}

/// What was found out of a mail before it is read for its action.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// What we verified ourselves.
    pub(super) checked: Option<Evidence>,
    /// What it answers, where it is an answer that counts.
    pub(super) answers: Option<Accepted>,
}

/// Reads a mail, asks the filter, and makes what the action needs: all in one visit to a blocking thread.
pub(super) async fn read<T, E>(
    endpoint: &Arc<Endpoint>,
    job: &ClaimedJob,
    raw: Bytes,
    found: Found,
    make: impl FnOnce(&Work<'_>) -> Result<T, E> + Send + 'static,
) -> Result<Read<T>, Unreadable>
where
    T: Send + 'static,
    Outcome: From<E>,
{
    let (limits, endpoint, job, shared) = (endpoint.limits, endpoint.clone(), job.clone(), raw.clone());
    message::read(raw, limits, move |mail| {
        let head = mail.head();
        let sender = sender(&endpoint, mail, found.checked.as_ref());
        let proven = sender.proven_by().is_some();
        let work = meant(&endpoint, &job, mail, &head, &shared, sender, Utc::now());
        let source = work
            .as_ref()
            .map(|work| result::source(&job.share, &work.attachments, &head));
        let source = source.unwrap_or_default();
        let inputs = work.as_ref().ok().map(|work| super::inputs::object(&work.inputs));
        let answers = found.answers.as_ref();
        let depth = answers.map_or(0, |answers| answers.depth);
        let decision = work.as_ref().ok().map(|work| trace::decision(work, answers));
        let made = work.and_then(|work| make(&Work { answers, ..work }).map_err(Outcome::from));
        let head = Some(head);
        Read {
            seen: Seen {
                head,
                proven,
                source,
                inputs,
                depth,
                decision,
            },
            made,
        }
    })
    .await
}

/// Reads a mail only for what is known of it: nothing is judged or made.
pub(super) async fn look(endpoint: &Arc<Endpoint>, raw: Bytes) -> Result<Seen, Unreadable> {
    let (limits, endpoint) = (endpoint.limits, endpoint.clone());
    message::read(raw, limits, move |mail| {
        let head = mail.head();
        Seen {
            source: result::source(&Share::Whole, &mail.attachments(), &head),
            proven: sender(&endpoint, mail, None).proven_by().is_some(),
            head: Some(head),
            inputs: None,
            depth: 0,
            decision: None,
        }
    })
    .await
}

/// Who sent a mail, and what shows it: what believed servers wrote, and what we verified ourselves.
pub(super) fn sender(endpoint: &Endpoint, mail: &Mail<'_>, checked: Option<&Evidence>) -> Sender {
    let mut sender = mail.sender(&endpoint.senders.trust);
    if let Some(checked) = checked {
        sender.verified(checked);
    }
    sender
}

/// What the action gets to work with, when the filter says that the mail is meant. A mail of which each attachment gets a job of its
/// own gives nothing to work with, but [`Outcome::Split`].
pub(super) fn meant<'a>(
    endpoint: &'a Endpoint,
    job: &'a ClaimedJob,
    mail: &'a Mail<'a>,
    head: &'a Head,
    raw: &'a Bytes,
    sender: Sender,
    now: DateTime<Utc>,
) -> Result<Work<'a>, Outcome> {
    let attachments = match &job.share {
        Share::Part(part) => vec![attachment_of(part, mail)?],
        Share::Whole | Share::Gathering { .. } => handed_on(endpoint, job, mail, head, &sender)?,
    };
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

/// The attachments that the filter hands on, when it says that the mail is meant and its sender may.
fn handed_on<'a>(
    endpoint: &Endpoint,
    job: &ClaimedJob,
    mail: &'a Mail<'a>,
    head: &Head,
    sender: &Sender,
) -> Result<Vec<Attachment<'a>>, Outcome> {
    let attachments = mail.attachments();
    let names = attachments.iter().map(Attachment::shown_name);
    let handed_on = match judge(&endpoint.filter, head, job.size, names) {
        // Of an encrypted mail nobody knows which attachments it has.
        Judgement::Not(Miss::Attachments, _) | Judgement::Meant(_) if refuses(endpoint, mail) => {
            return Err(may(&endpoint.senders, sender).err().unwrap_or_else(encrypted));
        }
        Judgement::Not(miss, detail) => {
            let reason = missed(miss);
            return Err(Outcome::Ignored { reason, detail });
        }
        Judgement::Meant(handed_on) => handed_on,
    };
    may(&endpoint.senders, sender)?;
    let mut pieces = Vec::new();
    let mut kept = Vec::with_capacity(handed_on.len());
    for (index, file) in (0u32..).zip(attachments) {
        if usize::try_from(index).is_ok_and(|index| handed_on.binary_search(&index).is_ok()) {
            let name = file.safe_name.clone();
            pieces.push(Piece { index, name });
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

/// The attachment that a job is of. What the filter says now does not count: it was asked when the mail was split.
fn attachment_of<'a>(part: &Part, mail: &'a Mail<'a>) -> Result<Attachment<'a>, Outcome> {
    let Piece { index, name } = &part.attachment;
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

fn refuses(endpoint: &Endpoint, mail: &Mail<'_>) -> bool {
    mail.encrypted().is_some() && !endpoint.filter.encrypted
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

/// What was made for the action, or why it gets nothing; `seen` is set when the mail was read.
pub(super) fn ready<T>(read: Result<Read<T>, Unreadable>, seen: &mut Seen) -> Result<T, Outcome> {
    let read = read.map_err(unreadable)?;
    *seen = read.seen;
    read.made
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

/// What can't be read is held for a person to look at, unless the mail is not to blame.
pub(super) fn unreadable(why: Unreadable) -> Outcome {
    let reason = match why {
        Unreadable::Busy | Unreadable::NoThread(_) => return later(Reason::Local, why.to_string()),
        Unreadable::TooLarge { .. } => Reason::TooLarge,
        Unreadable::Malformed => Reason::Unreadable,
        Unreadable::Slow(_) => Reason::Slow,
        Unreadable::Panicked => Reason::Panicked,
    };
    let detail = why.to_string();
    Outcome::Held { reason, detail }
}
