//! What mail servers last said of a sign-in, kept beside it: a password has no token server that could refuse it, and nobody else could tell
//! when no process is asked.

use chrono::Utc;

use super::{Login, StoreError};
use crate::config::{Account, Protocol};

/// The name under which it is kept what the server of a protocol says of this user. It is no sign-in's own name: those have no blanks.
#[must_use]
pub fn judged_as(account: &Account, protocol: Protocol) -> String {
    format!("{} {} {}", account.sign_in, protocol.name(), account.user)
}

impl Login {
    /// The server of a protocol let this account in, or refused it for this reason. Written down when that is news.
    pub async fn judged(&self, account: &Account, protocol: Protocol, refused: Option<&str>) {
        let name = judged_as(account, protocol);
        let now = refused.map(str::to_owned);
        if self.shared.judged().get(&name) == Some(&now) {
            return;
        }
        match self.note_judged(&name, refused).await {
            Ok(()) => drop(self.shared.judged().insert(name, now)),
            Err(error) => {
                tracing::warn!(account = %account.name, %error, "what the server says of the sign-in can't be kept")
            }
        }
    }

    async fn note_judged(&self, name: &str, refused: Option<&str>) -> Result<(), StoreError> {
        let store = &self.shared.store;
        match refused {
            Some(why) => store.note_refused(name, Utc::now(), why).await,
            None if store.load(name).await?.refused.is_none() => Ok(()),
            None => store.note_refreshed(name, Utc::now()).await,
        }
    }
}
