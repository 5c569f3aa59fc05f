//! Mailjob beside the raw ceiling, on the same servers and mails, in turn.
//!
//! What is compared is a ratio: both programs suffer from a slow or busy machine alike. Nothing here fails because something is
//! slow; it fails when a mail is missing or came twice.

pub mod ceiling;
pub mod mailjob;
pub mod mails;
pub mod report;
pub mod scenario;
pub mod sink;
pub mod stage;
pub mod usage;

mod pushed;
mod pushing;
