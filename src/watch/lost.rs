//! A ledger that is new although we worked at this mailbox before: then it was lost, and nobody knows which of the mails were done.
//!
//! What shows it is a mailbox to which we move done or failed mails, with mails in it. Marks such as `\Seen` show nothing: people set them
//! too.

use std::collections::BTreeSet;

use tokio::sync::Notify;

use super::{
    error::WatchError,
    imap::{Completion, ImapConnection, ImapResponse, mutf7},
    source::StepContext,
};
use crate::config::{SettleAction, WatchPlan};

/// The mailboxes that this one's mails are moved to when their work is over.
fn targets(inlet: &WatchPlan) -> BTreeSet<&str> {
    let fates = inlet
        .settle
        .values()
        .flat_map(|settle| [&settle.done, &settle.failed, &settle.refused]);
    fates.filter_map(target).collect()
}

fn target(fate: &SettleAction) -> Option<&str> {
    match fate {
        SettleAction::Move(target) => Some(target),
        SettleAction::Keep | SettleAction::Mark | SettleAction::Flag | SettleAction::Delete => None,
    }
}

/// Nothing where this is a first start, as far as one can see.
pub(super) async fn judge(mut wire: ImapConnection, on: &StepContext<'_>) -> Result<ImapConnection, WatchError> {
    let mailbox = &on.inlet.mailbox;
    let account = format!("{}@{}", mailbox.account.user, mailbox.server.host.to_ascii_lowercase());
    // A mailbox that is new beside others of its account: their work lies there.
    if on.ledger.knows_account(&account).await? {
        return Ok(wire);
    }
    for target in targets(on.inlet) {
        for name in [target.to_owned(), format!("INBOX.{target}"), format!("INBOX/{target}")] {
            let mails;
            (wire, mails) = count(wire, &name).await?;
            if mails > 0 {
                return Err(WatchError::LostLedger { target: name, mails });
            }
        }
    }
    Ok(wire)
}

/// The mails of a mailbox; none where it is not there.
async fn count(wire: ImapConnection, name: &str) -> Result<(ImapConnection, u32), WatchError> {
    let quoted = mutf7::quoted(name).ok_or_else(|| WatchError::Name(name.to_owned()))?;
    let mut mails = 0;
    let what = format!("{quoted} (MESSAGES)");
    let done = wire.run("STATUS", &what, |said| {
        if let ImapResponse::Messages(count) = said {
            mails = count;
        }
    });
    let done = done.await?;
    let mails = match done.answer {
        Completion::Ok(_) => mails,
        Completion::Refused(_) => 0,
    };
    Ok((done.wire, mails))
}

/// Somebody may have said what becomes of the mails that lie there, where that is waited for.
pub(super) async fn decided(error: &WatchError, bell: &Notify) {
    if !matches!(error, WatchError::LostLedger { .. } | WatchError::Forgotten) {
        std::future::pending::<()>().await;
    }
    bell.notified().await;
}
