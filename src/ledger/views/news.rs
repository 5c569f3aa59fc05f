//! The rows of what the operator is to be told of jobs.

use crate::ledger::{
    Error, JobNews, NewsExample, NewsMark,
    db::{SqlEngine, params},
    values::{instant, signed},
};

/// What nobody was told of.
pub(in crate::ledger) fn news(db: &dyn SqlEngine, examples: usize) -> Result<(Vec<JobNews>, NewsMark), Error> {
    let mark: i64 = db
        .prepare("SELECT coalesce(max(id), 0) FROM news")
        .query_row((), |row| row.get(0))?;
    let query = db.prepare(
        "SELECT n.kind, j.endpoint, count(*), min(n.at) FROM news n JOIN job j ON j.id = n.job WHERE n.id <= ?
         GROUP BY j.endpoint, n.kind ORDER BY j.endpoint, n.kind",
    );
    let mut groups = query
        .query_map([mark], |row| {
            Ok(JobNews {
                kind: row.get(0)?,
                endpoint: row.get(1)?,
                count: row.get::<i64>(2)?.unsigned_abs(),
                since: instant(row.get(3)?),
                examples: Vec::new(),
            })
        })?
        .collect::<Result<Vec<_>, _>>()?;
    for group in &mut groups {
        group.examples = first(db, group, mark, examples)?;
    }
    Ok((groups, NewsMark(mark)))
}

/// Forgets what was read up to there.
pub(in crate::ledger) fn forget(db: &dyn SqlEngine, mark: NewsMark) -> Result<(), Error> {
    db.prepare("DELETE FROM news WHERE id <= ?").execute([mark.0])?;
    Ok(())
}

fn first(db: &dyn SqlEngine, group: &JobNews, mark: i64, most: usize) -> Result<Vec<NewsExample>, Error> {
    let query = db.prepare(
        "SELECT j.uuid, coalesce(j.sender, ''), coalesce(j.subject, ''),
           CASE WHEN n.kind IN ('refused', 'unsure', 'bounced') THEN NULL WHEN n.kind = 'unanswered' THEN j.silent ELSE j.reason END,
           CASE WHEN n.kind IN ('refused', 'unsure', 'bounced') THEN r.detail ELSE j.detail END
         FROM news n JOIN job j ON j.id = n.job LEFT JOIN reply r ON r.job = n.job
         WHERE n.id <= ?1 AND n.kind = ?2 AND j.endpoint = ?3 ORDER BY n.id LIMIT ?4",
    );
    let rows = query.query_map(
        params![mark, group.kind.as_str(), group.endpoint, signed(most)],
        |row| {
            Ok(NewsExample {
                job: row.get(0)?,
                from: row.get(1)?,
                subject: row.get(2)?,
                reason: row.get(3)?,
                detail: row.get::<Option<String>>(4)?.unwrap_or_default(),
            })
        },
    )?;
    Ok(rows.collect::<Result<_, _>>()?)
}
