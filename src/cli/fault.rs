//! Why a command that handles single mails ends, in words, and with which exit code (sysexits).

use std::{io::ErrorKind, process::ExitCode};

use serde::Serialize;

use crate::{
    auth,
    config::Account,
    doctor::{Issue, explain},
    message::clean::escaped,
    post::{DraftError, ReceiveError, Undelivered},
    reply::direct,
    watch::error::{Verdict, WatchError},
};

/// Some of it was done and some not.
pub(super) const PARTLY: u8 = 3;
/// `EX_DATAERR`: what was given can't be a mail, or not one that the server takes.
const DATA: u8 = 65;
/// `EX_NOINPUT`: a file can't be read.
const NO_INPUT: u8 = 66;
/// `EX_UNAVAILABLE`: a server says no for good.
const UNAVAILABLE: u8 = 69;
/// `EX_CANTCREAT`: a folder or file can't be written.
const CANT_CREATE: u8 = 73;
/// `EX_IOERR`: it could not be told, or the ledger can't be opened.
const UNTOLD: u8 = 74;
/// `EX_TEMPFAIL`: the same may go well later.
const TEMPORARY: u8 = 75;
/// As a shell tells that a program ended by SIGPIPE: nobody reads what it says.
const UNREAD: u8 = 141;
/// `EX_CONFIG`.
const CONFIG: u8 = 78;

/// Why a command ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct CommandError {
    #[serde(skip)]
    pub(super) code: u8,
    /// What is wrong.
    pub(super) error: String,
    /// What to do about it.
    pub(super) cure: Option<String>,
    /// Whether the same may go well later.
    pub(super) temporary: bool,
}

impl CommandError {
    fn new(code: u8, error: impl Into<String>, cure: Option<String>) -> Self {
        Self {
            code,
            error: error.into(),
            cure,
            temporary: code == TEMPORARY,
        }
    }

    pub(super) fn config(error: impl Into<String>) -> Self {
        Self::new(CONFIG, error, None)
    }

    pub(super) fn data(error: impl Into<String>) -> Self {
        Self::new(DATA, error, None)
    }

    pub(super) fn no_input(error: impl Into<String>) -> Self {
        Self::new(NO_INPUT, error, None)
    }

    pub(super) fn cant_create(error: impl Into<String>) -> Self {
        Self::new(CANT_CREATE, error, None)
    }

    pub(super) fn untold(error: impl Into<String>) -> Self {
        Self::new(UNTOLD, error, None)
    }

    pub(super) fn temporary(error: impl Into<String>) -> Self {
        Self::new(TEMPORARY, error, None)
    }

    /// Nobody reads any more: nothing is said.
    fn unread() -> Self {
        Self::new(UNREAD, "", None)
    }

    fn of(code: u8, trouble: Issue) -> Self {
        Self::new(code, trouble.what, Some(trouble.cure))
    }

    fn of_credential(error: &auth::AuthError, account: &Account) -> Self {
        let code = match error.verdict() {
            auth::AuthVerdict::Reconnect => TEMPORARY,
            auth::AuthVerdict::SlowDown => UNAVAILABLE,
        };
        Self::of(code, explain::credential(error, &account.sign_in))
    }

    /// Why nothing was sent, or it is in doubt.
    pub(super) fn of_sending(undelivered: &Undelivered, account: &Account) -> Self {
        let passing = |passes: bool| if passes { TEMPORARY } else { UNAVAILABLE };
        match undelivered {
            Undelivered::TooLarge { .. } | Undelivered::Session(direct::SendError::Unfit) => {
                Self::data(undelivered.to_string())
            }
            Undelivered::Refused { passes, .. } => Self::new(passing(*passes), undelivered.to_string(), None),
            Undelivered::Session(direct::SendError::Credential(error)) => Self::of_credential(error, account),
            Undelivered::Session(direct::SendError::Session {
                failure,
                passes,
                in_doubt,
            }) => {
                let mut trouble = explain::submitting(failure, &account.sign_in);
                if *in_doubt {
                    let doubt = "the server may have taken the mail: look for it before you send it again, with the same --message-id";
                    trouble.cure = doubt.to_owned();
                }
                Self::of(passing(*passes), trouble)
            }
        }
    }

    /// Why no more was received.
    pub(super) fn of_receiving(failure: &ReceiveError, account: &Account, mailbox: &str) -> Self {
        let error = match failure {
            ReceiveError::Server(WatchError::SignIn(error)) => return Self::of_credential(error, account),
            ReceiveError::Server(error) => error,
            ReceiveError::Disk { .. } => return Self::cant_create(failure.to_string()),
            ReceiveError::Output(error) if error.kind() == ErrorKind::BrokenPipe => return Self::unread(),
            ReceiveError::Output(_) => return Self::untold(failure.to_string()),
        };
        let code = match error.verdict() {
            _ if error.patience().is_some() => TEMPORARY,
            Verdict::Reconnect if !matches!(error, WatchError::Protocol(_)) => TEMPORARY,
            Verdict::Reconnect | Verdict::SlowDown => UNAVAILABLE,
            Verdict::Fatal => UNTOLD,
        };
        Self::of(code, explain::reading(error, mailbox, &account.sign_in))
    }

    /// Says it, and gives back the exit code.
    pub(super) fn tell(&self) -> ExitCode {
        if self.code != UNREAD {
            eprintln!("mailjob: {}", escaped(&self.error));
        }
        if let Some(cure) = &self.cure {
            eprintln!("what to do: {}", escaped(cure));
        }
        ExitCode::from(self.code)
    }
}

impl From<DraftError> for CommandError {
    fn from(unfit: DraftError) -> Self {
        Self::data(unfit.to_string())
    }
}
