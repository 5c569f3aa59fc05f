//! When to look again. Pure: `now` is an argument.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::config::{Looks, Watch};

/// The longest wait between two looks, where a cron pattern never comes true again.
const NEVER: Duration = Duration::from_secs(24 * 3600);
/// The pause before a look that is not wanted: a year, since timers have an end.
pub(crate) const FOR_EVER: Duration = Duration::from_secs(365 * 24 * 3600);
/// A session is kept for a pause of at most this length: servers end silent ones after 30 minutes, some much sooner.
const KEEP: Duration = Duration::from_secs(240);
/// The longest IDLE before it's issued anew. RFC 2177 says 29 minutes; Exchange Online stops pushing after 10 (2026).
const IDLE: Duration = Duration::from_secs(9 * 60);
/// How often a mailbox is looked at whose server has no IDLE.
const POLL: Duration = Duration::from_secs(10);

/// The time until the next look. `push` says whether the server tells of new mail by itself.
pub(crate) fn until_next(watch: &Watch, push: bool, now: DateTime<Utc>) -> Duration {
    match watch {
        Watch::Idle { look } if push => (*look).min(IDLE),
        Watch::Idle { look } => (*look).min(POLL),
        Watch::Every(interval) => *interval,
        Watch::Cron { pattern, zone } => {
            let local = now.with_timezone(zone);
            let next = pattern.find_next_occurrence(&local, false).ok();
            let wait = next.and_then(|next| next.signed_duration_since(local).to_std().ok());
            wait.unwrap_or(NEVER).min(NEVER)
        }
    }
}

/// Whether there were as many looks as are wanted.
pub(crate) fn is_over(looks: &Looks, count: usize) -> bool {
    looks.repeat.is_some_and(|repeat| count >= repeat)
}

/// The pause after the look of this number. `more` says that there is more to take at once.
pub(crate) fn after_look(looks: &Looks, count: usize, more: bool, usual: Duration) -> Duration {
    match (is_over(looks, count), more) {
        (true, _) => FOR_EVER,
        (false, true) => Duration::ZERO,
        (false, false) => usual,
    }
}

/// Whether a look is due when the program starts.
pub(crate) fn looks_at_start(watch: &Watch) -> bool {
    match watch {
        Watch::Idle { .. } | Watch::Every(_) => true,
        Watch::Cron { .. } => false,
    }
}

/// Whether the session is kept for a pause of this length.
pub(crate) fn keeps(pause: Duration) -> bool {
    pause <= KEEP
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cron(pattern: &str, zone: chrono_tz::Tz) -> Watch {
        Watch::Cron {
            pattern: Box::new(pattern.parse().unwrap()),
            zone,
        }
    }

    #[test]
    fn pauses() {
        let now: DateTime<Utc> = "2026-11-02T10:00:30Z".parse().unwrap();
        let idle = |secs| Watch::Idle {
            look: Duration::from_secs(secs),
        };
        for (watch, push, seconds) in [
            (idle(180), true, 180),
            (idle(3600), true, 540),
            (idle(180), false, 10),
            (idle(10), false, 10),
            (Watch::Every(Duration::from_secs(900)), false, 900),
            (cron("*/5 * * * *", chrono_tz::UTC), false, 270),
            (cron("0 12 * * *", chrono_tz::Europe::Berlin), false, 3570),
            (cron("0 0 1 1 *", chrono_tz::UTC), false, 24 * 3600),
        ] {
            assert_eq!(until_next(&watch, push, now).as_secs(), seconds, "{watch:?}");
        }
    }

    #[test]
    fn looks_come_to_an_end_where_that_is_wanted() {
        let usual = Duration::from_secs(7);
        for (repeat, count, more, pause) in [
            (None, 1_000_000, false, usual),
            (None, 3, true, Duration::ZERO),
            (Some(3), 2, false, usual),
            (Some(3), 2, true, Duration::ZERO),
            (Some(3), 3, false, FOR_EVER),
            (Some(3), 3, true, FOR_EVER),
        ] {
            let looks = Looks {
                repeat,
                ..Looks::default()
            };
            assert_eq!(
                after_look(&looks, count, more, usual),
                pause,
                "{repeat:?} {count} {more}"
            );
        }
    }

    #[test]
    fn noon_stays_noon_when_the_clocks_change() {
        // Berlin goes from +02:00 to +01:00 on 2026-10-25.
        let noon = cron("0 12 * * *", chrono_tz::Europe::Berlin);
        let before: DateTime<Utc> = "2026-10-24T10:00:00Z".parse().unwrap();
        assert_eq!(
            until_next(&noon, false, before + Duration::from_secs(7200)).as_secs(),
            23 * 3600
        );
    }
}
