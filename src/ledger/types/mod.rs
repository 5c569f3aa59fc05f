//! What is said to a ledger and what it says. No engine, no rule: values only.

pub(super) mod backlog;
pub(super) mod error;
pub(super) mod event;
pub(super) mod job;
pub(super) mod job_list;
pub(super) mod mail;
pub(super) mod mailbox;
pub(super) mod reply;
pub(super) mod sign_in;
pub(super) mod steer;
pub(super) mod story;
pub(super) mod upkeep;
