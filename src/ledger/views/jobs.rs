//! Lists of jobs, by indexes: newest first, page by page.

use uuid::Uuid;

use crate::{
    job::{JobId, state::State},
    ledger::{
        Error, JobFilter, JobPage, JobRow,
        db::{self, Dialect, Row, SqlEngine, ToValue, params},
        values::{instant, micros},
    },
};

/// Jobs that are named for a part of an id, at most.
const FOUND: i64 = 10;

/// The columns of a job `j`, its mail `m` and its reply `r`, as [`row`] reads them.
pub(in crate::ledger) const COLUMNS: &str = "j.uuid, j.endpoint, j.state, j.reason, j.detail, m.taken, j.due, j.attempt, j.rerun, \
    j.sender, j.subject, m.size, j.part, CASE WHEN r.bounced IS NOT NULL THEN 'bounced' WHEN r.unsure = 1 THEN 'unsure' ELSE r.state END, j.silent";
/// Where they come from.
pub(in crate::ledger) const JOINED: &str = "JOIN mail m ON m.id = j.mail LEFT JOIN reply r ON r.job = j.id";

/// A page.
pub(in crate::ledger) fn list(db: &dyn SqlEngine, filter: &JobFilter) -> Result<JobPage, Error> {
    let page = filter.page();
    let (sql, values) = statement(db.dialect(), filter);
    let query = db.prepare(&sql);
    let values: Vec<_> = values.iter().map(|value| value.to_value()).collect();
    let rows = query.query_map(&*values, |found| row(found, 0))?;
    let mut jobs = rows.collect::<Result<Vec<_>, _>>()?;
    let more = jobs.len() > page;
    jobs.truncate(page);
    Ok(JobPage {
        next: jobs.last().map(|job| job.id).filter(|_| more),
        jobs,
    })
}

/// The statement of a page, and its values.
pub(in crate::ledger) fn statement(dialect: &Dialect, filter: &JobFilter) -> (String, Vec<Box<dyn ToValue>>) {
    let JobListQuery { index, all, values } = asked(dialect, filter);
    let index = index.map(dialect.by).unwrap_or_default();
    let condition = all.join(" AND ");
    // One more tells whether there is another page.
    let limit = filter.page() + 1;
    let sql =
        format!("SELECT {COLUMNS} FROM job j{index} {JOINED} WHERE {condition} ORDER BY j.uuid DESC LIMIT {limit}");
    (sql, values)
}

/// What is asked of the engine.
struct JobListQuery {
    /// The index that is used, where the engine would choose another.
    index: Option<&'static str>,
    all: Vec<String>,
    values: Vec<Box<dyn ToValue>>,
}

fn asked(dialect: &Dialect, filter: &JobFilter) -> JobListQuery {
    let mut asked = JobListQuery {
        index: None,
        all: vec!["1 = 1".to_owned()],
        values: Vec::new(),
    };
    asked.states(&filter.states);
    if let Some(endpoint) = &filter.endpoint {
        asked.and("j.endpoint = ?", endpoint.clone());
    }
    for (column, wanted) in [("j.sender", &filter.sender), ("j.subject", &filter.subject)] {
        if let Some(wanted) = wanted {
            asked.and(&(dialect.is_like)(column, "?"), pattern(wanted));
        }
    }
    if let Some(since) = filter.since {
        asked.and("j.uuid >= ?", JobId(first_at(micros(since))));
    }
    if let Some(until) = filter.until {
        asked.and("j.uuid < ?", JobId(first_at(micros(until))));
    }
    if let Some(before) = filter.before {
        asked.and("j.uuid < ?", before);
    }
    asked
}

impl JobListQuery {
    fn and(&mut self, condition: &str, value: impl ToValue + 'static) {
        let number = self.values.len() + 1;
        self.all.push(condition.replace('?', &format!("?{number}")));
        self.values.push(Box::new(value));
    }

    /// The states are ours and need no quoting. Where all are of a partial index, that one is used: there are few such jobs, however
    /// many there are in all.
    fn states(&mut self, states: &[State]) {
        const PARTIAL: [(&str, &str, &[State]); 3] = [
            (
                "job_in_trouble",
                "j.state IN ('deferred', 'waiting', 'failed', 'held')",
                &[State::Deferred, State::Waiting, State::Failed, State::Held],
            ),
            (
                "job_due",
                "j.state IN ('queued', 'deferred')",
                &[State::Queued, State::Deferred],
            ),
            ("job_running", "j.state = 'running'", &[State::Running]),
        ];
        if states.is_empty() {
            return;
        }
        let names: Vec<_> = states.iter().map(|state| format!("'{}'", state.as_str())).collect();
        self.all.push(format!("j.state IN ({})", names.join(", ")));
        let of = |kind: &&(_, _, &[State])| states.iter().all(|state| kind.2.contains(state));
        if let Some((index, implied, _)) = PARTIAL.iter().find(of) {
            self.index = Some(index);
            self.all.push((*implied).to_owned());
        }
    }
}

/// What matches texts that have this in them.
fn pattern(wanted: &str) -> String {
    let quoted = wanted.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{quoted}%")
}

/// The smallest id of a job that was made then: a UUIDv7 begins with the milliseconds (RFC 9562 section 5.7).
fn first_at(micros: i64) -> Uuid {
    // The first that is not before, where there is a part of a millisecond.
    let millis = micros.max(0).unsigned_abs().div_ceil(1_000);
    Uuid::from_u128(u128::from(millis) << 80)
}

/// Jobs whose id begins or ends so. What it ends with is looked for from the newest on.
pub(in crate::ledger) fn find(db: &dyn SqlEngine, part: &str) -> Result<Vec<JobId>, Error> {
    let Some((first, last)) = range(part) else {
        return Ok(Vec::new());
    };
    let query = db.prepare("SELECT uuid FROM job WHERE uuid BETWEEN ?1 AND ?2 ORDER BY uuid DESC LIMIT ?3");
    let rows = query.query_map(params![first, last, FOUND], |row| row.get(0))?;
    let mut found = rows.collect::<Result<Vec<JobId>, _>>()?;
    if first != last {
        let dialect = db.dialect();
        let is_like = |pattern| (dialect.is_like)(&(dialect.hex)("j.uuid"), pattern);
        // The end of it, or the beginning of the end that lists show.
        let query = db.prepare(format!(
            "SELECT j.uuid FROM job j WHERE {} OR {} ORDER BY j.uuid DESC LIMIT ?3",
            is_like("?1"),
            is_like("?2")
        ));
        let ending = format!("%{}", digits(part));
        let rest = JobId::SHOWN.saturating_sub(digits(part).len());
        let begun = format!("{ending}{}", "_".repeat(rest));
        let rows = query.query_map(params![ending, begun, FOUND], |row| row.get(0))?;
        found.extend(rows.collect::<Result<Vec<JobId>, _>>()?);
        found.sort_by(|one, other| other.cmp(one));
        found.dedup();
        found.truncate(usize::try_from(FOUND).unwrap_or_default());
    }
    Ok(found)
}

fn digits(part: &str) -> String {
    part.chars().filter(|c| *c != '-').collect()
}

/// The first and the last id that begin so.
fn range(prefix: &str) -> Option<(JobId, JobId)> {
    let digits = digits(prefix);
    if !(1..=32).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let whole = |fill: char| {
        let mut text = digits.clone();
        text.extend(std::iter::repeat_n(fill, 32 - digits.len()));
        Uuid::try_parse(&text).ok().map(JobId)
    };
    Some((whole('0')?, whole('f')?))
}

/// A job, its columns from `first`.
pub(in crate::ledger) fn row(row: &Row<'_>, first: usize) -> db::Result<JobRow> {
    let state: State = row.get(first + 2)?;
    let open = matches!(state, State::Queued | State::Deferred);
    Ok(JobRow {
        id: row.get(first)?,
        endpoint: row.get(first + 1)?,
        state,
        reason: row.get(first + 3)?,
        detail: row.get(first + 4)?,
        taken: instant(row.get(first + 5)?),
        due: Some(instant(row.get(first + 6)?)).filter(|_| open),
        attempts: row.get(first + 7)?,
        reruns: row.get(first + 8)?,
        sender: row.get(first + 9)?,
        subject: row.get(first + 10)?,
        size: row.get::<i64>(first + 11)?.unsigned_abs(),
        part: Some(row.get(first + 12)?).filter(|part| *part > 0),
        reply: row.get(first + 13)?,
        silent: row.get(first + 14)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_ranges() {
        let id = |text: &str| JobId(Uuid::try_parse(text).unwrap());
        let whole = "0193aaaa000070008000000000000001";
        assert_eq!(range(whole), Some((id(whole), id(whole))));
        assert_eq!(
            range("0193-A"),
            Some((
                id(&format!("0193a{}", "0".repeat(27))),
                id(&format!("0193a{}", "f".repeat(27)))
            ))
        );
        for wrong in ["", "-", "xyz", "0193 ", "0193aaaa0000700080000000000000011"] {
            assert_eq!(range(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_time_is_the_first_id_of_its_millisecond() {
        let id = |micros| first_at(micros).simple().to_string();
        assert_eq!(id(1_000), format!("000000000001{}", "0".repeat(20)));
        assert_eq!(id(1_001), format!("000000000002{}", "0".repeat(20)));
        assert_eq!(id(-5), "0".repeat(32));
        assert_eq!(pattern(r"50%_\"), r"%50\%\_\\%");
    }
}
