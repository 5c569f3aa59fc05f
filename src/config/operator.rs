//! Who is told of what needs a person. Types only; `check` reads them.

use std::{sync::Arc, time::Duration};

use super::{Account, Rate};

/// Who hears of what only a person can mend, and whose server takes the mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// Addresses, one at least and a hundred at most.
    pub to: Vec<String>,
    /// The account that sends. It has an SMTP server and an address; best it is not one of those that are watched, so that it
    /// works when their sign-in does not.
    pub account: Arc<Account>,
    /// The time between two looks. Default a minute.
    pub every: Duration,
    /// How long a mailbox may be out of reach before that is told. Default 15 minutes.
    pub silent_after: Duration,
    /// The time between two mails at least: what comes in between is gathered. Default 15 minutes; zero for each look's news at once.
    pub digest: Duration,
    /// How many mails may go in a time; what is over goes with the next one. Default 12 an hour.
    pub limit: Rate,
    /// The template of the subject (minijinja).
    pub subject: String,
    /// The template of the text.
    pub text: String,
}

impl Operator {
    /// The time between two looks when nothing is written.
    pub const EVERY: Duration = Duration::from_secs(60);
    /// How long a mailbox may be out of reach when nothing is written.
    pub const SILENT_AFTER: Duration = Duration::from_secs(15 * 60);
    /// The time between two mails when nothing is written.
    pub const DIGEST: Duration = Duration::from_secs(15 * 60);
    /// How many mails may go when nothing is written.
    pub const LIMIT: Rate = Rate {
        count: 12,
        per: Duration::from_secs(60 * 60),
    };
    /// The subject when nothing is written.
    pub const SUBJECT: &str = "[mailjob] {{ headline }}";
    /// The text when nothing is written.
    pub const TEXT: &str = "{% for item in news %}{{ item.words }}\n\n{% endfor %}\
        This was written by Mailjob on {{ host }}, ledger {{ ledger }}.\n{{ closing }}\n";

    /// An operator of whom nothing more is known.
    #[must_use]
    pub fn new(to: Vec<String>, account: Arc<Account>) -> Self {
        Self {
            to,
            account,
            every: Self::EVERY,
            silent_after: Self::SILENT_AFTER,
            digest: Self::DIGEST,
            limit: Self::LIMIT,
            subject: Self::SUBJECT.to_owned(),
            text: Self::TEXT.to_owned(),
        }
    }
}
