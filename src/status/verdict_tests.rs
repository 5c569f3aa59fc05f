use super::*;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn trouble(need: MailboxRemedy) -> Option<MailboxProblem> {
    Some(MailboxProblem {
        need,
        words: "the server closed the connection".into(),
        since: at(0),
        next: Some(at(60)),
    })
}

fn known() -> EndpointFacts {
    EndpointFacts {
        endpoint: "orders".into(),
        looked: Some(at(0)),
        ..EndpointFacts::default()
    }
}

#[test]
fn each_state_has_its_words_and_what_to_do() {
    let held = JobTotals {
        held: 2,
        ..JobTotals::default()
    };
    let rows = [
        (known(), EndpointHealth::Working, "working", None),
        (
            EndpointFacts {
                looked: None,
                ..known()
            },
            EndpointHealth::Starting,
            "starting; not looked yet",
            None,
        ),
        (
            EndpointFacts {
                looked: None,
                connecting: Some(("imap.example:993".into(), at(0) - TimeDelta::seconds(40))),
                ..known()
            },
            EndpointHealth::Starting,
            "starting; imap.example:993 has not let us in since 2027-01-15 07:59:20 UTC",
            None,
        ),
        (
            EndpointFacts {
                trouble: trouble(MailboxRemedy::Time),
                ..known()
            },
            EndpointHealth::Waiting,
            "waiting to connect since 2027-01-15 08:00:00 UTC, because the server closed the connection; next try 2027-01-15 08:01:00 UTC",
            None,
        ),
        (
            EndpointFacts {
                trouble: trouble(MailboxRemedy::Operator),
                ..known()
            },
            EndpointHealth::Waiting,
            "waiting to connect since",
            Some("mailjob doctor orders says what to do"),
        ),
        (
            EndpointFacts {
                trouble: trouble(MailboxRemedy::SignIn),
                person: Some("contoso".into()),
                ..known()
            },
            EndpointHealth::NeedsSignIn,
            "needs a sign-in since 2027-01-15 08:00:00 UTC: the server closed",
            Some("run: mailjob auth login contoso"),
        ),
        (
            EndpointFacts {
                trouble: trouble(MailboxRemedy::SignIn),
                ..known()
            },
            EndpointHealth::Waiting,
            "can't sign in since",
            Some("replace what does not prove us any more (it counts at once); mailjob doctor orders says what to do"),
        ),
        (
            EndpointFacts {
                trouble: trouble(MailboxRemedy::Backlog),
                ..known()
            },
            EndpointHealth::HeldBacklog,
            "the server closed the connection",
            Some(
                "put the ledger back, or say what becomes of the mails that lie there: mailjob backlog skip orders leaves them, mailjob backlog take orders has them done (backlog = \"skip\" or \"process\" in [mailbox] of its file says the same)",
            ),
        ),
        (
            EndpointFacts {
                held_back: vec![HoldingEndpoint {
                    endpoint: "bills".into(),
                    problem: Some("/etc/bills.toml:1:1: unknown key".into()),
                }],
                ..known()
            },
            EndpointHealth::HeldBack,
            "held back: new mails wait, because they may be meant for another endpoint, and the file of bills can't be used (/etc/bills.toml:1:1: unknown key)",
            Some("mend the file of bills, or remove it; mailjob check shows every problem"),
        ),
        (
            EndpointFacts {
                held_back: vec![HoldingEndpoint {
                    endpoint: "bills".into(),
                    problem: None,
                }],
                looked: None,
                ..known()
            },
            EndpointHealth::HeldBack,
            "held back: new mails wait, because they may be meant for another endpoint, and the file of bills is gone",
            None,
        ),
        (
            EndpointFacts {
                paused: Some((at(0), PausedBy::Gone)),
                ..known()
            },
            EndpointHealth::Paused,
            "paused since 2027-01-15 08:00:00 UTC: its webhook answered 410 Gone",
            Some("correct the webhook in its file, or say mailjob resume orders, to go on"),
        ),
        (
            EndpointFacts {
                paused: Some((at(0), PausedBy::Operator)),
                ..known()
            },
            EndpointHealth::Paused,
            "paused since 2027-01-15 08:00:00 UTC: somebody asked for that; mailjob resume orders lets it go on",
            None,
        ),
        (
            EndpointFacts {
                waits: Some("the webhook answered 401".into()),
                ..known()
            },
            EndpointHealth::Working,
            "working",
            Some(
                "its jobs wait until that is mended: the webhook answered 401; then mailjob jobs retry --all --endpoint orders --state deferred has them go on at once",
            ),
        ),
        (
            EndpointFacts {
                problem: Some("x".into()),
                jobs: Some(held),
                replies: Some("see to the SMTP server".into()),
                ..known()
            },
            EndpointHealth::Working,
            "working",
            Some(
                "mend its file, whose last good version goes on; mailjob check shows every problem; look at the jobs that are held (2): mailjob jobs list --state held; see to the SMTP server",
            ),
        ),
    ];
    for (known, state, words, to_do) in rows {
        let found = verdict(&known, at(61));
        assert_eq!(found.state, state, "{known:?}");
        assert!(found.words.starts_with(words), "{}", found.words);
        assert_eq!(found.to_do.as_deref(), to_do, "{known:?}");
    }
}

#[test]
fn a_mailbox_that_is_out_of_reach_for_long_is_a_persons_business() {
    let known = EndpointFacts {
        trouble: trouble(MailboxRemedy::Time),
        ..known()
    };
    let last = i64::try_from(PATIENCE.as_secs()).unwrap();
    assert_eq!(verdict(&known, at(last - 1)).to_do, None);
    assert!(verdict(&known, at(last)).to_do.is_some());
}

#[test]
fn codes_are_those_of_json() {
    for state in EndpointHealth::ALL {
        let json = serde_json::to_value(state).unwrap();
        assert_eq!(json, state.code());
    }
}

#[test]
fn a_webhook_that_refuses_us_is_not_down_and_what_to_do_is_said_at_once() {
    let refuses = EndpointFacts {
        down: Some(Unanswered {
            since: at(0),
            said: "the webhook answered 401".into(),
            next: at(60),
            refuses: true,
        }),
        waits: Some("the webhook answered 401: check the key".into()),
        ..known()
    };
    let verdict = verdict(&refuses, at(1));
    assert_eq!(verdict.state, EndpointHealth::Waiting);
    assert!(
        verdict.words.contains("its webhook refuses us since"),
        "{}",
        verdict.words
    );
    let to_do = verdict.to_do.unwrap();
    assert!(
        to_do.contains("check the key") && to_do.contains("mailjob jobs retry"),
        "{to_do}"
    );
}
