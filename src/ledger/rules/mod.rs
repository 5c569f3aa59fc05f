//! The rules: what is done to the tables. One act is one file and one transaction; none knows the engine.

pub(in crate::ledger) mod backlog;
pub(in crate::ledger) mod backlog_sort;
pub(in crate::ledger) mod backlog_wish;
pub(in crate::ledger) mod bounce;
pub(in crate::ledger) mod claim;
pub(in crate::ledger) mod file_versions;
pub(in crate::ledger) mod finish;
pub(in crate::ledger) mod forget;
pub(in crate::ledger) mod lacking;
pub(in crate::ledger) mod mail_bytes;
pub(in crate::ledger) mod maildrop;
pub(in crate::ledger) mod notices;
pub(in crate::ledger) mod parts;
pub(in crate::ledger) mod past;
pub(in crate::ledger) mod pause;
pub(in crate::ledger) mod rate;
pub(in crate::ledger) mod recover;
pub(in crate::ledger) mod route;
pub(in crate::ledger) mod settle;
pub(in crate::ledger) mod sign_in;
pub(in crate::ledger) mod steer;
pub(in crate::ledger) mod submit;
pub(in crate::ledger) mod take;
pub(in crate::ledger) mod talk;
pub(in crate::ledger) mod transaction;
