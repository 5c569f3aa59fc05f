//! Leases in the tables: [`Tenure`]'s rule, for one row and for all of a kind at once.

use super::transaction::Transaction;
use crate::ledger::{
    Error, Fence, MailboxKey, WatchedMailbox,
    db::{self, OptionalExtension, ids, params},
    lease::{Lease, LeasedRows, Owner, Tenure},
};

/// What has owners: a table with the columns `owner`, `fence` and `until`.
#[derive(Debug, Clone, Copy)]
pub(in crate::ledger) struct Leasable {
    table: &'static str,
    key: &'static str,
    /// That a row of it has an owner, in the words of an index.
    taken: &'static str,
}

pub(in crate::ledger) const JOBS: Leasable = Leasable {
    table: "job",
    key: "id",
    taken: "state = 'running'",
};
pub(in crate::ledger) const REPLIES: Leasable = Leasable {
    table: "reply",
    key: "job",
    taken: "state = 'running'",
};
/// Mailboxes and sign-ins: few rows.
pub(in crate::ledger) const NAMES: Leasable = Leasable {
    table: "lease",
    key: "id",
    taken: "owner IS NOT NULL",
};

/// The columns of a tenure; the first is the one with this number.
pub(in crate::ledger) fn tenure(row: &db::Row<'_>, first: usize) -> db::Result<Tenure> {
    Ok(Tenure {
        owner: row.get::<Option<i64>>(first)?.map(Owner),
        fence: Fence(row.get(first + 1)?),
        until: row.get::<Option<i64>>(first + 2)?.unwrap_or(0),
    })
}

/// Renews those of ours that are held on to and have not much of their term left.
pub(in crate::ledger) fn renew(tx: &mut Transaction<'_>, of: Leasable, held: &LeasedRows) -> Result<(), Error> {
    let rows = held.rows();
    if rows.is_empty() {
        return Ok(());
    }
    let Leasable { table, key, taken } = of;
    let each = (tx.db.dialect().each_id)("?4");
    let renew = tx.db.prepare(format!(
        "UPDATE {table} SET until = ?1 WHERE {key} IN {each} AND {taken} AND owner = ?2 AND until < ?3 RETURNING {key}, fence"
    ));
    let (until, low) = (tx.now + held.term, tx.now + crate::ledger::lease::low(held.term));
    let renewed = renew.query_map(params![until, tx.holder.owner.0, low, ids(&rows)], |row| {
        Ok((row.get(0)?, Fence(row.get(1)?)))
    })?;
    let renewed = renewed.collect::<Result<Vec<_>, _>>()?;
    tx.after.renewed.push((held.clone(), renewed));
    Ok(())
}

/// What is had by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ledger) enum NamedLease {
    Mailbox,
    SignIn,
}

impl NamedLease {
    fn as_str(self) -> &'static str {
        match self {
            Self::Mailbox => "mailbox",
            Self::SignIn => "sign-in",
        }
    }
}

/// A lease of something by its name, or who has it.
pub(in crate::ledger) enum LeaseAttempt {
    Taken(Lease),
    Busy(String),
}

/// Takes what has this name, if nobody has it. `who` is what others are told of us.
pub(in crate::ledger) fn take(
    tx: &Transaction<'_>,
    what: NamedLease,
    name: &str,
    who: &str,
) -> Result<LeaseAttempt, Error> {
    let kind = what.as_str();
    let held = match what {
        NamedLease::Mailbox => &tx.holder.mailboxes,
        NamedLease::SignIn => &tx.holder.sign_ins,
    };
    tx.db.lock_count(format!("lease {kind} {name}").as_bytes())?;
    let found = tx
        .db
        .prepare("SELECT id, owner, fence, until, who FROM lease WHERE kind = ?1 AND name = ?2")
        .query_row(params![kind, name], |row| {
            Ok((row.get::<i64>(0)?, tenure(row, 1)?, row.get::<String>(4)?))
        })
        .optional()?;
    let before = found.as_ref().map_or(Tenure::NEW, |(_, tenure, _)| *tenure);
    // What is our own is no more free than what is another's while somebody here has it.
    let is_ours = found.as_ref().is_some_and(|(row, ..)| held.has(*row));
    let owner = tx.holder.owner;
    let Some(taken) = before.take(owner, tx.now, held.term).filter(|_| !is_ours) else {
        return Ok(LeaseAttempt::Busy(found.map(|(_, _, who)| who).unwrap_or_default()));
    };
    let row = tx
        .db
        .prepare(
            "INSERT INTO lease (kind, name, owner, fence, until, who) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (kind, name) DO UPDATE SET owner = excluded.owner, fence = excluded.fence, until = excluded.until, who = excluded.who
             RETURNING id",
        )
        .query_row(params![kind, name, owner.0, taken.fence.0, taken.until, who], |row| {
            row.get(0)
        })?;
    tx.holder.claims(tx.now);
    Ok(LeaseAttempt::Taken(held.hold(row, taken.fence)))
}

/// Gives up what has this name, where this taking still has it.
pub(in crate::ledger) fn give_up(
    tx: &Transaction<'_>,
    what: NamedLease,
    name: &str,
    fence: Fence,
) -> Result<(), Error> {
    let kind = what.as_str();
    tx.db.lock_count(format!("lease {kind} {name}").as_bytes())?;
    let found = tx
        .db
        .prepare("SELECT id, owner, fence, until FROM lease WHERE kind = ?1 AND name = ?2")
        .query_row(params![kind, name], |row| Ok((row.get::<i64>(0)?, tenure(row, 1)?)))
        .optional()?;
    let given = found.and_then(|(row, tenure)| Some((row, tenure.give_up(tx.holder.owner, fence)?)));
    if let Some((row, tenure)) = given {
        tx.db
            .prepare("UPDATE lease SET owner = ?2 WHERE id = ?1")
            .execute(params![row, tenure.owner.map(|owner| owner.0)])?;
    }
    Ok(())
}

/// Refuses what somebody does about something that another has at this time.
pub(super) fn not_anothers(tx: &Transaction<'_>, what: NamedLease, name: &str) -> Result<(), Error> {
    let holder: Option<String> = tx
        .db
        .prepare("SELECT who FROM lease WHERE kind = ?1 AND name = ?2 AND owner <> ?3 AND until > ?4")
        .query_row(params![what.as_str(), name, tx.holder.owner.0, tx.now], |row| {
            row.get(0)
        })
        .optional()?;
    match holder {
        None => Ok(()),
        Some(holder) => Err(Error::SignInBusy {
            name: name.to_owned(),
            holder,
            waited: std::time::Duration::ZERO,
        }),
    }
}

/// The mailbox that a watch writes of. Refused where another has followed that watch, in another process or in this one. One that nobody
/// ever watched is anybody's.
pub(super) fn watched<'a>(tx: &Transaction<'_>, mailbox: &'a WatchedMailbox) -> Result<&'a MailboxKey, Error> {
    let (name, ()) = mailbox.judged_by(|name, fence| {
        let is_present = tx
            .db
            .prepare(
                "SELECT owner IS NOT DISTINCT FROM ?2 AND fence = ?3 FROM lease WHERE kind = 'mailbox' AND name = ?1",
            )
            .query_row(params![*name.0, tx.holder.owner.0, fence.0], |row| row.get(0))
            .optional()?;
        match is_present {
            Some(false) => Err(watched_by(tx, name)),
            Some(true) | None => Ok(()),
        }
    })?;
    Ok(name)
}

/// That it is not ours, and whose it is.
pub(super) fn watched_by(tx: &Transaction<'_>, mailbox: &MailboxKey) -> Error {
    let by = tx
        .db
        .prepare("SELECT who FROM lease WHERE kind = 'mailbox' AND name = ?1 AND owner IS NOT NULL")
        .query_row(params![*mailbox.0], |row| row.get(0));
    Error::Watched {
        mailbox: mailbox.0.to_string(),
        by: by.unwrap_or_else(|_| "another process".to_owned()),
    }
}
