//! What ends a session, told apart by what the loop does about it.

use std::{io, time::Duration};

pub use super::words::{Negative, Refusal, Words};
use crate::{
    auth, ledger, net,
    refusal::{self, MailHost},
    secret::Redaction,
};

/// Why a session ended, or could not begin.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// There is no way to the server.
    #[error("{}", net::with_cure(.0))]
    Net(#[from] net::ConnectError),
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Io(#[source] io::Error),
    /// The server closed the connection without a word.
    #[error("the server closed the connection")]
    Closed,
    /// The server, or what stands before it, closed the connection before it said who it is.
    #[error("the server closed the connection before it said anything")]
    Ungreeted,
    /// The server ends the session and says why.
    #[error(
        "the server ends the session: {0}; it is tried again by itself, and if it stays so, ask whoever runs the server"
    )]
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
    /// The server said what the protocol doesn't know or we don't allow.
    #[error("the server broke the protocol: {0}")]
    Protocol(#[from] Violation),
    /// What came is no answer (POP3).
    #[error("the server answered {command} with what is no answer: \"{words}\"")]
    Odd {
        /// What was asked.
        command: &'static str,
        /// What came.
        words: Words,
    },
    /// A mail ended by a dot and LF alone, in the midst of lines that end by CRLF (POP3).
    #[error(
        "the server ends a mail by a dot and a line feed alone, where CRLF belongs (RFC 1939 section 3), and is silent then: its mails are read so from now on"
    )]
    BareEnd,
    /// Something came where nothing was asked (POP3): what was read before was not all of it.
    #[error(
        "bytes that nobody asked for came before {before}: \"{words}\"; what came before them ended where it must not, as when a server does not double the dots that begin lines (RFC 1939 section 3)"
    )]
    Early {
        /// What was not sent then.
        before: &'static str,
        /// How they begin.
        words: Words,
    },
    /// The server begins with what is no greeting, or with a refusal.
    #[error("the server doesn't let us in: it said: {0}")]
    NotGreeted(Words),
    /// It said what is neither an answer nor news.
    #[error("the server broke the protocol: a response that can't be read: {0}")]
    Unreadable(Words),
    /// It said more than we asked for, without end.
    #[error("during {command}, the server said more things that nobody asked for than {most}")]
    Flood {
        /// The command's name.
        command: &'static str,
        /// So many are passed over.
        most: u32,
    },
    /// A command was answered NO, BAD or -ERR.
    #[error("the server refused {command}: {answer}")]
    Refused {
        /// Its name.
        command: &'static str,
        /// What the server said.
        answer: Refusal,
    },
    /// It does not give a mail that is there, whatever it answers.
    #[error("the server does not give the mail with UID {uid}: {why}")]
    Undelivered {
        /// The mail's UID.
        uid: u32,
        /// Its words, or what it does.
        why: Words,
    },
    /// The server did not believe who we are.
    #[error("the server refused the sign-in by {mechanism}: {answer}; {}; {}", answer.diagnosis(*.host).what, answer.diagnosis(*.host).cure)]
    Credential {
        /// The SASL mechanism, or LOGIN, or PASS.
        mechanism: &'static str,
        /// Whose server it is.
        host: MailHost,
        /// What the server said.
        answer: Refusal,
    },
    /// The server offers no way to sign in that we could use.
    #[error("the server offers no way to sign in with {0}")]
    NoMechanism(&'static str),
    /// Another session has the maildrop (POP3).
    #[error("another session has the maildrop: {0}; waiting until it ends")]
    InUse(Refusal),
    /// Sign-ins follow one another too fast for the server (POP3, RFC 2449 section 6.6).
    #[error("the server wants {} s between two sign-ins: {answer}", .wait.as_secs())]
    TooSoon {
        /// What it wants, at most an hour.
        wait: Duration,
        /// What it said.
        answer: Refusal,
    },
    /// The server has no UIDL (POP3).
    #[error(
        "the server gives mails no unique ids (UIDL): {0}; without them a mail that was done can't be told from a new one, so read this mailbox by IMAP"
    )]
    NoUidl(Refusal),
    /// There is no credential to sign in with.
    #[error(transparent)]
    SignIn(#[from] auth::AuthError),
    /// The mailbox's name can't be written in IMAP.
    #[error("the mailbox name {0:?} has control characters or is empty")]
    Name(String),
    /// The ledger is new, and the mailbox shows that we worked there before.
    #[error(
        "the ledger knows nothing of this mailbox, but mails were done here before: \"{target}\" has {mails}; if the ledger was lost, nobody knows which mails were done, so nothing is taken"
    )]
    LostLedger {
        /// The mailbox that shows it.
        target: String,
        /// The mails in it.
        mails: u32,
    },
    /// Mails that were left can't be told from new ones any more.
    #[error(
        "the server gave the mails of this mailbox new numbers, so those that were left by backlog = \"skip\" can't be told from new ones: move them to another mailbox, or take them all, and write backlog = \"process\""
    )]
    Forgotten,
    /// What was taken could not be noted.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
}

/// What a server must not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// A line of over 64 KiB (IMAP) or 8 KiB (POP3).
    #[error("a line that has no end")]
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
    /// More lines than anything that we ask for has.
    #[error("an answer of too many lines")]
    Lines,
    /// Listings of a maildrop that no server may give (POP3).
    #[error("a list of mails that can't be read or does not agree with itself")]
    Listing,
    /// Bytes that can't stand where they stand.
    #[error("bytes that are no IMAP")]
    Grammar,
    /// An answer that can't be read, or is none.
    #[error("a response that can't be read")]
    Unreadable,
    /// An answer to a command that we did not send.
    #[error("an answer to a command that was not sent")]
    Tag,
    /// No greeting.
    #[error("no greeting")]
    Greeting,
    /// A greeting that skips TLS and sign-in (PREAUTH).
    #[error("a greeting that skips the sign-in (PREAUTH)")]
    Preauth,
    /// STARTTLS or STLS is not offered, or refused.
    #[error("no STARTTLS or STLS; without TLS nothing is sent")]
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

impl WatchError {
    /// Whether somebody who mends the account ends it; a server that wants to be left alone is.
    #[must_use]
    pub(crate) fn mends(&self) -> auth::AuthVerdict {
        match (self.verdict(), self.patience()) {
            (Verdict::SlowDown | Verdict::Fatal, None) => auth::AuthVerdict::SlowDown,
            _ => auth::AuthVerdict::Reconnect,
        }
    }

    /// The same, at this server.
    #[must_use]
    pub fn at(mut self, server: MailHost) -> Self {
        if let Self::Credential { host, .. } = &mut self {
            *host = server;
        }
        self
    }

    /// Without what was said in secret before: a server may quote it.
    #[must_use]
    pub(crate) fn struck(mut self, redaction: &Redaction) -> Self {
        match &mut self {
            Self::Bye(words)
            | Self::NotGreeted(words)
            | Self::Unreadable(words)
            | Self::Odd { words, .. }
            | Self::Early { words, .. }
            | Self::Undelivered { why: words, .. } => words.strike(redaction),
            Self::Refused { answer, .. }
            | Self::Credential { answer, .. }
            | Self::InUse(answer)
            | Self::TooSoon { answer, .. }
            | Self::NoUidl(answer) => answer.strike(redaction),
            _ => {}
        }
        self
    }

    /// What to do about it.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self {
            // A server that restarts drops whoever greets it in TLS; a wrong certificate is a person's business.
            Self::Net(error) if error.needs_person() => Verdict::SlowDown,
            // With TLS 1.3 a server says only after the handshake that it wants a client's certificate.
            Self::Io(error) if net::tls_cure(error).is_some() => Verdict::SlowDown,
            Self::Net(_)
            | Self::Io(_)
            | Self::Closed
            | Self::Ungreeted
            | Self::Silent(_)
            | Self::Endless { .. }
            | Self::Bye(_)
            | Self::Protocol(_)
            | Self::Odd { .. }
            | Self::Early { .. }
            | Self::BareEnd
            | Self::Unreadable(_)
            | Self::Undelivered { .. }
            | Self::InUse(_)
            | Self::TooSoon { .. } => Verdict::Reconnect,
            Self::Refused { .. }
            | Self::NotGreeted(_)
            | Self::Flood { .. }
            | Self::Credential { .. }
            | Self::NoMechanism(_)
            | Self::NoUidl(_)
            | Self::Name(_)
            | Self::LostLedger { .. }
            | Self::Forgotten => Verdict::SlowDown,
            Self::SignIn(error) => match error.verdict() {
                auth::AuthVerdict::Reconnect => Verdict::Reconnect,
                auth::AuthVerdict::SlowDown => Verdict::SlowDown,
            },
            Self::Ledger(ledger::Error::Closed) => Verdict::Fatal,
            Self::Ledger(_) => Verdict::Reconnect,
        }
    }

    /// Whether nobody gets through to the server now.
    #[must_use]
    pub(crate) fn is_away(&self) -> bool {
        match self {
            Self::Net(error) => error.is_away(),
            Self::Ungreeted => true,
            _ => false,
        }
    }

    /// The same, where it ended a connection that was just made.
    pub(super) fn before_greeting(self) -> Self {
        match self {
            Self::Closed => Self::Ungreeted,
            Self::Io(error) if net::tls_cure(&error).is_none() => Self::Ungreeted,
            other => other,
        }
    }

    /// How long the server asks to be left alone: at most five minutes, or an hour between two sign-ins by POP3.
    #[must_use]
    pub fn patience(&self) -> Option<Duration> {
        match self {
            Self::Refused { answer, .. } | Self::Credential { answer, .. } => answer.patience(),
            Self::Bye(words) | Self::NotGreeted(words) => refusal::backoff(words.as_str()),
            Self::TooSoon { wait, .. } => Some(*wait),
            _ => None,
        }
    }
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
