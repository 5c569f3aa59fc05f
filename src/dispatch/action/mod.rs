//! What is done with a mail.

pub(super) mod command;
pub mod webhook;
