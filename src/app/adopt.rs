//! A mailbox that the ledger knows at another port of the same host: a server that moved there, or a ledger from before ports counted.

use std::sync::Arc;

use tracing::{info, warn};

use crate::{
    config::{Mailbox, Route},
    ledger::{Ledger, MailboxKey},
    watch,
};

/// The mailboxes that are watched: none of them is another. All share one list, which would be a large one for each of many.
#[derive(Clone)]
pub(super) struct Adoption {
    watched: Arc<[MailboxKey]>,
}

impl Adoption {
    pub(super) fn among(routes: &[Route]) -> Self {
        Self {
            watched: routes.iter().map(|route| watch::mailbox_key(&route.mailbox)).collect(),
        }
    }

    /// Goes on with what is known of the mailbox under the name that it had, so that no mail is taken a second time.
    pub(super) async fn adopt(&self, ledger: &dyn Ledger, mailbox: &Mailbox) {
        let former = self.former(ledger, mailbox).await;
        let mailbox = watch::mailbox_key(mailbox);
        match former {
            Ok(Some(former)) => {
                info!(%mailbox, %former, "the mailbox is known from another port: what is known of it counts here")
            }
            Ok(None) => {}
            Err(error) => warn!(%mailbox, %error, "whether the mailbox is known from another port can't be seen"),
        }
    }

    async fn former(&self, ledger: &dyn Ledger, mailbox: &Mailbox) -> Result<Option<MailboxKey>, crate::ledger::Error> {
        let key = watch::mailbox_key(mailbox);
        let known = ledger.mailboxes().await?;
        if known.contains(&key) {
            return Ok(None);
        }
        let former = known
            .into_iter()
            .rev()
            .find(|known| mailbox.is_elsewhere(&known.0) && !self.watched.contains(known));
        match former {
            Some(former) if ledger.rename_mailbox(&former, &key).await? => Ok(Some(former)),
            _ => Ok(None),
        }
    }
}
