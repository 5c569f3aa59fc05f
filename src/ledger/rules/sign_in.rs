//! The rows of sign-ins.

use chrono::{DateTime, Utc};

use super::{
    leases::{self, NamedLease},
    transaction::Transaction,
};
use crate::{
    auth::BlockedSignIn,
    ledger::{
        Error, SealedToken, SignInRow,
        db::{self, OptionalExtension, Row, SqlEngine, params},
        values::{capped, instant, micros},
    },
};

/// What every reading query selects, in the order of [`row`].
const COLUMNS: &str = "account, sealed, origin, issued, signed_in, refreshed, refused, refusal";

/// A sign-in's row.
pub(in crate::ledger) fn find(db: &dyn SqlEngine, name: &str) -> Result<Option<SignInRow>, Error> {
    let query = db.prepare(format!("SELECT {COLUMNS} FROM sign_in WHERE account = ?"));
    Ok(query.query_row([name], row).optional()?)
}

/// Every sign-in's row, by name.
pub(in crate::ledger) fn all(db: &dyn SqlEngine) -> Result<Vec<(String, SignInRow)>, Error> {
    let query = db.prepare(format!("SELECT {COLUMNS} FROM sign_in ORDER BY account"));
    let rows = query.query_map((), |found| Ok((found.get(0)?, row(found)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Stores a token, and that the sign-in is well. While another uses the sign-in, what he gets is newer: then it is refused.
pub(in crate::ledger) fn store(tx: &Transaction<'_>, name: &str, token: &SealedToken) -> Result<(), Error> {
    leases::not_anothers(tx, NamedLease::SignIn, name)?;
    tx.db.prepare(
        "INSERT INTO sign_in (account, sealed, origin, issued, signed_in, refreshed) VALUES (?1, ?2, ?3, ?4, ?5, ?4)
         ON CONFLICT (account) DO UPDATE SET sealed = excluded.sealed, origin = excluded.origin,
         issued = excluded.issued, signed_in = excluded.signed_in, refreshed = excluded.refreshed,
         refused = NULL, refusal = NULL",
    )
    .execute(params![
        name,
        token.sealed,
        token.origin,
        micros(token.issued),
        micros(token.signed_in)
    ])?;
    Ok(())
}

/// Notes that an access token was granted.
pub(in crate::ledger) fn refreshed(db: &dyn SqlEngine, name: &str, at: DateTime<Utc>) -> Result<(), Error> {
    db.prepare(
        "INSERT INTO sign_in (account, refreshed) VALUES (?1, ?2)
         ON CONFLICT (account) DO UPDATE SET refreshed = excluded.refreshed, refused = NULL, refusal = NULL",
    )
    .execute(params![name, micros(at)])?;
    Ok(())
}

/// Notes that it needs a person.
pub(in crate::ledger) fn refused(db: &dyn SqlEngine, name: &str, at: DateTime<Utc>, why: &str) -> Result<(), Error> {
    db.prepare(
        "INSERT INTO sign_in (account, refused, refusal) VALUES (?1, ?2, ?3)
         ON CONFLICT (account) DO UPDATE SET refused = coalesce(sign_in.refused, excluded.refused), refusal = excluded.refusal",
    )
    .execute(params![name, micros(at), capped(why)])?;
    Ok(())
}

/// Forgets it. Says whether there was a token.
pub(in crate::ledger) fn forget(db: &dyn SqlEngine, name: &str) -> Result<bool, Error> {
    let query = db.prepare("DELETE FROM sign_in WHERE account = ? RETURNING sealed IS NOT NULL");
    Ok(query.query_row([name], |row| row.get(0)).optional()?.unwrap_or(false))
}

fn row(row: &Row<'_>) -> db::Result<SignInRow> {
    let token = match (row.get(1)?, row.get(3)?) {
        (Some(sealed), Some(issued)) => Some(SealedToken {
            sealed,
            origin: row.get(2)?,
            issued: instant(issued),
            signed_in: instant(row.get::<Option<_>>(4)?.unwrap_or(issued)),
        }),
        _ => None,
    };
    let refused = match row.get::<Option<_>>(6)? {
        Some(since) => Some(BlockedSignIn {
            since: instant(since),
            why: row.get::<Option<_>>(7)?.unwrap_or_default(),
        }),
        None => None,
    };
    Ok(SignInRow {
        token,
        refreshed: row.get::<Option<_>>(5)?.map(instant),
        refused,
    })
}
