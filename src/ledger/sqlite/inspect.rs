//! Looking for what can't be: in the file, in what its rows name, and in what always holds. Changes nothing; another process may write
//! meanwhile.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::{
    blocking, foreign_log,
    hindrance::hindered,
    identity::{self, Ownership},
    schema, space,
};
use crate::{
    ledger::{Error, Inspection, IntegrityFinding},
    plural,
};

/// Faults of one kind that are told.
const MOST: i64 = 100;

const RESTORE: &str = "stop Mailjob, keep a copy of the file as it is, remove its -wal and -shm, and put the last backup in its place; what lies in the inboxes is looked at \
                       again, and what is known there is not done twice";
const REPORT: &str = "this is a bug in Mailjob, or somebody else wrote into the file: report it, with this output; the others go on meanwhile";

/// Something that never holds in a ledger of ours: how many rows break it, and one of them.
struct Invariant {
    rows: &'static str,
    what: &'static str,
    cure: &'static str,
}

const OPEN: &str = "('queued', 'running', 'deferred', 'waiting', 'held')";

/// `{open}` stands for the states of jobs that have not ended.
const INVARIANTS: [Invariant; 11] = [
    Invariant {
        rows: "SELECT m.id AS row FROM mail m JOIN job j ON j.mail = m.id WHERE m.ended IS NOT NULL AND j.state IN {open}",
        what: "mails count as ended and have a job that has not",
        cure: REPORT,
    },
    Invariant {
        rows: "SELECT m.id AS row FROM mail m JOIN job j ON j.mail = m.id JOIN reply r ON r.job = j.id
               WHERE m.ended IS NOT NULL AND r.state IN ('queued', 'running')",
        what: "mails count as ended and have a reply that is still to go",
        cure: REPORT,
    },
    Invariant {
        rows: "SELECT DISTINCT m.id AS row FROM mail m JOIN job j ON j.mail = m.id WHERE j.state IN {open} AND m.lacks IS NULL AND m.size <>
               (SELECT ifnull(sum(length(data)), 0) FROM chunk WHERE id BETWEEN m.id * 65536 AND m.id * 65536 + 65535)",
        what: "mails have a job that has not ended and not all of their bytes",
        cure: "their jobs will be held; the mails themselves lie in their mailboxes: look at them there",
    },
    Invariant {
        rows: "SELECT m.id AS row FROM mail m JOIN job j ON j.mail = m.id WHERE m.lacks IS NOT NULL AND j.state NOT IN ('held', 'done', 'failed', 'ignored')",
        what: "mails were never received whole and have a job that is to run",
        cure: "those jobs are not run: `mailjob jobs discard` ends them; look at the mails in their mailboxes",
    },
    Invariant {
        rows: "SELECT m.id AS row FROM mail m WHERE m.lacks IS NOT NULL AND (m.sha256 <> x''
               OR EXISTS (SELECT 1 FROM chunk c WHERE c.id BETWEEN m.id * 65536 AND m.id * 65536 + 65535)
               OR EXISTS (SELECT 1 FROM place p WHERE p.mail = m.id AND p.touch IN ('done', 'failed', 'ignored')))",
        what: "mails were never received whole and count as if they had been",
        cure: REPORT,
    },
    Invariant {
        rows: "SELECT job AS row FROM reply r WHERE state IN ('queued', 'running')
               AND NOT EXISTS (SELECT 1 FROM reply_body b WHERE b.job = r.job)",
        what: "replies are still to go and have no bytes",
        cure: "they can't be sent: `mailjob replies list` names their recipients; write to them yourself",
    },
    Invariant {
        rows: "SELECT job AS row FROM reply r WHERE bounced IS NOT NULL AND state <> 'sent'",
        what: "replies came back and count as never sent",
        cure: REPORT,
    },
    Invariant {
        rows: "SELECT p.mail AS row FROM place p JOIN mail m ON m.id = p.mail WHERE p.touch = 'waiting' AND m.ended IS NOT NULL",
        what: "mails have ended and one of their places in the mailbox was not made due",
        cure: "move them in the mailbox by hand",
    },
    Invariant {
        rows: "SELECT id AS row FROM mail m WHERE verdict IS NULL AND NOT EXISTS (SELECT 1 FROM job j WHERE j.mail = m.id)",
        what: "mails have no job and never had an end",
        cure: REPORT,
    },
    Invariant {
        rows: "SELECT w.id AS row FROM job w WHERE w.state = 'waiting' AND NOT EXISTS (SELECT 1 FROM job p WHERE p.mail = w.mail
               AND p.endpoint = w.endpoint AND p.part > 0 AND p.state IN {open})",
        what: "jobs wait for parts that have all ended",
        cure: REPORT,
    },
    Invariant {
        rows: "SELECT id / 65536 AS row FROM chunk c WHERE NOT EXISTS (SELECT 1 FROM mail WHERE id = c.id / 65536)
               AND NOT EXISTS (SELECT 1 FROM upload WHERE mail = c.id / 65536)",
        what: "pieces of mails belong to no mail",
        cure: "they only take up space; report it",
    },
];

/// Looks at a ledger that another process may have open.
///
/// # Errors
/// [`Error::NoLedger`] where there is none, [`Error::Newer`] when a newer Mailjob wrote it, else what the disk said. What is wrong with
/// the ledger itself is no error.
pub(in crate::ledger) async fn inspect(path: &Path) -> Result<Inspection, Error> {
    let path = path.to_owned();
    blocking("the ledger was not looked at", move || look(&path)).await
}

pub(in crate::ledger) fn look(path: &Path) -> Result<Inspection, Error> {
    let db = beside(path)?;
    let schema = match identity::version(&db) {
        Ok(schema) => schema,
        // So broken that not even its first page can be read.
        Err(error @ (Error::Engine(_) | Error::Damaged(_))) => {
            return match hindered(path, error) {
                Error::Engine(said) | Error::Damaged(said) => Ok(ruin(&said)),
                // It may be well: nobody can read it now.
                told => Err(told),
            };
        }
        Err(error) => return Err(error),
    };
    match identity::not_anothers(&db, path) {
        Ok(Ownership::Nobody) => {
            return Err(Error::NoLedger {
                ledger: path.display().to_string(),
            });
        }
        Err(another @ Error::Unusable { .. }) => return Err(another),
        // What can't be read is told below.
        Ok(_) | Err(_) => {}
    }
    schema::not_newer(schema, path)?;
    // All of what follows sees one state of the file, whatever others write.
    db.execute_batch("BEGIN")?;
    let damaged = |error: Error| match error {
        Error::Damaged(said) => vec![damage(&said)],
        error => vec![damage(&error.to_string())],
    };
    let mut found = Inspection {
        schema,
        known: schema::known(),
        findings: faults(&db).unwrap_or_else(damaged),
        ..Inspection::default()
    };
    if !found.findings.is_empty() {
        return Ok(found);
    }
    found.bytes = space::used(&db)?;
    found.findings = strays(&db)?;
    if schema > 0 {
        found.mails = count(&db, "mail")?;
        found.jobs = count(&db, "job")?;
        found.replies = count(&db, "reply")?;
    }
    if schema == found.known {
        for invariant in &INVARIANTS {
            found.findings.extend(invariant.finding(&db)?);
        }
    }
    Ok(found)
}

/// A connection that only reads.
pub(in crate::ledger) fn beside(path: &Path) -> Result<Connection, Error> {
    if !path.exists() {
        return Err(Error::NoLedger {
            ledger: path.display().to_string(),
        });
    }
    foreign_log::refuse(path)?;
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    db.execute_batch("PRAGMA busy_timeout = 5000; PRAGMA mmap_size = 0;")?;
    Ok(db)
}

fn ruin(said: &str) -> Inspection {
    Inspection {
        findings: vec![IntegrityFinding {
            what: format!("this is no ledger, or one that is broken from its beginning on: {said}"),
            cure: RESTORE.to_owned(),
        }],
        ..Inspection::default()
    }
}

/// What is wrong with the file itself.
fn faults(db: &Connection) -> Result<Vec<IntegrityFinding>, Error> {
    let mut query = db.prepare(&format!("PRAGMA integrity_check({MOST})"))?;
    let mut said = Vec::new();
    let rows = query.query_map([], |row| row.get::<_, String>(0))?;
    for row in rows {
        match row {
            Ok(row) if row == "ok" => {}
            Ok(row) => said.push(row),
            Err(error) => {
                said.push(error.to_string());
                break;
            }
        }
    }
    Ok(said.iter().map(|said| damage(said)).collect())
}

fn damage(said: &str) -> IntegrityFinding {
    IntegrityFinding {
        what: format!("the file is damaged: {said}"),
        cure: RESTORE.to_owned(),
    }
}

/// Rows that name others that are not there.
fn strays(db: &Connection) -> Result<Vec<IntegrityFinding>, Error> {
    let mut query = db.prepare(
        "SELECT \"table\", parent, count(*) FROM pragma_foreign_key_check GROUP BY \"table\", parent ORDER BY 1, 2",
    )?;
    let rows = query.query_map([], |row| {
        let (table, parent, count): (String, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(IntegrityFinding {
            what: format!(
                "{} of `{table}` {} what is not there in `{parent}`",
                plural::counted(count, "row"),
                plural::of(count, "names", "name")
            ),
            cure: RESTORE.to_owned(),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

impl Invariant {
    fn finding(&self, db: &Connection) -> Result<Option<IntegrityFinding>, Error> {
        let rows = self.rows.replace("{open}", OPEN);
        let (count, first): (i64, Option<i64>) =
            db.query_row(&format!("SELECT count(*), min(row) FROM ({rows})"), [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        Ok(first.map(|first| IntegrityFinding {
            what: format!("{}: {count}, the first in row {first}", self.what),
            cure: self.cure.to_owned(),
        }))
    }
}

fn count(db: &Connection, table: &str) -> Result<u64, Error> {
    let count: i64 = db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?;
    Ok(count.unsigned_abs())
}
