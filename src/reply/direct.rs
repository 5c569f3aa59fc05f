//! One mail submitted at once, beside the outbox: nothing is queued, and each recipient's fate is told.

use super::{
    answer::{Meaning, meaning},
    inspect::has_only_crlf,
    probe::Failure,
    smtp::Session,
    trouble::{Stage, Trouble},
    wire::Reply,
};
use crate::{
    addr_spec::is_sendable,
    auth::{self, Credential, Login},
    config::{Account, Server},
    net,
};

/// A session that is signed in.
pub struct Desk {
    session: Session,
}

/// Why it went no further.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no credential.
    #[error(transparent)]
    Credential(auth::Error),
    /// The server can't be reached, does not believe us, or broke off.
    #[error("{failure}")]
    Session {
        /// What is wrong and what to do.
        failure: Failure,
        /// Whether it may be well later, without anybody's doing.
        passes: bool,
        /// Whether the server may have taken the mail: its last word was lost.
        in_doubt: bool,
    },
    /// An address or the mail is not fit to be said in SMTP.
    #[error("an address or the mail is not fit for SMTP")]
    Unfit,
}

impl From<Trouble> for Error {
    fn from(trouble: Trouble) -> Self {
        let trouble = match trouble {
            Trouble::Credential(error) => return Self::Credential(error),
            trouble => trouble,
        };
        let lost = matches!(trouble, Trouble::Lost { .. } | Trouble::Slow { .. });
        Self::Session {
            passes: passes(&trouble),
            in_doubt: lost && trouble.stage() == Some(Stage::End),
            failure: trouble.into(),
        }
    }
}

fn passes(trouble: &Trouble) -> bool {
    match trouble {
        Trouble::Net(error) => matches!(
            error,
            net::Error::Resolve { .. } | net::Error::Connect { .. } | net::Error::Timeout { .. }
        ),
        Trouble::Lost { .. } | Trouble::Slow { .. } | Trouble::Stopping => true,
        Trouble::Closing { reply, .. } => reply.code < 500,
        Trouble::Credential(_)
        | Trouble::Unauthorized { .. }
        | Trouble::NoTls
        | Trouble::Injected
        | Trouble::NoMechanism { .. } => false,
    }
}

/// What the server said of something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// Yes.
    Taken(String),
    /// Not now.
    Later(String),
    /// Never.
    Refused(String),
}

impl Word {
    /// The server's own words.
    #[must_use]
    pub fn said(&self) -> &str {
        match self {
            Self::Taken(said) | Self::Later(said) | Self::Refused(said) => said,
        }
    }

    fn of(stage: Stage, reply: Reply) -> Result<Self, Trouble> {
        let said = reply.to_string();
        match meaning(stage, &reply) {
            Meaning::Yes => Ok(Self::Taken(said)),
            Meaning::Later => Ok(Self::Later(said)),
            Meaning::Never => Ok(Self::Refused(said)),
            Meaning::Closing => Err(Trouble::Closing { stage, reply }),
            Meaning::Unauthorized => Err(Trouble::Unauthorized { stage, reply }),
        }
    }
}

/// What became of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What was said of each recipient in turn; empty where the sender was not taken.
    pub recipients: Vec<Word>,
    /// What was said of the mail: the last word of the exchange.
    pub mail: Word,
}

impl Desk {
    /// Connects, starts TLS and signs in; a token that is refused is replaced once.
    ///
    /// # Errors
    /// When there is no way in.
    pub async fn open(account: &Account, server: &Server, login: &Login) -> Result<Self, Error> {
        let credential = login.credential().await.map_err(Error::Credential)?;
        let session = match Session::open(account, server, &credential).await {
            Err(Trouble::Unauthorized { .. }) if matches!(credential, Credential::Bearer(_)) => {
                login.rejected(&credential);
                let anew = login.credential().await.map_err(Error::Credential)?;
                Session::open(account, server, &anew).await?
            }
            opened => opened?,
        };
        Ok(Self { session })
    }

    /// The largest mail that the server takes, in bytes, where it tells.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.session.offers.size.filter(|most| *most > 0)
    }

    /// Submits a mail, whose lines end in CRLF, to those of its recipients that the server takes.
    ///
    /// # Errors
    /// When the session ends. Where the mail is in doubt, the error says so.
    pub async fn submit(&mut self, sender: &str, recipients: &[String], mail: &[u8]) -> Result<Told, Error> {
        let fit = recipients.iter().map(String::as_str).chain([sender]).all(is_sendable);
        if !fit || !has_only_crlf(mail) {
            return Err(Error::Unfit);
        }
        let size = match self.session.offers.size {
            Some(_) => format!(" SIZE={}", mail.len()),
            None => String::new(),
        };
        let wire = &mut self.session.wire;
        let mut told = Told {
            recipients: Vec::new(),
            mail: Word::of(
                Stage::Mail,
                wire.command(Stage::Mail, &format!("MAIL FROM:<{sender}>{size}"))
                    .await?,
            )?,
        };
        if !matches!(told.mail, Word::Taken(_)) {
            return Ok(told);
        }
        for recipient in recipients {
            let answer = wire
                .command(Stage::Recipient, &format!("RCPT TO:<{recipient}>"))
                .await?;
            told.recipients.push(Word::of(Stage::Recipient, answer)?);
        }
        let taken = |word: &&Word| matches!(word, Word::Taken(_));
        if told.recipients.iter().find(taken).is_none() {
            let later = told.recipients.iter().find(|word| matches!(word, Word::Later(_)));
            if let Some(word) = later.or(told.recipients.first()) {
                told.mail = word.clone();
            }
            return Ok(told);
        }
        told.mail = Word::of(Stage::Data, wire.command(Stage::Data, "DATA").await?)?;
        if matches!(told.mail, Word::Taken(_)) {
            told.mail = Word::of(Stage::End, wire.content(mail).await?)?;
        }
        Ok(told)
    }

    /// Says goodbye.
    pub async fn leave(self) {
        self.session.quit().await;
    }
}
