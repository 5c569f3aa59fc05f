use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::config::{
    Account, Action, Auth, Endpoint, Mailbox, Operator, Provider, ReadBy, Server, Service, Tls, Webhook,
    versions::Texts,
};
use crate::secret::SecretRef;

fn endpoint(name: &EndpointName, version: u64) -> Arc<Endpoint> {
    let server = Server {
        host: "mail.example.com".to_owned(),
        port: 993,
        tls: Tls::Implicit,
    };
    let account = Account {
        name: "a".to_owned(),
        sign_in: "a".to_owned(),
        provider: Provider::Other,
        user: "a".to_owned(),
        imap: Some(server.clone()),
        pop3: None,
        smtp: None,
        auth: Auth::Password(SecretRef::Env("A".to_owned())),
        ca_file: None,
        client: None,
        from: None,
        pace: None,
        hello: None,
        smtp_auth: true,
    };
    let mailbox = Mailbox::inbox(Arc::new(account), ReadBy::Imap, server);
    let webhook = Webhook {
        max_answer: version,
        ..Webhook::new("https://erp.example/".to_owned())
    };
    Arc::new(Endpoint::new(name.clone(), mailbox, Action::Webhook(webhook)))
}

/// `a1 b2` are the endpoint a in version 1 and b in version 2.
fn endpoints(words: &str) -> BTreeMap<EndpointName, Arc<Endpoint>> {
    let each = words.split_whitespace().map(|word| {
        let (name, version) = word.split_at(1);
        let name = EndpointName::new(name).unwrap();
        (name.clone(), endpoint(&name, version.parse().unwrap()))
    });
    each.collect()
}

fn names(words: &str) -> Vec<EndpointName> {
    words
        .split_whitespace()
        .map(|name| EndpointName::new(name).unwrap())
        .collect()
}

fn loaded(right: &str, broken: &str, listed: bool) -> Loaded {
    Loaded {
        service: Some(Service::on(1)),
        operator: Some(None),
        api: ApiAccess::Loopback,
        accounts: BTreeMap::new(),
        endpoints: endpoints(right),
        broken: names(broken).into_iter().collect::<BTreeSet<_>>(),
        disabled: BTreeSet::new(),
        listed,
        standing: BTreeMap::new(),
        held: BTreeMap::new(),
        away: BTreeSet::new(),
        texts: Texts::default(),
        unfinished: BTreeSet::new(),
        hints: Vec::new(),
        problems: Vec::new(),
    }
}

#[test]
fn what_changes_follows_from_what_runs_and_what_is_read() {
    // runs, right, broken, listed → added, changed, removed, kept, refused → runs
    let cases = [
        ("", "", "", true, ["", "", "", "", ""], ""),
        ("a1", "a1", "", true, ["", "", "", "", ""], "a1"),
        ("a1", "a1 b1", "", true, ["b", "", "", "", ""], "a1 b1"),
        ("a1 b1", "a2 b1", "", true, ["", "a", "", "", ""], "a2 b1"),
        ("a1 b1", "b1", "", true, ["", "", "a", "", ""], "b1"),
        ("a1 b1", "b1", "a", true, ["", "", "", "a", ""], "a1 b1"),
        ("b1", "b1", "a", true, ["", "", "", "", "a"], "b1"),
        ("a1 b1", "", "", false, ["", "", "", "", ""], "a1 b1"),
        (
            "a1 b1 c1 d1",
            "b2 e1 d1",
            "c f",
            true,
            ["e", "b", "a", "c", "f"],
            "b2 c1 d1 e1",
        ),
    ];
    for (runs, right, broken, listed, [added, changed, removed, kept, refused], then) in cases {
        let old = Config {
            service: Service::on(1),
            operator: None,
            api: ApiAccess::Loopback,
            endpoints: endpoints(runs),
            idle: BTreeSet::new(),
            held: BTreeMap::new(),
        };
        let new = loaded(right, broken, listed);
        let changes = Changes::between(&old, &new);
        let expected = Changes {
            added: names(added),
            changed: names(changed),
            removed: names(removed),
            away: Vec::new(),
            kept: names(kept),
            refused: names(refused),
            restart: false,
        };
        assert_eq!(changes, expected, "{runs} → {right} ({broken})");
        assert_eq!(
            changes.applied(&old, &new).endpoints,
            endpoints(then),
            "{runs} → {right} ({broken})"
        );
        let waiting = changes.applied(&old, &new).idle;
        assert_eq!(
            waiting.into_iter().collect::<Vec<_>>(),
            names(refused),
            "{runs} → {right} ({broken})"
        );
    }
}

/// All of these endpoints watch one mailbox.
#[test]
fn who_is_broken_goes_on_with_the_mailbox_as_the_others_say() {
    let old = Config {
        service: Service::on(1),
        operator: None,
        api: ApiAccess::Loopback,
        endpoints: endpoints("a1 b1"),
        idle: BTreeSet::new(),
        held: BTreeMap::new(),
    };
    let mut new = loaded("b1", "a", true);
    for endpoint in new.endpoints.values_mut() {
        Arc::make_mut(endpoint).mailbox.looks.batch = Some(7);
    }
    let config = Changes::between(&old, &new).applied(&old, &new);
    let batches: Vec<_> = config
        .endpoints
        .values()
        .map(|endpoint| endpoint.mailbox.looks.batch)
        .collect();
    assert_eq!(batches, [Some(7), Some(7)]);
    assert_eq!(
        config.endpoints.values().next().unwrap().action,
        old.endpoints.values().next().unwrap().action
    );
}

#[test]
fn shared_settings_wait_for_the_next_start() {
    let old = Config {
        service: Service::on(1),
        operator: None,
        api: ApiAccess::Loopback,
        endpoints: endpoints("a1"),
        idle: BTreeSet::new(),
        held: BTreeMap::new(),
    };
    let mut new = loaded("a1", "", true);
    new.service = Some(Service::on(8));
    let changes = Changes::between(&old, &new);
    assert!(changes.restart);
    assert_eq!(changes.applied(&old, &new), old);
    new.service = None;
    assert!(!Changes::between(&old, &new).restart, "nothing is known of them");
}

#[test]
fn who_may_use_the_api_counts_at_once_and_what_cannot_be_read_leaves_what_was() {
    let token = || ApiAccess::Token(SecretRef::Env("T".to_owned()));
    let mut old = Config {
        service: Service::on(1),
        operator: None,
        api: ApiAccess::Closed,
        endpoints: endpoints("a1"),
        idle: BTreeSet::new(),
        held: BTreeMap::new(),
    };
    let mut new = loaded("a1", "", true);
    for (read, then) in [
        (ApiAccess::Closed, ApiAccess::Closed),
        (token(), token()),
        (ApiAccess::Closed, token()),
        (ApiAccess::Loopback, ApiAccess::Loopback),
    ] {
        new.api = read.clone();
        old = Changes::between(&old, &new).applied(&old, &new);
        assert_eq!(old.api, then, "{read:?}");
    }
}

#[test]
fn an_operator_counts_at_once_and_one_who_cannot_be_used_leaves_the_one_before() {
    let account = Arc::clone(&endpoint(&EndpointName::new("a").unwrap(), 1).mailbox.account);
    let operator = |to: &str| Operator::new(vec![to.to_owned()], account.clone());
    let mut old = Config {
        service: Service::on(1),
        operator: Some(operator("old@example.com")),
        api: ApiAccess::Loopback,
        endpoints: endpoints("a1"),
        idle: BTreeSet::new(),
        held: BTreeMap::new(),
    };
    let mut new = loaded("a1", "", true);
    for (read, then) in [
        (Some(Some("new@example.com")), Some("new@example.com")),
        (None, Some("new@example.com")),
        (Some(None), None),
    ] {
        new.operator = read.map(|to| to.map(operator));
        old = Changes::between(&old, &new).applied(&old, &new);
        assert_eq!(old.operator, then.map(operator), "{read:?}");
    }
}
