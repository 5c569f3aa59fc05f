//! The engine on real files: what SQLite alone can show.

mod identity;
mod inspection;
mod life;
mod older;
pub(in crate::ledger) mod oracle;
pub(in crate::ledger::sqlite) mod plans;
mod secrecy;
mod sign_ins;
mod tables;
mod trouble;
mod upgrade;
mod waiting;

use super::{backup, backup_into, foreign_log, inspect, lock::LockAttempt, open, versions_beside, *};
use crate::ledger::tests::*;
