//! A reply of ours that came back. Types only.

use crate::job::token::Named;

/// What a bounce says of a reply of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounced {
    /// The Message-IDs that it may be of, without angle brackets, and where each is looked for: the likeliest first.
    pub replies: Vec<(Named, String)>,
    /// Who has not got it. Where it names none of the reply's recipients, it is of all of them.
    pub recipients: Vec<String>,
    /// The server's words, free of control characters.
    pub said: String,
}
