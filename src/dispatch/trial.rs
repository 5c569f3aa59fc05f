//! What must hold before an action runs: the sender may, and there is room for one more job.

use bytes::Bytes;

use super::{
    Dispatch, gates, later,
    reading::{Seen, ready, unreadable},
    verify::Dns,
};
use crate::{
    config::{Endpoint, Senders},
    job::{Outcome, Reason},
    ledger::{Admission, ClaimedJob},
    message::{
        self, Head,
        policy::{Refusal, judge},
        trust::{Evidence, Sender},
    },
};

/// What we verify ourselves of a mail, where the endpoint wants that and the server's own results don't suffice.
///
/// # Errors
/// What the attempt comes to where DNS doesn't answer and the endpoint asks for a proof, or the mail can't be read.
pub(super) async fn checked(dns: &Dns, endpoint: &Endpoint, raw: &Bytes) -> Result<Option<Evidence>, Outcome> {
    let senders = endpoint.senders.clone();
    let Some(limit) = senders.verify else {
        return Ok(None);
    };
    let required = senders.require.is_some();
    let open = message::read(raw.clone(), endpoint.limits, move |mail| {
        let sender = mail.sender(&senders.trust);
        let proven = senders
            .require
            .is_some_and(|proof| sender.evidence.proofs.contains(&proof));
        sender.address.ok().filter(|_| !proven)
    });
    let Some(address) = open.await.map_err(unreadable)? else {
        return Ok(None);
    };
    match dns.verify(raw.clone(), &address, limit).await {
        Ok(evidence) => Ok(Some(evidence)),
        Err(why) if required => Err(later(
            Reason::Network,
            format!("the sender could not be verified: {why}"),
        )),
        Err(why) => {
            tracing::warn!(endpoint = %endpoint.name, why, "a sender could not be verified");
            Ok(None)
        }
    }
}

/// Whether a sender may.
pub(super) fn may(senders: &Senders, sender: &Sender) -> Result<(), Outcome> {
    judge(senders, sender).map_err(|refusal| {
        let (reason, detail) = match refusal {
            Refusal::Sender(detail) => (Reason::Sender, detail),
            Refusal::Untrusted(detail) => (Reason::Untrusted, detail),
        };
        Outcome::Ignored { reason, detail }
    })
}

/// Waits for its turn, where there are too many jobs: it comes back when there is room.
pub(super) async fn admitted(dispatch: &Dispatch, job: &ClaimedJob, head: Option<&Head>) -> Result<(), Outcome> {
    let gates = head
        .map(|head| gates::of_job(&dispatch.endpoint, head))
        .unwrap_or_default();
    if gates.is_empty() {
        return Ok(());
    }
    match dispatch.ledger.admit(job.id, job.attempt, gates).await {
        Ok(Admission::Now) => Ok(()),
        Ok(Admission::At(at)) => Err(Outcome::Retry {
            reason: Reason::Rate,
            detail: format!("there are too many jobs; it waits until {at}"),
            not_before: Some(at),
        }),
        Err(error) => Err(later(Reason::Local, format!("jobs could not be counted: {error}"))),
    }
}

/// What was made for the action, once there is room for it.
pub(super) async fn begun<T>(
    dispatch: &Dispatch,
    job: &ClaimedJob,
    seen: &mut Seen,
    read: Result<super::reading::Read<T>, message::Unreadable>,
) -> Result<T, Outcome> {
    let made = ready(read, seen)?;
    admitted(dispatch, job, seen.head.as_ref()).await?;
    Ok(made)
}
