//! When a mailbox is looked at, and how much is taken at a time.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use toml::de::DeValue;

use super::{DAY, MINUTE, SECOND, cron::cron, did_you_mean};
use crate::config::{
    Backlog, Place, Since, Taker, Watch,
    agree::Term,
    sheet::Value,
    table::Table,
    value::{choice, count_or_all, duration, text},
};

/// Between two looks at a mailbox whose server tells of new mail.
const LOOK: Duration = Duration::from_secs(3 * 60);

/// How new mail is noticed, if it is said: exactly one way. A POP3 server never tells of it.
pub(super) fn watch(table: &mut Table<'_>, pop3: bool) -> Option<(Term, Place)> {
    let idle = table.value("watch");
    let look = table.get("look", duration(10 * SECOND..=9 * MINUTE));
    let every = table.get("every", duration(SECOND..=DAY));
    let cron = table.get("cron", cron);
    let zone = table.or("timezone", Tz::UTC, timezone);
    if let Some(value) = &idle {
        choice(&[("idle", ())])(value.clone());
    }
    if let Some(value) = idle.clone().or(table.value("look")).filter(|_| pop3) {
        return value.wrong(
            "has no use with POP3, whose servers don't tell of new mail",
            "write every = \"1m\" or cron = \"…\" in its place",
        );
    }
    let ways = [table.value("every"), table.value("cron"), idle.or(table.value("look"))];
    let mut ways = ways.into_iter().flatten();
    let first = ways.next();
    if let (Some(one), Some(other)) = (&first, ways.next()) {
        let cause = format!("stands beside `{}`; a mailbox is watched in one way", other.path);
        return one.wrong(cause, "keep one of them");
    }
    if let (Some(zone), None) = (table.value("timezone"), table.value("cron")) {
        return zone.wrong("has no use without cron", "remove it");
    }
    let watch = match (cron, every) {
        (Some(pattern), _) => Watch::Cron { pattern, zone },
        (None, Some(every)) => Watch::Every(every),
        (None, None) => Watch::Idle {
            look: look.unwrap_or(LOOK),
        },
    };
    first.map(|way| (Term::Watch(watch), way.place()))
}

/// What else is said of looks at the mailbox.
pub(super) fn looks(table: &mut Table<'_>) -> Vec<(Term, Place)> {
    let takers = [("first", Taker::First), ("all", Taker::All)];
    table.former(
        "backlog_limit",
        "has no use any more: mails that lay in the mailbox before it was watched are left there, however few they are",
        "remove it; where they are to be taken, write backlog = \"process\"",
    );
    let terms = [
        said(table, "match", choice(&takers), Term::Taker),
        said(table, "batch", count_or_all(1..=10_000), Term::Batch),
        said(table, "repeat", count_or_all(1..=1_000_000_000), Term::Repeat),
        said(table, "start_delay", duration(Duration::ZERO..=DAY), Term::StartDelay),
        said(table, "backlog", backlog, Term::Backlog),
    ];
    terms.into_iter().flatten().collect()
}

/// A setting and the place of its key, if it is written and right.
fn said<'a, T>(
    table: &mut Table<'a>,
    key: &'static str,
    parse: impl FnOnce(Value<'a>) -> Option<T>,
    term: impl FnOnce(T) -> Term,
) -> Option<(Term, Place)> {
    let value = table.value(key)?;
    let place = value.place();
    Some((term(parse(value)?), place))
}

/// What becomes of mails that lie there at the first look.
fn backlog(value: Value<'_>) -> Option<Backlog> {
    const CURE: &str = "write \"skip\", \"process\" or { since = \"7d\" }";
    match value.raw {
        DeValue::String(word) => match word.as_ref() {
            "skip" => Some(Backlog::Skip),
            "process" => Some(Backlog::Process),
            other => value.wrong(format!("is \"{other}\""), CURE),
        },
        DeValue::Table(_) => value
            .table(|table| table.must("since", CURE, since))
            .map(Backlog::Since),
        _ => value.wrong("is neither a word nor { since = \"…\" }", CURE),
    }
}

/// A day, a time with its offset, or how long before the first look.
fn since(value: Value<'_>) -> Option<Since> {
    const CURE: &str = "write a day such as \"2026-11-01\", a time such as \"2026-11-01T08:00:00Z\", or how long before the first look, such as \"7d\"";
    let written = match value.raw {
        DeValue::String(text) => text.to_string(),
        DeValue::Datetime(at) => at.to_string(),
        _ => return value.wrong("is no time", CURE),
    };
    if let Some(at) = time(&written) {
        return Some(Since::At(at));
    }
    // What begins with digits and a unit is a duration; its faults are told as those of one.
    if written.contains('-') || !written.starts_with(|first: char| first.is_ascii_digit()) {
        return value.wrong(format!("is \"{written}\", which is no time"), CURE);
    }
    duration(SECOND..=3650 * DAY)(value).map(Since::Age)
}

/// A day in UTC, or a time with its offset (RFC 3339).
pub(crate) fn time(text: &str) -> Option<DateTime<Utc>> {
    let day = || {
        let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
        Some(day.and_time(NaiveTime::MIN).and_utc())
    };
    let exact = DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc());
    exact.or_else(day)
}

fn timezone(value: Value<'_>) -> Option<Tz> {
    let name = text(value.clone())?;
    name.parse().ok().or_else(|| {
        let example = || "write a name such as \"Europe/Berlin\"".to_owned();
        let cure = did_you_mean(&name, TZ_VARIANTS.iter().map(|zone| zone.name())).unwrap_or_else(example);
        value.wrong(format!("is \"{name}\", which is no time zone"), cure)
    })
}
