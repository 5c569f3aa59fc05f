//! The whole program under a clock that somebody sets (libfaketime): what waits keeps its wait.

use std::{fs, path::PathBuf, time::Duration};

use mailjob_testbed::{Mailjob, Options, PASSWORD, World};
use tokio::time::{Instant, sleep};

use crate::{
    letters::letter,
    program::{PATIENCE, account, program},
};

const USER: &str = "ada@example.test";

/// A program whose command notes each attempt, and wants to be run again after the first.
struct Clocked {
    world: World,
    mailjob: Mailjob,
    clock: PathBuf,
    runs: PathBuf,
}

impl Clocked {
    async fn new(waits: &str) -> Self {
        let world = World::start(Options::default()).await.unwrap();
        let mut mailjob = program(&world);
        mailjob.secret("ada", PASSWORD).unwrap();
        let sign_in = "password = { file = \"secrets/ada\" }";
        mailjob.account_as("ada", &account(&world, USER, sign_in)).unwrap();
        let marks = world.dir().join("marks");
        fs::create_dir(&marks).unwrap();
        let (runs, clock) = (marks.join("runs"), world.dir().join("clock"));
        let script = format!(
            "echo $MAILJOB_ATTEMPT >> {}; [ $MAILJOB_ATTEMPT -gt 1 ] || exit 75",
            runs.display()
        );
        let endpoint = format!(
            "[mailbox]\naccount = \"ada\"\n[command]\nargv = [\"/bin/sh\", \"-c\", {script:?}]\nwrite = [{marks:?}]\n[retry]\nwaits = [{waits:?}]\n"
        );
        mailjob.endpoint("ada", &endpoint).unwrap();
        let library = format!(
            "/usr/lib/{}-linux-gnu/faketime/libfaketimeMT.so.1",
            std::env::consts::ARCH
        );
        assert!(
            fs::exists(&library).unwrap(),
            "{library} is missing: tests/setup installs it"
        );
        mailjob
            .env("LD_PRELOAD", &library)
            .env("FAKETIME_TIMESTAMP_FILE", &clock.display().to_string())
            .env("FAKETIME_NO_CACHE", "1")
            .env("DONT_FAKE_MONOTONIC", "1");
        let clocked = Self {
            world,
            mailjob,
            clock,
            runs,
        };
        clocked.set("+0");
        clocked
    }

    /// Sets the program's clock so far from the right time.
    fn set(&self, offset: &str) {
        // In one step: it may be read at any time.
        let new = self.clock.with_extension("new");
        fs::write(&new, offset).unwrap();
        fs::rename(new, &self.clock).unwrap();
    }

    async fn start(&mut self) {
        self.mailjob.start().unwrap();
        self.mailjob.ready().await.unwrap();
    }

    async fn deliver(&self, number: usize) {
        self.world.dovecot.deliver(USER, &letter(number)).await.unwrap();
    }

    fn attempts(&self) -> Vec<String> {
        let runs = fs::read_to_string(&self.runs).unwrap_or_default();
        runs.lines().map(str::to_owned).collect()
    }

    /// Waits for this attempt, the last one of these.
    async fn attempted(&self, attempts: &[&str]) {
        let deadline = Instant::now() + PATIENCE;
        while self.attempts().len() < attempts.len() {
            assert!(
                Instant::now() < deadline,
                "{:?}\n{}",
                self.attempts(),
                self.mailjob.log()
            );
            sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(self.attempts(), attempts);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_does_so_no_longer_when_the_clock_is_set_back() {
    let mut clocked = Clocked::new("5s").await;
    clocked.start().await;
    clocked.deliver(1).await;
    clocked.attempted(&["1"]).await;
    clocked.set("-1h");
    clocked.attempted(&["1", "2"]).await;
    clocked.deliver(2).await;
    clocked.attempted(&["1", "2", "1"]).await;
    // Nor over a restart, in which it is set back further.
    clocked.mailjob.kill9().unwrap();
    clocked.set("-2000d");
    clocked.mailjob.start().unwrap();
    clocked.attempted(&["1", "2", "1", "2"]).await;
    let log = clocked.mailjob.log();
    assert!(log.contains("the system's clock was set"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_does_so_no_shorter_when_the_clock_is_set_forward() {
    let mut clocked = Clocked::new("1h").await;
    clocked.start().await;
    clocked.deliver(1).await;
    clocked.attempted(&["1"]).await;
    clocked.set("+1d");
    // What is due before this one would run before it.
    clocked.deliver(2).await;
    clocked.attempted(&["1", "1"]).await;
}
