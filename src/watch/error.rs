//! What ends a session, told apart by what the loop does about it.

use std::{fmt, io, time::Duration};

use crate::{auth, ledger, net};

/// Why a session ended, or could not begin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no way to the server.
    #[error(transparent)]
    Net(#[from] net::Error),
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Io(#[source] io::Error),
    /// The server closed the connection without a word.
    #[error("the server closed the connection")]
    Closed,
    /// The server closed the connection and said why.
    #[error("the server closed the connection: {0}")]
    Bye(Words),
    /// Nothing came for this long.
    #[error("the server was silent for {} s", .0.as_secs())]
    Silent(Duration),
    /// A command had no end.
    #[error("{command} did not end within {} s", .after.as_secs())]
    Endless {
        /// Its name.
        command: &'static str,
        /// The deadline.
        after: Duration,
    },
    /// The server said what IMAP doesn't know or we don't allow.
    #[error("the server broke the protocol: {0}")]
    Protocol(#[from] Violation),
    /// A command was answered NO or BAD.
    #[error("the server refused {command}: {answer}")]
    Refused {
        /// Its name.
        command: &'static str,
        /// What the server said.
        answer: Refusal,
    },
    /// The server did not believe who we are.
    #[error(
        "the server refused the sign-in by {mechanism}: {answer}; check user name, permissions and whether IMAP is enabled for this mailbox"
    )]
    Credential {
        /// The SASL mechanism, or LOGIN.
        mechanism: &'static str,
        /// What the server said.
        answer: Refusal,
    },
    /// The server offers no way to sign in that we could use.
    #[error("the server offers no way to sign in with {0}")]
    NoMechanism(&'static str),
    /// There is no credential to sign in with.
    #[error(transparent)]
    SignIn(#[from] auth::Error),
    /// The mailbox's name can't be written in IMAP.
    #[error("the mailbox name {0:?} has control characters or is empty")]
    Name(String),
    /// What was taken could not be noted.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
}

/// What a server must not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// A line of over 64 KiB.
    #[error("a line of over 64 KiB")]
    Line,
    /// A literal that is larger than anything we ask for.
    #[error("a literal larger than what was asked for")]
    Literal,
    /// A list in a list, where none was asked for.
    #[error("nested lists that were not asked for")]
    Nested,
    /// A literal where none was asked for.
    #[error("a literal that was not asked for")]
    Unasked,
    /// Bytes that can't stand where they stand.
    #[error("bytes that are no IMAP")]
    Grammar,
    /// A response that the parser can't read.
    #[error("a response that can't be read")]
    Unreadable,
    /// No greeting.
    #[error("no greeting")]
    Greeting,
    /// A greeting that skips TLS and sign-in (PREAUTH).
    #[error("a greeting that skips the sign-in (PREAUTH)")]
    Preauth,
    /// STARTTLS is not offered, or refused.
    #[error("no STARTTLS; without TLS nothing is sent")]
    NoTls,
    /// Text came between the server's consent to TLS and TLS itself (CVE-2021-33515 and its like).
    #[error("text before TLS began: somebody may be in between")]
    Injected,
    /// It asked for more when nothing more was to say.
    #[error("a request to continue when there was nothing to continue")]
    Continue,
    /// A line of our own held a control character, which would have been a second command.
    #[error("a command with control characters was not sent")]
    Command,
}

/// A NO or BAD.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// BAD rather than NO.
    pub bad: bool,
    /// The response code's atom in capitals (RFC 9051 section 7.1), e.g. `OVERQUOTA`.
    pub code: Option<Words>,
    /// Its text, or what a SASL challenge said.
    pub text: Words,
}

impl Refusal {
    /// Whether it has this response code.
    #[must_use]
    pub fn is(&self, code: &str) -> bool {
        self.code.as_ref().is_some_and(|c| c.0 == code)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.bad { "BAD " } else { "NO " })?;
        if let Some(code) = &self.code {
            write!(f, "[{code}] ")?;
        }
        self.text.fmt(f)
    }
}

/// A server's words: at most 300 characters, none of them a control character.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Words(String);

impl Words {
    /// The words that are fit to be shown.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let shown = text.trim().chars().take(300);
        Self(shown.map(|c| if c.is_control() { ' ' } else { c }).collect())
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the loop does about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Connections come and go: connect again, with back-off.
    Reconnect,
    /// Somebody has to act, or the server wants to be left alone: connect again, but seldom.
    SlowDown,
    /// There is nowhere to put mail any more.
    Fatal,
}

impl Error {
    /// What to do about it.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Net(
                net::Error::CaFile { .. } | net::Error::Setup(_) | net::Error::Name(_) | net::Error::Tls { .. },
            ) => Verdict::SlowDown,
            Self::Net(
                net::Error::Resolve { .. }
                | net::Error::Connect { .. }
                | net::Error::Timeout { .. }
                | net::Error::Http(_),
            )
            | Self::Io(_)
            | Self::Closed
            | Self::Silent(_)
            | Self::Endless { .. } => Verdict::Reconnect,
            Self::Bye(_) | Self::Protocol(_) => Verdict::Reconnect,
            Self::Refused { .. } | Self::Credential { .. } | Self::NoMechanism(_) | Self::Name(_) => Verdict::SlowDown,
            Self::SignIn(error) => match error.verdict() {
                auth::Verdict::Reconnect => Verdict::Reconnect,
                auth::Verdict::SlowDown => Verdict::SlowDown,
            },
            Self::Ledger(ledger::Error::Closed) => Verdict::Fatal,
            Self::Ledger(
                ledger::Error::InUse { .. }
                | ledger::Error::Newer { .. }
                | ledger::Error::Older { .. }
                | ledger::Error::SignInBusy { .. }
                | ledger::Error::Full(_)
                | ledger::Error::Stale(_)
                | ledger::Error::Illegal { .. }
                | ledger::Error::Missing(_)
                | ledger::Error::Engine(_),
            ) => Verdict::Reconnect,
        }
    }

    /// How long the server asks to be left alone, at most five minutes.
    ///
    /// The one place in this room where a server's text decides something: Exchange Online throttles with `NO` or `BAD` and
    /// `Request is throttled. Suggested Backoff Time: 299961 milliseconds` and no response code (2026).
    #[must_use]
    pub fn patience(&self) -> Option<Duration> {
        const LONGEST: Duration = Duration::from_secs(300);
        let text = match self {
            Self::Refused { answer, .. } | Self::Credential { answer, .. } => &answer.text,
            Self::Bye(words) => words,
            _ => return None,
        };
        let (_, tail) = text.0.split_once("Suggested Backoff Time: ")?;
        let digits: String = tail.chars().take_while(char::is_ascii_digit).collect();
        let asked = digits.parse().map_or(LONGEST, Duration::from_millis);
        Some(asked.min(LONGEST))
    }
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
