//! A mailbox that the ledger knows at another port of the same host: a server that moved there, or a ledger from before ports counted.

use tracing::{info, warn};

use crate::{
    config::{Config, Mailbox},
    ledger::{Ledger, MailboxKey},
    watch,
};

/// Whose mails a mailbox that is watched may have had before.
#[derive(Clone)]
pub(super) struct Adoption {
    mailbox: Mailbox,
    /// Those that are watched: none of them is another.
    watched: Vec<MailboxKey>,
}

impl Adoption {
    pub(super) fn of(mailbox: &Mailbox, config: &Config) -> Self {
        let routes = config.routes();
        Self {
            mailbox: mailbox.clone(),
            watched: routes.iter().map(|route| watch::mailbox_key(&route.mailbox)).collect(),
        }
    }

    /// Goes on with what is known of the mailbox under the name that it had, so that no mail is taken a second time.
    pub(super) async fn adopt(&self, ledger: &dyn Ledger) {
        let mailbox = watch::mailbox_key(&self.mailbox);
        match self.former(ledger, &mailbox).await {
            Ok(Some(former)) => {
                info!(%mailbox, %former, "the mailbox is known from another port: what is known of it counts here")
            }
            Ok(None) => {}
            Err(error) => warn!(%mailbox, %error, "whether the mailbox is known from another port can't be seen"),
        }
    }

    async fn former(
        &self,
        ledger: &dyn Ledger,
        mailbox: &MailboxKey,
    ) -> Result<Option<MailboxKey>, crate::ledger::Error> {
        let known = ledger.mailboxes().await?;
        if known.contains(mailbox) {
            return Ok(None);
        }
        let former = known
            .into_iter()
            .rev()
            .find(|known| self.mailbox.is_elsewhere(&known.0) && !self.watched.contains(known));
        match former {
            Some(former) if ledger.rename_mailbox(&former, mailbox).await? => Ok(Some(former)),
            _ => Ok(None),
        }
    }
}
