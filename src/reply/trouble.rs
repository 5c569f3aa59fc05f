//! What can go wrong with a submission session, told apart by who must act.
//!
//! This is the account's trouble, or the connection's; what a server thinks of one reply is a verdict of `answer`.

use std::{io, time::Duration};

use super::{answer, wire::SmtpReply};
pub(super) use crate::refusal::SmtpStage;
use crate::{
    auth::{self, AuthVerdict},
    net,
    refusal::MailHost,
};

/// Why a session is over, or never began.
#[derive(Debug, thiserror::Error)]
pub(super) enum SmtpError {
    /// There is no credential.
    #[error("{0}")]
    Credential(#[from] auth::AuthError),
    /// The server can't be reached, or not be trusted.
    #[error("{}", net::with_cure(.0))]
    Net(#[from] net::ConnectError),
    /// The connection broke, or what came over it is not SMTP.
    #[error("the connection to the SMTP server was lost {stage}: {source}")]
    Lost {
        stage: SmtpStage,
        #[source]
        source: io::Error,
    },
    /// The server took too long.
    #[error("the SMTP server did not answer within {} s {stage}", .patience.as_secs())]
    Slow { stage: SmtpStage, patience: Duration },
    /// The server does not want this session, or not any more.
    #[error("the SMTP server closes the session {stage}: {reply}; {}", answer::diagnosis(*.host, *.stage, .reply).cure)]
    Closing {
        stage: SmtpStage,
        host: MailHost,
        reply: SmtpReply,
    },
    /// The server does not take our credential.
    #[error("the SMTP server refuses the sign-in {stage}: {reply}; {what}; {cure}", what = answer::diagnosis(*.host, *.stage, .reply).what, cure = answer::diagnosis(*.host, *.stage, .reply).cure)]
    Unauthorized {
        stage: SmtpStage,
        host: MailHost,
        reply: SmtpReply,
        /// Whether it is the credential that was refused, not only the form in which it was said.
        judged: bool,
    },
    /// The server spoke when nothing was asked. What it says next may answer anything, so nothing of it is believed.
    #[error("the SMTP server spoke {stage} when it was not asked{}; what it says next can't be told from that", said(.reply))]
    Unasked { stage: SmtpStage, reply: Option<SmtpReply> },
    /// The server has no TLS.
    #[error("the SMTP server does not offer STARTTLS, and without TLS nothing is sent: check smtp port and tls")]
    NoTls,
    /// Bytes came before TLS that would have counted after it.
    #[error("the SMTP server sent data between STARTTLS and TLS: somebody may sit in between")]
    Injected,
    /// The server has no way to sign in that fits the account.
    #[error("the SMTP server offers AUTH {offered}, of which none fits the account's sign-in")]
    NoMechanism { offered: String },
    /// The server has no way to sign in at all.
    #[error(
        "the SMTP server offers no way to sign in (no AUTH): write auth = false in the account's smtp if it takes mail without"
    )]
    NoAuth,
    /// We are stopping.
    #[error("mailjob is stopping")]
    Stopping,
}

impl SmtpError {
    /// What to do about it.
    pub(super) fn verdict(&self) -> AuthVerdict {
        match self {
            Self::Credential(error) => error.verdict(),
            Self::Net(net::ConnectError::WaitsForTls { .. }) => AuthVerdict::SlowDown,
            Self::Unauthorized { .. } | Self::NoTls | Self::Injected | Self::NoMechanism { .. } | Self::NoAuth => {
                AuthVerdict::SlowDown
            }
            Self::Net(error) if error.needs_person() => AuthVerdict::SlowDown,
            // With TLS 1.3 a server says only after the handshake that it wants a client's certificate.
            Self::Lost { source, .. } if net::tls_cure(source).is_some() => AuthVerdict::SlowDown,
            Self::Net(_)
            | Self::Lost { .. }
            | Self::Slow { .. }
            | Self::Closing { .. }
            | Self::Unasked { .. }
            | Self::Stopping => AuthVerdict::Reconnect,
        }
    }

    /// Whether nobody gets through to the server now.
    pub(super) fn is_away(&self) -> bool {
        match self {
            Self::Net(error) => error.is_away(),
            Self::Lost { stage, .. } => *stage == SmtpStage::Greeting && self.verdict() == AuthVerdict::Reconnect,
            _ => false,
        }
    }

    /// Where a reply's own exchange had come to; `None` when it had not begun.
    pub(super) fn stage(&self) -> Option<SmtpStage> {
        match self {
            Self::Lost { stage, .. }
            | Self::Slow { stage, .. }
            | Self::Closing { stage, .. }
            | Self::Unasked { stage, .. }
            | Self::Unauthorized { stage, .. } => Some(*stage),
            Self::Credential(_)
            | Self::Net(_)
            | Self::NoTls
            | Self::Injected
            | Self::NoMechanism { .. }
            | Self::NoAuth
            | Self::Stopping => None,
        }
    }

    /// Whether the server may have taken the mail: it has all of it, and its answer was lost.
    pub(super) fn is_in_doubt(&self) -> bool {
        match self {
            Self::Lost { stage, .. } | Self::Slow { stage, .. } | Self::Unasked { stage, .. } => {
                *stage == SmtpStage::End
            }
            _ => false,
        }
    }
}

fn said(reply: &Option<SmtpReply>) -> String {
    reply.as_ref().map_or_else(String::new, |reply| format!(": {reply}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_needs_a_person_and_a_lost_connection_does_not() {
        let tls = |source| {
            SmtpError::Net(net::ConnectError::Tls {
                host: "h".into(),
                source,
            })
        };
        let lost = |stage, kind: io::ErrorKind| SmtpError::Lost {
            stage,
            source: kind.into(),
        };
        let untrusted = rustls::Error::InvalidCertificate(rustls::CertificateError::BadSignature);
        let unknown = rustls::Error::AlertReceived(rustls::AlertDescription::UnknownCA);
        for (trouble, verdict, away) in [
            (
                tls(io::Error::new(io::ErrorKind::InvalidData, untrusted)),
                AuthVerdict::SlowDown,
                false,
            ),
            (tls(io::ErrorKind::UnexpectedEof.into()), AuthVerdict::Reconnect, true),
            (tls(io::ErrorKind::ConnectionReset.into()), AuthVerdict::Reconnect, true),
            (
                lost(SmtpStage::Greeting, io::ErrorKind::UnexpectedEof),
                AuthVerdict::Reconnect,
                true,
            ),
            (
                lost(SmtpStage::Mail, io::ErrorKind::UnexpectedEof),
                AuthVerdict::Reconnect,
                false,
            ),
            (
                SmtpError::Lost {
                    stage: SmtpStage::Greeting,
                    source: io::Error::other(unknown),
                },
                AuthVerdict::SlowDown,
                false,
            ),
        ] {
            assert_eq!((trouble.verdict(), trouble.is_away()), (verdict, away), "{trouble}");
        }
    }
}
