//! When a mailbox is looked at, and how much is taken at a time.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use toml::de::DeValue;

use super::{DAY, MINUTE, SECOND, cron::cron, did_you_mean};
use crate::config::{
    Backlog, Endpoint, MatchMode, Place, Since, WatchMode,
    declare::{implied, keys, never, never_so, usual},
    key::Allowed,
    kind::{Count, CountOrAll, OneOf, Time, WordOrTable},
    rule::Rule,
    sheet::PlacedValue,
    table::Table,
    term::Term,
    value::{duration, text},
};

keys! {
    /// How and when a mailbox is looked at, as it is written.
    pub(in crate::config) struct LookKeys in "mailbox" "" {
        _watch("watch"): Option<()> = OneOf(&[("idle", ())]), implied("\"idle\""),
            "the server tells; a server without IDLE is looked at every 10 s", below("\
How new mail is noticed, one of three. POP3 servers never tell: there it is every or cron. When nothing is written every = \"10s\", and
every = \"1m\" at Microsoft and Google, who limit sign-ins."), by_pop3("");
        look: Option<Duration> = Time(10 * SECOND..=9 * MINUTE), implied("\"3m\""),
            "with idle: the longest time between two looks at the mailbox", by_pop3("");
        every: Option<Duration> = Time(SECOND..=DAY), never("\"30s\""), "the mailbox is looked at in this interval",
            by_pop3("\"10s\"");
        cron: Option<Box<croner::Cron>> = Allowed::Text => cron, never("\"*/5 8-18 * * MON-FRI\""),
            "or at these times: minute, hour, day, month, weekday; with seconds in front if there are six";
        timezone: Option<Tz> = Allowed::Text => timezone, never("\"UTC\""), "of the cron pattern";
        batch: Option<Option<usize>> = CountOrAll(1..=10_000), implied("-1"),
            "mails that a look takes at most; the rest waits for the next look; with idle that follows at once";
        repeat: Option<Option<usize>> = CountOrAll(1..=1_000_000_000), implied("-1"),
            "looks after which the mailbox is left alone until the next start";
        start_delay: Option<Duration> = Time(Duration::ZERO..=DAY), implied("\"0s\""), "before the first look after a start";
        backlog: Option<Backlog> = BACKLOG => |value| BACKLOG.read(value, |_, value| since(value).map(Backlog::Since)),
            never_so(&[
                ("\"skip\"", "as if nothing were written"),
                ("\"process\"", "take them all"),
                ("{ since = \"7d\" }", "take those that came in the last seven days; or since a day, \"2026-11-01\", or a time, \"2026-11-01T08:00:00Z\""),
            ]), "", below("\
Mails that lie in the mailbox when it is looked at for the first time ever: they are left there, untouched, and mailjob status says
how many; mailjob backlog list shows them, mailjob backlog take has them taken, and so does process, also when it is written later.
When nothing is written and the ledger is new although the mailbox that done or failed mails are moved to has mails, a ledger was lost:
nothing is taken until one of these is written, or mailjob backlog skip or take says which.");
        taker("match"): Option<MatchMode> = OneOf(&[("first", MatchMode::First), ("all", MatchMode::All)]), implied("\"first\""), "or all", below("\
Several endpoints may watch one mailbox, over one connection. With match = \"first\" a mail is for the first one whose [when] it meets,
in the order of these numbers, of equal ones by name; with \"all\" each whose [when] it meets does its own job. A mail that was taken
before an endpoint was added is not for that one. When a file is removed, those of its mails that wait go on to the next endpoint.
All of these settings but order, and [settle] ignored, belong to the mailbox: what one file does not write is as another writes it,
and two that write different things are told so.");
        order: usize = Count(0..=1_000_000), usual(Endpoint::ORDER), "the lowest comes first";
    }
    rules &[
        Rule::OneWay(&[&["every"], &["cron"], &["watch", "look"]], "; a mailbox is watched in one way", "keep one of them"),
        Rule::With(&["timezone"], "cron", "remove it"),
    ]
}

/// Between two looks at a mailbox whose server tells of new mail.
const LOOK: Duration = Duration::from_secs(3 * 60);

impl LookKeys {
    /// What is said, each with its place.
    pub(super) fn terms(self, table: &mut Table<'_>, pop3: bool) -> Vec<(Term, Place)> {
        table.former(
            "backlog_limit",
            "has no use any more: mails that lay in the mailbox before it was watched are left there, however few they are",
            "remove it; where they are to be taken, write backlog = \"process\"",
        );
        let terms = [
            ("match", self.taker.map(Term::Taker)),
            ("batch", self.batch.map(Term::Batch)),
            ("repeat", self.repeat.map(Term::Repeat)),
            ("start_delay", self.start_delay.map(Term::StartDelay)),
            ("backlog", self.backlog.map(Term::Backlog)),
        ];
        let mut said: Vec<_> = self.way(table, pop3).into_iter().collect();
        let term = |(key, term): (_, Option<Term>)| Some((term?, table.value(key)?.place()));
        said.extend(terms.into_iter().filter_map(term));
        said
    }

    /// How new mail is noticed, if it is said: exactly one way. A POP3 server never tells of it.
    fn way(self, table: &mut Table<'_>, pop3: bool) -> Option<(Term, Place)> {
        let written = ["every", "cron", "watch", "look"].map(|key| (key, table.value(key)));
        let mut written = written.into_iter().filter_map(|(key, value)| Some((key, value?)));
        let idle = written.clone().find(|(key, _)| matches!(*key, "watch" | "look"));
        if let Some((_, value)) = idle.filter(|_| pop3) {
            return value.wrong(
                "has no use with POP3, whose servers don't tell of new mail",
                "write every = \"1m\" or cron = \"…\" in its place",
            );
        }
        let (_, way) = written.next()?;
        let zone = self.timezone.unwrap_or(Tz::UTC);
        let watch = match (self.cron, self.every) {
            (Some(pattern), _) => WatchMode::Cron { pattern, zone },
            (None, Some(every)) => WatchMode::Every(every),
            (None, None) => WatchMode::Idle {
                look: self.look.unwrap_or(LOOK),
            },
        };
        Some((Term::Watch(watch), way.place()))
    }
}

/// What becomes of mails that lie there at the first look.
const BACKLOG: WordOrTable<Backlog> = WordOrTable {
    words: &[("skip", Backlog::Skip), ("process", Backlog::Process)],
    keys: &[("since", Allowed::Text)],
    forms: "\"skip\", \"process\" or { since = \"7d\" }",
};

/// A day, a time with its offset, or how long before the first look.
fn since(value: PlacedValue<'_>) -> Option<Since> {
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

fn timezone(value: PlacedValue<'_>) -> Option<Tz> {
    let name = text(value.clone())?;
    name.parse().ok().or_else(|| {
        let example = || "write a name such as \"Europe/Berlin\"".to_owned();
        let cure = did_you_mean(&name, TZ_VARIANTS.iter().map(|zone| zone.name())).unwrap_or_else(example);
        value.wrong(format!("is \"{name}\", which is no time zone"), cure)
    })
}
