//! Mails that were never received whole and that an operator wants fetched again (`mailjob jobs retry`).

use super::maildrop::{MaildropPlan, UntakenMail};
use crate::{
    job::Reason,
    ledger::{Lack, MAILDROP},
    watch::{error::WatchError, source::StepContext},
};

/// Whether there are any.
pub(super) async fn any(on: &StepContext<'_>) -> Result<bool, WatchError> {
    Ok(!on.ledger.wanted(on.mailbox, MAILDROP).await?.is_empty())
}

/// Puts them before what is new. Those that can't be found are given back to the operator, in words.
pub(super) async fn first(on: &StepContext<'_>, found: &mut MaildropPlan) -> Result<(), WatchError> {
    let mut again = Vec::new();
    for wanted in on.ledger.wanted(on.mailbox, MAILDROP).await? {
        let uid = wanted.place.map(|place| place.uid);
        if let Some((uid, mail)) = uid.and_then(|uid| Some((uid, found.there.remove(&uid)?))) {
            again.push(UntakenMail {
                name: mail.name,
                number: mail.number,
                again: Some(uid),
            });
            continue;
        }
        let mut groups = found.namesakes.iter();
        let alike = groups.any(|group| group.known.iter().any(|(known, _)| Some(*known) == uid));
        let why = if alike {
            "the server has more than one mail under its unique id, and nobody can tell which it is"
        } else {
            "it is not among the mails that the server lists now"
        };
        let lack = Lack {
            reason: Reason::Unreadable,
            detail: format!("the mail can't be fetched again: {why}"),
            size: 0,
            upload: None,
        };
        on.ledger.unfetched(&on.watched(), wanted.mail, lack).await?;
    }
    again.append(&mut found.new);
    found.new = again;
    Ok(())
}
