//! When a mail may go: what comes in between is gathered for the next one. Pure; when mails were sent stands in the ledger.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::{config::Rate, ledger::SentNotices};

/// What stands before the time at which a mail was sent, in its key.
const MAIL: &str = "mail/";

/// Whether a key tells that a mail was sent.
pub(super) fn is_mail(key: &str) -> bool {
    key.starts_with(MAIL)
}

/// Whether a mail may go: `digest` has passed since the last one, and `limit` has room.
pub(super) fn may_mail(told: &SentNotices, digest: Duration, limit: Rate, now: DateTime<Utc>) -> bool {
    let age = |at: &DateTime<Utc>| (now - *at).to_std().unwrap_or_default();
    let mut sent = told.iter().filter(|(key, _)| is_mail(key)).map(|(_, at)| age(at));
    let since_last = sent.clone().min();
    let within = sent.by_ref().filter(|age| *age < limit.per).count();
    since_last.is_none_or(|age| age >= digest) && within < usize::try_from(limit.count).unwrap_or(usize::MAX)
}

/// The key that a mail was sent now, and those of mails that no longer count.
pub(super) fn mailed(told: &SentNotices, digest: Duration, limit: Rate, now: DateTime<Utc>) -> (String, Vec<String>) {
    let span = TimeDelta::from_std(digest.max(limit.per)).unwrap_or(TimeDelta::MAX);
    let old = told.iter().filter(|(key, at)| is_mail(key) && now - **at >= span);
    (
        format!("{MAIL}{}", now.timestamp_micros()),
        old.map(|(key, _)| key.clone()).collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Rate = Rate {
        count: 3,
        per: Duration::from_secs(3600),
    };

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap() + TimeDelta::minutes(minutes)
    }

    fn sent(minutes: &[i64]) -> SentNotices {
        let keys = minutes.iter().map(|minute| (format!("mail/{minute}"), at(*minute)));
        keys.chain([("sign-in/contoso".to_owned(), at(59))]).collect()
    }

    #[test]
    fn mails_are_apart_and_few() {
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        for (told, digest, now, may) in [
            (&[][..], 15, 60, true),
            (&[50], 15, 60, false),
            (&[45], 15, 60, true),
            (&[60], 0, 60, true),
            (&[10, 20, 30], 15, 60, false),
            (&[10, 20, 30], 0, 60, false),
            (&[0, 20, 30], 15, 60, true),
            // The clock was set back.
            (&[70], 15, 60, false),
        ] {
            assert_eq!(
                may_mail(&sent(told), minutes(digest), LIMIT, at(now)),
                may,
                "{told:?} {digest} {now}"
            );
        }
    }

    #[test]
    fn old_mails_are_forgotten() {
        let (key, old) = mailed(&sent(&[0, 1, 30]), Duration::ZERO, LIMIT, at(60));
        assert!(is_mail(&key));
        assert_eq!(old, ["mail/0"]);
        let (_, old) = mailed(&sent(&[0, 1, 30]), Duration::from_secs(7200), LIMIT, at(60));
        assert!(old.is_empty(), "the last one counts for the digest");
    }
}
