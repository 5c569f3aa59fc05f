use super::*;
use crate::refusal::MailHost;
use crate::{
    auth,
    ledger::{self, Place},
    metrics::Metrics,
    watch::error::{Negative, Refusal},
};

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

#[test]
fn how_far_behind_it_is_is_known_from_the_servers_word_on() {
    let metrics = Metrics::new();
    let health = WatchHealth::counted(metrics.mailbox("a", "INBOX"));
    health.announced(5);
    health.took(
        IntakeResult {
            new: 2,
            known: 1,
            completed: 0,
        },
        &[at(-3)],
        at(0),
    );
    let state = health.state();
    assert_eq!((state.untaken, state.took), (2, Some(at(0))));
    health.took(
        IntakeResult {
            new: 0,
            known: 1,
            completed: 0,
        },
        &[],
        at(9),
    );
    health.looked(at(10), true);
    let state = health.state();
    assert_eq!(
        (state.untaken, state.took, state.looked),
        (1, Some(at(0)), Some(at(10)))
    );
    health.looked(at(11), false);
    assert_eq!(health.state().untaken, 0);
    let text = metrics.encode().unwrap();
    for line in [
        "mails_seen_total{account=\"a\",mailbox=\"INBOX\"} 4",
        "mails_taken_total{account=\"a\",mailbox=\"INBOX\"} 2",
        "mail_take_delay_seconds_sum{account=\"a\",mailbox=\"INBOX\"} 3.0",
    ] {
        assert!(text.contains(line), "{line}:\n{text}");
    }
}

#[test]
fn what_was_passed_over_is_counted_and_its_first_line_kept() {
    let health = WatchHealth::default();
    health.passed_over(2, &Words::new("* GARBAGE"));
    health.looked(at(0), false);
    health.lost(&WatchError::Closed, Duration::from_secs(2), at(0));
    health.passed_over(1, &Words::new("* MORE"));
    assert_eq!(health.state().unread, Some((3, "* GARBAGE".to_owned())));
}

#[test]
fn trouble_begins_with_its_first_sign_and_ends_with_a_look() {
    let health = WatchHealth::default();
    health.lost(&WatchError::Closed, Duration::from_secs(2), at(0));
    health.lost(&WatchError::Closed, Duration::from_secs(4), at(2));
    let state = health.state();
    assert_eq!(
        (state.since, state.next, state.need),
        (Some(at(0)), Some(at(6)), Some(MailboxRemedy::Time))
    );
    health.reached();
    let state = health.state();
    assert_eq!((state.trouble, state.need, state.since), (None, None, Some(at(0))));
    health.looked(at(7), false);
    assert_eq!(health.state().since, None);
}

#[test]
fn who_can_end_it() {
    let answer = |text: &str| Refusal {
        status: Negative::No,
        code: None,
        text: Words::new(text),
    };
    let refused = |text| WatchError::Refused {
        command: "SELECT",
        answer: answer(text),
    };
    let credential = |text| WatchError::Credential {
        mechanism: "PLAIN",
        host: MailHost::default(),
        answer: answer(text),
    };
    let throttled = "Request is throttled. Suggested Backoff Time: 1000 milliseconds";
    for (error, wanted) in [
        (WatchError::Closed, MailboxRemedy::Time),
        (refused("no such mailbox"), MailboxRemedy::Operator),
        (refused(throttled), MailboxRemedy::Time),
        (credential("no"), MailboxRemedy::SignIn),
        (credential(throttled), MailboxRemedy::Time),
        (
            WatchError::SignIn(auth::AuthError::NotSignedIn("a".into())),
            MailboxRemedy::SignIn,
        ),
        (
            WatchError::SignIn(auth::AuthError::Answer("is no JSON")),
            MailboxRemedy::Time,
        ),
        (
            WatchError::LostLedger {
                target: "Processed".into(),
                mails: 2,
            },
            MailboxRemedy::Backlog,
        ),
        (WatchError::Forgotten, MailboxRemedy::Backlog),
        (
            WatchError::Ledger(ledger::Error::Full("disk".into())),
            MailboxRemedy::Time,
        ),
    ] {
        assert_eq!(need(&error), wanted, "{error}");
    }
}

#[test]
fn only_what_was_touched_is_counted_as_settled() {
    let metrics = Metrics::new();
    let health = WatchHealth::counted(metrics.mailbox("a", "INBOX"));
    let due = |uid, verdict| Settling {
        place: Place { uid_validity: 1, uid },
        verdict,
        endpoint: None,
    };
    let due = [
        due(1, MailOutcome::Done),
        due(2, MailOutcome::Failed),
        due(3, MailOutcome::Done),
    ];
    health.settled(&due, &[1, 2]);
    let text = metrics.encode().unwrap();
    for (verdict, count) in [("done", 1), ("failed", 1), ("ignored", 0)] {
        let line = format!("mails_settled_total{{account=\"a\",mailbox=\"INBOX\",verdict=\"{verdict}\"}} {count}");
        assert!(text.contains(&line), "{line}:\n{text}");
    }
}
