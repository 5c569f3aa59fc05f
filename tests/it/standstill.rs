//! The program stands still for longer than its leases last, as where a machine is paused, while another holds the ledger: when it goes on,
//! nothing of what it had claimed is posted or started before it is claimed anew.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use mailjob_testbed::{Answer, Mailjob, Options, Receiver, SignIn, Start, World, mails::Mail};
use rusqlite::{Connection, OpenFlags};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{Instant, sleep};

use crate::program::{PATIENCE, program};

/// How long one waits between two looks at something that comes by itself.
const LOOK: Duration = Duration::from_millis(10);
/// Bytes attached to each mail: that long it is read before anything is done about it.
const LARGE: usize = 6 << 20;
const MAILS: usize = 4;
/// Who stood still says so of each job that he gives up.
const GIVEN_UP: &str = "stood still for so long";

/// The jobs of a ledger that run, as another process sees them.
struct Running(Connection);

impl Running {
    fn of(ledger: &Path) -> Option<Self> {
        Connection::open_with_flags(ledger, OpenFlags::SQLITE_OPEN_READ_WRITE)
            .ok()
            .map(Self)
    }

    fn count(&self, such: &str) -> usize {
        let sql = format!("SELECT count(*) FROM job WHERE state = 'running' AND {such}");
        // There may be no table yet.
        let count: Result<i64, _> = self.0.query_row(&sql, [], |row| row.get(0));
        usize::try_from(count.unwrap_or(0)).unwrap()
    }
}

/// Waits until this holds.
async fn until(what: &str, mailjob: &Mailjob, patience: Duration, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + patience;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}\n{}", mailjob.log());
        sleep(LOOK).await;
    }
}

/// Whether the kernel has stopped a process.
fn is_stopped(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap();
    let state = stat.rsplit_once(") ").unwrap().1;
    state.starts_with('T')
}

fn lines(file: &PathBuf) -> usize {
    fs::read_to_string(file).unwrap_or_default().lines().count()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stood_still_past_his_leases_does_nothing_that_he_had_claimed_before() {
    let world = World::start(Options::default()).await.unwrap();
    let receiver = Receiver::start(|_| Answer::text("received")).await.unwrap();
    let mut mailjob = program(&world);
    let marks = world.dir().join("marks");
    fs::create_dir(&marks).unwrap();
    let runs = marks.join("runs");
    let script = format!("echo $MAILJOB_JOB >> {}", runs.display());
    let webhook = format!(
        "[webhook]\nurl = \"{}\"\nallow_private_network = true\n",
        receiver.url("/")
    );
    let command = format!("[command]\nargv = [\"/bin/sh\", \"-c\", {script:?}]\nwrite = [{marks:?}]\n");
    for (name, action) in [("hook", webhook), ("script", command)] {
        let user = format!("{name}@example.test");
        let account = mailjob.account(&world, name, &user, SignIn::Password, Start::Implicit);
        account.await.unwrap();
        let endpoint =
            format!("[mailbox]\naccount = \"{name}\"\nbacklog = \"process\"\n{action}[reply]\nto = \"nobody\"\n");
        mailjob.endpoint(name, &endpoint).unwrap();
        for number in 0..MAILS {
            let mail = Mail::new("sender@example.test", &user, &format!("Mail {number}"));
            let mail = mail.attach("large.bin", "application/octet-stream", &vec![7; LARGE]);
            world.dovecot.deliver(&user, &mail.bytes()).await.unwrap();
        }
    }
    mailjob.start().unwrap();
    let pid = Pid::from_raw(mailjob.pid().unwrap()).unwrap();
    let ledger = mailjob.dir().join("mailjob.db");

    // Stopped while jobs run of which nothing was done yet, and not in the midst of a write.
    let (running, claimed) = loop {
        until("jobs run", &mailjob, PATIENCE, || {
            ledger.exists() && Running::of(&ledger).is_some_and(|running| running.count("1 = 1") > 0)
        })
        .await;
        kill_process(pid, Signal::STOP).unwrap();
        until("it stands still", &mailjob, PATIENCE, || is_stopped(pid)).await;
        let running = Running::of(&ledger).unwrap();
        let locked = running.0.execute_batch("PRAGMA busy_timeout = 0; BEGIN IMMEDIATE");
        let claimed = running.count("1 = 1");
        if locked.is_ok() && claimed > receiver.requests().len() + lines(&runs) {
            break (running, claimed);
        }
        drop(running);
        kill_process(pid, Signal::CONT).unwrap();
    };
    // Until no claim of it holds any more; the write lock of the ledger keeps it from renewing one.
    let over = || running.count(&format!("until > {}", chrono::Utc::now().timestamp_micros())) == 0;
    until("its leases end", &mailjob, PATIENCE, over).await;
    // What was on its way when it was stopped has come by now.
    let (posted, started) = (receiver.requests().len(), lines(&runs));
    kill_process(pid, Signal::CONT).unwrap();
    let given_up = || mailjob.log().matches(GIVEN_UP).count() + posted + started >= claimed;
    until("it gives up what it had", &mailjob, PATIENCE, given_up).await;
    assert_eq!(receiver.requests().len(), posted, "{}", mailjob.log());
    assert_eq!(lines(&runs), started, "{}", mailjob.log());

    // From here on it can claim anew, and all is done.
    running.0.execute_batch("ROLLBACK").unwrap();
    for name in ["hook", "script"] {
        let user = format!("{name}@example.test");
        let emptied = world.dovecot.wait_for(&user, "INBOX", 0, PATIENCE).await;
        emptied.unwrap_or_else(|error| panic!("{error}\n{}", mailjob.log()));
    }
    assert_eq!(mailjob.term().unwrap(), 0);
    let ids: Vec<_> = receiver
        .requests()
        .iter()
        .map(|request| request.header("webhook-id").to_owned())
        .collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), MAILS, "each mail has one id");
    assert!(
        ids.len() <= MAILS + posted,
        "only what was on its way came twice: {ids:?}"
    );
    assert!(lines(&runs) <= MAILS + started);
}
