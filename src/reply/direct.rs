//! One mail submitted at once, beside the outbox: nothing is queued, and each recipient's fate is told.

use super::{
    answer::{Meaning, meaning},
    inspect::has_only_crlf,
    probe::ProbeFailure,
    smtp::SmtpSession,
    trouble::{SmtpError, SmtpStage},
    wire::SmtpReply,
};
use crate::{
    addr_spec::is_reachable,
    auth::{self, Login},
    config::{Account, Server},
    net,
    refusal::MailHost,
};

/// A session that is signed in.
pub struct DirectSession {
    session: SmtpSession,
}

/// Why it went no further.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// There is no credential.
    #[error(transparent)]
    Credential(auth::AuthError),
    /// The server can't be reached, does not believe us, or broke off.
    #[error("{failure}")]
    Session {
        /// What is wrong and what to do.
        failure: ProbeFailure,
        /// Whether it may be well later, without anybody's doing.
        passes: bool,
        /// Whether the server may have taken the mail: its last word was lost.
        in_doubt: bool,
    },
    /// An address or the mail is not fit to be said in SMTP.
    #[error("an address or the mail is not fit for SMTP")]
    Unfit,
}

impl From<SmtpError> for SendError {
    fn from(trouble: SmtpError) -> Self {
        let trouble = match trouble {
            SmtpError::Credential(error) => return Self::Credential(error),
            trouble => trouble,
        };
        Self::Session {
            passes: passes(&trouble),
            in_doubt: trouble.is_in_doubt(),
            failure: trouble.into(),
        }
    }
}

fn passes(trouble: &SmtpError) -> bool {
    match trouble {
        SmtpError::Net(net::ConnectError::Proxy(error)) => !error.needs_person(),
        SmtpError::Net(error) => matches!(
            error,
            net::ConnectError::Resolve { .. } | net::ConnectError::Connect { .. } | net::ConnectError::Timeout { .. }
        ),
        SmtpError::Lost { .. } | SmtpError::Slow { .. } | SmtpError::Unasked { .. } | SmtpError::Stopping => true,
        SmtpError::Closing { reply, .. } => reply.code < 500,
        SmtpError::Credential(_)
        | SmtpError::Unauthorized { .. }
        | SmtpError::NoTls
        | SmtpError::Injected
        | SmtpError::NoAuth
        | SmtpError::NoMechanism { .. } => false,
    }
}

/// What the server said of something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SmtpVerdict {
    /// Yes.
    Taken(String),
    /// Not now.
    Later(String),
    /// Never.
    Refused(String),
}

impl SmtpVerdict {
    /// The server's own words.
    #[must_use]
    pub fn said(&self) -> &str {
        match self {
            Self::Taken(said) | Self::Later(said) | Self::Refused(said) => said,
        }
    }

    fn of(host: MailHost, stage: SmtpStage, reply: SmtpReply) -> Result<Self, SmtpError> {
        let said = reply.to_string();
        match meaning(host, stage, &reply) {
            Meaning::Yes => Ok(Self::Taken(said)),
            Meaning::Later(_) => Ok(Self::Later(said)),
            Meaning::Operator | Meaning::Smaller | Meaning::Never => Ok(Self::Refused(said)),
            Meaning::Closing => Err(SmtpError::Closing { stage, host, reply }),
            Meaning::Unauthorized => Err(SmtpError::Unauthorized {
                stage,
                host,
                reply,
                judged: true,
            }),
        }
    }
}

/// What became of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectResult {
    /// What was said of each recipient in turn; empty where the sender was not taken.
    pub recipients: Vec<SmtpVerdict>,
    /// What was said of the mail: the last word of the exchange.
    pub mail: SmtpVerdict,
}

impl DirectSession {
    /// Connects, starts TLS and signs in; a token that is refused is replaced once.
    ///
    /// # Errors
    /// When there is no way in.
    pub async fn open(account: &Account, server: &Server, login: &Login) -> Result<Self, SendError> {
        let session = SmtpSession::admitted(account, server, login).await?;
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
    pub async fn submit(
        &mut self,
        sender: &str,
        recipients: &[String],
        mail: &[u8],
    ) -> Result<DirectResult, SendError> {
        let fit = recipients.iter().map(String::as_str).chain([sender]).all(is_reachable);
        if !fit || !has_only_crlf(mail) {
            return Err(SendError::Unfit);
        }
        let size = match self.session.offers.size {
            Some(_) => format!(" SIZE={}", mail.len()),
            None => String::new(),
        };
        let host = self.session.host;
        let wire = &mut self.session.wire;
        let mut told = DirectResult {
            recipients: Vec::new(),
            mail: SmtpVerdict::of(
                host,
                SmtpStage::Mail,
                wire.command(SmtpStage::Mail, &format!("MAIL FROM:<{sender}>{size}"))
                    .await?,
            )?,
        };
        if !matches!(told.mail, SmtpVerdict::Taken(_)) {
            return Ok(told);
        }
        for recipient in recipients {
            let answer = wire
                .command(SmtpStage::Recipient, &format!("RCPT TO:<{recipient}>"))
                .await?;
            told.recipients
                .push(SmtpVerdict::of(host, SmtpStage::Recipient, answer)?);
        }
        let taken = |word: &&SmtpVerdict| matches!(word, SmtpVerdict::Taken(_));
        if told.recipients.iter().find(taken).is_none() {
            let later = told
                .recipients
                .iter()
                .find(|word| matches!(word, SmtpVerdict::Later(_)));
            if let Some(word) = later.or(told.recipients.first()) {
                told.mail = word.clone();
            }
            return Ok(told);
        }
        told.mail = SmtpVerdict::of(host, SmtpStage::Data, wire.command(SmtpStage::Data, "DATA").await?)?;
        if matches!(told.mail, SmtpVerdict::Taken(_)) {
            told.mail = SmtpVerdict::of(host, SmtpStage::End, wire.content(mail).await?)?;
        }
        Ok(told)
    }

    /// Says goodbye.
    pub async fn leave(self) {
        self.session.quit().await;
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::server_tests::{Act, Fake},
        *,
    };
    use crate::{auth::Credential, config::Tls, secret::Secret};

    async fn desk(fake: &Fake) -> DirectSession {
        let credential = Credential::Password(Secret::from("secret"));
        let session = SmtpSession::open(&fake.account(), &fake.server, Some(&credential)).await;
        DirectSession {
            session: session.unwrap(),
        }
    }

    const MAIL: &[u8] = b"Subject: x\r\n\r\n.\r\n";

    async fn told(
        script: impl Fn(usize, &str) -> Act + Send + Sync + 'static,
    ) -> (Result<DirectResult, SendError>, Fake) {
        let fake = Fake::start(Tls::Implicit, script).await;
        let recipients = ["a@x.example", "b@x.example", "c@x.example"].map(str::to_owned);
        let mut desk = desk(&fake).await;
        assert_eq!(desk.size(), Some(1_000_000));
        (desk.submit("us@x.example", &recipients, MAIL).await, fake)
    }

    #[tokio::test]
    async fn each_recipient_is_told_of() {
        let (told, fake) = told(|_, line| match line {
            "RCPT TO:<a@x.example>" => Act::Say("550 5.1.1 gone"),
            "RCPT TO:<c@x.example>" => Act::Say("450 4.2.1 busy"),
            _ => Act::Usual,
        })
        .await;
        let told = told.unwrap();
        assert!(
            matches!(
                told.recipients.as_slice(),
                [SmtpVerdict::Refused(a), SmtpVerdict::Taken(_), SmtpVerdict::Later(c)] if a == "550 5.1.1 gone" && c == "450 4.2.1 busy"
            ) && matches!(told.mail, SmtpVerdict::Taken(_)),
            "{told:?}"
        );
        assert_eq!(fake.mails(), [MAIL]);
    }

    #[tokio::test]
    async fn who_may_be_taken_later_decides_where_nobody_is_taken() {
        let (told, fake) = told(|_, line| match line {
            "RCPT TO:<b@x.example>" => Act::Say("450 4.2.1 busy"),
            line if line.starts_with("RCPT") => Act::Say("550 5.1.1 gone"),
            _ => Act::Usual,
        })
        .await;
        assert_eq!(told.unwrap().mail, SmtpVerdict::Later("450 4.2.1 busy".into()));
        assert!(fake.mails().is_empty() && !fake.lines(1).contains(&"DATA".to_owned()));
    }

    #[tokio::test]
    async fn a_mail_is_in_doubt_only_when_its_last_word_is_lost() {
        for (at, in_doubt) in [("MAIL", false), ("DATA", false), (".", true)] {
            let (told, _fake) = told(move |_, line| if line.starts_with(at) { Act::Drop } else { Act::Usual }).await;
            match told.unwrap_err() {
                SendError::Session {
                    passes: true,
                    in_doubt: doubt,
                    ..
                } => assert_eq!(doubt, in_doubt, "{at}"),
                other => panic!("{other:?}"),
            }
        }
        let (told, _fake) = told(|_, line| match line {
            "." => Act::Say("554 5.7.1 spam"),
            _ => Act::Usual,
        })
        .await;
        assert_eq!(told.unwrap().mail, SmtpVerdict::Refused("554 5.7.1 spam".into()));
    }

    #[tokio::test]
    async fn what_is_not_fit_is_not_said() {
        let fake = Fake::start(Tls::Implicit, |_, _| Act::Usual).await;
        let mut desk = desk(&fake).await;
        let to = |address: &str| vec![address.to_owned()];
        for (recipients, mail) in [
            (to("a@x.example>\r\nRSET"), MAIL),
            (to("a@x.example"), b"Subject: x\n\n.\n".as_slice()),
        ] {
            let said = desk.submit("us@x.example", &recipients, mail).await;
            assert!(matches!(said, Err(SendError::Unfit)), "{said:?}");
        }
        assert!(!fake.lines(1).iter().any(|line| line.starts_with("MAIL")));
    }
}
