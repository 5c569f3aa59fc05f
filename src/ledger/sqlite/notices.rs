//! The rows of notices to the operator.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};

use super::{
    Sqlite, news,
    values::{instant, micros},
};
use crate::ledger::{Error, JobNews, NewsMark, NoticeTable, Told};

#[async_trait]
impl NoticeTable for Sqlite {
    async fn told(&self) -> Result<Told, Error> {
        self.readers.read(told).await
    }

    async fn news(&self, examples: usize) -> Result<(Vec<JobNews>, NewsMark), Error> {
        self.readers.read(move |db| news::news(db, examples)).await
    }

    async fn note_told(
        &self,
        told: Vec<String>,
        over: Vec<String>,
        jobs: Option<NewsMark>,
        at: DateTime<Utc>,
    ) -> Result<(), Error> {
        self.post
            .ask(0, move |desk| {
                note(desk.db, &told, &over, at)?;
                jobs.map_or(Ok(()), |mark| news::forget(desk.db, mark))
            })
            .await
    }
}

fn told(db: &Connection) -> Result<Told, Error> {
    let mut query = db.prepare_cached("SELECT key, told FROM notice")?;
    let rows = query.query_map([], |row| Ok((row.get(0)?, instant(row.get(1)?))))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn note(db: &Connection, told: &[String], over: &[String], at: DateTime<Utc>) -> Result<(), Error> {
    for key in over {
        db.prepare_cached("DELETE FROM notice WHERE key = ?")?.execute([key])?;
    }
    for key in told {
        db.prepare_cached("INSERT INTO notice (key, told) VALUES (?1, ?2) ON CONFLICT (key) DO NOTHING")?
            .execute(params![key, micros(at)])?;
    }
    Ok(())
}
