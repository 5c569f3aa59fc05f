//! The engine on real files: what SQLite alone can show.

mod identity;
mod inspection;
mod life;
pub(super) mod plans;
mod secrecy;
mod sign_ins;
mod trouble;
mod upgrade;
mod waiting;

use super::{backup, backup_into, inspect, lock::LockAttempt, open, versions_beside, *};
use crate::ledger::tests::*;
