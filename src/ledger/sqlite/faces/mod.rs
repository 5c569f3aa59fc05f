//! Each face of the ledger, as SQLite has it: a closure for the writer, or for a reader.

mod backlog;
pub(in crate::ledger) mod loops;
pub(in crate::ledger) mod operator;
pub(in crate::ledger) mod outbox;
pub(in crate::ledger) mod sign_ins;
pub(in crate::ledger) mod tables;
