//! Mailboxes that are read by POP3, from a real Dovecot through the whole program.

mod odd;
mod peculiar;
mod probe;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use mailjob::{
    job::state::State,
    ledger::{Upkeep as _, sqlite},
};
use mailjob_testbed::{Answer, Mailjob, Options, PASSWORD, Receiver, Request, SignIn, Start, World};

use crate::{letters::letter, raw::Lines};

const USER: &str = "ada@example.test";
const PATIENCE: Duration = Duration::from_secs(120);

fn endpoint(account: &str, url: &str, more: &str) -> String {
    format!(
        "[mailbox]\naccount = \"{account}\"\nprotocol = \"pop3\"\nevery = \"1s\"\n\
         [webhook]\nurl = \"{url}\"\nallow_private_network = true\nbody = \"raw\"\n[retry]\nwaits = []\n{more}"
    )
}

/// An installation with one endpoint, whose mails go to this receiver.
async fn installed(world: &World, sign_in: SignIn, start: Start, url: &str, more: &str) -> Mailjob {
    let mut mailjob = Mailjob::new(world, env!("CARGO_BIN_EXE_mailjob")).unwrap();
    mailjob.account(world, "ada", USER, sign_in, start).await.unwrap();
    mailjob.endpoint("ada", &endpoint("ada", url, more)).unwrap();
    mailjob
}

async fn emptied(world: &World, mailjob: &Mailjob) {
    let emptied = world.dovecot.wait_for(USER, "INBOX", 0, PATIENCE).await;
    emptied.unwrap_or_else(|error| panic!("{error}\n{}", mailjob.log()));
}

#[tokio::test(flavor = "multi_thread")]
async fn done_mails_are_deleted_however_one_signs_in() {
    for (sign_in, start) in [
        (SignIn::Password, Start::Implicit),
        (SignIn::Application, Start::StartTls),
        (SignIn::RefreshToken, Start::Implicit),
    ] {
        let world = World::start(Options::default()).await.unwrap();
        let receiver = Receiver::start(|_| Answer::text("ok")).await.unwrap();
        let mut mailjob = installed(&world, sign_in, start, &receiver.url("/"), "").await;
        world.dovecot.deliver_all(USER, (1..=2).map(letter)).await.unwrap();
        mailjob.start().unwrap();
        receiver.wait_for(2, PATIENCE).await.unwrap();
        emptied(&world, &mailjob).await;
        world.dovecot.deliver(USER, &letter(3)).await.unwrap();
        receiver.wait_for(3, PATIENCE).await.unwrap();
        emptied(&world, &mailjob).await;
        assert_eq!(mailjob.term().unwrap(), 0);
        assert_eq!(receiver.requests().len(), 3, "{sign_in:?}: {}", mailjob.log());
        let mechanism = if sign_in == SignIn::Password {
            "method=PLAIN"
        } else {
            "method=XOAUTH2"
        };
        let log = world.dovecot.log();
        let mut logins = log
            .lines()
            .filter(|line| line.contains("pop3-login: ") && line.contains("Login:"));
        assert!(
            logins.clone().count() > 0 && logins.all(|line| line.contains(mechanism) && line.contains(", TLS")),
            "{log}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_come_byte_for_byte() {
    let world = World::start(Options::default()).await.unwrap();
    let receiver = Receiver::start(|_| Answer::text("ok")).await.unwrap();
    let mut mailjob = installed(
        &world,
        SignIn::Password,
        Start::Implicit,
        &receiver.url("/"),
        "[settle]\ndone = \"keep\"\n",
    )
    .await;
    let dots = "From: a@example.test\r\nSubject: dots\r\n\r\n.\r\n..\r\n.a\r\n\r\n.\r\n8 bits: \u{e9}\r\n";
    let mut mails = vec![dots.as_bytes().to_vec()];
    for bytes in [262_100, 262_144, 300_000, 5_000_000] {
        let mut mail = format!("From: a@example.test\r\nSubject: {bytes}\r\n\r\n").into_bytes();
        while mail.len() < bytes {
            mail.extend_from_slice(b".line that begins with a dot, and goes on for a while\r\n");
        }
        mails.push(mail);
    }
    world.dovecot.deliver_all(USER, &mails).await.unwrap();
    mailjob.start().unwrap();
    let requests = receiver.wait_for(mails.len(), PATIENCE).await.unwrap();
    let taken: BTreeSet<Vec<u8>> = requests.into_iter().map(|request| request.body.to_vec()).collect();
    let stored = world.dovecot.mailbox(USER, "INBOX").await.unwrap();
    assert_eq!(stored.len(), mails.len());
    assert!(taken == stored.into_iter().collect(), "what was taken is what is there");
}

/// The subject of a raw mail.
fn subject(request: &Request) -> String {
    let text = String::from_utf8_lossy(&request.body).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix("Subject: "));
    line.unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_or_is_not_meant_stays_and_is_not_done_again() {
    let world = World::start(Options::default()).await.unwrap();
    let receiver = Receiver::start(|request| match subject(request).as_str() {
        "Letter 1" => Answer::status(422),
        _ => Answer::text("ok"),
    })
    .await
    .unwrap();
    let more = "[when]\nsubject = \"Letter *\"\n";
    let mut mailjob = installed(&world, SignIn::Password, Start::StartTls, &receiver.url("/"), more).await;
    let other = b"From: a@example.test\r\nSubject: not meant\r\n\r\nx\r\n";
    world.dovecot.deliver(USER, other).await.unwrap();
    world.dovecot.deliver_all(USER, (1..=3).map(letter)).await.unwrap();
    for life in 0..2 {
        mailjob.start().unwrap();
        receiver.wait_for(3, PATIENCE).await.unwrap();
        let two = world.dovecot.wait_for(USER, "INBOX", 2, PATIENCE).await;
        two.unwrap_or_else(|error| panic!("{error}\n{}", mailjob.log()));
        // A mail that comes later shows that there was another look.
        world.dovecot.deliver(USER, &letter(10 + life)).await.unwrap();
        receiver.wait_for(4 + life, PATIENCE).await.unwrap();
        world.dovecot.wait_for(USER, "INBOX", 2, PATIENCE).await.unwrap();
        assert_eq!(mailjob.term().unwrap(), 0);
    }
    assert_eq!(receiver.requests().len(), 5, "{}", mailjob.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_maildrop_whose_ids_all_change_makes_no_job_anew() {
    let world = World::start(Options::default()).await.unwrap();
    let receiver = Receiver::start(|_| Answer::text("ok")).await.unwrap();
    let keep = "[settle]\ndone = \"keep\"\n";
    let mut mailjob = installed(&world, SignIn::Password, Start::Implicit, &receiver.url("/"), keep).await;
    world.dovecot.deliver_all(USER, (1..=20).map(letter)).await.unwrap();
    mailjob.start().unwrap();
    receiver.wait_for(20, PATIENCE).await.unwrap();
    // Dovecot's ids are made of UID and UIDVALIDITY.
    world.dovecot.reset_uid_validity(USER, "INBOX").await.unwrap();
    world.dovecot.deliver(USER, &letter(21)).await.unwrap();
    receiver.wait_for(21, PATIENCE).await.unwrap();

    // With other settings they are deleted, and it is still the same work.
    assert_eq!(mailjob.term().unwrap(), 0);
    mailjob
        .endpoint("ada", &endpoint("ada", &receiver.url("/"), ""))
        .unwrap();
    world.dovecot.reset_uid_validity(USER, "INBOX").await.unwrap();
    mailjob.start().unwrap();
    emptied(&world, &mailjob).await;
    assert_eq!(mailjob.term().unwrap(), 0);
    assert_eq!(receiver.requests().len(), 21, "{}", mailjob.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_are_cut_off_lose_nothing_and_repeat_nothing() {
    let world = World::start(Options::default()).await.unwrap();
    let receiver = Receiver::start(|_| Answer::text("ok")).await.unwrap();
    let mut mailjob = installed(&world, SignIn::Password, Start::Implicit, &receiver.url("/"), "").await;
    let large = |n: usize| [letter(n), vec![b'x'; 400_000], b"\r\n".to_vec()].concat();
    world.dovecot.deliver_all(USER, (0..60).map(large)).await.unwrap();
    mailjob.start().unwrap();
    let deadline = Instant::now() + Duration::from_secs(8);
    while Instant::now() < deadline {
        world.dovecot.kick(USER).await.unwrap();
        tokio::time::sleep(Duration::from_millis(fastrand::u64(50..400))).await;
    }
    emptied(&world, &mailjob).await;
    assert_eq!(mailjob.term().unwrap(), 0);
    let subjects: Vec<_> = receiver.requests().iter().map(subject).collect();
    let distinct: BTreeSet<_> = subjects.iter().collect();
    assert_eq!((subjects.len(), distinct.len()), (60, 60), "{}", mailjob.log());
    assert!(
        mailjob
            .log()
            .contains("the session with the mailbox ended; connecting again"),
        "none was cut off:\n{}",
        mailjob.log()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_over_a_backlog_lose_nothing_and_double_nothing() {
    const MAILS: usize = 60;
    let world = World::start(Options::default()).await.unwrap();
    let receiver = Receiver::start(|_| Answer::text("ok")).await.unwrap();
    let mut mailjob = installed(&world, SignIn::Password, Start::Implicit, &receiver.url("/"), "").await;
    world.dovecot.deliver_all(USER, (0..MAILS).map(letter)).await.unwrap();
    // Some lives end while mails are taken, some while they are deleted, which begins 3 s after the first job.
    for life in 0..12 {
        mailjob.start().unwrap();
        let longest = if life % 2 == 0 { 700 } else { 4_000 };
        tokio::time::sleep(Duration::from_millis(fastrand::u64(50..longest))).await;
        mailjob.kill9().unwrap();
        world.dovecot.deliver(USER, &letter(MAILS + life)).await.unwrap();
    }
    mailjob.start().unwrap();
    emptied(&world, &mailjob).await;
    assert_eq!(mailjob.term().unwrap(), 0);
    let jobs = jobs_by_subject(&mailjob).await;
    let expected: BTreeSet<_> = (0..MAILS + 12).map(|n| format!("Letter {n}")).collect();
    assert_eq!(jobs.keys().cloned().collect::<BTreeSet<_>>(), expected);
    let wrong: Vec<_> = jobs.iter().filter(|(_, states)| **states != [State::Done]).collect();
    assert!(wrong.is_empty(), "not exactly one done job: {wrong:?}");
}

/// The states of each mail's jobs.
async fn jobs_by_subject(mailjob: &Mailjob) -> BTreeMap<String, Vec<State>> {
    let path = mailjob.dir().join("mailjob.db");
    let ledger = sqlite::open(&path, Arc::new(chrono::Utc::now)).await.unwrap();
    let mut jobs = BTreeMap::<_, Vec<_>>::new();
    for job in ledger.overview(1_000).await.unwrap() {
        jobs.entry(job.summary.subject).or_default().push(job.state);
    }
    ledger.close().await;
    jobs
}

#[tokio::test(flavor = "multi_thread")]
async fn a_maildrop_that_another_has_is_waited_for() {
    let world = World::start(Options::default()).await.unwrap();
    let receiver = Receiver::start(|_| Answer::text("ok")).await.unwrap();
    let mut mailjob = installed(&world, SignIn::Password, Start::Implicit, &receiver.url("/"), "").await;
    world.dovecot.deliver(USER, &letter(1)).await.unwrap();
    let mut other = Lines::tls(world.dovecot.pop3s, &world.tls.ca).await;
    other.until(&["+OK"]).await;
    other.ask(&format!("USER {USER}"), &["+OK"]).await;
    other.ask(&format!("PASS {PASSWORD}"), &["+OK"]).await;
    mailjob.start().unwrap();
    mailjob
        .wait_log("another session has the maildrop", Duration::from_secs(150))
        .await
        .unwrap();
    other.ask("QUIT", &["+OK"]).await;
    receiver.wait_for(1, PATIENCE).await.unwrap();
    emptied(&world, &mailjob).await;
}
