//! A look at a maildrop that touches no mail.

use super::{
    knock,
    login::{capability_lines, open},
};
use crate::{
    auth::Credential,
    config::Mailbox,
    watch::{
        door::{CONNECT, who},
        error::{Error, Words},
    },
};

/// What a sign-in found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// What the server says that it can do, a capability each.
    pub capabilities: Vec<Words>,
    /// Mails in the maildrop.
    pub mails: u64,
}

/// Signs in by POP3, asks what the server can do and how many mails there are, and leaves, within 90 s. No mail is read or marked.
///
/// # Errors
/// As a session's: no way to the server, a refused sign-in, a maildrop that is another's now.
pub async fn probe(mailbox: &Mailbox, credential: &Credential) -> Result<Probe, Error> {
    let probing = async {
        let (wire, _) = open(knock(mailbox).await?, &who(mailbox, credential)).await?;
        let (wire, capabilities) = capability_lines(wire).await?;
        let (wire, mails) = wire.stat().await?;
        wire.quit().await?;
        Ok(Probe { capabilities, mails })
    };
    tokio::time::timeout(CONNECT, probing)
        .await
        .unwrap_or(Err(Error::Endless {
            command: "the probe",
            after: CONNECT,
        }))
}
