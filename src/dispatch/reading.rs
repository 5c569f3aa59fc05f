//! From a mail's bytes to what its action gets, or to why it gets nothing.

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::{later, work::Work};
use crate::{
    config::Endpoint,
    job::{Accepted, Outcome, Reason},
    ledger::ClaimedJob,
    message::{
        self, Head, Mail, Unreadable,
        filter::{Judgement, Miss, judge},
    },
};

/// A mail that was read: its head, and what was made for the action or why it gets nothing.
pub(super) struct Read<T> {
    pub(super) head: Head,
    pub(super) made: Result<T, Outcome>,
}

/// Reads a mail, asks the filter, and makes what the action needs: all in one visit to a blocking thread.
pub(super) async fn read<T, E>(
    endpoint: &Arc<Endpoint>,
    job: &ClaimedJob,
    raw: Bytes,
    answers: Option<Accepted>,
    make: impl FnOnce(&Work<'_>) -> Result<T, E> + Send + 'static,
) -> Result<Read<T>, Unreadable>
where
    T: Send + 'static,
    Outcome: From<E>,
{
    let (limits, endpoint, job, shared) = (endpoint.limits, endpoint.clone(), job.clone(), raw.clone());
    message::read(raw, limits, move |mail| {
        let head = mail.head();
        let made = meant(&endpoint, &job, mail, &head, &shared, Utc::now()).and_then(|work| {
            let answers = answers.as_ref();
            make(&Work { answers, ..work }).map_err(Outcome::from)
        });
        Read { made, head }
    })
    .await
}

/// What the action gets to work with, when the filter says that the mail is meant.
pub(super) fn meant<'a>(
    endpoint: &'a Endpoint,
    job: &'a ClaimedJob,
    mail: &'a Mail<'a>,
    head: &'a Head,
    raw: &'a Bytes,
    now: DateTime<Utc>,
) -> Result<Work<'a>, Outcome> {
    let mut attachments = mail.attachments();
    match judge(&endpoint.filter, head, job.size, names(&attachments)) {
        Judgement::Not(miss, detail) => Err(Outcome::Ignored {
            reason: missed(miss),
            detail,
        }),
        Judgement::Meant(handed_on) => {
            let mut index = 0;
            attachments.retain(|_| {
                index += 1;
                handed_on.binary_search(&(index - 1)).is_ok()
            });
            Ok(Work {
                endpoint: &endpoint.name,
                job,
                now,
                mail,
                head,
                attachments,
                raw,
                answers: None,
            })
        }
    }
}

/// The names by which filters know attachments.
pub(super) fn names<'a>(attachments: &'a [message::Attachment<'_>]) -> impl Iterator<Item = &'a str> {
    attachments.iter().map(message::Attachment::shown_name)
}

/// What was made for the action, or why it gets nothing; `head` is set when the mail was read.
pub(super) fn ready<T>(read: Result<Read<T>, Unreadable>, head: &mut Option<Head>) -> Result<T, Outcome> {
    let read = read.map_err(unreadable)?;
    *head = Some(read.head);
    read.made
}

/// The reason that stands for a part of the filter.
pub(super) fn missed(miss: Miss) -> Reason {
    match miss {
        Miss::From => Reason::From,
        Miss::To => Reason::To,
        Miss::Subject => Reason::Subject,
        Miss::Attachments => Reason::Attachments,
        Miss::Size => Reason::Size,
    }
}

/// What can't be read is held for a person to look at, unless the mail is not to blame.
pub(super) fn unreadable(why: Unreadable) -> Outcome {
    let reason = match why {
        Unreadable::Busy => return later(Reason::Local, why.to_string()),
        Unreadable::TooLarge { .. } => Reason::TooLarge,
        Unreadable::Malformed => Reason::Unreadable,
        Unreadable::Slow(_) => Reason::Slow,
        Unreadable::Panicked => Reason::Panicked,
    };
    let detail = why.to_string();
    Outcome::Held { reason, detail }
}
