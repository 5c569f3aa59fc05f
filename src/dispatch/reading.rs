//! One reading of a mail for all that an attempt needs of it: the thread is held while something is computed, and free while DNS or the
//! ledger is waited for. What becomes of the mail, [`decide`] says.

use std::sync::Arc;

use bytes::Bytes;
use chrono::Utc;
use futures_util::FutureExt;

use super::{
    Dispatch,
    action::{Prepare, Prepared},
    bounce, conversation,
    decide::{self, MailFacts},
    inputs, later,
    original::KeptOriginal,
    result,
    work::Work,
};
use crate::{
    config::Endpoint,
    job::{AcceptedAnswer, Decision, JobScope, Outcome, Reason},
    ledger::ClaimedJob,
    message::{Head, Mail, Unreadable, trust::Sender},
};

/// A mail that was read, and what was made ready for its action or why that gets nothing.
pub(super) struct ReadMail {
    pub(super) seen: ReadFacts,
    pub(super) made: Result<Box<dyn Prepared>, Outcome>,
}

/// What is known of a mail that was read.
#[derive(Debug, Default)]
pub(super) struct ReadFacts {
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
    /// Its text, where a reply may need that.
    pub(super) text: Option<KeptOriginal>,
}

/// Reads a mail, decides, and makes ready what the action needs.
///
/// # Errors
/// When the mail can't be read.
pub(super) async fn read(
    dispatch: &Arc<Dispatch>,
    job: &ClaimedJob,
    raw: Bytes,
    prepare: Prepare,
) -> Result<ReadMail, Unreadable> {
    let (limits, shared) = (dispatch.endpoint.limits, raw.clone());
    let (reader, dispatch, job) = (dispatch.reader.clone(), dispatch.clone(), job.clone());
    let visit = reader.visit(raw, limits, move |mail| {
        async move {
            let head = mail.head();
            let mut seen = ReadFacts::default();
            let made = made(&dispatch, &job, &shared, (mail, &head), prepare, &mut seen).await;
            match made {
                Err(EarlyOutcome(outcome)) => ReadMail {
                    seen: ReadFacts::default(),
                    made: Err(outcome),
                },
                Ok(made) => {
                    seen.head = Some(head);
                    seen.text = kept(&dispatch, mail, made.as_ref().err());
                    ReadMail { seen, made }
                }
            }
        }
        .boxed()
    });
    visit.await
}

/// What the job comes to before anything is known of who sent its mail: nobody is answered.
struct EarlyOutcome(Outcome);

async fn made(
    dispatch: &Dispatch,
    job: &ClaimedJob,
    raw: &Bytes,
    (mail, head): (&Mail<'_>, &Head),
    prepare: Prepare,
    seen: &mut ReadFacts,
) -> Result<Result<Box<dyn Prepared>, Outcome>, EarlyOutcome> {
    let endpoint = &*dispatch.endpoint;
    if let Err(outcome) = bounce::refuse(dispatch, job, raw, mail, head).await {
        return Ok(Err(outcome));
    }
    let sender = verified(dispatch, raw, mail).await.map_err(EarlyOutcome)?;
    let asked = conversation::ask(dispatch, job, raw, head)
        .await
        .map_err(EarlyOutcome)?;
    seen.proven = sender.proven_by().is_some();
    let decide::MailDecision { answering, work } = decide::decide(MailFacts {
        endpoint,
        job,
        mail,
        head,
        raw,
        sender,
        asked,
        now: Utc::now(),
    });
    let answers = match conversation::accepted(dispatch, job, answering).await {
        Ok(answers) => answers,
        Err(outcome) => return Ok(Err(outcome)),
    };
    let answers = answers.as_ref();
    seen.depth = answers.map_or(0, |answers| answers.depth);
    Ok(work.and_then(|work| {
        seen.source = result::source(&job.share, &work.attachments, head);
        seen.inputs = Some(inputs::object(&work.inputs));
        seen.decision = Some(remembered(&work, answers));
        prepare(&Work { answers, ..work })
    }))
}

/// The text, where a reply may need it: a job that goes nowhere is not answered.
fn kept(dispatch: &Dispatch, mail: &Mail<'_>, outcome: Option<&Outcome>) -> Option<KeptOriginal> {
    let goes_nowhere = matches!(
        outcome,
        Some(Outcome::Ignored { .. } | Outcome::Held { .. } | Outcome::Split(_))
    );
    let reply = &dispatch.endpoint.reply;
    if goes_nowhere || !reply.needs_original() {
        return None;
    }
    KeptOriginal::of(mail, reply, &dispatch.memory.parked)
}

/// What is remembered of a mail that is meant.
fn remembered(work: &Work<'_>, answers: Option<&AcceptedAnswer>) -> Decision {
    let sender = match &work.sender.address {
        Ok(address) => address.clone(),
        Err(odd) => odd.why().to_owned(),
    };
    let names = work.attachments.iter().map(|file| file.safe_name.clone());
    Decision {
        sender,
        proofs: work
            .sender
            .evidence
            .proofs
            .iter()
            .map(|proof| proof.name().to_owned())
            .collect(),
        attachments: names.take(Decision::NAMES).collect(),
        attachment_count: work.attachments.len(),
        answers: answers.map(|answers| answers.job),
    }
}

/// Reads a mail only for what is known of it: nothing is judged or made.
///
/// # Errors
/// When the mail can't be read.
pub(super) async fn look(dispatch: &Arc<Dispatch>, raw: Bytes) -> Result<ReadFacts, Unreadable> {
    let (limits, dispatch) = (dispatch.endpoint.limits, dispatch.clone());
    let reader = dispatch.reader.clone();
    let visit = reader.visit(raw, limits, move |mail| {
        async move {
            let head = mail.head();
            ReadFacts {
                source: result::source(&JobScope::Whole, &mail.attachments(), &head),
                proven: sender(&dispatch.endpoint, mail).proven_by().is_some(),
                head: Some(head),
                text: kept(&dispatch, mail, None),
                ..ReadFacts::default()
            }
        }
        .boxed()
    });
    visit.await
}

/// Who sent a mail, and what believed servers wrote of that.
fn sender(endpoint: &Endpoint, mail: &Mail<'_>) -> Sender {
    mail.sender(&endpoint.senders.trust)
}

/// The same with what we verify ourselves, where the endpoint wants that and the server's own results don't suffice.
///
/// # Errors
/// With what the attempt comes to where DNS doesn't answer and the endpoint asks for a proof.
async fn verified(dispatch: &Dispatch, raw: &[u8], mail: &Mail<'_>) -> Result<Sender, Outcome> {
    let endpoint = &dispatch.endpoint;
    let mut sender = sender(endpoint, mail);
    let Some(limit) = endpoint.senders.verify else {
        return Ok(sender);
    };
    let require = endpoint.senders.require;
    let is_proven = require.is_some_and(|proof| sender.evidence.proofs.contains(&proof));
    let address = match &sender.address {
        Ok(address) if !is_proven => address.clone(),
        Ok(_) | Err(_) => return Ok(sender),
    };
    match dispatch.dns.verify(raw, &address, limit).await {
        Ok(evidence) => sender.verified(&evidence),
        Err(why) if require.is_some() => {
            let detail = format!("the sender could not be verified: {why}");
            return Err(later(Reason::Network, detail));
        }
        Err(why) => tracing::warn!(endpoint = %endpoint.name, why, "a sender could not be verified"),
    }
    Ok(sender)
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
