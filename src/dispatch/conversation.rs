//! Whether a mail is an answer that counts. The sender never hears which of the reasons against it holds: whoever guesses tokens learns
//! nothing.
//!
//! The ledger accepts an answer before its action runs, so that of two at once one wins, and a retry is still the answer that it was.

use chrono::{DateTime, Utc};
use ring::rand::{SecureRandom, SystemRandom};

use super::{Dispatch, later};
use crate::{
    config::{Answers, Endpoint},
    job::{
        AcceptedAnswer, AnswerableReply, ConversationKey, ConversationToken, JobId, JobScope, MAX_DATA, Outcome,
        Reason, token,
    },
    ledger::{ClaimedJob, KnownConversation},
    message::Head,
};

/// What the ledger says of the replies that a mail names.
#[derive(Debug, Clone)]
pub(super) enum ConversationLookup {
    /// It was not asked: the mail shows no token, and none is needed.
    Nothing,
    /// The mail names no reply of ours.
    Nameless,
    /// What it knows of the conversation.
    Known(Option<Box<KnownConversation>>),
    /// It is asked nothing: a rehearsal takes for answered what has to be.
    MadeUp,
}

/// What a mail answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answering {
    /// No reply of ours, or none that counts.
    Nothing,
    /// One for which it was accepted.
    Accepted(AcceptedAnswer),
    /// One for which the ledger has yet to accept it: of two answers at once one wins.
    Counts {
        /// The conversation.
        key: ConversationKey,
        /// What it answers, once it is accepted.
        accepted: AcceptedAnswer,
        /// Whether it is not meant where another one won.
        only: bool,
    },
}

/// Asks the ledger what a mail answers. A mail of which each attachment has a job is asked about as the mail.
///
/// # Errors
/// With what becomes of the job when the ledger fails.
pub(super) async fn ask(
    dispatch: &Dispatch,
    job: &ClaimedJob,
    raw: &[u8],
    head: &Head,
) -> Result<ConversationLookup, Outcome> {
    let endpoint = &dispatch.endpoint;
    if !matches!(endpoint.filter.answers, Answers::Only(_)) && !token::hinted(raw) {
        return Ok(ConversationLookup::Nothing);
    }
    let tokens = token::named(head, ours(endpoint));
    if tokens.is_empty() {
        return Ok(ConversationLookup::Nameless);
    }
    let keys = tokens.iter().map(ConversationToken::key).collect();
    let known = dispatch.ledger.conversation(keys, answer_of(job)).await;
    known
        .map(|known| ConversationLookup::Known(known.map(Box::new)))
        .map_err(|error| local(&error))
}

/// Has the ledger accept a mail as the answer that it is, durably and for this job alone. What it answers then, where it does.
///
/// # Errors
/// With what becomes of the job: another answer won, or the ledger failed.
pub(super) async fn accepted(
    dispatch: &Dispatch,
    job: &ClaimedJob,
    answering: Answering,
) -> Result<Option<AcceptedAnswer>, Outcome> {
    let (key, accepted, only) = match answering {
        Answering::Nothing => return Ok(None),
        Answering::Accepted(accepted) => return Ok(Some(accepted)),
        Answering::Counts { key, accepted, only } => (key, accepted, only),
    };
    let won = dispatch.ledger.accept_answer(key, job.id, job.attempt).await;
    match won.map_err(|error| local(&error))? {
        true => Ok(Some(accepted)),
        false if only => Err(not_meant("the reply that it answers has been answered")),
        false => Ok(None),
    }
}

/// The job that an answer becomes: that of the mail, also where each attachment has one.
fn answer_of(job: &ClaimedJob) -> JobId {
    match &job.share {
        JobScope::Part(part) => part.mail_job,
        JobScope::Whole | JobScope::Gathering { .. } => job.id,
    }
}

/// Our addresses at which a mailbox gets answers.
fn ours(endpoint: &Endpoint) -> impl Iterator<Item = &str> {
    let account = &endpoint.mailbox.account;
    let from = account.from.as_deref().filter(|from| *from != account.user);
    std::iter::once(account.user.as_str()).chain(from)
}

/// Whether an answer counts, or why not. Pure.
pub(super) fn counts(
    known: Option<KnownConversation>,
    head: &Head,
    proven: bool,
    endpoint: &Endpoint,
    job: &ClaimedJob,
) -> Result<(ConversationKey, AcceptedAnswer), &'static str> {
    let known = known.ok_or("the reply that it answers is not known, or was long ago")?;
    if head.automatic.is_some() {
        return Err("it is an automatic answer");
    }
    let sender = sender(head).ok_or("it has no single sender")?;
    if !known.allowed.admits(sender) {
        return Err("its sender may not answer that reply");
    }
    if known.proven && !proven {
        return Err("nothing shows that it is of whom its From names, and the conversation asks for proof");
    }
    if known.endpoint != endpoint.name.as_str() {
        return Err("it answers a reply whose answers are another endpoint's");
    }
    if let Answers::Only(endpoints) = &endpoint.filter.answers
        && !endpoints.is_empty()
        && !endpoints.iter().any(|name| name.as_str() == known.told.endpoint)
    {
        return Err("it answers a reply of an endpoint that is not in answers_to");
    }
    if !known.ours && arrived(job) > known.expires {
        return Err("it came too late");
    }
    Ok((known.key, known.told))
}

/// Who answers: the one address of From, in a form that can't be read in two ways.
fn sender(head: &Head) -> Option<&str> {
    match head.from.as_slice() {
        [from] if head.odd_from.is_none() => Some(&from.address),
        _ => None,
    }
}

/// When the mail server had it, which its sender can't choose: an answer is in time also where we were not.
fn arrived(job: &ClaimedJob) -> DateTime<Utc> {
    job.received.unwrap_or(job.taken).min(job.taken)
}

/// What a rehearsal, which asks no ledger, takes for answered where only answers are meant.
pub(super) fn made_up(endpoint: &Endpoint) -> Option<AcceptedAnswer> {
    let Answers::Only(endpoints) = &endpoint.filter.answers else {
        return None;
    };
    Some(AcceptedAnswer {
        job: JobId(uuid::Uuid::nil()),
        endpoint: endpoints.first().unwrap_or(&endpoint.name).to_string(),
        data: None,
        subject: "[the subject of the mail whose reply was answered]".to_owned(),
        message_id: None,
        from: "[its sender]".to_owned(),
        depth: 1,
    })
}

pub(super) fn not_meant(why: &str) -> Outcome {
    Outcome::Ignored {
        reason: Reason::Conversation,
        detail: why.to_owned(),
    }
}

fn local(error: &crate::ledger::Error) -> Outcome {
    let detail = format!("what the mail answers could not be looked up: {error}");
    later(Reason::Local, detail)
}

/// The token with which an outcome's reply may be answered. Data that is too large to be kept is left out.
pub(super) fn answerable(endpoint: &Endpoint, mut outcome: Outcome, depth: u32) -> (Outcome, Option<AnswerableReply>) {
    let (Some(conversation), Outcome::Done(answer)) = (&endpoint.conversation, &mut outcome) else {
        return (outcome, None);
    };
    let size = answer.data.as_ref().map_or(0, |data| data.to_string().len());
    if size > MAX_DATA {
        answer.data = None;
        answer.mark(
            Reason::BadAnswer,
            &format!("its data has {size} bytes; with [conversation] {MAX_DATA} at most"),
        );
    }
    if depth >= conversation.answers {
        let name = &endpoint.name;
        tracing::warn!(endpoint = %name, depth, "a reply may not be answered: too many answers led to it");
        return (outcome, None);
    }
    let mut random = [0; 16];
    match SystemRandom::new().fill(&mut random) {
        Ok(()) => {
            let token = ConversationToken::new(random);
            (outcome, Some(AnswerableReply { token, depth }))
        }
        // The action did its work: it is not run again for want of a token.
        Err(_unspecified) => {
            let name = &endpoint.name;
            tracing::error!(endpoint = %name, "a reply may not be answered: the system gave no random bytes");
            (outcome, None)
        }
    }
}

#[cfg(test)]
#[path = "conversation_tests.rs"]
mod tests;
