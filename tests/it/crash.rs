//! `kill -9` at random moments while mails flow through: nothing is lost, and nothing is done twice.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use mailjob::{
    job::state::State,
    ledger::{
        Upkeep as _,
        sqlite::{self, OverviewRow},
    },
};
use mailjob_testbed::{Answer, Mailjob, Options, Receiver, SignIn, Start, World, mails::Mail};
use rusqlite::{Connection, OpenFlags};
use tokio::time::{Instant, sleep, sleep_until};

const KILLS: usize = 200;
const MAILS: usize = 300;
const SENDER: &str = "sender@example.test";
/// One mailbox each: a webhook, a command, a webhook of mails by POP3, and a job for each attachment.
const MAILBOXES: [&str; 4] = ["hook", "script", "drop", "parts"];
/// Bytes attached to every tenth mail, and to every fiftieth.
const SOME: usize = 300_000;
const MANY: usize = 4_500_000;
/// Long enough for any machine; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(120);
/// The longest life of a process before it is killed: long enough to get something done, short enough to die in the middle.
const LONGEST_LIFE: Duration = Duration::from_millis(500);
/// After so many kills whatever they interrupted is brought to its end, in the midst of which nothing is killed: a job that
/// dies with its process five times is held, as it should be, and here that would only tell that this machine is busy.
const IN_A_ROW: usize = 4;

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_kills_lose_nothing_and_double_nothing() {
    let seed = std::env::var("MAILJOB_CRASH_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("MAILJOB_CRASH_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);

    let world = World::start(Options::default()).await.unwrap();
    let receiver = Receiver::start(|_| Answer::text("received")).await.unwrap();
    let mut mailjob = endpoints(&world, &receiver.url("/hook")).await;

    let mut delivered = 0;
    for kill in 0..KILLS {
        mailjob.start().unwrap();
        if kill > 0 && kill % IN_A_ROW == 0 {
            recovered(&mailjob).await;
        }
        let moment = Instant::now() + LONGEST_LIFE.mul_f64(random.f64());
        // Mails come in while the program runs, so that every life has something to die over.
        let due = MAILS * (kill + 1) / KILLS;
        for number in delivered..due {
            world
                .dovecot
                .deliver(&user(mailbox(number)), &mail(number))
                .await
                .unwrap();
        }
        delivered = due;
        sleep_until(moment).await;
        mailjob.kill9().unwrap();
    }
    mailjob.start().unwrap();
    for name in MAILBOXES {
        let emptied = world.dovecot.wait_for(&user(name), "INBOX", 0, PATIENCE).await;
        if let Err(error) = emptied {
            mailjob.term().unwrap();
            panic!("{error}\n{:#?}\n{}", open_jobs(&mailjob).await, mailjob.log());
        }
        // By POP3 there is nowhere to move a mail to.
        let kept = if name == "drop" { 0 } else { MAILS / MAILBOXES.len() };
        let done = world.dovecot.count(&user(name), "Processed").await.unwrap();
        assert_eq!(done, kept, "{name}: {}", mailjob.log());
    }
    assert_eq!(mailjob.term().unwrap(), 0);

    let jobs = jobs_by_mail(&mailjob).await;
    assert_eq!(jobs.len(), MAILS);
    // The mail's own job, and one for each of its two attachments.
    let jobs_of = |number: usize| if mailbox(number) == "parts" { 3 } else { 1 };
    let wrong =
        (0..MAILS).filter(|number| jobs.get(&message_id(*number)) != Some(&vec![State::Done; jobs_of(*number)]));
    let wrong: Vec<_> = wrong.collect();
    assert!(wrong.is_empty(), "not exactly the done jobs: {wrong:?} of {jobs:?}");

    let replies = replies_by_mail(&world).await;
    let answered: BTreeSet<_> = replies.keys().cloned().collect();
    let expected: BTreeSet<_> = (0..MAILS).map(message_id).collect();
    assert_eq!(answered, expected);
    let distinct = |ids: &[String]| ids.iter().collect::<BTreeSet<_>>().len();
    let two: Vec<_> = replies.iter().filter(|(_, ids)| distinct(ids) != 1).collect();
    assert!(two.is_empty(), "answered by different messages: {two:?}");
    let copies: usize = replies.values().map(|ids| ids.len() - 1).sum();
    let posts = receiver.requests().len();
    println!(
        "{KILLS} kills, {MAILS} mails: each has its done jobs and no other; {} replies, {copies} of them a second copy with the same \
         Message-ID; {posts} webhook requests for {} jobs",
        MAILS + copies,
        MAILS
    );
}

async fn endpoints(world: &World, url: &str) -> Mailjob {
    let mut mailjob = Mailjob::new(world, env!("CARGO_BIN_EXE_mailjob")).unwrap();
    let webhook = format!("[webhook]\nurl = \"{url}\"\nallow_private_network = true");
    let command = "[command]\nargv = [\"/bin/sh\", \"-c\", \"echo received\"]";
    for name in MAILBOXES {
        let user = user(name);
        let account = mailjob.account(world, name, &user, SignIn::Password, Start::Implicit);
        account.await.unwrap();
        let (by, action) = match name {
            "script" => ("", command.to_owned()),
            "drop" => (
                "protocol = \"pop3\"\nevery = \"1s\"",
                format!("{webhook}\nbody = \"raw\""),
            ),
            "parts" => {
                let jobs = "[jobs]\nper = \"attachment\"\nreply = \"combined\"";
                ("", format!("{webhook}\n{jobs}"))
            }
            _ => ("", webhook.clone()),
        };
        // One sender gets more replies than anybody would get by default.
        let reply = "[reply]\nto = \"sender\"\n[rates]\nreplies_per_recipient = false";
        let text = format!("[mailbox]\naccount = \"{name}\"\n{by}\n{action}\n{reply}\n");
        mailjob.endpoint(name, &text).unwrap();
    }
    mailjob
}

fn user(mailbox: &str) -> String {
    format!("{mailbox}@example.test")
}

fn mailbox(number: usize) -> &'static str {
    MAILBOXES[number % MAILBOXES.len()]
}

/// Waits until no job runs and none waits that was interrupted.
async fn recovered(mailjob: &Mailjob) {
    let deadline = Instant::now() + Duration::from_secs(60);
    let path = mailjob.dir().join("mailjob.db");
    // Beside the process that has it open.
    let ledger = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    ledger.busy_timeout(Duration::from_secs(10)).unwrap();
    let open =
        "SELECT count(*) FROM job WHERE state = 'running' OR state IN ('queued', 'deferred') AND interrupted > 0";
    while ledger.query_row(open, [], |row| row.get::<_, i64>(0)).unwrap() > 0 {
        assert!(
            Instant::now() < deadline,
            "an interrupted job does not end:\n{}",
            mailjob.log()
        );
        sleep(Duration::from_millis(5)).await;
    }
}

fn message_id(number: usize) -> String {
    format!("crash-{number}@example.test")
}

fn mail(number: usize) -> Vec<u8> {
    let attached = match number {
        number if number % 50 < MAILBOXES.len() => MANY,
        number if number % 10 < MAILBOXES.len() => SOME,
        _ => 0,
    };
    let to = user(mailbox(number));
    let mail = Mail::new(SENDER, &to, &format!("Mail {number}")).text("Please do this.");
    mail.id(&message_id(number))
        .attach("one.pdf", "application/pdf", &vec![b'1'; attached + 9])
        .attach("two.pdf", "application/pdf", b"%PDF-1.4\n")
        .bytes()
}

/// Jobs that have not ended, or whose reply has not.
async fn open_jobs(mailjob: &Mailjob) -> Vec<OverviewRow> {
    let mut jobs = all_jobs(mailjob).await;
    jobs.retain(|job| job.state != State::Done || job.reply.as_ref().is_none_or(|reply| reply.state != "sent"));
    jobs
}

async fn all_jobs(mailjob: &Mailjob) -> Vec<OverviewRow> {
    let path = mailjob.dir().join("mailjob.db");
    let ledger = sqlite::open(&path, Arc::new(chrono::Utc::now)).await.unwrap();
    let jobs = ledger.overview(10 * MAILS).await.unwrap();
    ledger.close().await;
    jobs
}

/// The states of each mail's jobs, by Message-ID.
async fn jobs_by_mail(mailjob: &Mailjob) -> BTreeMap<String, Vec<State>> {
    let mut jobs = BTreeMap::<_, Vec<_>>::new();
    for job in all_jobs(mailjob).await {
        jobs.entry(job.summary.message_id).or_default().push(job.state);
    }
    jobs
}

/// The Message-IDs of the replies to each mail, as they lie in the sender's mailbox.
async fn replies_by_mail(world: &World) -> BTreeMap<String, Vec<String>> {
    let mut replies = BTreeMap::<_, Vec<_>>::new();
    for reply in world.dovecot.mailbox(SENDER, "INBOX").await.unwrap() {
        let reply = String::from_utf8_lossy(&reply);
        let id = |field| header(&reply, field).trim_matches(['<', '>']).to_owned();
        replies.entry(id("In-Reply-To")).or_default().push(id("Message-ID"));
    }
    replies
}

fn header<'a>(mail: &'a str, field: &str) -> &'a str {
    let mut lines = mail.lines().take_while(|line| !line.is_empty());
    let found = lines.find_map(|line| {
        line.split_once(": ")
            .filter(|(name, _)| name.eq_ignore_ascii_case(field))
    });
    found.unwrap_or_else(|| panic!("no {field} in {mail}")).1.trim()
}
