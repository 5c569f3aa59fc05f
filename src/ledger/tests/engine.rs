//! The engine that the suite runs on. This file alone knows which one it is: another engine has one like it in its place.

use tokio::sync::oneshot;

use super::*;
pub(in crate::ledger) use crate::ledger::sqlite::{ExternalSqlite, OverviewRow, Sqlite as Tested, inspect};
use crate::ledger::{
    db,
    sqlite::{schema, tests::oracle},
};

/// Opens the ledger at this address, or makes it: what [`crate::ledger::open`] does, with the hooks of the suite.
pub(in crate::ledger) async fn opened(address: &Address, clock: Clock) -> Result<Arc<Tested>, Error> {
    let opened = crate::ledger::sqlite::open(address.engine_file(), clock).await?;
    Ok(Arc::new(opened))
}

/// The tables without anybody at work: what rules do to them is done by the test. Whoever had them open has closed them.
pub(in crate::ledger) fn tables(address: &Address) -> Box<dyn db::SqlEngine> {
    Box::new(schema::writer(address.engine_file()).unwrap())
}

/// From now on what the rules write of what happened is held against what changes ([`check_rules`]).
pub(in crate::ledger) fn hold_rules(address: &Address) {
    oracle::watch(address.engine_file());
}

/// No longer: the test does what Mailjob never does.
pub(in crate::ledger) fn let_rules_be(address: &Address) {
    oracle::unwatch(address.engine_file());
}

/// Has the ledger written what it had to, and nothing else?
pub(in crate::ledger) fn check_rules(address: &Address) {
    oracle::check(address.engine_file());
}

/// Changes the tables beside whoever has them open, whatever they say may be in them.
pub(in crate::ledger) fn unchecked(address: &Address, sql: &str) {
    let db = rusqlite::Connection::open(address.engine_file()).unwrap();
    db.execute_batch("PRAGMA ignore_check_constraints = ON").unwrap();
    db.execute_batch(sql).unwrap();
}

/// Everything that is in the tables, to be held against what is there later.
pub(in crate::ledger) fn contents(db: &dyn db::SqlEngine) -> Result<Vec<String>, Error> {
    let texts = |sql: &str| -> Result<Vec<String>, Error> {
        let rows = db.prepare(sql).query_map((), |row| row.get(0))?;
        Ok(rows.collect::<db::Result<_>>()?)
    };
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name";
    let mut all = Vec::new();
    for table in texts(tables)? {
        let columns = texts(&format!(
            "SELECT 'quote(\"' || name || '\")' FROM pragma_table_info('{table}')"
        ))?;
        all.extend(texts(&format!(
            "SELECT '{table}: ' || concat_ws(', ', {}) FROM {table} ORDER BY 1",
            columns.join(", ")
        ))?);
    }
    Ok(all)
}

impl Tested {
    /// Looks at the tables.
    pub(in crate::ledger) async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&dyn db::SqlEngine) -> Result<T, Error> + Send + 'static,
    ) -> T {
        self.readers.read(move |db| look(db)).await.unwrap()
    }

    /// Changes the tables, in a transaction of the engine.
    pub(in crate::ledger) async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Transaction<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.post.ask(0, change).await
    }

    /// Has the transaction fail in which this is done: at its commit, when all has been done in it. Nothing where it waits still, as a claim does.
    pub(in crate::ledger) async fn failing<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        // While the writer is busy, what comes lies together and becomes one transaction.
        let (begun, busy) = oneshot::channel();
        let (go, gate) = std::sync::mpsc::channel();
        let wait = move |_: &mut Transaction<'_>| {
            begun.send(()).unwrap();
            gate.recv_timeout(PATIENCE).unwrap();
            Ok(())
        };
        let mut waiting = Box::pin(self.change(wait));
        assert!((&mut waiting).now_or_never().is_none());
        soon(busy).await.unwrap();
        // Its foreign key is only looked at in the commit.
        let orphan = "PRAGMA defer_foreign_keys = ON; INSERT INTO reply_body (job, bytes) VALUES (99, x'00')";
        let mut broken = Box::pin(self.change(|tx| Ok(tx.db.execute_batch(orphan)?)));
        assert!((&mut broken).now_or_never().is_none());
        let mut work = Box::pin(work);
        assert!((&mut work).now_or_never().is_none());
        go.send(()).unwrap();
        soon(waiting).await.unwrap();
        assert!(matches!(soon(broken).await, Err(Error::Engine(_))));
        tokio::select! {
            biased;
            done = &mut work => Some(done),
            _ = self.ping() => None,
        }
    }
}
