//! What a small mail costs in what no noise can blur: commits, statements, bytes handed to the kernel, its `read` and `write` calls,
//! allocations; and how often threads gave way to each other, which noise blurs a little. Prints the table that `benches/run count` shows, and fails where one has grown.

use std::{fs, time::Duration};

use mailjob_bench::mails;
use mailjob_testbed::{Answer, Mailjob, Options, Receiver, SignIn, Start, World};
use serde_json::Value;

const USER: &str = "ada@example.test";
const PATIENCE: Duration = Duration::from_secs(180);

/// What one run is ahead of the other, so that start and sign-in don't count.
const FEW: usize = 100;
const MANY: usize = 600;

/// What must not be exceeded for each mail, from INBOX over a webhook to `Processed`. All lie there before the start, so that the server's
/// pace does not count. Debug and release differ by little.
const LIMITS: [(&str, f64); 7] = [
    ("commits of the ledger", 0.6),
    ("statements of the ledger", 29.0),
    ("bytes written, KB", 60.0),
    ("write calls", 27.0),
    ("read calls", 8.0),
    ("allocations", 520.0),
    ("waits of threads", 12.0),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_small_mail_costs_no_more_than_it_did() {
    let (few, many) = (counted(FEW).await, counted(MANY).await);
    let costs = few
        .iter()
        .zip(many)
        .map(|(few, many)| (many - few) / (MANY - FEW) as f64);
    let costs: Vec<_> = LIMITS.into_iter().zip(costs).collect();
    println!("for each small mail");
    for ((what, most), cost) in &costs {
        println!("{what:<24}{cost:>10.2}  of at most {most}");
    }
    for ((what, most), cost) in costs {
        assert!(
            cost > 0.0 && cost <= most,
            "{what}: {cost:.2} for each mail, at most {most}"
        );
    }
}

/// What Mailjob and the kernel count of it until so many mails have left INBOX, in the order of [`LIMITS`].
async fn counted(mails: usize) -> [f64; 7] {
    let world = World::start(Options::default()).await.unwrap();
    let receiver = Receiver::start(|_| Answer::status(200)).await.unwrap();
    let mut mailjob = Mailjob::new(&world, env!("CARGO_BIN_EXE_counting")).unwrap();
    let account = mailjob.account(&world, "ada", USER, SignIn::Password, Start::Implicit);
    account.await.unwrap();
    let action = format!(
        "[webhook]\nurl = \"{}\"\nallow_private_network = true\n",
        receiver.url("/")
    );
    let mailbox = "[mailbox]\naccount = \"ada\"\nbacklog = \"process\"\n[reply]\nto = \"nobody\"\n";
    mailjob.endpoint("ada", &(action + mailbox)).unwrap();
    let letters = (0..mails).map(|number| mails::mail(number, 0));
    world.dovecot.deliver_all(USER, letters).await.unwrap();
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    world
        .dovecot
        .wait_for(USER, "Processed", mails, PATIENCE)
        .await
        .unwrap();
    let [commits, statements] = of_ledger(&mailjob).await;
    let waits = waits(&mailjob.pid().unwrap().to_string());
    let io = fs::read_to_string(format!("/proc/{}/io", mailjob.pid().unwrap())).unwrap();
    let kernel = |key: &str| -> f64 {
        let line = io.lines().find_map(|line| line.strip_prefix(key));
        line.unwrap().trim().parse().unwrap()
    };
    assert_eq!(mailjob.term().unwrap(), 0, "{}", mailjob.log());
    let log = mailjob.log();
    let last = log.lines().rev().find_map(|line| line.strip_prefix("counted "));
    let allocator: Value = serde_json::from_str(last.unwrap()).unwrap();
    [
        commits,
        statements,
        kernel("wchar:") / 1e3,
        kernel("syscw:"),
        kernel("syscr:"),
        allocator["allocations"].as_f64().unwrap(),
        waits,
    ]
}

/// How often its threads gave up the processor because they waited for something.
fn waits(pid: &str) -> f64 {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let waits = threads.filter_map(|thread| {
        let status = fs::read_to_string(thread.ok()?.path().join("status")).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
        line.trim().parse::<f64>().ok()
    });
    waits.sum()
}

/// Commits and statements of the ledger.
async fn of_ledger(mailjob: &Mailjob) -> [f64; 2] {
    let http = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .build()
        .unwrap();
    let asked = http.get(mailjob.health_url("/metrics")).bearer_auth(mailjob.token());
    let page = asked.send().await.unwrap().text().await.unwrap();
    [
        "mailjob_ledger_commit_duration_seconds_count ",
        "mailjob_ledger_statements_total ",
    ]
    .map(|name| {
        let line = page.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap().parse().unwrap()
    })
}
