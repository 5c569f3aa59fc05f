//! Whether a mail is an answer that counts. The sender never hears which of the reasons against it holds: whoever guesses tokens learns
//! nothing.
//!
//! The ledger accepts an answer before its action runs, so that of two at once one wins, and a retry is still the answer that it was.

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use ring::rand::{SecureRandom, SystemRandom};

use super::{
    Dispatch, later,
    reading::{self, Seen, unreadable},
    trial::may,
};
use crate::{
    config::{Answers, Endpoint},
    job::{Accepted, Answerable, ConversationKey, JobId, MAX_DATA, Outcome, Reason, Share, Token, token},
    ledger::{ClaimedJob, KnownConversation},
    message::{
        self, Attachment, Head,
        filter::{Judgement, judge},
        trust::Evidence,
    },
};

/// Finds what a mail answers, and has it accepted. `seen` is set where the mail had to be read for that. A mail of which each attachment
/// has a job is accepted once, by its own job; its parts only look.
///
/// # Errors
/// With what becomes of the job: it is not meant, or the ledger failed.
pub(super) async fn answered(
    dispatch: &Dispatch,
    job: &ClaimedJob,
    raw: &Bytes,
    checked: Option<&Evidence>,
    seen: &mut Seen,
) -> Result<Option<Accepted>, Outcome> {
    let endpoint = &dispatch.endpoint;
    let needed = matches!(endpoint.filter.answers, Answers::Only(_));
    if !needed && !token::hinted(raw) {
        return Ok(None);
    }
    let Some((read, proven)) = meant(endpoint, job, raw, checked).await? else {
        // The attempt reads it once more, and says which condition does not hold.
        return Ok(None);
    };
    let tokens = token::named(&read, ours(endpoint));
    let found = match tokens.as_slice() {
        [] => Err("it names no reply of ours"),
        tokens => {
            let keys = tokens.iter().map(Token::key).collect();
            let known = dispatch.ledger.conversation(keys, answer_of(job)).await;
            let known = known.map_err(|error| local(&error))?;
            if matches!(job.share, Share::Part(_)) {
                return Ok(known.filter(|known| known.ours).map(|known| known.told));
            }
            counts(known, &read, proven, endpoint, job)
        }
    };
    seen.head = Some(read);
    match (found, &endpoint.filter.answers) {
        (Ok(_), Answers::None) => Err(not_meant(
            "it answers a reply, and this endpoint wants mails that do not",
        )),
        (Ok((key, accepted)), _) => {
            let won = dispatch.ledger.accept_answer(key, job.id, job.attempt).await;
            match won.map_err(|error| local(&error))? {
                true => Ok(Some(accepted)),
                false if needed => Err(not_meant("the reply that it answers has been answered")),
                false => Ok(None),
            }
        }
        (Err(why), Answers::Only(_)) => Err(not_meant(why)),
        (Err(_), Answers::Any | Answers::None) => Ok(None),
    }
}

/// The job that an answer becomes: that of the mail, also where each attachment has one.
fn answer_of(job: &ClaimedJob) -> JobId {
    match &job.share {
        Share::Part(part) => part.mail_job,
        Share::Whole | Share::Gathering { .. } => job.id,
    }
}

/// Our addresses at which a mailbox gets answers.
fn ours(endpoint: &Endpoint) -> impl Iterator<Item = &str> {
    let account = &endpoint.mailbox.account;
    let from = account.from.as_deref().filter(|from| *from != account.user);
    std::iter::once(account.user.as_str()).chain(from)
}

/// The mail's head, and whether something shows that it is its sender's, when all other conditions of the filter hold and its sender
/// may.
async fn meant(
    endpoint: &Arc<Endpoint>,
    job: &ClaimedJob,
    raw: &Bytes,
    checked: Option<&Evidence>,
) -> Result<Option<(Head, bool)>, Outcome> {
    let (at, size, checked) = (endpoint.clone(), job.size, checked.cloned());
    let read = message::read(raw.clone(), endpoint.limits, move |mail| {
        let head = mail.head();
        let attachments = mail.attachments();
        let names = attachments.iter().map(Attachment::shown_name);
        let meant = matches!(judge(&at.filter, &head, size, names), Judgement::Meant(_));
        let sender = reading::sender(&at, mail, checked.as_ref());
        (meant && may(&at.senders, &sender).is_ok()).then(|| (head, sender.proven_by().is_some()))
    });
    read.await.map_err(unreadable)
}

/// Whether an answer counts, or why not. Pure.
fn counts(
    known: Option<KnownConversation>,
    head: &Head,
    proven: bool,
    endpoint: &Endpoint,
    job: &ClaimedJob,
) -> Result<(ConversationKey, Accepted), &'static str> {
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
pub(super) fn made_up(endpoint: &Endpoint) -> Option<Accepted> {
    let Answers::Only(endpoints) = &endpoint.filter.answers else {
        return None;
    };
    Some(Accepted {
        job: JobId(uuid::Uuid::nil()),
        endpoint: endpoints.first().unwrap_or(&endpoint.name).to_string(),
        data: None,
        subject: "[the subject of the mail whose reply was answered]".to_owned(),
        message_id: None,
        from: "[its sender]".to_owned(),
        depth: 1,
    })
}

fn not_meant(why: &str) -> Outcome {
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
pub(super) fn answerable(endpoint: &Endpoint, mut outcome: Outcome, depth: u32) -> (Outcome, Option<Answerable>) {
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
            let token = Token::new(random);
            (outcome, Some(Answerable { token, depth }))
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
