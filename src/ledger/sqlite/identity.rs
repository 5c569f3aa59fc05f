//! Whose database a file is: ours by its application id, or by its tables where a Mailjob wrote it that gave none. Another program's is
//! never changed.

use std::{collections::BTreeSet, path::Path};

use rusqlite::Connection;

use crate::ledger::Error;

/// `application_id` of the file: "mjob".
const OURS: i64 = 0x6d6a_6f62;

/// Tables that every schema of ours has.
const TABLES: [&str; 8] = [
    "mailbox",
    "mail",
    "chunk",
    "place",
    "job",
    "attempt",
    "reply",
    "reply_body",
];

/// Whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ledger) enum Ownership {
    /// Nobody's: there is nothing in it.
    Nobody,
    /// Ours, and it says so.
    Ours,
    /// Ours by its tables: an older Mailjob wrote it.
    OursOfOld,
    /// Another program's.
    Another,
}

/// Whose a database with this id, this schema and these tables is. Pure.
fn judge(id: i64, schema: i64, tables: &BTreeSet<String>) -> Ownership {
    match id {
        OURS => Ownership::Ours,
        0 if schema == 0 && tables.is_empty() => Ownership::Nobody,
        0 if schema > 0 && TABLES.iter().all(|table| tables.contains(*table)) => Ownership::OursOfOld,
        _ => Ownership::Another,
    }
}

/// The schema of a file; 0 when it has none yet.
pub(in crate::ledger) fn version(db: &Connection) -> Result<i64, Error> {
    Ok(db.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}

/// Whose a database is.
pub(in crate::ledger) fn of(db: &Connection) -> Result<Ownership, Error> {
    let id = db.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let mut query =
        db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")?;
    let tables = query.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(judge(id, version(db)?, &tables))
}

/// Refuses another program's.
pub(in crate::ledger) fn not_anothers(db: &Connection, path: &Path) -> Result<Ownership, Error> {
    match of(db)? {
        Ownership::Another => Err(Error::Unusable {
            path: path.display().to_string(),
            what: "is the database of another program: nothing in it was changed".to_owned(),
            cure: "name another file by `ledger` in [service] of mailjob.toml".to_owned(),
        }),
        whose => Ok(whose),
    }
}

/// Says in the file that it is ours.
pub(in crate::ledger) fn stamp(db: &Connection) -> Result<(), Error> {
    Ok(db.pragma_update(None, "application_id", OURS)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_ours_by_its_id_or_by_all_of_its_tables() {
        let none = BTreeSet::new();
        let ours: BTreeSet<_> = TABLES.iter().map(ToString::to_string).collect();
        let fewer: BTreeSet<_> = ours.iter().skip(1).cloned().collect();
        for (id, schema, tables, whose) in [
            (0, 0, &none, Ownership::Nobody),
            (OURS, 0, &none, Ownership::Ours),
            (OURS, 19, &ours, Ownership::Ours),
            (0, 19, &ours, Ownership::OursOfOld),
            (0, 1, &ours, Ownership::OursOfOld),
            (0, 0, &ours, Ownership::Another),
            (0, 19, &fewer, Ownership::Another),
            (0, 19, &none, Ownership::Another),
            (0, 0, &fewer, Ownership::Another),
            (7, 0, &none, Ownership::Another),
            (7, 19, &ours, Ownership::Another),
        ] {
            assert_eq!(judge(id, schema, tables), whose, "{id} {schema} {tables:?}");
        }
    }
}
