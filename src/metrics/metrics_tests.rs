use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::*;

/// Something of everything.
fn full() -> Metrics {
    let metrics = Metrics::new();
    metrics.token_requests("contoso").count(TokenOutcome::Granted);
    metrics.token_requests("contoso").count(TokenOutcome::Granted);
    metrics.token_requests("contoso").count(TokenOutcome::Refused);
    metrics.notices_sent.inc();
    metrics.commits.took(Duration::from_millis(4));
    let sign_in = SignInGauges {
        state: SignInState::NeedsSignIn,
        issued: Some(1_700_000_000),
        expires: Some(1_707_776_000),
        client_secret: None,
        certificate: Some(1_898_510_400),
        refreshed: None,
    };
    metrics.sign_ins.show(BTreeMap::from([("contoso".to_owned(), sign_in)]));
    let mailbox = metrics.mailbox("contoso", "INBOX");
    mailbox.took(2, 1);
    mailbox.took_after(Duration::from_millis(1500));
    mailbox.settled(SettledOutcome::Done);
    mailbox.failed();
    let endpoint = metrics.endpoint("orders", "webhook");
    endpoint.attempted("retry");
    endpoint.attempted("done");
    endpoint.ended("done", "none");
    endpoint.acted(Duration::from_millis(300));
    let outbox = metrics.outbox("contoso");
    outbox.submitted(Submission::Sent, Duration::from_millis(40));
    metrics.board.show(Picture {
        mailboxes: vec![MailboxNow {
            account: "contoso".into(),
            mailbox: "INBOX".into(),
            up: true,
            looked: Some(1_700_000_000),
            took: None,
            untaken: 3,
            left: 12,
            unsettled: 5,
            second_ledger: true,
        }],
        states: vec!["working", "waiting"],
        endpoints: BTreeMap::from([("orders".to_owned(), "waiting")]),
        jobs: vec![("orders".into(), "queued", 7)],
        oldest_due: vec![("orders".into(), 1_700_000_000.5)],
        webhooks_down: vec![("orders".into(), 1_700_000_000.0)],
        replies: vec![("contoso".into(), "queued".into(), 2)],
        problems: 1,
        ledger_size: Some(4096),
        ledger_free: Some(1 << 30),
        memory: Some((32 << 20, 1 << 20, 2)),
    });
    metrics
}

#[test]
fn everything_is_written_as_openmetrics_wants_it() {
    let text = full().encode().unwrap();
    // The process is another each time.
    let is_ours = |line: &&str| !line.contains(" process_") && !line.starts_with("process_");
    // Families come in no certain order of their labels.
    let sorted = |text: &str| {
        let mut lines: Vec<_> = text.lines().filter(is_ours).map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/metrics.txt");
    if std::env::var_os("BLESS").is_some() {
        let ours: Vec<_> = text.lines().filter(is_ours).collect();
        std::fs::write(file, ours.join("\n") + "\n").unwrap();
    }
    let expected = std::fs::read_to_string(file).unwrap();
    assert_eq!(sorted(&text), sorted(&expected), "{text}");
    for name in [
        "cpu_seconds_total",
        "start_time_seconds",
        "resident_memory_bytes",
        "virtual_memory_bytes",
        "open_fds",
        "max_fds",
    ] {
        assert!(text.contains(&format!("\nprocess_{name} ")), "{name}: {text}");
    }
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn a_sign_in_that_is_gone_is_not_shown_any_more() {
    let metrics = Metrics::new();
    let sign_in = SignInGauges::default();
    metrics.sign_ins.show(BTreeMap::from([("a\"b\n".to_owned(), sign_in)]));
    let text = metrics.encode().unwrap();
    assert!(
        text.contains("mailjob_sign_in_state{account=\"a\\\"b\\n\",state=\"not_needed\"} 1\n"),
        "{text}"
    );
    metrics.sign_ins.show(BTreeMap::new());
    assert!(!metrics.encode().unwrap().contains("sign_in_state{"));
}

#[test]
fn the_older_format_has_the_same_samples_and_names_counters_as_they_are() {
    let metrics = full();
    let (open, classic) = (metrics.encode().unwrap(), metrics.encode_classic().unwrap());
    // The process goes on while the two are written.
    let samples = |text: &str| -> BTreeSet<String> {
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        let names = samples.map(|line| line.split(['{', ' ']).next().unwrap().to_owned());
        names.collect()
    };
    assert_eq!(samples(&classic), samples(&open));
    assert!(
        classic.contains("# TYPE mailjob_token_requests_total counter\n"),
        "{classic}"
    );
    assert!(classic.contains("# TYPE mailjob_build_info gauge\n"), "{classic}");
    assert!(!classic.contains("# EOF") && !classic.contains("# UNIT"), "{classic}");
}
