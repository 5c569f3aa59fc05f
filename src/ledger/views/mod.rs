//! What is looked at: jobs, replies, what happened, how much there is. Nothing is changed here.

pub(in crate::ledger) mod counts;
pub(in crate::ledger) mod events;
pub(in crate::ledger) mod jobs;
pub(in crate::ledger) mod mails;
pub(in crate::ledger) mod news;
pub(in crate::ledger) mod overview;
pub(in crate::ledger) mod past;
pub(in crate::ledger) mod recipients;
pub(in crate::ledger) mod replies;
pub(in crate::ledger) mod story;
