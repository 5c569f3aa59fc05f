//! The last touch of mails in a maildrop: kept or deleted, there is nothing else.
//!
//! DELE only marks; the server deletes when it says OK to QUIT (RFC 1939 section 6), and un-deletes when the connection is lost before
//! that. So the ledger hears of it only after that OK. A mail that is deleted and whose deletion the ledger did not hear of is not
//! listed the next time, which is as good.

use std::{collections::HashSet, time::Duration};

use chrono::Utc;
use tokio::time::Instant;

use super::{
    check::{self, Checks, ComparePurpose, CompareResult},
    maildrop::MaildropPlan,
    namesakes,
    wire::Pop3Connection,
};
use crate::{
    config::{SettleAction, WatchPlan},
    ledger::{MAILDROP, Place, Settling},
    watch::{error::WatchError, plan::fate, source::StepContext},
};

/// The mails that are asked for at once, and deleted in one session.
const AT_ONCE: usize = 1000;

/// Why a mail is not deleted that can't be compared.
const UNSHOWN: &str = "the server does not show it again, so it can't be compared with what was read";
/// How long a session compares and deletes.
const LONGEST: Duration = Duration::from_secs(300);

/// Whether this mail is deleted. Flags and other mailboxes are not known here; the configuration refuses them.
fn is_deleted(inlet: &WatchPlan, mail: &Settling) -> bool {
    match fate(inlet, mail) {
        SettleAction::Delete => true,
        SettleAction::Keep | SettleAction::Mark | SettleAction::Flag | SettleAction::Move(_) => false,
    }
}

/// Settles the mails that are kept, for which no session is needed; gives back those that are to be deleted.
pub(super) async fn settle_kept(on: &StepContext<'_>) -> Result<Vec<Settling>, WatchError> {
    // What the server did not delete the last time is due still, and hides nothing that comes after it.
    let most = AT_ONCE.saturating_add(on.health.unsettled());
    loop {
        let due = on.ledger.settling(on.mailbox, MAILDROP, most).await?;
        let all = due.len() < most;
        let (deleted, kept): (Vec<_>, Vec<_>) = due.into_iter().partition(|mail| is_deleted(on.inlet, mail));
        if !kept.is_empty() {
            let places: Vec<Place> = kept.iter().map(|mail| mail.place).collect();
            on.ledger.settled(&on.watched(), &places).await?;
            let uids: Vec<_> = places.iter().map(|place| place.uid).collect();
            on.health.settled(&kept, &uids);
        }
        if all || kept.is_empty() {
            return Ok(deleted);
        }
    }
}

/// Deletes what is due and ends the session. Says whether more may be due.
///
/// Each mail was read in this session, or is compared now with what was read of it before.
pub(super) async fn leave(
    wire: Pop3Connection,
    on: &StepContext<'_>,
    found: &mut MaildropPlan,
    checks: &mut Checks,
) -> Result<SettlePlan, WatchError> {
    let due = settle_kept(on).await?;
    let uids: HashSet<u32> = due.iter().map(|mail| mail.place.uid).collect();
    let before = found.new.len();
    let mut wire = namesakes::tell(wire, on, found, checks, Some(&uids)).await?;
    let undecided = |uid: &u32| {
        let mut groups = found.namesakes.iter();
        groups.any(|group| group.known.iter().any(|(known, _)| known == uid))
    };
    let undecided: HashSet<u32> = uids.iter().copied().filter(undecided).collect();
    let mut left = SettlePlan {
        look: found.new.len() > before,
        ..SettlePlan::default()
    };
    let (mut deleted, mut gone) = (Vec::new(), Vec::new());
    let mut kept = UndeletedMails::default();
    let until = Instant::now() + LONGEST;
    for uid in due.iter().map(|mail| mail.place.uid) {
        if Instant::now() >= until {
            left.more = true;
            break;
        }
        let Some(mail) = found.there.get_mut(&uid) else {
            if !found.cut && !undecided.contains(&uid) {
                gone.push(uid);
            }
            continue;
        };
        if !check::is_proven(mail) {
            if checks.rests(&mail.name) {
                kept.note(UNSHOWN.to_owned());
                continue;
            }
            let same;
            (wire, same, _) = check::prove(wire, mail, checks, on.inlet.size, ComparePurpose::Deletion).await?;
            match same {
                CompareResult::Yes => {}
                CompareResult::No => {
                    tracing::warn!(
                        uidl = mail.name.uidl,
                        "the server has another mail under the id of one that was done"
                    );
                    gone.push(uid);
                    on.health.ids_again(1);
                    left.look = true;
                    continue;
                }
                CompareResult::Unknown => {
                    tracing::warn!(
                        uidl = mail.name.uidl,
                        "a mail is not deleted, since the server does not show it"
                    );
                    kept.note(UNSHOWN.to_owned());
                    continue;
                }
            }
        }
        let answer;
        (wire, answer) = wire.try_run("DELE", &mail.number.to_string()).await?;
        match answer {
            Ok(()) => deleted.push(uid),
            Err(answer) => kept.note(format!("the server said {answer}")),
        }
    }
    if kept.mails > 0 {
        tracing::warn!(
            mails = kept.mails,
            why = kept.why,
            "mails that are over can't be deleted; trying again at the next look"
        );
    }
    let why = (kept.mails > 0).then(|| format!("can't be deleted: {}", kept.why));
    on.health.aside(kept.mails, why, Utc::now());
    if !deleted.is_empty() {
        // Were an answer not the one to its question, mails would be marked that are not those that were read.
        wire = wire.in_step().await?;
    }
    wire.quit().await?;
    let mails = deleted.len();
    deleted.append(&mut gone);
    if !deleted.is_empty() {
        on.ledger.maildrop_left(&on.watched(), deleted.clone()).await?;
        on.health.settled(&due, &deleted);
        tracing::debug!(mails, "deleted mails");
    }
    left.more |= mails >= AT_ONCE;
    Ok(left)
}

/// Mails that are to be deleted, and stay.
#[derive(Debug, Default)]
struct UndeletedMails {
    mails: usize,
    /// Why the last of them does.
    why: String,
}

impl UndeletedMails {
    fn note(&mut self, why: String) {
        self.mails += 1;
        self.why = why;
    }
}

/// What there is to do after a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct SettlePlan {
    /// More may be due for deletion.
    pub(super) more: bool,
    /// There is a mail that nobody has read.
    pub(super) look: bool,
}

#[cfg(test)]
#[path = "settle_tests.rs"]
mod tests;
