//! The mail world itself: the servers do what the other tests take for granted.

mod grants;
mod installation;
mod mailboxes;
mod mails;
mod proofs;
mod receiver;
pub(crate) mod sign_in;
mod standins;
mod submission;
mod trouble;

/// Whose mailbox it is.
const USER: &str = "ada@example.test";
