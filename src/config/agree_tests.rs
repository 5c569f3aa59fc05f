use std::path::Path;

use std::time::Duration;

use super::*;
use crate::config::{
    ApiAccess, Backlog, MatchMode, SettleAction, WatchMode,
    check::{self, Accounts},
    load::Loaded,
};

const ACCOUNTS: &str = "
[accounts.a]
user = \"ada@example.com\"
password = { env = \"A\" }
imap = { host = \"mail.example.com\" }
pop3 = { host = \"mail.example.com\" }
[accounts.b]
user = \"ada@example.com\"
password = { env = \"B\" }
imap = { host = \"mail.example.com\" }
";

/// Endpoints that say this of the mailbox, and of mails that nobody wants.
fn drafts(files: &[(&str, &str)]) -> EndpointDrafts {
    let shared = check::shared(Path::new("mailjob.toml"), ACCOUNTS, 1).value.unwrap();
    let by_name = shared.accounts.into_iter().map(|(name, part)| (name, part.value));
    let accounts = Accounts {
        by_name: by_name.collect(),
        more: false,
        hello: None,
    };
    let read = |(name, lines): &(&str, &str)| {
        let name = EndpointName::new(name).unwrap();
        let account = if lines.contains("account") {
            ""
        } else {
            "account = \"a\""
        };
        let text = format!("[command]\nargv = [\"true\"]\n[mailbox]\n{account}\n{lines}\n");
        let file = PathBuf::from(format!("{name}.toml"));
        let part = check::endpoint(&name, &file, &text, &accounts, None);
        assert_eq!(part.problems, [], "{text}");
        (name, (file, part.value.unwrap()))
    };
    files.iter().map(read).collect()
}

fn settled(files: &[(&str, &str)], running: Option<&Config>) -> (Loaded, Config) {
    let (mut broken, mut problems) = (BTreeSet::new(), Vec::new());
    let endpoints = settle(drafts(files), &mut broken, running, &mut problems);
    let loaded = Loaded {
        service: Some(crate::config::Service::on(1)),
        operator: Some(None),
        api: ApiAccess::Loopback,
        accounts: BTreeMap::new(),
        endpoints,
        broken,
        disabled: BTreeSet::new(),
        listed: true,
        standing: BTreeMap::new(),
        held: BTreeMap::new(),
        away: BTreeSet::new(),
        texts: crate::config::versions::Texts::default(),
        unfinished: BTreeSet::new(),
        hints: Vec::new(),
        problems,
    };
    let config = loaded.start().unwrap();
    (loaded, config)
}

#[test]
fn what_one_does_not_say_is_what_the_others_say() {
    let files = [
        ("one", "batch = 5\nmatch = \"all\""),
        (
            "three",
            "every = \"20s\"\nrepeat = -1\nbatch = 5\n[settle]\nignored = \"flag\"",
        ),
        ("two", "start_delay = \"1m\"\nbacklog = \"skip\"\norder = 3"),
    ];
    let (loaded, _) = settled(&files, None);
    assert_eq!(loaded.problems, []);
    assert_eq!(loaded.endpoints.len(), 3);
    for endpoint in loaded.endpoints.values() {
        let mailbox = &endpoint.mailbox;
        assert_eq!(mailbox.watch, WatchMode::Every(Duration::from_secs(20)));
        let looks = &mailbox.looks;
        assert_eq!((looks.batch, looks.repeat), (Some(5), None));
        assert_eq!((looks.start_delay.as_secs(), looks.backlog), (60, Some(Backlog::Skip)));
        assert_eq!(
            (mailbox.taker, &endpoint.settle.ignored),
            (MatchMode::All, &SettleAction::Flag)
        );
    }
}

#[test]
fn who_says_otherwise_is_refused_with_both_files_and_the_cure() {
    for (one, other, what) in [
        ("match = \"first\"", "match = \"all\"", "`mailbox.match` is another"),
        ("batch = 1", "batch = -1", "`mailbox.batch` is another"),
        ("repeat = 1", "repeat = 2", "`mailbox.repeat` is another"),
        (
            "start_delay = \"1s\"",
            "start_delay = \"2s\"",
            "`mailbox.start_delay` is another",
        ),
        (
            "backlog = \"skip\"",
            "backlog = \"process\"",
            "`mailbox.backlog` is another",
        ),
        (
            "backlog = { since = \"7d\" }",
            "backlog = { since = \"2026-11-01\" }",
            "`mailbox.backlog` is another",
        ),
        ("every = \"1s\"", "cron = \"* * * * *\"", "how the mailbox is watched"),
        ("look = \"1m\"", "watch = \"idle\"", "how the mailbox is watched"),
        (
            "[settle]\nignored = \"keep\"",
            "[settle]\nignored = \"delete\"",
            "`settle.ignored` is another",
        ),
        (
            "account = \"a\"",
            "account = \"b\"",
            "reads this mailbox by IMAP with the account \"a\", this one by IMAP with \"b\"",
        ),
        ("protocol = \"imap\"", "protocol = \"pop3\"", "this one by POP3"),
    ] {
        let (loaded, _) = settled(&[("x", one), ("y", other), ("z", "")], None);
        let names: Vec<_> = loaded.endpoints.keys().map(EndpointName::as_str).collect();
        assert_eq!(names, ["x", "z"], "{other}");
        let [problem] = &loaded.problems[..] else {
            panic!("{other}: {:?}", loaded.problems)
        };
        let told = problem.to_string();
        let whole = told.starts_with("y.toml:") && told.contains("\"x\" (x.toml)") && told.contains("both files");
        assert!(whole && told.contains(what), "{told}");
    }
}

/// Two files that are changed alike are saved one after the other.
#[test]
fn what_runs_stays_until_all_say_otherwise() {
    let ten = "every = \"10s\"";
    let (_, config) = settled(&[("a", ten), ("b", ten), ("c", "")], None);
    let (loaded, _) = settled(&[("a", "every = \"20s\""), ("b", ten), ("c", "")], Some(&config));
    let right: Vec<_> = loaded.endpoints.keys().map(EndpointName::as_str).collect();
    assert_eq!(right, ["b", "c"], "a says what does not run");
    assert_eq!(
        loaded.endpoints.values().map(|e| &e.mailbox).collect::<Vec<_>>(),
        [&config.endpoints.values().next().unwrap().mailbox; 2]
    );
    let (loaded, _) = settled(
        &[("a", "every = \"20s\""), ("b", "every = \"20s\""), ("c", "")],
        Some(&config),
    );
    assert_eq!(loaded.problems, []);
    let watches: BTreeSet<_> = loaded
        .endpoints
        .values()
        .map(|e| format!("{:?}", e.mailbox.watch))
        .collect();
    assert_eq!(watches.len(), 1);
    assert!(watches.contains("Every(20s)"), "{watches:?}");
}

#[test]
fn another_mailbox_of_the_account_is_another_matter() {
    let (loaded, _) = settled(&[("a", "every = \"1s\""), ("b", "every = \"2s\"\nname = \"B\"")], None);
    assert_eq!(loaded.problems, []);
    assert_eq!(loaded.endpoints.len(), 2);
}
