//! Who lives, and which endpoints his files name: what nobody names any more is nobody's. While files are rolled out, one process may have them
//! and another not yet; so no single one's files say that an endpoint is gone.

use super::transaction::Transaction;
use crate::{
    config::EndpointName,
    ledger::{
        Error, MailboxKey,
        db::params,
        lease::{MAILBOX_TERM, low},
    },
};

/// A process begins; those that are dead are forgotten.
pub(in crate::ledger) fn begin(tx: &Transaction<'_>) -> Result<(), Error> {
    sweep(tx)?;
    tx.db
        .prepare(
            "INSERT INTO owner (id, who, since, until, said) VALUES (?1, ?2, ?3, ?4, 0) ON CONFLICT (id) DO UPDATE SET until = excluded.until",
        )
        .execute(params![
            tx.holder.owner.0,
            *tx.holder.who,
            tx.now,
            tx.now + MAILBOX_TERM
        ])?;
    Ok(())
}

/// Says that it lives still.
pub(super) fn renew(tx: &Transaction<'_>) -> Result<(), Error> {
    let (now, owner) = (tx.now, tx.holder.owner.0);
    tx.db
        .prepare("UPDATE owner SET until = ?1 WHERE id = ?2 AND until < ?3")
        .execute([now + MAILBOX_TERM, owner, now + low(MAILBOX_TERM)])?;
    sweep(tx)
}

fn sweep(tx: &Transaction<'_>) -> Result<(), Error> {
    for dead in [
        "DELETE FROM owner_endpoint WHERE owner IN (SELECT id FROM owner WHERE until <= ?1 AND id <> ?2)",
        "DELETE FROM owner WHERE until <= ?1 AND id <> ?2",
    ] {
        tx.db.prepare(dead).execute([tx.now, tx.holder.owner.0])?;
    }
    Ok(())
}

/// What this process's files name, at each mailbox. It stands until the next time, or until it is dead.
pub(in crate::ledger) fn announce(
    tx: &Transaction<'_>,
    known: &[(MailboxKey, Vec<EndpointName>)],
) -> Result<(), Error> {
    begin(tx)?;
    let owner = tx.holder.owner.0;
    tx.db
        .prepare("DELETE FROM owner_endpoint WHERE owner = ?1")
        .execute([owner])?;
    let note = tx.db.prepare(
        "INSERT INTO owner_endpoint (owner, mailbox, endpoint) VALUES (?1, ?2, ?3) ON CONFLICT (owner, mailbox, endpoint) DO NOTHING",
    );
    for (mailbox, endpoints) in known {
        for endpoint in endpoints {
            note.execute(params![owner, *mailbox.0, endpoint.as_str()])?;
        }
    }
    tx.db
        .prepare("UPDATE owner SET said = 1 WHERE id = ?1")
        .execute([owner])?;
    Ok(())
}

/// What the others who live name at this mailbox; nothing where one of them has not said it yet.
pub(super) fn others(tx: &Transaction<'_>, mailbox: &MailboxKey) -> Result<Option<Vec<String>>, Error> {
    let (now, owner) = (tx.now, tx.holder.owner.0);
    let silent: bool = tx
        .db
        .prepare("SELECT EXISTS (SELECT 1 FROM owner WHERE until > ?1 AND id <> ?2 AND said = 0)")
        .query_row([now, owner], |row| row.get(0))?;
    if silent {
        return Ok(None);
    }
    let named = tx.db.prepare(
        "SELECT DISTINCT endpoint FROM owner_endpoint WHERE mailbox = ?3
         AND owner IN (SELECT id FROM owner WHERE until > ?1 AND id <> ?2)",
    );
    let named = named.query_map(params![now, owner, *mailbox.0], |row| row.get(0))?;
    Ok(Some(named.collect::<Result<_, _>>()?))
}
