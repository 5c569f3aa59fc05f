use proptest::prelude::*;

use super::*;

fn expiry(what: ExpiringSecret, minutes: i64, life: Option<i64>) -> Expiry {
    let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    let ends = now + TimeDelta::minutes(minutes);
    Expiry::new(what, ends, life.map(|days| ends - TimeDelta::days(days)), now)
}

#[test]
fn the_nearest_threshold_is_due_unless_it_was_told() {
    const DAY: i64 = 24 * 60;
    let due_of = |what, minutes, life, told: &[i64]| {
        let told = told.iter().copied().map(Threshold).collect();
        due(&expiry(what, minutes, life), &told).map(Threshold::days)
    };
    for (minutes, life, told, expected) in [
        (31 * DAY, None, &[][..], None),
        (30 * DAY + 1, None, &[], None),
        (30 * DAY, None, &[], Some(30)),
        (30 * DAY, None, &[30], None),
        (14 * DAY + 1, None, &[30], None),
        (14 * DAY, None, &[30], Some(14)),
        (6 * DAY, None, &[], Some(7)),
        (6 * DAY, None, &[30], Some(7)),
        (6 * DAY, None, &[7], None),
        (DAY + 1, None, &[7], None),
        (DAY, None, &[7], Some(1)),
        (1, None, &[1], None),
        (0, None, &[1], Some(0)),
        (-90 * DAY, None, &[], Some(0)),
        (-90 * DAY, None, &[0], None),
        // A token that lives ten days and is new is no news.
        (10 * DAY, Some(10), &[], None),
        (7 * DAY, Some(10), &[], Some(7)),
        (7 * DAY, Some(7), &[], None),
        (DAY, Some(1), &[], None),
        (0, Some(1), &[], Some(0)),
    ] {
        assert_eq!(
            due_of(ExpiringSecret::RefreshToken, minutes, life, told),
            expected,
            "{minutes} min, {life:?}, {told:?}"
        );
    }
    for what in [ExpiringSecret::FederatedToken, ExpiringSecret::AccessToken] {
        assert_eq!(due_of(what, 60, None, &[]), None, "somebody renews the {what}");
        assert_eq!(due_of(what, 0, None, &[]), Some(0), "{what}");
    }
}

proptest! {
    /// However often it is looked, and however long not: each threshold once at most, the nearer ones later, and never more than
    /// one a look; whoever looks to the end is told of the end.
    #[test]
    fn nobody_is_told_twice(steps in proptest::collection::vec(1..40_000_i64, 1..60), days in 1..400_i64) {
        let mut told = BTreeSet::new();
        let mut left = days * 24 * 60;
        let mut last = i64::MAX;
        for step in steps {
            left -= step;
            if let Some(threshold) = due(&expiry(ExpiringSecret::ClientSecret, left, None), &told) {
                prop_assert!(threshold.days() < last);
                prop_assert!(left <= threshold.days() * 24 * 60);
                last = threshold.days();
                prop_assert!(told.insert(threshold));
            }
        }
        prop_assert_eq!(left <= 0, told.contains(&Threshold(0)));
    }
}
