//! The last touch of mails in a maildrop: kept or deleted, there is nothing else.
//!
//! DELE only marks; the server deletes when it says OK to QUIT (RFC 1939 section 6), and un-deletes when the connection is lost before
//! that. So the ledger hears of it only after that OK. A mail that is deleted and whose deletion the ledger did not hear of is not
//! listed the next time, which is as good.

use super::{maildrop::Found, wire::Wire};
use crate::{
    config::{Fate, Inlet},
    ledger::{MAILDROP, Place, Settling},
    watch::{
        error::{Error, Refusal},
        plan::fate,
        session::Looking,
    },
};

/// The mails that are asked for at once, and deleted in one session.
const AT_ONCE: usize = 1000;

/// Whether this mail is deleted. Flags and other mailboxes are not known here; the configuration refuses them.
fn is_deleted(inlet: &Inlet, mail: &Settling) -> bool {
    match fate(inlet, mail) {
        Fate::Delete => true,
        Fate::Keep | Fate::Mark | Fate::Flag | Fate::Move(_) => false,
    }
}

/// Settles the mails that are kept, for which no session is needed; gives back those that are to be deleted.
pub(super) async fn settle_kept(on: &Looking<'_>) -> Result<Vec<Settling>, Error> {
    loop {
        let due = on.ledger.settling(on.mailbox, MAILDROP, AT_ONCE).await?;
        let all = due.len() < AT_ONCE;
        let (deleted, kept): (Vec<_>, Vec<_>) = due.into_iter().partition(|mail| is_deleted(on.inlet, mail));
        if !kept.is_empty() {
            let places: Vec<Place> = kept.iter().map(|mail| mail.place).collect();
            on.ledger.settled(on.mailbox, &places).await?;
            let uids: Vec<_> = places.iter().map(|place| place.uid).collect();
            on.health.settled(&kept, &uids);
        }
        if all || kept.is_empty() {
            return Ok(deleted);
        }
    }
}

/// Deletes what is due and ends the session. Says whether more may be due.
pub(super) async fn leave(mut wire: Wire, on: &Looking<'_>, found: &Found) -> Result<bool, Error> {
    let (mut deleted, mut gone) = (Vec::new(), Vec::new());
    let mut refused = None;
    let due = settle_kept(on).await?;
    for uid in due.iter().map(|mail| mail.place.uid) {
        let Some(numbers) = found.there.get(&uid) else {
            if !found.cut {
                gone.push(uid);
            }
            continue;
        };
        let marked;
        (wire, marked) = mark(wire, numbers).await?;
        match marked {
            Ok(()) => deleted.push(uid),
            Err(answer) => refused = Some(answer),
        }
    }
    if let Some(answer) = refused {
        tracing::warn!(%answer, "the server refuses to delete mails; trying again at the next look");
    }
    wire.quit().await?;
    let mails = deleted.len();
    deleted.append(&mut gone);
    if !deleted.is_empty() {
        on.ledger.maildrop_left(on.mailbox, deleted.clone()).await?;
        on.health.settled(&due, &deleted);
        tracing::debug!(mails, "deleted mails");
    }
    Ok(mails >= AT_ONCE)
}

/// Marks a mail and its copies. One that is marked of two stays marked: the other is tried again.
async fn mark(mut wire: Wire, numbers: &[u32]) -> Result<(Wire, Result<(), Refusal>), Error> {
    for number in numbers {
        let answer;
        (wire, answer) = wire.try_run("DELE", &number.to_string()).await?;
        if answer.is_err() {
            return Ok((wire, answer));
        }
    }
    Ok((wire, Ok(())))
}

#[cfg(test)]
#[path = "settle_tests.rs"]
mod tests;
