//! Who is told when a sign-in needs a person, or will end. Types only; `check` reads them.

use std::{sync::Arc, time::Duration};

use super::Account;

/// Who hears of what only a person can mend, and whose server takes the mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// Addresses, one at least and a hundred at most.
    pub to: Vec<String>,
    /// The account that sends. It has an SMTP server and an address; best it is not one of those that are watched, so that it
    /// works when their sign-in does not.
    pub account: Arc<Account>,
    /// The time between two looks at the sign-ins. Default a minute.
    pub every: Duration,
}

impl Operator {
    /// The time between two looks when nothing is written.
    pub const EVERY: Duration = Duration::from_secs(60);
}
