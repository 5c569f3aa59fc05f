//! What rules and views know of an engine: statements with numbered parameters, rows, values. What else it can do, and how, is its own.

mod dialect;
mod value;

use std::{borrow::Cow, ops::ControlFlow, vec};

pub(in crate::ledger) use self::{
    dialect::{Dialect, ids, words},
    value::{FromValue, SqlValue, ToValue},
};
use super::types::error::Error;

/// An engine, inside a transaction of its own.
pub(in crate::ledger) trait SqlEngine {
    /// Runs a statement; says how many rows it changed.
    fn execute(&self, sql: &str, values: &[SqlValue<'_>]) -> Result<usize>;

    /// Makes a row in a table that numbers its rows; says which number it has. Where an engine knows that without being asked, it is not asked
    /// (`RETURNING`): SQLite would open a table of its own for the answer.
    fn insert(&self, sql: &str, values: &[SqlValue<'_>]) -> Result<i64>;

    /// Runs a statement, and hands on its rows until nobody wants more.
    fn select(
        &self,
        sql: &str,
        values: &[SqlValue<'_>],
        each: &mut dyn FnMut(&Row<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<()>;

    /// Runs statements that have neither parameters nor rows.
    fn execute_batch(&self, sql: &str) -> Result<()>;

    /// Whether there is a transaction still: an engine gives one up when it must, as it may on a full disk.
    fn in_transaction(&self) -> bool;

    /// Makes a row that has these bytes, which may be many: no copy of them is made.
    fn store_bytes(&self, at: BlobColumn, bytes: &[u8]) -> Result<()>;

    /// A piece of those bytes, from there on, at most so many.
    fn read_bytes(&self, at: BlobColumn, from: u64, most: usize) -> Result<Vec<u8>>;

    /// A number for a mail that no other has, nor will have that is begun at the same time: its bytes may come before its row. Where many write,
    /// a sequence gives it; where one does, it is the next one.
    fn next_mail(&self) -> Result<i64>;

    /// What it says in words of its own.
    fn dialect(&self) -> &'static Dialect;

    /// Lets nobody else judge this mail until the transaction ends: whether all of its jobs, its parts or its replies have ended, or who has
    /// it next. Where there is one writer at a time, nobody else can.
    fn lock_mail(&self, mail: i64) -> Result<()>;

    /// The same for what is counted under a name: what happened at a gate, answers to a conversation, jobs that run at an endpoint.
    fn lock_count(&self, of: &[u8]) -> Result<()>;
}

/// Where bytes are stored that may be many: a row of a table that has a key and them.
#[derive(Debug, Clone, Copy)]
pub(in crate::ledger) struct BlobColumn {
    pub(in crate::ledger) table: &'static str,
    pub(in crate::ledger) key: &'static str,
    pub(in crate::ledger) column: &'static str,
    pub(in crate::ledger) row: i64,
}

/// A row's columns.
pub(in crate::ledger) trait Columns {
    fn column(&self, at: usize) -> Result<SqlValue<'_>>;
}

pub(in crate::ledger) struct Row<'a>(pub(in crate::ledger) &'a dyn Columns);

impl Row<'_> {
    pub(in crate::ledger) fn get<T: FromValue>(&self, column: usize) -> Result<T> {
        let value = self.0.column(column)?;
        T::from_value(value).ok_or_else(|| {
            let found = match value {
                SqlValue::Text(text) => format!("{:?}", text.chars().take(40).collect::<String>()),
                SqlValue::Integer(number) => number.to_string(),
                SqlValue::Null => "nothing".to_owned(),
                SqlValue::Blob(bytes) => format!("{} bytes", bytes.len()),
            };
            SqlError::Unreadable(format!("{found} where there should be {} in column {column}", T::WHAT))
        })
    }

    /// A column as it is kept.
    pub(in crate::ledger) fn get_ref(&self, column: usize) -> Result<SqlValue<'_>> {
        self.0.column(column)
    }
}

/// Why a statement came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ledger) enum SqlError {
    /// It has no row.
    NoRow,
    /// A row has something in it that can't be.
    Unreadable(String),
    /// The engine failed, or who looked at a row.
    Ledger(Error),
}

pub(in crate::ledger) type Result<T> = std::result::Result<T, SqlError>;

impl From<SqlError> for Error {
    fn from(failed: SqlError) -> Self {
        match failed {
            SqlError::NoRow => Self::Engine("a row is missing that is always there".to_owned()),
            SqlError::Unreadable(what) => Self::Engine(format!(
                "a row can't be read: {what}; another version of Mailjob wrote it, or somebody else"
            )),
            SqlError::Ledger(error) => error,
        }
    }
}

impl From<Error> for SqlError {
    fn from(error: Error) -> Self {
        Self::Ledger(error)
    }
}

/// Where there may be no row.
pub(in crate::ledger) trait OptionalExtension<T> {
    fn optional(self) -> Result<Option<T>>;
}

impl<T> OptionalExtension<T> for Result<T> {
    fn optional(self) -> Result<Option<T>> {
        match self {
            Ok(found) => Ok(Some(found)),
            Err(SqlError::NoRow) => Ok(None),
            Err(failed) => Err(failed),
        }
    }
}

impl dyn SqlEngine + '_ {
    /// A statement, which the engine keeps prepared.
    pub(in crate::ledger) fn prepare<'a>(&'a self, sql: impl Into<Cow<'a, str>>) -> Statement<'a> {
        Statement {
            db: self,
            sql: sql.into(),
        }
    }
}

/// A statement to be run, as often as one likes.
pub(in crate::ledger) struct Statement<'a> {
    db: &'a dyn SqlEngine,
    sql: Cow<'a, str>,
}

impl Statement<'_> {
    /// Says how many rows it changed.
    pub(in crate::ledger) fn execute(&self, values: impl Params) -> Result<usize> {
        values.with(|values| self.db.execute(&self.sql, values))
    }

    /// Makes a row; says which number it has.
    pub(in crate::ledger) fn insert(&self, values: impl Params) -> Result<i64> {
        values.with(|values| self.db.insert(&self.sql, values))
    }

    /// The first row.
    pub(in crate::ledger) fn query_row<T>(
        &self,
        values: impl Params,
        mut read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut found = Err(SqlError::NoRow);
        self.each(values, |row| {
            found = Ok(read(row)?);
            Ok(ControlFlow::Break(()))
        })?;
        found
    }

    /// All rows.
    pub(in crate::ledger) fn query_map<T>(
        &self,
        values: impl Params,
        mut read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<vec::IntoIter<Result<T>>> {
        let mut all = Vec::new();
        self.each(values, |row| {
            all.push(Ok(read(row)?));
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(all.into_iter())
    }

    /// One row after the other, until nobody wants more.
    pub(in crate::ledger) fn each(
        &self,
        values: impl Params,
        mut each: impl FnMut(&Row<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        values.with(|values| self.db.select(&self.sql, values, &mut each))
    }
}

/// The values of a statement's parameters, in order.
pub(in crate::ledger) trait Params {
    fn with<R>(&self, run: impl FnOnce(&[SqlValue<'_>]) -> R) -> R;
}

impl Params for () {
    fn with<R>(&self, run: impl FnOnce(&[SqlValue<'_>]) -> R) -> R {
        run(&[])
    }
}

impl Params for &[SqlValue<'_>] {
    fn with<R>(&self, run: impl FnOnce(&[SqlValue<'_>]) -> R) -> R {
        run(self)
    }
}

impl<T: ToValue, const N: usize> Params for [T; N] {
    fn with<R>(&self, run: impl FnOnce(&[SqlValue<'_>]) -> R) -> R {
        run(&self.each_ref().map(ToValue::to_value))
    }
}

/// Values of several types.
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        &[$($crate::ledger::db::ToValue::to_value(&$value)),*][..]
    };
}
pub(in crate::ledger) use params;
