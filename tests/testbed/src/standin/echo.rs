//! Servers that refuse whatever they are told, and quote it: what many do with a command that they don't understand, and some with a password.

use anyhow::Result;

use super::{Standin, wire::Wire};
use crate::{mailjob::Start, tls::Tls};

/// Starts one that speaks IMAP.
///
/// # Errors
/// When there is no port, or the certificate can't be read.
pub async fn imap(tls: &Tls) -> Result<Standin> {
    Standin::start(tls, Start::Implicit, mailbox).await
}

/// Starts one that speaks SMTP.
///
/// # Errors
/// The same.
pub async fn smtp(tls: &Tls) -> Result<Standin> {
    Standin::start(tls, Start::Implicit, submission).await
}

async fn mailbox(mut wire: Wire) -> Result<()> {
    wire.say(&["* OK ready"]).await?;
    loop {
        let line = wire.line().await?;
        let (tag, rest) = line.split_once(' ').unwrap_or((&line, ""));
        let answer = match rest {
            "CAPABILITY" => format!("* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR\r\n{tag} OK done"),
            "LOGOUT" => return wire.end(&["* BYE ended", &format!("{tag} OK done")]).await,
            _ => format!("{tag} NO this is refused: {line}"),
        };
        wire.say(&[&answer]).await?;
    }
}

async fn submission(mut wire: Wire) -> Result<()> {
    wire.say(&["220 ready"]).await?;
    loop {
        let line = wire.line().await?;
        match line.split(' ').next().unwrap_or_default() {
            "EHLO" => wire.say(&["250-standin", "250 AUTH PLAIN"]).await?,
            "QUIT" => return wire.end(&["221 ended"]).await,
            _ => wire.say(&[&format!("535 5.7.8 this is refused: {line}")]).await?,
        }
    }
}
