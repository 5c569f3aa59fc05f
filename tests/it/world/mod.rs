//! The mail world itself: the servers do what the other tests take for granted.

mod installation;
mod mailboxes;
mod mails;
mod receiver;
mod sign_in;
mod submission;

/// Whose mailbox it is.
const USER: &str = "ada@example.test";
