//! Memory is one budget: what would take a pod down waits for its turn, within the limit that the chart gives it.
//!
//! Each process runs in a cgroup of the chart's size where this machine lets us make one; there the kernel kills what takes more. Where it
//! does not, the most that the process itself ever had is held against the same limit.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use mailjob_testbed::{
    Answer, Mailjob, Options, Receiver, SignIn, Start, World,
    standin::{self, OddQuirk, Pop3Quirk},
};
use tokio::time::{Instant, sleep};

use crate::{letters::letter, program::PATIENCE};

const USER: &str = "ada@example.test";

/// The chart's limit.
const LIMIT: u64 = 256 << 20;

/// A cgroup of the chart's size, or nothing where none can be made.
struct Cage(Option<PathBuf>);

impl Cage {
    fn of(pid: i32) -> Self {
        let places = [
            ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.oom_control"),
            ("/sys/fs/cgroup", "memory.max", "memory.events"),
        ];
        for (root, limit, events) in places {
            let dir = Path::new(root).join(format!("mailjob-test-{pid}"));
            if fs::create_dir(&dir).is_err() {
                continue;
            }
            let caged = fs::write(dir.join(limit), LIMIT.to_string())
                .and_then(|()| fs::metadata(dir.join(events)))
                .and_then(|_| fs::write(dir.join("cgroup.procs"), pid.to_string()));
            if caged.is_ok() {
                return Self(Some(dir));
            }
            drop(fs::remove_dir(&dir));
        }
        Self(None)
    }

    /// How many processes the kernel killed in it.
    fn killed(&self) -> u64 {
        let Some(dir) = &self.0 else { return 0 };
        let events = ["memory.oom_control", "memory.events"].map(|file| fs::read_to_string(dir.join(file)));
        let events = events.into_iter().flatten().collect::<String>();
        let line = events.lines().find_map(|line| line.strip_prefix("oom_kill "));
        line.and_then(|count| count.trim().parse().ok()).unwrap_or_default()
    }
}

impl Drop for Cage {
    fn drop(&mut self) {
        // It is empty once its processes have ended.
        if let Some(dir) = &self.0 {
            drop(fs::remove_dir(dir));
        }
    }
}

/// One installation in its cage.
struct Caged {
    cage: Cage,
    mailjob: Mailjob,
    pid: i32,
    world: World,
}

impl Caged {
    async fn start(world: World, endpoint: &str, mails: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let mut mailjob = Mailjob::new(&world, env!("CARGO_BIN_EXE_mailjob")).unwrap();
        mailjob
            .account(&world, "ada", USER, SignIn::Password, Start::Implicit)
            .await
            .unwrap();
        let endpoint =
            format!("[mailbox]\naccount = \"ada\"\nbacklog = \"process\"\n[reply]\nto = \"sender\"\n{endpoint}");
        mailjob.endpoint("ada", &endpoint).unwrap();
        for mail in mails {
            world.dovecot.append(USER, "INBOX", &mail).await.unwrap();
        }
        Self::run(world, mailjob)
    }

    fn run(world: World, mut mailjob: Mailjob) -> Self {
        mailjob.start().unwrap();
        let pid = mailjob.pid().unwrap();
        Self {
            cage: Cage::of(pid),
            mailjob,
            pid,
            world,
        }
    }

    /// Waits until so many lines of the log have these words.
    async fn until(&mut self, words: &str, count: usize) {
        // Reading 36 MB takes a test's program its time.
        let deadline = Instant::now() + 4 * PATIENCE;
        while self.mailjob.log().matches(words).count() < count {
            assert_eq!(
                self.cage.killed(),
                0,
                "killed for want of memory:\n{}",
                self.mailjob.log()
            );
            let ended = self.mailjob.exited().unwrap();
            assert_eq!(ended, None, "{}", self.mailjob.log());
            assert!(
                Instant::now() < deadline,
                "{words}, {count} times:\n{}",
                self.mailjob.log()
            );
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Ends it. The most that it had, in MB, is within the limit.
    fn end(mut self, what: &str, most: u64) -> String {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap();
        let kib = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap();
            line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap()
        };
        let (peak, rss) = (kib("VmHWM:") / 1000, kib("VmRSS:") / 1000);
        println!(
            "{what}: {peak} MB at the peak, {rss} MB at the end, in a cgroup: {}",
            self.cage.0.is_some()
        );
        assert_eq!(
            self.cage.killed(),
            0,
            "killed for want of memory:\n{}",
            self.mailjob.log()
        );
        assert!(
            peak <= most,
            "{what}: {peak} MB at the peak, {most} may be:\n{}",
            self.mailjob.log()
        );
        let log = self.mailjob.log();
        assert_eq!(self.mailjob.term().unwrap(), 0);
        drop(self.world);
        log
    }
}

/// A result may have 20 MB in a mail: ten at once would take 500 MB.
#[tokio::test(flavor = "multi_thread")]
async fn large_results_of_many_commands_wait_for_one_another() {
    let world = World::start(Options::default()).await.unwrap();
    let command = "[command]\nargv = [\"/bin/sh\", \"-c\", \"head -c 14000000 /dev/zero > out/r.bin\"]\n";
    let mut caged = Caged::start(world, command, (0..10).map(letter)).await;
    caged.until("attempt ended", 10).await;
    caged.until("reply sent", 10).await;
    let log = caged.end("ten results of 14 MB", 200);
    assert_eq!(log.matches("outcome=\"done\"").count(), 10, "{log}");
}

/// An answer whose values take twenty times their bytes: nothing of it is built but what is kept.
#[tokio::test(flavor = "multi_thread")]
async fn answers_of_many_small_values_cost_their_bytes() {
    let world = World::start(Options::default()).await.unwrap();
    let body = bytes::Bytes::from(format!("{{\"data\":[{}[0]]}}", "[0],".repeat(2_600_000)));
    let receiver = Receiver::start(move |_| {
        Answer::status(200)
            .header("content-type", "application/json")
            .body(body.clone())
    })
    .await
    .unwrap();
    let webhook = format!(
        "[webhook]\nurl = \"{}\"\nallow_private_network = true\n",
        receiver.url("/")
    );
    let mut caged = Caged::start(world, &webhook, (0..8).map(letter)).await;
    caged.until("attempt ended", 8).await;
    caged.until("reply sent", 8).await;
    let log = caged.end("eight answers of 10 MB", 160);
    assert_eq!(log.matches("outcome=\"done\"").count(), 8, "{log}");
    assert_eq!(log.matches("262144 at most").count(), 8, "{log}");
}

/// A mail of 36 MB is quoted: its text is decoded, and in ISO-2022-JP it grows.
#[tokio::test(flavor = "multi_thread")]
async fn large_mails_that_are_quoted_wait_for_one_another() {
    let world = World::start(Options::default()).await.unwrap();
    let mail = |number: usize| {
        let (charset, line): (_, &[u8]) = match number {
            0 => ("iso-2022-jp", b"\x1b$B$3$s$K$A$O!\"@$3&!#$3$s$K$A$O!\"@$3&!#\x1b(B\r\n"),
            _ => ("us-ascii", b"The quick brown fox jumps over the lazy dog.\r\n"),
        };
        let mut mail = format!(
            "From: bob@example.test\r\nTo: {USER}\r\nSubject: large {number}\r\nMessage-ID: <large-{number}@example.test>\r\n\
             MIME-Version: 1.0\r\nContent-Type: text/plain; charset={charset}\r\n\r\n"
        )
        .into_bytes();
        mail.extend(line.iter().cycle().take(36_000_000 / line.len() * line.len()));
        mail
    };
    // A test's program reads slowly.
    let command = "original = \"quote\"\n[limits]\ntime = \"120s\"\n[command]\nargv = [\"/bin/echo\", \"done\"]\n";
    let mut caged = Caged::start(world, command, (0..4).map(mail)).await;
    caged.until("attempt ended", 4).await;
    caged.until("reply sent", 4).await;
    let log = caged.end("four quoted mails of 36 MB", 210);
    assert_eq!(log.matches("outcome=\"done\"").count(), 4, "{log}");
}

/// What a hostile server says is thrown away as it comes.
#[tokio::test(flavor = "multi_thread")]
async fn servers_that_talk_without_end_cost_little() {
    let webhook = "[webhook]\nurl = \"http://localhost:1/\"\nallow_private_network = true\n";
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = Mailjob::new(&world, env!("CARGO_BIN_EXE_mailjob")).unwrap();
    mailjob.secret("word", "a word").unwrap();
    let imap = standin::odd(&world.tls, OddQuirk::FloodsAll).await.unwrap();
    let pop3 = standin::Pop3::start(&world.tls, Start::Implicit, Pop3Quirk::Floods, &[])
        .await
        .unwrap();
    let (ca, tls) = (world.tls.ca.display(), "tls = \"implicit\"");
    for (name, port, proof) in [
        ("imap", imap.port, "password"),
        ("pop3", pop3.server.port, "provider = \"microsoft\"\ntoken"),
    ] {
        let account = format!(
            "user = \"{USER}\"\nca_file = \"{ca}\"\n{proof} = {{ file = \"secrets/word\" }}\n\
             {name} = {{ host = \"localhost\", port = {port}, {tls} }}"
        );
        mailjob.account_as(name, &account).unwrap();
        let endpoint = format!("[mailbox]\naccount = \"{name}\"\nprotocol = \"{name}\"\n{webhook}");
        mailjob.endpoint(name, &endpoint).unwrap();
    }
    let mut caged = Caged::run(world, mailjob);
    caged.until("things that nobody asked for", 1).await;
    while !pop3.server.said().iter().any(|line| line.starts_with("LIST")) {
        caged.until("", 0).await;
        sleep(Duration::from_millis(50)).await;
    }
    caged.end("floods by IMAP and POP3", 120);
}
