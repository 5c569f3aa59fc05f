//! How SQLite runs what rules and views ask, how it keeps values, and what its errors mean.

use std::{cell::Cell, ops::ControlFlow};

use rusqlite::{
    Connection, ErrorCode, MAIN_DB, ToSql, params, params_from_iter,
    types::{ToSqlOutput, ValueRef},
};

use super::super::values::signed;
use crate::ledger::{
    Error,
    db::{BlobColumn, Columns, Dialect, Result, Row, SqlEngine, SqlError, SqlValue},
};

/// Bytes that SQLite gets at once.
const IN_ONE: usize = 256 << 10;

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full(error.to_string()),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged(error.to_string()),
            _ => Self::Engine(error.to_string()),
        }
    }
}

impl From<rusqlite::Error> for SqlError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Ledger(error.into())
    }
}

thread_local! {
    /// What this thread ran so far.
    static RUN: Cell<u64> = const { Cell::new(0) };
}

/// How many statements this thread ran so far.
pub(in crate::ledger) fn statements() -> u64 {
    RUN.get()
}

impl SqlEngine for Connection {
    fn execute(&self, sql: &str, values: &[SqlValue<'_>]) -> Result<usize> {
        RUN.set(RUN.get() + 1);
        Ok(self.prepare_cached(sql)?.execute(params_from_iter(values))?)
    }

    fn insert(&self, sql: &str, values: &[SqlValue<'_>]) -> Result<i64> {
        RUN.set(RUN.get() + 1);
        Ok(self.prepare_cached(sql)?.insert(params_from_iter(values))?)
    }

    fn select(
        &self,
        sql: &str,
        values: &[SqlValue<'_>],
        each: &mut dyn FnMut(&Row<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        RUN.set(RUN.get() + 1);
        let mut statement = self.prepare_cached(sql)?;
        let mut rows = statement.query(params_from_iter(values))?;
        while let Some(row) = rows.next()? {
            if each(&Row(row))?.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn execute_batch(&self, sql: &str) -> Result<()> {
        Ok(Connection::execute_batch(self, sql)?)
    }

    fn in_transaction(&self) -> bool {
        !self.is_autocommit()
    }

    fn store_bytes(&self, at: BlobColumn, bytes: &[u8]) -> Result<()> {
        let BlobColumn {
            table,
            key,
            column,
            row,
        } = at;
        if bytes.len() <= IN_ONE {
            self.prepare_cached(&format!("INSERT INTO {table} ({key}, {column}) VALUES (?1, ?2)"))?
                .execute(params![row, bytes])?;
            return Ok(());
        }
        // SQLite would hold it twice: as it is bound, and as a part of its row.
        self.prepare_cached(&format!(
            "INSERT INTO {table} ({key}, {column}) VALUES (?1, zeroblob(?2))"
        ))?
        .execute(params![row, signed(bytes.len())])?;
        let mut blob = self.blob_open(MAIN_DB, table, column, row, false)?;
        for (number, piece) in bytes.chunks(IN_ONE).enumerate() {
            blob.write_at(piece, number * IN_ONE)?;
        }
        Ok(())
    }

    fn read_bytes(&self, at: BlobColumn, from: u64, most: usize) -> Result<Vec<u8>> {
        // SQLite finds its way to it through the pages, and holds none of it.
        let blob = self.blob_open(MAIN_DB, at.table, at.column, at.row, true)?;
        let from = usize::try_from(from).unwrap_or(usize::MAX).min(blob.len());
        let mut piece = vec![0; most.min(blob.len() - from)];
        blob.read_at_exact(&mut piece, from)?;
        Ok(piece)
    }

    fn next_mail(&self) -> Result<i64> {
        let next =
            "SELECT 1 + max(coalesce((SELECT max(id) FROM mail), 0), coalesce((SELECT max(mail) FROM upload), 0))";
        Ok(self.prepare_cached(next)?.query_row([], |row| row.get(0))?)
    }

    fn dialect(&self) -> &'static Dialect {
        static DIALECT: Dialect = Dialect {
            each_id: |parameter| format!("(SELECT value FROM json_each({parameter}))"),
            each_word: |parameter| format!("(SELECT value FROM json_each({parameter}))"),
            has_in_it: |text, part| format!("instr({text}, {part}) > 0"),
            is_like: |text, pattern| format!("{text} LIKE {pattern} ESCAPE '\\'"),
            hex: |bytes| format!("hex({bytes})"),
            greatest: "max",
            by: |index| format!(" INDEXED BY {index}"),
            then_join: "CROSS JOIN",
        };
        &DIALECT
    }

    fn lock_mail(&self, _mail: i64) -> Result<()> {
        // One transaction writes at a time.
        Ok(())
    }

    fn lock_count(&self, _of: &[u8]) -> Result<()> {
        Ok(())
    }
}

impl Columns for rusqlite::Row<'_> {
    fn column(&self, at: usize) -> Result<SqlValue<'_>> {
        Ok(match self.get_ref(at)? {
            ValueRef::Null => SqlValue::Null,
            ValueRef::Integer(number) => SqlValue::Integer(number),
            ValueRef::Text(text) => SqlValue::Text(
                std::str::from_utf8(text).map_err(|_| SqlError::Unreadable(format!("no UTF-8 in column {at}")))?,
            ),
            ValueRef::Blob(bytes) => SqlValue::Blob(bytes),
            ValueRef::Real(_) => return Err(SqlError::Unreadable(format!("a fraction in column {at}"))),
        })
    }
}

impl ToSql for SqlValue<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            SqlValue::Null => ValueRef::Null,
            SqlValue::Integer(number) => ValueRef::Integer(*number),
            SqlValue::Text(text) => ValueRef::Text(text.as_bytes()),
            SqlValue::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}
