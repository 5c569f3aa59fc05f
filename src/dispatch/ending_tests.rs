use super::*;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn refused(not_before: Option<i64>) -> Outcome {
    Outcome::Retry {
        reason: Reason::Status(503),
        detail: "the webhook answered 503".into(),
        not_before: not_before.map(at),
    }
}

#[test]
fn a_retry_is_due_until_the_waits_are_used_up() {
    let retry = Retry {
        waits: vec![Duration::from_secs(5), Duration::from_secs(60)],
    };
    for (retries, not_before, due) in [(0, None, 1_005), (1, None, 1_060), (1, Some(1_500), 1_500)] {
        let settled = settle(refused(not_before), &retry, (1, retries), 0.0, at(1_000));
        assert_eq!(settled, (refused(not_before), Some(at(due))), "{retries}");
    }
    let (outcome, due) = settle(refused(None), &retry, (3, 2), 0.0, at(1_000));
    assert_eq!(due, None);
    assert_eq!(
        outcome,
        Outcome::Failed {
            reason: Reason::Exhausted,
            detail: "3 attempts; the last one: status-503: the webhook answered 503".into(),
            tell: None,
        }
    );
}

#[test]
fn other_outcomes_stay_as_they_are() {
    let done = Outcome::Done(crate::job::Answer::default());
    assert_eq!(
        settle(done.clone(), &Retry { waits: vec![] }, (1, 0), 0.5, at(0)),
        (done, None)
    );
}

#[test]
fn who_waits_for_the_operator_waits_without_end() {
    let retry = Retry {
        waits: vec![Duration::from_secs(5)],
    };
    for reason in Reason::operators().chain([Reason::Local]) {
        let waits = Outcome::Retry {
            reason,
            detail: "as the operator wants".into(),
            not_before: None,
        };
        let settled = settle(waits.clone(), &retry, (1_000, 1), 0.0, at(1_000));
        assert_eq!(settled, (waits, Some(at(1_005))), "{reason:?}");
    }
}
