//! The first look ever at a maildrop: what becomes of the mails that are there. Noted in the ledger before anything is taken.

use super::{maildrop::Listing, wire::Wire};
use crate::{
    ledger::MaildropMail,
    watch::{
        backlog::{Fate, at_first_sight},
        error::Error,
        session::Looking,
    },
};

/// What the ledger knows of a maildrop, after it was decided what becomes of what lay there. Nothing is taken, and the session is over,
/// where nobody said.
pub(super) async fn known(wire: Wire, on: &Looking<'_>, listing: &Listing) -> Result<(Wire, Vec<MaildropMail>), Error> {
    if on.ledger.cursor(on.mailbox).await?.is_none() {
        let waiting = listing.mails.len();
        let fate = match at_first_sight(&on.inlet.mailbox.looks, waiting) {
            Ok(fate) => fate,
            Err(held) => {
                wire.quit().await?;
                return Err(held);
            }
        };
        match fate {
            Fate::Take => drop(on.ledger.maildrop_number(on.mailbox, Vec::new()).await?),
            Fate::Leave => {
                let names = listing.mails.iter().map(|mail| mail.name.clone()).collect();
                on.ledger.maildrop_skip(on.mailbox, names).await?;
                tracing::info!(
                    mails = waiting,
                    "the mails that are there are left, as backlog = \"skip\" says"
                );
            }
        }
    }
    let known = on.ledger.maildrop(on.mailbox).await?;
    Ok((wire, known))
}
