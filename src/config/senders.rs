//! Whose mail is accepted, and how much of it. Types only; `check` reads them.

/// Whose mail is accepted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Senders {}

/// How many jobs and replies there may be in a time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rates {}
