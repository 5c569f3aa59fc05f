//! What happened, for those who follow it. The rules write it.

use crate::ledger::{
    Error, Event, EventCursor, EventKind, EventPage,
    db::{self, Row, SqlEngine, params},
    values::{instant, signed},
};

/// Events in a page, at most.
const MOST: usize = 1_000;

/// What happened after an event. A mail's last touch is told as its first job's.
pub(in crate::ledger) fn after(
    db: &dyn SqlEngine,
    after: EventCursor,
    endpoint: Option<&str>,
    max: usize,
) -> Result<EventPage, Error> {
    let max = max.clamp(1, MOST);
    // So many are looked at, at most, whatever many of them are another endpoint's.
    let window = signed(max).saturating_mul(16);
    let query = db.prepare(
        "SELECT e.id, e.at, e.kind, coalesce(e.endpoint, j.endpoint), j.uuid, e.attempt, e.reason, e.detail, j.sender, j.subject
         FROM event e LEFT JOIN job j ON j.id = coalesce(e.job, (SELECT min(f.id) FROM job f WHERE f.mail = e.mail))
         WHERE e.id > ?1 AND e.id <= ?1 + ?4 AND (coalesce(e.endpoint, j.endpoint) = ?2 OR ?2 IS NULL) ORDER BY e.id LIMIT ?3",
    );
    let first = first(db, after)?;
    let events = query
        .query_map(params![first.0, endpoint, signed(max), window], row)?
        .filter_map(Result::transpose)
        .collect::<Result<Vec<Event>, _>>()?;
    let next = match events.last() {
        Some(last) if events.len() == max => last.cursor,
        _ => EventCursor(newest(db)?.0.min(first.0.saturating_add(window)).max(first.0)),
    };
    Ok(EventPage { events, next })
}

/// Nothing before the oldest event is worth looking at.
fn first(db: &dyn SqlEngine, after: EventCursor) -> Result<EventCursor, Error> {
    let oldest: i64 = db
        .prepare("SELECT coalesce(min(id), 1) FROM event")
        .query_row((), |row| row.get(0))?;
    Ok(EventCursor(after.0.max(oldest - 1)))
}

/// The newest event.
pub(in crate::ledger) fn newest(db: &dyn SqlEngine) -> Result<EventCursor, Error> {
    let newest = db
        .prepare("SELECT coalesce(max(id), 0) FROM event")
        .query_row((), |row| row.get(0))?;
    Ok(EventCursor(newest))
}

/// An event; nothing where a newer Mailjob wrote of something that this one does not know.
fn row(row: &Row<'_>) -> db::Result<Option<Event>> {
    let kind = row.get_ref(2)?.as_str()?;
    let Some(kind) = EventKind::ALL.into_iter().find(|known| known.as_str() == kind) else {
        return Ok(None);
    };
    Ok(Some(Event {
        cursor: EventCursor(row.get(0)?),
        at: instant(row.get(1)?),
        kind,
        endpoint: row.get(3)?,
        job: row.get(4)?,
        attempt: row.get(5)?,
        reason: row.get(6)?,
        detail: row.get(7)?,
        sender: row.get(8)?,
        subject: row.get(9)?,
    }))
}
