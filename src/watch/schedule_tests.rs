use std::collections::BTreeSet;

use chrono::{LocalResult, NaiveDate, TimeDelta, TimeZone as _};
use proptest::prelude::*;

use super::*;

const MINUTE: i64 = 60;

fn cron(pattern: &str, zone: Tz) -> WatchMode {
    WatchMode::Cron {
        pattern: Box::new(pattern.parse().unwrap()),
        zone,
    }
}

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[test]
fn pauses() {
    let (wall, now) = (utc("2026-11-02T10:00:30Z"), Instant::now());
    let idle = |secs| WatchMode::Idle {
        look: Duration::from_secs(secs),
    };
    for (watch, push, seconds) in [
        (idle(180), true, 180),
        (idle(3600), true, 540),
        (idle(180), false, 10),
        (idle(10), false, 10),
        (WatchMode::Every(Duration::from_secs(900)), false, 900),
        (cron("*/5 * * * *", Tz::UTC), false, 270),
        (cron("0 12 * * *", Tz::Europe__Berlin), false, 300),
        (cron("0 0 1 1 *", Tz::UTC), false, 300),
    ] {
        let next = NextLook::after(&watch, push, wall, now);
        assert_eq!((next.at - now).as_secs(), seconds, "{watch:?}");
    }
}

#[test]
fn looks_come_to_an_end_where_that_is_wanted() {
    let now = Instant::now();
    let usual = now + Duration::from_secs(7);
    for (repeat, count, more, at) in [
        (None, 1_000_000, false, usual),
        (None, 3, true, now),
        (Some(3), 2, false, usual),
        (Some(3), 2, true, now),
        (Some(3), 3, false, now + FOR_EVER),
        (Some(3), 3, true, now + FOR_EVER),
    ] {
        let looks = Polling {
            repeat,
            ..Polling::default()
        };
        let next = after_look(&looks, count, more, now, || NextLook::at(usual));
        assert_eq!(next.at, at, "{repeat:?} {count} {more}");
    }
}

/// A machine with a clock on the wall, and a mailbox that is looked at.
struct World {
    watch: WatchMode,
    wall: DateTime<Utc>,
    now: Instant,
    next: NextLook,
    looks: Vec<DateTime<Utc>>,
}

impl World {
    fn new(watch: WatchMode, wall: DateTime<Utc>) -> Self {
        let now = Instant::now();
        Self {
            next: NextLook::first(&watch, wall, now),
            watch,
            wall,
            now,
            looks: Vec::new(),
        }
    }

    /// Sleeps until there is something to do, and looks where a look is due; that takes as long.
    fn step(&mut self, takes: Duration) {
        let slept = self.next.at.saturating_duration_since(self.now);
        (self.now, self.wall) = (self.now + slept, self.wall + slept);
        if self.next.is_due(&self.watch, self.wall, self.now) {
            self.looks.push(self.wall);
            (self.now, self.wall) = (self.now + takes, self.wall + takes);
            self.next = NextLook::after(&self.watch, false, self.wall, self.now);
        }
    }

    fn until(mut self, end: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        while self.wall + self.next.at.saturating_duration_since(self.now) < end {
            self.step(Duration::ZERO);
        }
        self.looks
    }
}

/// Looks of a night, as the clock there shows them.
fn night(pattern: &str, zone: Tz, begin: &str, hours: i64) -> String {
    let begin = utc(begin);
    let looks = World::new(cron(pattern, zone), begin).until(begin + TimeDelta::hours(hours));
    let shown = looks
        .iter()
        .map(|look| look.with_timezone(&zone).format("%H:%M").to_string());
    shown.collect::<Vec<_>>().join(" ")
}

#[test]
fn no_look_is_missed_when_the_clocks_change() {
    use Tz::{
        Africa__Cairo as CAIRO, America__New_York as NEW_YORK, Australia__Lord_Howe as LORD_HOWE,
        Europe__Berlin as BERLIN,
    };
    for (pattern, zone, begin, hours, looks) in [
        // 02:00 to 02:59 come twice.
        (
            "*/30 * * * *",
            BERLIN,
            "2026-10-24T23:50:00Z",
            4,
            "02:00 02:30 02:00 02:30 03:00 03:30 04:00 04:30",
        ),
        (
            "*/30 * * * *",
            BERLIN,
            "2026-10-25T00:50:00Z",
            2,
            "02:00 02:30 03:00 03:30",
        ),
        ("30 2 * * *", BERLIN, "2026-10-24T22:00:00Z", 30, "02:30 02:30"),
        ("0 12 * * *", BERLIN, "2026-10-24T11:00:00Z", 49, "12:00 12:00"),
        // 02:00 to 02:59 don't come.
        (
            "*/30 * * * *",
            BERLIN,
            "2026-03-29T00:20:00Z",
            2,
            "01:30 03:00 03:30 04:00",
        ),
        ("30 2 * * *", BERLIN, "2026-03-28T22:00:00Z", 24, "03:00"),
        ("0 0 * * *", BERLIN, "2026-03-28T22:00:00Z", 24, "00:00"),
        (
            "15 * * * *",
            NEW_YORK,
            "2026-11-01T04:50:00Z",
            4,
            "01:15 01:15 02:15 03:15",
        ),
        ("15 * * * *", NEW_YORK, "2026-03-08T05:50:00Z", 3, "01:15 03:15 04:15"),
        // Half an hour: 01:30 to 01:59 come twice.
        (
            "*/15 1 * * *",
            LORD_HOWE,
            "2026-04-04T13:50:00Z",
            2,
            "01:00 01:15 01:30 01:45 01:30 01:45",
        ),
        ("*/15 2 * * *", LORD_HOWE, "2026-10-03T15:00:00Z", 2, "02:30 02:45"),
        // The day begins at 01:00.
        ("0 0 * * *", CAIRO, "2026-04-23T12:00:00Z", 36, "01:00 00:00"),
    ] {
        assert_eq!(night(pattern, zone, begin, hours), looks, "{pattern} {zone} {begin}");
    }
}

#[test]
fn a_clock_that_is_set_is_noticed() {
    let begin = utc("2026-11-02T10:00:30Z");
    let world = || World::new(cron("0 12 * * *", Tz::UTC), begin);
    // Forward beyond what was named: within minutes. Forward before it, and back: when it is shown.
    for (hours, look, within) in [
        (3, "2026-11-02T13:00:30Z", 300),
        (1, "2026-11-02T12:00:00Z", 0),
        (-20, "2026-11-01T14:00:30Z", 79_170),
    ] {
        let mut world = world();
        world.wall += TimeDelta::hours(hours);
        while world.looks.is_empty() {
            world.step(Duration::ZERO);
        }
        let late = (world.looks[0] - utc(look)).num_seconds();
        assert!((0..=within).contains(&late), "{hours}: {late} s after {look}");
    }
}

#[test]
fn a_time_that_cannot_be_computed_is_polled() {
    let watch = cron("0 0 30 2 *", Tz::UTC);
    let (wall, now) = (utc("2026-11-02T10:00:30Z"), Instant::now());
    assert_eq!(NextLook::after(&watch, false, wall, now), NextLook::at(now + UNKNOWN));
}

/// Zones whose clocks change, with a day around each change of some years.
fn changes() -> Vec<(Tz, DateTime<Utc>)> {
    let zones = [
        Tz::Europe__Berlin,
        Tz::America__New_York,
        Tz::Australia__Lord_Howe,
        Tz::Africa__Cairo,
        Tz::America__Santiago,
        Tz::Asia__Beirut,
        Tz::Pacific__Chatham,
        Tz::America__St_Johns,
    ];
    let offset = |zone: Tz, at: DateTime<Utc>| zone.offset_from_utc_datetime(&at.naive_utc()).to_string();
    let mut all = Vec::new();
    for zone in zones {
        let mut day = utc("2025-01-01T00:00:00Z");
        while day < utc("2028-01-01T00:00:00Z") {
            let next = day + TimeDelta::days(1);
            if offset(zone, day) != offset(zone, next) {
                all.push((zone, day));
            }
            day = next;
        }
    }
    all
}

/// Whether a pattern names certain times of a day, and not every so often.
fn is_fixed(pattern: &str) -> bool {
    pattern.split(' ').take(2).all(|field| !field.contains('*'))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Between two looks lies no minute that the pattern names. But for times of day: of a minute that comes twice, once is enough, and
    /// one that does not come is made up for when the gap is over.
    #[test]
    fn no_named_minute_lies_between_two_looks(
        which in any::<prop::sample::Index>(),
        minute in prop_oneof![Just("*"), Just("*/5"), Just("*/20"), Just("7"), Just("0"), Just("30"), Just("0,30"), Just("10-40/10")],
        hour in prop_oneof![Just("*"), Just("*/2"), Just("0"), Just("1"), Just("2"), Just("3"), Just("0-3"), Just("1,2")],
        begin in 0..24 * 60_i64,
        second in 0..60_i64,
        takes in prop::collection::vec(0..2_000_u64, 1..9),
    ) {
        let changes = changes();
        let (zone, day) = changes[which.index(changes.len())];
        let text = format!("{minute} {hour} * * *");
        let begin = day + TimeDelta::seconds(begin * MINUTE + second);
        let end = begin + TimeDelta::hours(40);
        let mut world = World::new(cron(&text, zone), begin);
        let pattern: croner::Cron = text.parse().unwrap();
        let mut takes = takes.into_iter().cycle();
        let (mut from, mut asked) = (begin, BTreeSet::new());
        while world.wall < end {
            let looks = world.looks.len();
            world.step(Duration::from_secs(takes.next().unwrap()));
            if world.looks.len() == looks {
                continue;
            }
            let look = world.looks[looks];
            // From the first whole minute after the look before.
            let mut minute = from + TimeDelta::seconds(MINUTE - from.timestamp().rem_euclid(MINUTE));
            while minute < look {
                let local = minute.with_timezone(&zone);
                let named = pattern.is_time_matching(&local).unwrap();
                let again = match zone.from_local_datetime(&local.naive_local()) {
                    LocalResult::Ambiguous(first, _) => is_fixed(&text) && first.to_utc() < minute,
                    _ => false,
                };
                prop_assert!(!named || again, "{} {}: {} lies between {} and {}", text, zone, local, from, look);
                minute += TimeDelta::seconds(MINUTE);
            }
            prop_assert!(asked.insert(look), "{} {}: twice at {}", text, zone, look);
            from = world.wall;
        }
    }
}

/// Of every day, a time is looked at once, also where it does not come or comes twice.
#[test]
fn each_day_has_one_look_at_a_time_of_day() {
    for (zone, day) in changes() {
        for (minute, hour) in [(0, 0), (30, 0), (30, 1), (0, 2), (45, 2), (0, 3), (0, 12)] {
            let local = day.with_timezone(&zone).date_naive() - TimeDelta::days(2);
            let begin = zone
                .from_local_datetime(&local.and_hms_opt(20, 0, 0).unwrap())
                .single()
                .unwrap();
            let looks = World::new(cron(&format!("{minute} {hour} * * *"), zone), begin.to_utc());
            let looks = looks.until(begin.to_utc() + TimeDelta::days(4));
            let days: Vec<NaiveDate> = looks
                .iter()
                .map(|look| look.with_timezone(&zone).date_naive())
                .collect();
            let wanted: Vec<_> = (1..=4).map(|days| local + TimeDelta::days(days)).collect();
            assert_eq!(days, wanted, "{hour}:{minute:02} {zone} {day}");
        }
    }
}
