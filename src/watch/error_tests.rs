use super::*;

fn refused(text: &str) -> WatchError {
    WatchError::Refused {
        command: "SELECT",
        answer: Refusal {
            status: Negative::Bad,
            code: None,
            text: Words::new(text),
        },
    }
}

#[test]
fn exchange_says_how_long_to_wait() {
    for (text, wait) in [
        (
            "Request is throttled. Suggested Backoff Time: 299961 milliseconds",
            Some(299_961),
        ),
        ("Request is throttled. Suggested Backoff Time: 5 milliseconds", Some(5)),
        (
            "Request is throttled. Suggested Backoff Time: 99999999999999999999999 milliseconds",
            Some(300_000),
        ),
        ("Request is throttled. Suggested Backoff Time: 900000", Some(300_000)),
        ("Request is throttled. Suggested Backoff Time: soon", Some(300_000)),
        ("Request is throttled.", None),
        ("", None),
    ] {
        assert_eq!(refused(text).patience(), wait.map(Duration::from_millis), "{text}");
    }
    assert_eq!(WatchError::Closed.patience(), None);
}

#[test]
fn who_must_act() {
    assert_eq!(WatchError::Closed.verdict(), Verdict::Reconnect);
    assert_eq!(WatchError::Protocol(Violation::Nested).verdict(), Verdict::Reconnect);
    assert_eq!(refused("no").verdict(), Verdict::SlowDown);
    assert_eq!(WatchError::Ledger(ledger::Error::Closed).verdict(), Verdict::Fatal);
    assert_eq!(
        WatchError::Ledger(ledger::Error::Full("disk".into())).verdict(),
        Verdict::Reconnect
    );
}
