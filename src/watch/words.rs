//! How a server says no, in its words.

use std::{borrow::Cow, fmt, time::Duration};

use crate::{
    config::Protocol,
    message::clean::clean,
    refusal::{self, Diagnosis, MailHost},
    secret::Redaction,
};

/// How a server says no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Negative {
    /// IMAP: it won't.
    No,
    /// IMAP: it does not understand.
    Bad,
    /// POP3: either.
    Err,
}

impl fmt::Display for Negative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::No => "NO",
            Self::Bad => "BAD",
            Self::Err => "-ERR",
        })
    }
}

/// A NO, BAD or -ERR.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Which of them.
    pub status: Negative,
    /// The response code in capitals (RFC 9051 section 7.1, RFC 2449 section 8), e.g. `OVERQUOTA` or `IN-USE`.
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

    /// Strikes out what was said in secret before.
    pub(crate) fn strike(&mut self, redaction: &Redaction) {
        self.text.strike(redaction);
        if let Some(code) = &mut self.code {
            code.strike(redaction);
        }
    }

    /// How long the server wants to be left alone, where it says so.
    #[must_use]
    pub fn patience(&self) -> Option<Duration> {
        refusal::backoff(&self.text.0)
    }

    /// What it means where it answers a sign-in, and what to do about it.
    #[must_use]
    pub fn diagnosis(&self, host: MailHost) -> Diagnosis {
        let protocol = match self.status {
            Negative::Err => Protocol::Pop3,
            Negative::No | Negative::Bad => Protocol::Imap,
        };
        refusal::sign_in(host, protocol, &self.to_string())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.status)?;
        if let Some(code) = &self.code {
            write!(f, "[{code}] ")?;
        }
        self.text.fmt(f)
    }
}

/// A server's words, cleaned: at most 300 characters, in one line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Words(String);

impl Words {
    /// The words that are fit to be shown.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(clean(text, 300))
    }

    /// All of them.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether they begin as an IMAP server's refusal does, whatever stands before.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        let first = self.0.split_whitespace().find(|word| *word != "*");
        first.is_some_and(|word| {
            ["NO", "BAD", "BYE"]
                .iter()
                .any(|status| word.eq_ignore_ascii_case(status))
        })
    }

    /// The same without what was said in secret before.
    pub(crate) fn struck(mut self, redaction: &Redaction) -> Self {
        self.strike(redaction);
        self
    }

    /// Strikes out what was said in secret before.
    pub(crate) fn strike(&mut self, redaction: &Redaction) {
        if let Cow::Owned(left) = redaction.strike(&self.0) {
            self.0 = left;
        }
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
