use super::*;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn trouble(need: Need) -> Option<Trouble> {
    Some(Trouble {
        need,
        words: "the server closed the connection".into(),
        since: at(0),
        next: Some(at(60)),
    })
}

fn known() -> Known {
    Known {
        endpoint: "orders".into(),
        looked: Some(at(0)),
        ..Known::default()
    }
}

#[test]
fn each_state_has_its_words_and_what_to_do() {
    let held = Jobs {
        held: 2,
        ..Jobs::default()
    };
    let rows = [
        (known(), State::Working, "working", None),
        (
            Known {
                looked: None,
                ..known()
            },
            State::Starting,
            "starting; not looked yet",
            None,
        ),
        (
            Known {
                looked: None,
                connecting: Some(("imap.example:993".into(), at(0) - TimeDelta::seconds(40))),
                ..known()
            },
            State::Starting,
            "starting; imap.example:993 has not let us in since 2027-01-15 07:59:20 UTC",
            None,
        ),
        (
            Known {
                trouble: trouble(Need::Time),
                ..known()
            },
            State::Waiting,
            "waiting to connect since 2027-01-15 08:00:00 UTC, because the server closed the connection; next try 2027-01-15 08:01:00 UTC",
            None,
        ),
        (
            Known {
                trouble: trouble(Need::Operator),
                ..known()
            },
            State::Waiting,
            "waiting to connect since",
            Some("mailjob doctor orders says what to do"),
        ),
        (
            Known {
                trouble: trouble(Need::SignIn),
                person: Some("contoso".into()),
                ..known()
            },
            State::NeedsSignIn,
            "needs a sign-in since 2027-01-15 08:00:00 UTC: the server closed",
            Some("run: mailjob auth login contoso"),
        ),
        (
            Known {
                trouble: trouble(Need::SignIn),
                ..known()
            },
            State::Waiting,
            "can't sign in since",
            Some("replace what does not prove us any more (it counts at once); mailjob doctor orders says what to do"),
        ),
        (
            Known {
                trouble: trouble(Need::Backlog),
                ..known()
            },
            State::HeldBacklog,
            "the server closed the connection",
            Some(
                "put the ledger back, or say what becomes of the mails that lie there: mailjob backlog skip orders leaves them, mailjob backlog take orders has them done (backlog = \"skip\" or \"process\" in [mailbox] of its file says the same)",
            ),
        ),
        (
            Known {
                held_back: vec![Holder {
                    endpoint: "bills".into(),
                    problem: Some("/etc/bills.toml:1:1: unknown key".into()),
                }],
                ..known()
            },
            State::HeldBack,
            "held back: new mails wait, because they may be meant for another endpoint, and the file of bills can't be used (/etc/bills.toml:1:1: unknown key)",
            Some("mend the file of bills, or remove it; mailjob check shows every problem"),
        ),
        (
            Known {
                held_back: vec![Holder {
                    endpoint: "bills".into(),
                    problem: None,
                }],
                looked: None,
                ..known()
            },
            State::HeldBack,
            "held back: new mails wait, because they may be meant for another endpoint, and the file of bills is gone",
            None,
        ),
        (
            Known {
                paused: Some((at(0), PausedBy::Gone)),
                ..known()
            },
            State::Paused,
            "paused since 2027-01-15 08:00:00 UTC: its webhook answered 410 Gone",
            Some("correct the webhook in its file, or say mailjob resume orders, to go on"),
        ),
        (
            Known {
                paused: Some((at(0), PausedBy::Operator)),
                ..known()
            },
            State::Paused,
            "paused since 2027-01-15 08:00:00 UTC: somebody asked for that; mailjob resume orders lets it go on",
            None,
        ),
        (
            Known {
                waits: Some("the webhook answered 401".into()),
                ..known()
            },
            State::Working,
            "working",
            Some(
                "its jobs wait until that is mended: the webhook answered 401; then mailjob jobs retry --all --endpoint orders --state deferred has them go on at once",
            ),
        ),
        (
            Known {
                problem: Some("x".into()),
                jobs: Some(held),
                replies: Some("see to the SMTP server".into()),
                ..known()
            },
            State::Working,
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
    let known = Known {
        trouble: trouble(Need::Time),
        ..known()
    };
    let last = i64::try_from(PATIENCE.as_secs()).unwrap();
    assert_eq!(verdict(&known, at(last - 1)).to_do, None);
    assert!(verdict(&known, at(last)).to_do.is_some());
}

#[test]
fn codes_are_those_of_json() {
    for state in State::ALL {
        let json = serde_json::to_value(state).unwrap();
        assert_eq!(json, state.code());
    }
}

#[test]
fn a_webhook_that_refuses_us_is_not_down_and_what_to_do_is_said_at_once() {
    let refuses = Known {
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
    assert_eq!(verdict.state, State::Waiting);
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
