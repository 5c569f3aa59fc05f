//! Looks whether replies can be submitted, one step after the other, and submits nothing: after the sign-in comes QUIT.

use tokio::net::TcpStream;

use super::{
    answer,
    smtp::{self, SmtpSession},
    trouble::SmtpError,
    wire::SmtpConnection,
};
use crate::{
    auth::Credential,
    config::{Account, Server},
    net::{self, Handshake},
};

/// A connection under TLS on which nobody is signed in.
pub struct UnauthenticatedSmtp {
    wire: SmtpConnection<net::Stream>,
    /// What TLS told.
    pub handshake: Handshake,
}

/// What a submission server offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerOffers {
    /// The names of its SASL mechanisms.
    pub mechanisms: Vec<String>,
    /// The largest mail that it takes, in bytes; 0 where it does not tell, `None` where it does not speak of sizes.
    pub size: Option<u64>,
}

/// Why it can't be done.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct ProbeFailure {
    /// What is wrong, with the server's words.
    pub what: String,
    /// What to do about it.
    pub cure: &'static str,
}

impl From<SmtpError> for ProbeFailure {
    fn from(trouble: SmtpError) -> Self {
        let cure = match &trouble {
            SmtpError::Net(error) => error.cure(),
            SmtpError::Unauthorized { stage, host, reply, .. } | SmtpError::Closing { stage, host, reply } => {
                let diagnosis = answer::diagnosis(*host, *stage, reply);
                let what = format!("{}: the server said {reply}", diagnosis.what);
                return Self {
                    what,
                    cure: diagnosis.cure,
                };
            }
            SmtpError::NoTls => "check smtp port and tls",
            SmtpError::NoMechanism { .. } => "sign in by another way (OAuth or a password), or check host and port",
            SmtpError::Lost { .. } | SmtpError::Slow { .. } => {
                "check smtp host and port; if they are right, try again later"
            }
            SmtpError::Credential(_) => "check user and secret",
            SmtpError::NoAuth => {
                "write auth = false in the account's smtp if the server takes mail without a sign-in, else check host and port"
            }
            SmtpError::Unasked { .. } => {
                "check smtp host and port: a server or proxy that answers what was not asked can't be used"
            }
            SmtpError::Injected => "find out who sits in between: a proxy or virus scanner",
            SmtpError::Stopping => "try again",
        };
        Self {
            what: trouble.to_string(),
            cure,
        }
    }
}

/// Starts TLS on a connection.
///
/// # Errors
/// When the server can't be verified, or does not want us.
pub async fn secure(
    socket: TcpStream,
    server: &Server,
    account: &Account,
) -> Result<UnauthenticatedSmtp, ProbeFailure> {
    let (wire, handshake) = smtp::secure(socket, server, account).await?;
    Ok(UnauthenticatedSmtp { wire, handshake })
}

impl UnauthenticatedSmtp {
    /// Signs in, and leaves.
    ///
    /// # Errors
    /// When the server does not believe who we are.
    pub async fn sign_in(
        self,
        account: &Account,
        server: &Server,
        credential: Option<&Credential>,
    ) -> Result<ServerOffers, ProbeFailure> {
        let session = SmtpSession::enter(self.wire, account, server, credential).await?;
        let offers = ServerOffers {
            mechanisms: session.offers.auth.clone(),
            size: session.offers.size,
        };
        session.quit().await;
        Ok(offers)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::server_tests::{Act, Fake},
        *,
    };
    use crate::{
        config::{Cloud, Provider, Tls},
        secret::Secret,
    };

    async fn probe(fake: &Fake, credential: &Credential) -> Result<ServerOffers, ProbeFailure> {
        let socket = TcpStream::connect(("127.0.0.1", fake.server.port)).await.unwrap();
        let line = secure(socket, &fake.server, &fake.account()).await?;
        assert!(line.handshake.certificate_ends.is_some());
        let account = Account {
            provider: Provider::Microsoft(Cloud::Global),
            ..fake.account()
        };
        line.sign_in(&account, &fake.server, Some(credential)).await
    }

    fn token() -> Credential {
        Credential::Bearer(Secret::from("token"))
    }

    #[tokio::test]
    async fn nothing_is_submitted() {
        for tls in [Tls::Implicit, Tls::StartTls] {
            let fake = Fake::start(tls, |_, line| match line {
                line if line.starts_with("EHLO") => {
                    Act::Say("250-fake\r\n250-STARTTLS\r\n250-SIZE 1000\r\n250 AUTH PLAIN XOAUTH2")
                }
                _ => Act::Usual,
            })
            .await;
            let offers = probe(&fake, &token()).await.unwrap();
            assert_eq!(
                (offers.mechanisms, offers.size),
                (vec!["PLAIN".into(), "XOAUTH2".into()], Some(1000))
            );
            let lines = fake.lines(1);
            let last = lines.last().unwrap();
            assert!(
                last == "QUIT" && !lines.iter().any(|line| line.starts_with("MAIL")),
                "{lines:?}"
            );
        }
    }

    #[tokio::test]
    async fn refusals_are_explained() {
        for (start, answer, what, cure) in [
            (
                "AUTH",
                "535 5.7.139 x disabled for the Tenant.",
                "whole tenant",
                "Set-TransportConfig",
            ),
            (
                "AUTH",
                "535 5.7.3 Authentication unsuccessful",
                "535 5.7.3",
                "SMTP.Send",
            ),
            ("AUTH", "454 4.7.0 later", "454 4.7.0 later", "again later"),
            ("greeting", "421 4.3.2 busy", "421 4.3.2 busy", "again later"),
            ("EHLO", "250 fake", "no way to sign in", "auth = false"),
            (
                "EHLO",
                "250-fake\r\n250 AUTH GSSAPI",
                "of which none fits",
                "by another way",
            ),
        ] {
            let fake = Fake::start(Tls::Implicit, move |_, line| {
                if line.starts_with(start) {
                    Act::Say(answer)
                } else {
                    Act::Usual
                }
            })
            .await;
            let failure = probe(&fake, &token()).await.unwrap_err();
            assert!(
                failure.what.contains(what) && failure.cure.contains(cure),
                "{failure:?}"
            );
        }
    }
}
