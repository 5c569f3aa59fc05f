//! Mails that did not come whole and that an operator wants to have after all: fetched again from their places, beside the last touches.

use std::collections::HashMap;

use super::{
    care::FetchFailures,
    error::WatchError,
    fetch::{ImapReceiver, SingleFetch, undelivered},
    session::Session,
    source::StepContext,
};
use crate::{
    job::Reason,
    ledger::{Lack, MailId},
};

/// Sessions that may end over one of them before it is held again.
const TRIES: u32 = 3;

/// The mails that are wanted, and over how many sessions each has ended.
#[derive(Debug, Default)]
pub(super) struct Refetcher {
    tries: HashMap<MailId, u32>,
}

impl Refetcher {
    /// Fetches what is wanted now. A mail that can't be had is held again with the words that say why; the session goes on.
    pub(super) async fn refetch(
        &mut self,
        mut session: Session,
        on: &StepContext<'_>,
        care: &mut FetchFailures,
    ) -> Result<Session, WatchError> {
        let uid_validity = session.cursor.uid_validity;
        let wanted = on.ledger.wanted(on.mailbox, uid_validity).await?;
        self.tries
            .retain(|mail, _| wanted.iter().any(|wanted| wanted.mail == *mail));
        for one in wanted {
            let Some(place) = one.place else {
                on.ledger.unfetched(&on.watched(), one.mail, gone()).await?;
                continue;
            };
            let tries = self.tries.entry(one.mail).or_default();
            *tries += 1;
            let is_last = *tries >= TRIES;
            let mut intake = on.intake(session.cursor);
            let mut receiver = ImapReceiver {
                intake: &mut intake,
                care,
                limit: on.inlet.size,
            };
            let received = receiver.one(session.wire, place.uid).await;
            let taken = intake.finish().await?;
            let lack = match &received {
                // What came there was another mail.
                Ok((_, SingleFetch::Came)) if taken.new > 0 => Some(gone()),
                Ok((_, SingleFetch::Came)) => None,
                Ok((_, SingleFetch::Gone)) => Some(gone()),
                Ok((_, SingleFetch::Not(why, _))) => Some(undelivered(uid_validity, place.uid, &why.to_string())),
                Err(WatchError::Ledger(_)) => None,
                Err(error) => is_last.then(|| undelivered(uid_validity, place.uid, &error.to_string())),
            };
            tracing::info!(
                uid = place.uid,
                completed = taken.completed,
                "fetched a mail again, as an operator wanted"
            );
            if let Some(lack) = lack {
                on.ledger.unfetched(&on.watched(), one.mail, lack).await?;
            }
            (session.wire, _) = received?;
            self.tries.remove(&one.mail);
        }
        Ok(session)
    }
}

/// There is nothing left to fetch.
fn gone() -> Lack {
    Lack {
        reason: Reason::Unreadable,
        detail: "the mail was never received whole, and is not in its mailbox any more: discard the job, or move the mail back into the mailbox, where it counts as a new one"
            .to_owned(),
        size: 0,
        upload: None,
    }
}

#[cfg(test)]
#[path = "refetch_tests.rs"]
mod tests;
