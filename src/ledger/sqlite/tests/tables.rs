//! What is asked of the tables themselves.

use super::*;
use crate::{
    job::state::State,
    ledger::{JobFilter, rules::forget::STORY},
};

/// The plan must not be a walk through all jobs: nobody notices that among a few.
#[tokio::test]
async fn lists_use_indexes() {
    let d = Desktop::new().await;
    let db = rusqlite::Connection::open(d.path()).unwrap();
    let plan = |filter: JobFilter| {
        let (sql, values) = crate::ledger::views::jobs::statement(crate::ledger::db::SqlEngine::dialect(&db), &filter);
        let mut query = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let values = rusqlite::params_from_iter(values.iter().map(|value| value.to_value()));
        let rows = query.query_map(values, |row| row.get::<_, String>(3)).unwrap();
        rows.map(Result::unwrap).collect::<Vec<_>>().join("; ")
    };
    let filter = |endpoint: Option<&str>, states: &[State]| JobFilter {
        endpoint: endpoint.map(str::to_owned),
        states: states.to_vec(),
        ..JobFilter::default()
    };
    for (filter, index) in [
        (filter(None, &[]), "sqlite_autoindex_job_1"),
        (filter(Some("invoices"), &[]), "job_of_endpoint"),
        (filter(None, &[State::Failed]), "job_in_trouble"),
        (
            filter(Some("invoices"), &[State::Failed, State::Held]),
            "job_in_trouble",
        ),
        (filter(None, &[State::Queued]), "job_due"),
        (filter(None, &[State::Running]), "job_running"),
        (filter(Some("invoices"), &[State::Done]), "job_of_endpoint"),
    ] {
        let plan = plan(filter.clone());
        assert!(plan.contains(index), "{filter:?}: {plan}");
        let sorted = plan.contains("TEMP B-TREE");
        assert!(
            !sorted || !index.starts_with("sqlite") && index != "job_of_endpoint",
            "{filter:?}: {plan}"
        );
    }
}

/// What belongs to a job is all in one list: a table that names jobs and is not in it would keep them from being dropped. Events only
/// mention jobs, and go when newer ones have come.
#[tokio::test]
async fn every_table_of_a_job_is_dropped_with_it() {
    let d = Desktop::new().await;
    let tables = d.ledger.readers.read(|db| {
        let mut query = db.prepare(
            "SELECT DISTINCT m.name FROM sqlite_schema m, pragma_table_info(m.name) c
             WHERE m.type = 'table' AND c.name = 'job' AND m.name NOT IN ('event', 'expected', 'written') ORDER BY 1",
        )?;
        let rows = query.query_map([], |row| row.get::<_, String>(0))?;
        Ok(rows.collect::<Result<Vec<_>, _>>()?)
    });
    let mut listed = STORY.to_vec();
    listed.sort_unstable();
    assert_eq!(tables.await.unwrap(), listed);
}
