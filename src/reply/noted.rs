//! What became of a reply, written down.

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use tokio::time::sleep;

use super::{Outbox, answer, trouble::SmtpError};
use crate::{
    auth::AuthVerdict,
    ledger::{self, ClaimedReply, Submitted},
};

impl Outbox {
    /// Gives back replies that are not to blame for anything, as long as their days last.
    pub(super) async fn put_back(
        &self,
        replies: impl Iterator<Item = ClaimedReply>,
        due: DateTime<Utc>,
        why: &SmtpError,
    ) {
        let now = Utc::now();
        let ended = |reply: ClaimedReply| {
            // Trouble that lasts for as long as a reply is tried is its end: who waits for it shall hear of that.
            let over = answer::is_over(reply.tried_since(now), now) && !matches!(why, SmtpError::Stopping);
            let detail = why.to_string();
            let submitted = if over {
                Submitted::Refused(format!("given up: {detail}"))
            } else {
                Submitted::Later { due, detail }
            };
            self.note(Some((reply, submitted)))
        };
        join_all(replies.map(ended)).await;
    }

    /// Writes down what became of a reply. Tries until the ledger has it: what the server took and the ledger doesn't know is
    /// sent again.
    pub(super) async fn note(&self, ended: Option<(ClaimedReply, Submitted)>) {
        let Some((reply, submitted)) = ended else {
            return;
        };
        let (job, endpoint) = (reply.job, &reply.endpoint);
        match &submitted {
            Submitted::Sent(answer) => tracing::info!(%endpoint, %job, %answer, "reply sent"),
            Submitted::Refused(answer) => tracing::warn!(%endpoint, %job, %answer, "reply refused"),
            Submitted::Each { recipients, .. } => {
                for end in recipients {
                    let (state, answer) = (end.state.as_str(), &end.said);
                    tracing::warn!(%endpoint, %job, recipient = %end.address, state, %answer, "reply told apart");
                }
            }
            Submitted::Lost { detail, .. } => {
                tracing::warn!(%endpoint, %job, %detail, "the server may have the reply: its answer was lost");
            }
            Submitted::Later { due, detail } => tracing::debug!(%endpoint, %job, %due, %detail, "reply waits"),
        }
        let mut failures = 0;
        while let Err(error) = self.ledger.submitted(job, reply.attempt, submitted.clone()).await {
            failures += 1;
            tracing::warn!(%endpoint, %job, %error, failures, "what became of a reply can't be written down");
            let pause = AuthVerdict::Reconnect.pause(failures);
            let is_over = matches!(
                error,
                ledger::Error::Stale(_) | ledger::Error::Missing(_) | ledger::Error::Closed
            );
            if is_over || self.stop.run_until_cancelled(sleep(pause)).await.is_none() {
                return;
            }
        }
    }
}
