//! Disks that are full, broken or taken away, a log that nobody can write, and no descriptor left: real ones.

use std::{
    fs::{self, File, OpenOptions},
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use mailjob_testbed::{Mailjob, Options, SignIn, Start, World};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::AsyncReadExt as _,
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

use crate::{letters::letter, program, volume::Disk};

pub(crate) const USER: &str = "ada@example.test";
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
const ENDPOINT: &str = "[mailbox]\naccount = \"ada\"\n[command]\nargv = [\"/bin/true\"]\n";

pub(crate) async fn installation(world: &World, service: &str) -> Mailjob {
    let mut mailjob = Mailjob::new(world, env!("CARGO_BIN_EXE_mailjob")).unwrap();
    mailjob.service(service).unwrap();
    set_up(world, &mut mailjob).await;
    mailjob
}

async fn set_up(world: &World, mailjob: &mut Mailjob) {
    let account = mailjob.account(world, "ada", USER, SignIn::Password, Start::Implicit);
    account.await.unwrap();
    mailjob.endpoint("ada", ENDPOINT).unwrap();
}

/// Status and text of a page.
async fn page(mailjob: &Mailjob, path: &str) -> Option<(u16, String)> {
    let answer = program::page(mailjob, path, Duration::from_secs(10)).await?;
    Some((answer.status().as_u16(), answer.text().await.ok()?))
}

/// Waits until a page answers so.
async fn answers(mailjob: &Mailjob, name: &str, so: impl Fn(u16, &str) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let seen = page(mailjob, name).await;
        if seen.as_ref().is_some_and(|(status, text)| so(*status, text)) {
            return;
        }
        assert!(Instant::now() < deadline, "{name}: {seen:?}\n{}", mailjob.log());
        sleep(Duration::from_millis(50)).await;
    }
}

/// A log that can't be written.
enum Log {
    Full,
    Closed,
    Disk(Disk),
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cant_be_written_costs_lines_and_nothing_else() {
    let world = World::start(Options::default()).await.unwrap();
    let mailjob = installation(&world, "").await;
    let disk = Disk::mount(&world.dir().join("log"), "64k");
    let logs = [Log::Full, Log::Closed].into_iter().chain(disk.map(Log::Disk));
    for (done, log) in (1_usize..).zip(logs) {
        let stderr = match &log {
            Log::Full => Stdio::from(OpenOptions::new().write(true).open("/dev/full").unwrap()),
            Log::Closed => {
                let (reader, writer) = std::io::pipe().unwrap();
                drop(reader);
                Stdio::from(writer)
            }
            Log::Disk(disk) => {
                let file = File::create(disk.0.join("log")).unwrap();
                disk.fill(0);
                Stdio::from(file)
            }
        };
        let mut child = mailjob
            .command(&["run"])
            .env("MAILJOB_LOG", "debug")
            .stderr(stderr)
            .spawn()
            .unwrap();
        answers(&mailjob, "/readyz", |status, _| status == 200).await;
        world.dovecot.deliver(USER, &letter(done)).await.unwrap();

        world.dovecot.wait_for(USER, "Processed", done, PATIENCE).await.unwrap();
        answers(&mailjob, "/metrics", |_, text| {
            let lost = text
                .lines()
                .find_map(|line| line.strip_prefix("mailjob_log_lines_lost_total "));
            lost.is_some_and(|lost| lost.parse::<f64>().unwrap() > 0.0)
        })
        .await;
        if let Log::Disk(disk) = &log {
            // Where writing works again, the log says what is missing in it.
            disk.free();
            let deadline = Instant::now() + PATIENCE;
            while !fs::read_to_string(disk.0.join("log"))
                .unwrap()
                .contains("lines of the log could not be written")
            {
                assert!(Instant::now() < deadline);
                page(&mailjob, "/status").await;
                world.dovecot.deliver(USER, &letter(90)).await.unwrap();
                sleep(Duration::from_millis(200)).await;
            }
        }
        let pid = Pid::from_raw(child.id().unwrap().try_into().unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        let ended = timeout(PATIENCE, child.wait()).await.unwrap().unwrap();
        assert_eq!(ended.code(), Some(0));
    }
}

/// A letter with so many bytes more.
fn large(number: usize, bytes: usize) -> Vec<u8> {
    let line = format!("{number:068}\r\n");
    [letter(number), line.repeat(bytes / line.len()).into_bytes()].concat()
}

/// Where the ledger lies on that disk; the log and all else elsewhere.
fn keep_ledger_on(disk: &Disk, mailjob: &mut Mailjob, retention: &str) {
    mailjob.service(&format!("[retention]\n{retention}\n")).unwrap();
    let config = mailjob.dir().join("mailjob.toml");
    let text = fs::read_to_string(&config).unwrap();
    let path = disk.0.join("mailjob.db");
    let text = text.replace("ledger = \"mailjob.db\"", &format!("ledger = {path:?}"));
    fs::write(&config, text).unwrap();
}

/// An installation that runs, with its ledger on a disk of 48 MB; nothing where this machine mounts none.
async fn on_a_small_disk(world: &World) -> Option<(Mailjob, Disk)> {
    let mut mailjob = installation(world, "").await;
    let disk = Disk::mount(&mailjob.dir().join("ledger"), "48m")?;
    keep_ledger_on(&disk, &mut mailjob, "mails = { age = \"7d\" }");
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    Some((mailjob, disk))
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_leave_room_for_the_log_and_what_is_kept_alone() {
    for (size, count) in [(1_500_000, 32), (3_000_000, 16)] {
        let world = World::start(Options::default()).await.unwrap();
        let Some((mut mailjob, disk)) = on_a_small_disk(&world).await else {
            return;
        };
        for number in 0..count {
            world.dovecot.deliver(USER, &large(number, size)).await.unwrap();
        }
        mailjob.wait_log("new mails wait", PATIENCE).await.unwrap();
        let log = mailjob.log();
        assert!(log.contains("bytes are free in") && log.contains("have to be"), "{log}");
        // What was taken is done and settled all the same, and each look says that it is full.
        let reserve = disk.0.join("mailjob.db.reserve");
        for _ in 0..10 {
            let status = mailjob.command(&["status"]).output().await.unwrap();
            let said = String::from_utf8_lossy(&status.stdout).into_owned();
            assert_eq!(status.status.code(), Some(1), "{said}");
            assert!(said.contains("new mails wait"), "{said}");
            assert!(reserve.exists(), "what is kept is not for new mails");
        }
        assert!(!mailjob.log().contains("can be written again"), "{}", mailjob.log());
        // A copy finds no room beside it, and leaves by the temporary folder.
        let mut backup = mailjob.command(&["ledger", "backup", "-"]);
        let copy = backup.env_remove("TMPDIR").output().await.unwrap();
        let said = String::from_utf8_lossy(&copy.stderr).into_owned();
        assert!(copy.status.success() && said.contains("temporary folder"), "{said}");
        assert!(copy.stdout.starts_with(b"SQLite format 3"), "{said}");
        mailjob.kill9().unwrap();
        // Others take all the rest. The next start finds what it needs, and retention makes room.
        disk.fill(0);
        keep_ledger_on(&disk, &mut mailjob, "mails = { age = \"0s\" }");
        mailjob.start().unwrap();
        mailjob.ready().await.unwrap();
        let all = world.dovecot.wait_for(USER, "Processed", count, PATIENCE).await;
        all.unwrap_or_else(|error| panic!("{error}\n{}", mailjob.log()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_disk_that_was_full_is_full_no_more_once_there_is_room() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = installation(&world, "").await;
    let Some(disk) = Disk::mount(&mailjob.dir().join("ledger"), "12m") else {
        return;
    };
    keep_ledger_on(&disk, &mut mailjob, "mails = { age = \"7d\" }");
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    disk.fill(270_000);
    world.dovecot.deliver(USER, &letter(1)).await.unwrap();
    mailjob.wait_log("new mails wait", PATIENCE).await.unwrap();
    disk.free();
    mailjob
        .wait_log("the ledger can be written again", PATIENCE)
        .await
        .unwrap();
    world.dovecot.wait_for(USER, "Processed", 1, PATIENCE).await.unwrap();
    let status = mailjob.command(&["status"]).output().await.unwrap();
    let said = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(status.status.success() && !said.contains("can't be written"), "{said}");
    assert_eq!(mailjob.term().unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_on_a_full_disk_comes_up_and_makes_room() {
    let world = World::start(Options::default()).await.unwrap();
    let Some((mut mailjob, disk)) = on_a_small_disk(&world).await else {
        return;
    };
    for number in 0..12 {
        world.dovecot.deliver(USER, &large(number, 700_000)).await.unwrap();
    }
    world.dovecot.wait_for(USER, "Processed", 12, PATIENCE).await.unwrap();
    assert_eq!(mailjob.term().unwrap(), 0);
    assert!(!disk.0.join("mailjob.db-shm").exists(), "a start has to make it");

    // Full to the last byte. What was kept for that day lets it come up, and retention makes room.
    disk.fill(0);
    keep_ledger_on(&disk, &mut mailjob, "mails = { age = \"0s\" }");
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    mailjob.wait_log("gave up the room", PATIENCE).await.unwrap();
    mailjob
        .wait_log("dropped from the ledger what [retention] does not keep", PATIENCE)
        .await
        .unwrap();
    world.dovecot.deliver(USER, &letter(20)).await.unwrap();
    world.dovecot.wait_for(USER, "Processed", 13, PATIENCE).await.unwrap();
    assert_eq!(mailjob.term().unwrap(), 0);

    // Without anything that can be given up it waits, says why, and goes on by itself. A ledger that can't be read for that is no broken one.
    drop(fs::remove_file(disk.0.join("mailjob.db.reserve")));
    disk.fill(0);
    for command in [
        &["ledger", "check"][..],
        &["jobs", "list"],
        &["replies", "list"],
        &["doctor", "ada"],
    ] {
        let told = mailjob.command(command).output().await.unwrap();
        let text = String::from_utf8([told.stdout, told.stderr].concat()).unwrap();
        assert!(
            text.contains("disk is full") && !text.contains("backup"),
            "{command:?}: {text}"
        );
        assert!(!text.contains("the ledger was lost"), "{command:?}: {text}");
        assert_ne!(told.status.code(), Some(0), "{command:?}: {text}");
    }
    mailjob.start().unwrap();
    answers(&mailjob, "/readyz", |status, text| {
        status == 503 && text.contains("disk is full") && text.contains("have to be")
    })
    .await;
    // Three tries later it has said so twice: at the first and the second, not at the third.
    mailjob.wait_log("tries=4", PATIENCE).await.unwrap();
    let log = mailjob.log();
    assert!(log.contains("tries=2") && !log.contains("tries=3"), "{log}");
    assert!(!log.contains("disk I/O error"), "a full disk is told as one: {log}");
    // So the alert of a disk that fills fires.
    answers(&mailjob, "/metrics", |status, text| {
        status == 200 && text.contains("\nmailjob_ledger_disk_free_bytes ")
    })
    .await;
    answers(&mailjob, "/livez", |status, _| status == 200).await;
    mailjob.wait_log("trying again every", PATIENCE).await.unwrap();
    let status = mailjob.command(&["status"]).output().await.unwrap();
    let text = String::from_utf8([status.stdout, status.stderr].concat()).unwrap();
    assert!(
        text.contains("does not work yet") && text.contains("disk is full"),
        "{text}"
    );
    disk.free();
    mailjob.ready().await.unwrap();
    world.dovecot.deliver(USER, &letter(21)).await.unwrap();
    world.dovecot.wait_for(USER, "Processed", 14, PATIENCE).await.unwrap();
    assert_eq!(mailjob.term().unwrap(), 0);
}

/// Has the disk of what the program writes break when a file is there that holds an errno; the file.
fn breakable(world: &World, mailjob: &mut Mailjob) -> PathBuf {
    let shim = world.dir().join("broken_disk.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/shim/broken_disk.c");
    let made = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .arg(&shim)
        .args([source, "-ldl"])
        .status()
        .unwrap();
    assert!(made.success());
    let broken = mailjob.dir().join("broken");
    mailjob.env("LD_PRELOAD", &shim.display().to_string());
    mailjob.env("BROKEN_DISK", &broken.display().to_string());
    broken
}

#[tokio::test(flavor = "multi_thread")]
async fn retention_that_a_full_disk_keeps_from_its_work_says_so() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = installation(&world, "[retention]\nmails = { age = \"0s\" }\n").await;
    let broken = breakable(&world, &mut mailjob);
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    world.dovecot.deliver(USER, &letter(1)).await.unwrap();
    world.dovecot.wait_for(USER, "Processed", 1, PATIENCE).await.unwrap();
    // ENOSPC, for whatever is written.
    fs::write(&broken, "28").unwrap();
    world.dovecot.deliver(USER, &letter(2)).await.unwrap();
    mailjob.wait_log("could not be dropped", PATIENCE).await.unwrap();
    let log = mailjob.log();
    let line = log.lines().find(|line| line.contains("could not be dropped")).unwrap();
    assert!(
        line.contains("disk is full") && line.contains("trying again later") && line.contains("failures=1"),
        "{line}"
    );
    assert!(!log.contains("disk I/O error"), "{log}");
    fs::remove_file(&broken).unwrap();
    world.dovecot.wait_for(USER, "Processed", 2, PATIENCE).await.unwrap();
    assert_eq!(mailjob.term().unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_breaks_is_told_until_a_write_went_through() {
    let world = World::start(Options::default()).await.unwrap();
    let operator = "\n[operator]\nto = \"operator@example.test\"\naccount = \"ops\"\nevery = \"1s\"\ndigest = \"0s\"";
    let mut mailjob = installation(&world, operator).await;
    let ops = mailjob.account(&world, "ops", "ops@example.test", SignIn::Password, Start::Implicit);
    ops.await.unwrap();
    let broken = breakable(&world, &mut mailjob);
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    // EIO, and EROFS.
    for (done, errno) in [(1_usize, "5"), (2, "30")] {
        let log = mailjob.log().len();
        fs::write(&broken, errno).unwrap();
        world.dovecot.deliver(USER, &letter(done)).await.unwrap();
        answers(&mailjob, "/readyz", |status, _| status == 503).await;
        answers(&mailjob, "/metrics", |_, text| {
            let failures = text
                .lines()
                .find_map(|line| line.strip_prefix("mailjob_ledger_commit_failures_total "));
            failures.is_some_and(|failures| failures.parse::<f64>().unwrap() > 5.0)
        })
        .await;
        let status = mailjob.command(&["status"]).output().await.unwrap();
        let said = String::from_utf8_lossy(&status.stdout).into_owned();
        assert_eq!(status.status.code(), Some(1), "{said}");
        assert!(said.contains("can't be written since"), "{said}");
        let doctor = mailjob.command(&["doctor"]).output().await.unwrap();
        let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
        assert_eq!(doctor.status.code(), Some(1), "{said}");
        assert!(said.contains("the process that runs says"), "{said}");
        let told = world
            .dovecot
            .wait_for("operator@example.test", "INBOX", 2 * done - 1, PATIENCE)
            .await;
        told.unwrap_or_else(|error| panic!("{error}\n{}", mailjob.log()));
        let since = mailjob.log()[log..].to_owned();
        assert!(!since.contains("can be written again"), "{since}");
        let often = since.matches("the ledger can't be written; what was").count();
        assert!((1..=4).contains(&often), "once, and once in a while: {since}");
        fs::remove_file(&broken).unwrap();
        world.dovecot.wait_for(USER, "Processed", done, PATIENCE).await.unwrap();
        answers(&mailjob, "/readyz", |status, _| status == 200).await;
        let since = mailjob.log()[log..].to_owned();
        assert_eq!(
            since.matches("INFO the ledger can be written again").count(),
            1,
            "{since}"
        );
        let told = world
            .dovecot
            .wait_for("operator@example.test", "INBOX", 2 * done, PATIENCE)
            .await;
        told.unwrap_or_else(|error| panic!("{error}\n{}", mailjob.log()));
    }
    let mails = world.dovecot.mailbox("operator@example.test", "INBOX").await.unwrap();
    assert_eq!(mails.len(), 4, "once each");
    assert!(String::from_utf8_lossy(&mails[0]).contains("the ledger can't be written"));
    assert!(String::from_utf8_lossy(&mails[1]).contains("the ledger can be written again"));
    assert_eq!(mailjob.term().unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_is_taken_away_ends_the_process_in_words() {
    let world = World::start(Options::default()).await.unwrap();
    for (name, words) in [("mailjob.db", "was deleted"), ("mailjob.db-wal", "its log")] {
        let mut mailjob = installation(&world, "").await;
        mailjob.start().unwrap();
        mailjob.ready().await.unwrap();
        fs::remove_file(mailjob.dir().join(name)).unwrap();
        mailjob.wait_log(words, PATIENCE).await.unwrap();
        let deadline = Instant::now() + PATIENCE;
        let code = loop {
            if let Some(code) = mailjob.exited().unwrap() {
                break code;
            }
            assert!(Instant::now() < deadline, "{}", mailjob.log());
            sleep(Duration::from_millis(20)).await;
        };
        assert_eq!(code, 74, "{}", mailjob.log());
        assert!(
            mailjob.log().contains("put it back, or its last backup"),
            "{}",
            mailjob.log()
        );
    }
    // Its lock file is only the name of who holds it.
    let mut mailjob = installation(&world, "").await;
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    fs::remove_file(mailjob.dir().join("mailjob.db.lock")).unwrap();
    let second = mailjob.command(&["run"]).output().await.unwrap();
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(74), "{said}");
    assert!(said.contains("is in use by"), "{said}");
    assert_eq!(mailjob.term().unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_is_answered_when_no_descriptor_is_left() {
    let world = World::start(Options::default()).await.unwrap();
    let mailjob = installation(&world, "").await;
    let dir = mailjob.dir().to_owned();
    let few = |arguments: &str| {
        let mut command = tokio::process::Command::new("sh");
        command
            .args([
                "-c",
                &format!("ulimit -n 64; exec \"$0\" {arguments}"),
                env!("CARGO_BIN_EXE_mailjob"),
            ])
            .current_dir(&dir)
            .env("MAILJOB_ENDPOINTS", dir.join("endpoints.d"))
            .env("MAILJOB_CONFIG", dir.join("mailjob.toml"))
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        command
    };
    let log = File::create(mailjob.dir().join("few.log")).unwrap();
    let mut child = few("run").stderr(log).spawn().unwrap();
    answers(&mailjob, "/readyz", |status, _| status == 200).await;
    let address = mailjob.health_url("").replace("http://", "");
    let mut idle = Vec::new();
    for _ in 0..80 {
        idle.push(TcpStream::connect(&address).await.unwrap());
    }
    let fds = || {
        fs::read_dir(format!("/proc/{}/fd", child.id().unwrap()))
            .unwrap()
            .count()
    };
    let deadline = Instant::now() + PATIENCE;
    while fds() < 60 {
        assert!(Instant::now() < deadline, "{} are open", fds());
        sleep(Duration::from_millis(20)).await;
    }
    // Well before those who say nothing are cut off by themselves.
    for name in ["/livez", "/readyz"] {
        let (status, text) = timeout(Duration::from_secs(8), page(&mailjob, name))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(status, 200, "{name}: {text}");
    }
    drop(idle);
    let pid = Pid::from_raw(child.id().unwrap().try_into().unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    assert_eq!(timeout(PATIENCE, child.wait()).await.unwrap().unwrap().code(), Some(0));

    // Doctor says that it is too few.
    let mut doctor = few("doctor").stderr(Stdio::inherit()).spawn().unwrap();
    let mut said = String::new();
    doctor.stdout.take().unwrap().read_to_string(&mut said).await.unwrap();
    assert!(said.contains("open files") && said.contains("LimitNOFILE="), "{said}");
    assert_eq!(doctor.wait().await.unwrap().code(), Some(0), "it is a warning: {said}");
}
