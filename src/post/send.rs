//! Submits one mail, now.

use std::sync::Arc;

use super::{OutgoingMail, Steps};
use crate::{
    auth::Login,
    config::{Account, Server},
    plural,
    reply::direct::{DirectResult, DirectSession, SendError, SmtpVerdict},
};

/// What became of a mail that some recipient gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The server's words when it took the mail.
    pub said: String,
    /// The recipients that it did not take.
    pub refused: Vec<RefusedRecipient>,
}

/// A recipient that the server did not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRecipient {
    /// Whose address.
    pub recipient: String,
    /// The server's words.
    pub said: String,
    /// Whether it may take it later.
    pub passes: bool,
}

/// Why nobody gets a mail.
#[derive(Debug, thiserror::Error)]
pub enum Undelivered {
    /// There was no session, or it broke.
    #[error(transparent)]
    Session(#[from] SendError),
    /// The mail is larger than what the server takes; nothing was sent.
    #[error("the mail has {size} bytes, and the server takes {most}: nothing was sent; attach less, or send links")]
    TooLarge {
        /// Bytes of the mail, with its attachments in base64.
        size: u64,
        /// The server's limit (RFC 1870).
        most: u64,
    },
    /// The server did not take it.
    #[error("the server does not take the mail: {said}")]
    Refused {
        /// Its words.
        said: String,
        /// Whether it may take it later.
        passes: bool,
        /// Each recipient that it did not take.
        refused: Vec<RefusedRecipient>,
    },
}

/// Submits a mail by the SMTP server of an account.
///
/// # Errors
/// When nobody gets it, or when that is in doubt.
pub async fn send(
    account: &Arc<Account>,
    server: &Server,
    login: &Login,
    letter: &OutgoingMail,
    on: Steps<'_>,
) -> Result<Delivery, Undelivered> {
    on(&format!("connecting to {}:{} by SMTP", server.host, server.port));
    let mut desk = DirectSession::open(account, server, login).await?;
    let size = letter.bytes.len() as u64;
    if let Some(most) = desk.size().filter(|most| size > *most) {
        desk.leave().await;
        return Err(Undelivered::TooLarge { size, most });
    }
    on(&format!(
        "sending {size} bytes to {}",
        plural::counted(letter.recipients.len(), "recipient")
    ));
    let told = desk.submit(&letter.sender, &letter.recipients, &letter.bytes).await?;
    desk.leave().await;
    judge(&letter.recipients, told)
}

/// What the server's words come to. Pure.
fn judge(recipients: &[String], told: DirectResult) -> Result<Delivery, Undelivered> {
    let each = recipients.iter().zip(&told.recipients);
    let refused = each.filter_map(|(recipient, word)| {
        let passes = match word {
            SmtpVerdict::Taken(_) => return None,
            SmtpVerdict::Later(_) => true,
            SmtpVerdict::Refused(_) => false,
        };
        Some(RefusedRecipient {
            recipient: recipient.clone(),
            said: word.said().to_owned(),
            passes,
        })
    });
    let refused: Vec<_> = refused.collect();
    match told.mail {
        SmtpVerdict::Taken(said) => Ok(Delivery { said, refused }),
        SmtpVerdict::Later(said) => Err(Undelivered::Refused {
            said,
            passes: true,
            refused,
        }),
        SmtpVerdict::Refused(said) => Err(Undelivered::Refused {
            said,
            passes: false,
            refused,
        }),
    }
}
