//! What can go wrong with a submission session, told apart by who must act.
//!
//! This is the account's trouble, or the connection's; what a server thinks of one reply is a verdict of `answer`.

use std::{io, time::Duration};

use super::{answer, wire::Reply};
pub(super) use crate::refusal::Stage;
use crate::{
    auth::{self, Verdict},
    net,
    refusal::MailHost,
};

/// Why a session is over, or never began.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// There is no credential.
    #[error("{0}")]
    Credential(#[from] auth::Error),
    /// The server can't be reached, or not be trusted.
    #[error("{0}")]
    Net(#[from] net::Error),
    /// The connection broke, or what came over it is not SMTP.
    #[error("the connection to the SMTP server was lost {stage}: {source}")]
    Lost {
        stage: Stage,
        #[source]
        source: io::Error,
    },
    /// The server took too long.
    #[error("the SMTP server did not answer within {} s {stage}", .patience.as_secs())]
    Slow { stage: Stage, patience: Duration },
    /// The server does not want this session, or not any more.
    #[error("the SMTP server closes the session {stage}: {reply}")]
    Closing { stage: Stage, host: MailHost, reply: Reply },
    /// The server does not take our credential.
    #[error("the SMTP server refuses the sign-in {stage}: {reply}; {}", answer::diagnosis(*.host, *.stage, .reply).cure)]
    Unauthorized { stage: Stage, host: MailHost, reply: Reply },
    /// The server has no TLS.
    #[error("the SMTP server does not offer STARTTLS, and without TLS nothing is sent: check smtp port and tls")]
    NoTls,
    /// Bytes came before TLS that would have counted after it.
    #[error("the SMTP server sent data between STARTTLS and TLS: somebody may sit in between")]
    Injected,
    /// The server has no way to sign in that fits the account.
    #[error("the SMTP server offers AUTH {offered}, of which none fits the account's sign-in")]
    NoMechanism { offered: String },
    /// We are stopping.
    #[error("mailjob is stopping")]
    Stopping,
}

impl Trouble {
    /// What to do about it.
    pub(super) fn verdict(&self) -> Verdict {
        match self {
            Self::Credential(error) => error.verdict(),
            Self::Unauthorized { .. } | Self::NoTls | Self::Injected | Self::NoMechanism { .. } => Verdict::SlowDown,
            Self::Net(_) | Self::Lost { .. } | Self::Slow { .. } | Self::Closing { .. } | Self::Stopping => {
                Verdict::Reconnect
            }
        }
    }

    /// Where a reply's own exchange had come to; `None` when it had not begun.
    pub(super) fn stage(&self) -> Option<Stage> {
        match self {
            Self::Lost { stage, .. }
            | Self::Slow { stage, .. }
            | Self::Closing { stage, .. }
            | Self::Unauthorized { stage, .. } => Some(*stage),
            Self::Credential(_)
            | Self::Net(_)
            | Self::NoTls
            | Self::Injected
            | Self::NoMechanism { .. }
            | Self::Stopping => None,
        }
    }
}
