//! `[retention]`: how long the ledger keeps what has ended.

use std::time::Duration;

use toml::de::DeValue;

use super::DAY;
use crate::config::{
    Keep, Retention,
    sheet::Value,
    table::Table,
    value::{duration, size},
};

/// Reads `[retention]`.
pub(super) fn retention(table: &mut Table<'_>) -> Retention {
    let default = Retention::default();
    Retention {
        mails: table.or("mails", default.mails, keep(default.mails)),
        results: table.or("results", default.results, keep(default.results)),
        history: table.or("history", default.history, keep(default.history)),
    }
}

/// `false`, or a table of limits; what it does not name has its default.
fn keep<'a>(default: Keep) -> impl Fn(Value<'a>) -> Option<Keep> {
    move |value| match value.raw {
        DeValue::Boolean(false) => Some(Keep::FOR_EVER),
        DeValue::Table(_) => value.table(|table| {
            Some(Keep {
                age: table.or("age", default.age, or_never(duration(Duration::ZERO..=3650 * DAY))),
                size: table.or("size", default.size, or_never(size(0..=1 << 50))),
            })
        }),
        _ => value.wrong(
            "is no table",
            "write { age = \"30d\", size = \"2GiB\" }, or false to keep them for ever",
        ),
    }
}

/// `false`, or a limit.
fn or_never<'a, T>(limit: impl Fn(Value<'a>) -> Option<T>) -> impl Fn(Value<'a>) -> Option<Option<T>> {
    move |value| match value.raw {
        DeValue::Boolean(false) => Some(None),
        _ => limit(value).map(Some),
    }
}
