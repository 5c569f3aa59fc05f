//! What a mail may cost, and when an action is tried again.

use super::{DAY, INSTANT, MINUTE};
use crate::config::{
    Limits, Retry,
    sheet::Value,
    table::Table,
    value::{count, duration, list, size},
};

/// Attempts that a job may have at most.
const MOST_WAITS: usize = 100;

/// Reads `[limits]`. Depth and parts end where the mail parser's own limits are.
pub(super) fn limits(table: &mut Table<'_>) -> Option<Limits> {
    let default = Limits::default();
    Some(Limits {
        size: table.or("size", default.size, size(1 << 10..=1 << 30)),
        depth: table.or("depth", default.depth, count(1..=64)),
        parts: table.or("parts", default.parts, count(1..=10_000)),
        headers: table.or("headers", default.headers, count(1..=100_000)),
        attachments: table.or("attachments", default.attachments, count(1..=10_000)),
        time: table.or("time", default.time, duration(INSTANT..=5 * MINUTE)),
    })
}

/// Reads `[retry]`. No waits at all is a wish that makes sense: one attempt.
pub(super) fn retry(table: &mut Table<'_>) -> Option<Retry> {
    let waits = table.get("waits", |value: Value<'_>| {
        if value.items().len() > MOST_WAITS {
            return value.wrong("has too many waits", format!("write {MOST_WAITS} at most"));
        }
        list(duration(INSTANT..=7 * DAY))(value)
    });
    Some(waits.map_or_else(Retry::default, |waits| Retry { waits }))
}
