//! What a mailbox in which nothing happens costs in memory, and the program with one: what the allocator counts, which no noise can blur.
//! `benches/run count` prints it; the test fails where it has grown.

use std::{fs, io::Read as _, os::unix::net::UnixStream, path::Path, time::Duration};

use mailjob_testbed::{Mailjob, Options, SignIn, Start, World};
use serde_json::Value;
use tokio::time::{Instant, sleep};

const PATIENCE: Duration = Duration::from_secs(180);
/// Mailboxes that the one is measured by.
const MANY: usize = 80;
/// So few allocations in a second are timers and the like.
const QUIET: f64 = 200.0;

/// KB in use for each further mailbox, at most. With TLS 1.3 rustls takes 8 of them. Debug and release differ by little.
const EACH: f64 = 35.0;
/// KB in use with one mailbox, at most.
const ONE: f64 = 1_250.0;
/// MB resident with one mailbox, most of it the program's text: as it is installed.
const RESIDENT: f64 = 26.0;

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_mailbox_and_the_program_with_one_take_no_more_than_they_did() {
    let (one, resident) = idle(1).await;
    let (many, _) = idle(MANY).await;
    let each = (many - one) / (MANY - 1) as f64;
    println!("an idle mailbox, KB      {each:>10.2}  of at most {EACH}");
    println!("with one mailbox, KB     {one:>10.2}  of at most {ONE}");
    println!("resident with one, MB    {resident:>10.2}  of at most {RESIDENT}, as it is installed");
    assert!(
        each > 1.0 && each <= EACH,
        "{each:.2} KB for each idle mailbox, at most {EACH}"
    );
    assert!(one <= ONE, "{one:.2} KB with one mailbox, at most {ONE}");
    assert!(
        cfg!(debug_assertions) || resident <= RESIDENT,
        "{resident:.2} MB are resident with one mailbox, at most {RESIDENT}"
    );
}

/// KB in use once so many mailboxes are watched and nothing happens any more; and MB resident then.
async fn idle(mailboxes: usize) -> (f64, f64) {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = Mailjob::new(&world, env!("CARGO_BIN_EXE_counting")).unwrap();
    let socket = mailjob.dir().join("counted");
    mailjob.env("COUNTED", socket.to_str().unwrap());
    for number in 0..mailboxes {
        let (name, user) = (format!("idle{number}"), format!("idle{number}@example.test"));
        let account = mailjob.account(&world, &name, &user, SignIn::Password, Start::Implicit);
        account.await.unwrap();
        let text = format!(
            "[webhook]\nurl = \"http://127.0.0.1:9/\"\nallow_private_network = true\n[mailbox]\naccount = \"{name}\"\n[reply]\nto = \"nobody\"\n"
        );
        mailjob.endpoint(&name, &text).unwrap();
    }
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    let deadline = Instant::now() + PATIENCE;
    while connected(&mailjob) < mailboxes {
        assert!(Instant::now() < deadline, "{}", mailjob.log());
        sleep(Duration::from_millis(100)).await;
    }
    let in_use = loop {
        let before = counted(&socket);
        sleep(Duration::from_secs(1)).await;
        let after = counted(&socket);
        let number = |of: &Value, key: &str| of[key].as_f64().unwrap();
        if number(&after, "allocations") - number(&before, "allocations") < QUIET {
            break number(&after, "in_use") / 1e3;
        }
        assert!(Instant::now() < deadline, "it is not quiet: {}", mailjob.log());
    };
    let status = fs::read_to_string(format!("/proc/{}/status", mailjob.pid().unwrap())).unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let resident: f64 = resident.trim().trim_end_matches(" kB").parse().unwrap();
    assert_eq!(mailjob.term().unwrap(), 0, "{}", mailjob.log());
    (in_use, resident * 1.024 / 1e3)
}

/// What its allocator has counted so far.
fn counted(socket: &Path) -> Value {
    let mut told = String::new();
    UnixStream::connect(socket).unwrap().read_to_string(&mut told).unwrap();
    serde_json::from_str(&told).unwrap()
}

/// Mailboxes that it has opened. Its log says so: whoever asks for `/metrics` has their pages kept for him, and they would count.
fn connected(mailjob: &Mailjob) -> usize {
    mailjob.log().matches("connected mailbox=").count()
}
