use std::path::{Path, PathBuf};

use super::*;
use crate::{
    config::load::{Sources, load},
    watch::error::WatchError,
};

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn seat(name: &str) -> (String, RunningEndpoint) {
    let seat = RunningEndpoint {
        description: String::new(),
        mailbox: format!("imap://{name}@mail.example/INBOX"),
        account: name.into(),
        name: "INBOX".into(),
        person: None,
        watch: Arc::default(),
        held_back: Vec::new(),
        acts: None,
        outbox: None,
    };
    (name.into(), seat)
}

fn names(names: &[&str]) -> BTreeSet<EndpointName> {
    names.iter().map(|name| EndpointName::new(name).unwrap()).collect()
}

/// What is wrong with these files, by the reader that says so.
fn problems(folder: &Path, files: &[(&str, &str)]) -> Vec<Problem> {
    for (name, text) in files {
        std::fs::write(folder.join(name), text).unwrap();
    }
    load(&Sources {
        endpoints: folder.to_owned(),
        config: Some(PathBuf::from(folder).join("mailjob.toml")),
    })
    .problems
}

#[test]
fn each_endpoint_has_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let problems = problems(
        folder.path(),
        &[
            ("mailjob.toml", "[service]\nledgre = \"x\"\n"),
            ("bad.toml", "nonsense = 1\n"),
            ("kept.toml", "nonsense = 1\n"),
        ],
    );
    assert!(problems.len() >= 3, "{problems:?}");
    let seats = BTreeMap::from([seat("a"), seat("kept")]);
    let view = FleetView::of(seats, &names(&["off", "bad"]), &names(&["bad", "kept"]), &problems);
    let mut counts = Counts::default();
    let open = JobTotals {
        queued: 2,
        ..JobTotals::default()
    };
    let over = JobTotals {
        failed: 2,
        ..JobTotals::default()
    };
    counts.jobs.insert("left".into(), open);
    counts.jobs.insert("over".into(), over);
    counts.jobs.insert("a".into(), over);
    view.seats["a"].watch.looked(at(-1), false);
    let found = view.endpoints(Some(&counts), at(0));
    let states: Vec<_> = found
        .iter()
        .map(|endpoint| (endpoint.name.as_str(), endpoint.state))
        .collect();
    assert_eq!(
        states,
        [
            ("a", EndpointHealth::Working),
            ("bad", EndpointHealth::Broken),
            ("kept", EndpointHealth::Starting),
            ("left", EndpointHealth::Gone),
            ("off", EndpointHealth::Disabled),
        ]
    );
    let by = |name: &str| found.iter().find(|endpoint| endpoint.name == name).unwrap();
    assert_eq!(by("a").jobs, Some(over));
    assert!(by("bad").words.contains("bad.toml:1"), "{:?}", by("bad"));
    assert!(by("kept").problem.as_ref().unwrap().contains("kept.toml:1"));
    assert!(by("kept").to_do.as_ref().unwrap().contains("last good version"));
    assert!(by("off").to_do.is_none() && by("left").to_do.is_some());
    assert!(view.problems.iter().all(|problem| problem.contains("mailjob.toml")));
    assert_eq!(view.problems.len(), 1, "{:?}", view.problems);
    // Where the ledger can't be counted nothing is said of numbers.
    assert!(
        view.endpoints(None, at(0))
            .iter()
            .all(|endpoint| endpoint.jobs.is_none())
    );
}

#[test]
fn what_the_loops_write_is_shown() {
    let seats = BTreeMap::from([seat("a")]);
    let view = FleetView::of(seats, &BTreeSet::new(), &BTreeSet::new(), &[]);
    let watch = view.seats["a"].watch.clone();
    let look = || view.endpoints(Some(&Counts::default()), at(10)).pop().unwrap();
    watch.looked(at(0), false);
    watch.lost(&WatchError::Closed, std::time::Duration::from_secs(2), at(5));
    let lost = look();
    assert_eq!((lost.state, lost.since), (EndpointHealth::Waiting, Some(at(5))));
    assert!(
        lost.words
            .contains("the server closed the connection; next try 2027-01-15 08:00:07"),
        "{lost:?}"
    );
    let mailbox = lost.mailbox.unwrap();
    assert_eq!(
        (mailbox.connected, mailbox.last_look, mailbox.next_try),
        (false, Some(at(0)), Some(at(7)))
    );
    let backlog = WatchError::LostLedger {
        target: "Processed".into(),
        mails: 5,
    };
    watch.lost(&backlog, std::time::Duration::ZERO, at(6));
    assert_eq!(look().state, EndpointHealth::HeldBacklog);
    watch.looked(at(9), true);
    assert_eq!(look().state, EndpointHealth::Working);
}

#[test]
fn who_is_held_back_by_another_is_never_working() {
    let folder = tempfile::tempdir().unwrap();
    let problems = problems(folder.path(), &[("My Orders.toml", "nonsense = 1\n")]);
    let (name, mut rest) = seat("rest");
    for (away, words, is_told) in [
        (false, "My Orders.toml", true),
        (true, "the file of my-orders is gone, perhaps for a moment", false),
    ] {
        rest.held_back = vec![("my-orders".to_owned(), away)];
        rest.watch.looked(at(0), true);
        let seats = BTreeMap::from([(name.clone(), rest.clone())]);
        let view = FleetView::of(seats, &BTreeSet::new(), &names(&["my-orders"]), &problems);
        let all = view.endpoints(Some(&Counts::default()), at(10));
        assert_eq!(
            (all[0].name.as_str(), all[0].state),
            ("my-orders", EndpointHealth::Broken)
        );
        assert!(all[0].words.contains("My Orders.toml"), "{}", all[0].words);
        let shown = &all[1];
        assert_eq!((shown.name.as_str(), shown.state), ("rest", EndpointHealth::HeldBack));
        assert!(
            shown.words.contains("my-orders") && shown.words.contains(words),
            "{}",
            shown.words
        );
        let to_do = shown.to_do.as_deref();
        assert_eq!(
            to_do.is_some_and(|to_do| to_do.starts_with("mend the file of my-orders")),
            is_told
        );
    }
}

#[test]
fn a_picture_has_each_mailbox_once() {
    let (_, shared) = seat("a");
    let seats = BTreeMap::from([("one".to_owned(), shared.clone()), ("two".to_owned(), shared)]);
    let view = FleetView::of(seats, &BTreeSet::new(), &BTreeSet::new(), &[]);
    let counts = Counts {
        oldest_due: BTreeMap::from([("one".to_owned(), at(0)), ("two".to_owned(), at(1))]),
        ..Counts::default()
    };
    let status = Status {
        process: None,
        ledger: crate::ledger::space(&crate::ledger::Address::file("/nonexistent/mailjob.db")),
        endpoints: view.endpoints(Some(&counts), at(0)),
        problems: Vec::new(),
    };
    let picture = view.picture(&status, &counts, at(0));
    assert_eq!(picture.mailboxes.len(), 1);
    assert_eq!(picture.endpoints.len(), 2);
    assert_eq!(picture.jobs.len(), 12);
    assert_eq!(picture.oldest_due.len(), 1, "what is due later is not late");
    assert_eq!((picture.ledger_size, picture.ledger_free), (None, None));
}
