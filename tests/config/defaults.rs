//! `[defaults]` in `mailjob.toml`: what endpoint files don't say.

use std::{fs, time::Duration};

use mailjob::config::{Action, SettleAction, load::Loaded};

use crate::{Machine, endpoint, name, told};

fn with_defaults(machine: &Machine, defaults: &str) {
    let shared = fs::read_to_string(machine.path("mailjob.toml")).unwrap();
    machine.write("mailjob.toml", &format!("{shared}\n{defaults}"));
}

fn webhook_timeout(loaded: &Loaded, endpoint: &str) -> Duration {
    match &loaded.endpoints[&name(endpoint)].action {
        Action::Webhook(webhook) => webhook.timeout,
        _ => panic!("no webhook"),
    }
}

#[test]
fn an_endpoint_says_what_is_not_as_usual() {
    let machine = Machine::new();
    with_defaults(
        &machine,
        "[defaults]\nconcurrency = 3\n[defaults.webhook]\ntimeout = \"7s\"\nca_file = \"client.pem\"\n\
         [defaults.webhook.headers]\nX-One = \"1\"\nX-Two = \"2\"\n[defaults.settle]\ndone = \"delete\"\nfailed = \"flag\"\n",
    );
    machine.endpoint("plain", "A");
    let own = "timeout = \"9s\"\n[webhook.headers]\nX-Two = \"own\"\n[settle]\nfailed = \"keep\"\n";
    machine.write("endpoints.d/own.toml", &format!("{}{own}", endpoint("B")));
    machine.write(
        "endpoints.d/command.toml",
        "[mailbox]\naccount = \"plain\"\nname = \"C\"\n[command]\nargv = [\"/bin/true\"]\n",
    );
    let loaded = machine.load();
    assert!(loaded.broken.is_empty(), "{:?}", loaded.problems);
    let endpoint = |of: &str| loaded.endpoints[&name(of)].clone();
    assert_eq!(webhook_timeout(&loaded, "plain"), Duration::from_secs(7));
    assert_eq!(webhook_timeout(&loaded, "own"), Duration::from_secs(9));
    assert_eq!((endpoint("own").concurrency, endpoint("command").concurrency), (3, 3));
    let ends = |of: &str| (endpoint(of).settle.done.clone(), endpoint(of).settle.failed.clone());
    assert_eq!(ends("plain"), (SettleAction::Delete, SettleAction::Flag));
    assert_eq!(ends("own"), (SettleAction::Delete, SettleAction::Keep));
    // A path among the defaults starts at the folder of mailjob.toml; headers are taken one by one.
    let Action::Webhook(webhook) = &endpoint("own").action else {
        panic!()
    };
    assert_eq!(webhook.ca_file.as_deref(), Some(machine.path("client.pem").as_path()));
    let mut fields: Vec<_> = webhook
        .headers
        .iter()
        .map(|(name, value)| format!("{name} {value:?}"))
        .collect();
    fields.sort();
    assert_eq!(fields, ["X-One Plain(\"1\")", "X-Two Plain(\"own\")"]);
    assert!(
        matches!(endpoint("command").action, Action::Command(_)),
        "defaults of a webhook make none"
    );
}

#[test]
fn what_is_wrong_with_defaults_is_told_once_and_where_it_stands() {
    let machine = Machine::new();
    with_defaults(
        &machine,
        "[defaults.settle]\nfailed = \"burn\"\n[defaults.limits]\ndept = 3\n",
    );
    machine.endpoint("one", "A");
    machine.endpoint("two", "B");
    let loaded = machine.load();
    assert!(loaded.endpoints.is_empty() && loaded.broken.len() == 2);
    let told = told(&machine, &loaded, "mailjob.toml");
    let lines: Vec<_> = told.lines().filter(|line| line.contains("defaults")).collect();
    assert_eq!(lines.len(), 2, "{told}");
    assert!(
        told.contains("`defaults.settle.failed` is \"burn\"") && told.contains("unknown key `defaults.limits.dept`")
    );
    assert!(told.contains("did you mean `depth`?"));
}

#[test]
fn defaults_that_cannot_be_known_leave_no_endpoint_without_them() {
    for (text, said) in [("defaults = 5\n", "is no table"), ("[defaults\n", "not TOML")] {
        let machine = Machine::new();
        machine.write("mailjob.toml", text);
        let own =
            "account = { user = \"a\", password = { file = \"secret.txt\" }, imap = { host = \"mail.example.com\" } }";
        machine.write(
            "endpoints.d/own.toml",
            &endpoint("A").replace("account = \"plain\"", own),
        );
        let loaded = machine.load();
        assert!(
            loaded.endpoints.is_empty() && loaded.broken.contains(&name("own")),
            "{text}"
        );
        assert!(told(&machine, &loaded, "mailjob.toml").contains(said), "{text}");
    }
}
