//! Files of endpoints that break in every way, beside siblings of every kind, with a restart and without one: no mail is done at the wrong
//! action, none is deleted, and none is left out when the file is mended. The test prints what happened in each case.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Write as _,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
};

use mailjob_testbed::{Answer, Mailjob, Options, Receiver, SignIn, Start, World};
use tokio::time::{Duration, Instant, sleep};

use crate::program::{PATIENCE, program};

/// How a file is broken.
struct Way {
    name: &'static str,
    /// Does it to the file that says this when it is right. A writer that keeps it open is given back.
    breaks: fn(&Path, &str) -> Option<File>,
}

const fn way(name: &'static str, breaks: fn(&Path, &str) -> Option<File>) -> Way {
    Way { name, breaks }
}

const WAYS: [Way; 12] = [
    way("unknown key", |file, text| {
        whole(file, text.replace("[webhook]", "[webhok]").as_bytes())
    }),
    way("no TOML", |file, text| {
        whole(file, text.replace("[when]", "[when").as_bytes())
    }),
    way("wrong type", |file, text| {
        whole(file, text.replace("[webhook]", "[webhook]\nbody = 5").as_bytes())
    }),
    way("empty", |file, _| whole(file, b"")),
    way("binary", |file, _| whole(file, &[0, 159, 146, 150, 255])),
    way("UTF-16", |file, text| {
        let wide: Vec<u8> = "\u{feff}"
            .encode_utf16()
            .chain(text.encode_utf16())
            .flat_map(u16::to_le_bytes)
            .collect();
        whole(file, &wide)
    }),
    way("too large", |file, _| whole(file, &vec![b'#'; 1 << 21])),
    way("half written", |file, text| {
        let half = text.split("[when]").next().unwrap();
        let mut writer = File::create(file).unwrap();
        writer.write_all(half.as_bytes()).unwrap();
        Some(writer)
    }),
    way("absent", |file, _| {
        drop(fs::remove_file(file));
        None
    }),
    way("link swapped", |file, _| {
        drop(fs::remove_file(file));
        symlink("nowhere", file).unwrap();
        None
    }),
    way("unreadable", |file, text| {
        whole(file, text.as_bytes());
        fs::set_permissions(file, fs::Permissions::from_mode(0o0)).unwrap();
        if File::open(file).is_ok() {
            // Root reads everything but a link to itself.
            fs::remove_file(file).unwrap();
            symlink(file.file_name().unwrap(), file).unwrap();
        }
        None
    }),
    way("a folder", |file, _| {
        drop(fs::remove_file(file));
        fs::create_dir(file).unwrap();
        None
    }),
];

/// At once, as an editor writes.
fn whole(file: &Path, bytes: &[u8]) -> Option<File> {
    let draft = file.with_extension("draft");
    fs::write(&draft, bytes).unwrap();
    fs::rename(draft, file).unwrap();
    None
}

/// The other endpoint of the mailbox.
#[derive(Clone, Copy)]
enum Sibling {
    Filter,
    CatchAll,
    Deletes,
    Clashes,
}

/// A mailbox with an endpoint whose file breaks, and a sibling.
struct Case {
    number: usize,
    way: &'static Way,
    sibling: Sibling,
    /// Whether the file was right before.
    ran: bool,
}

impl Case {
    fn user(&self) -> String {
        format!("case{}@example.test", self.number)
    }

    fn account(&self) -> String {
        format!("case{}", self.number)
    }

    /// The sibling comes first by name.
    fn names(&self) -> (String, String) {
        (format!("a{}", self.number), format!("o{}", self.number))
    }

    fn endpoint(&self, url: &str, mailbox: &str, more: &str) -> String {
        let account = self.account();
        format!(
            "[mailbox]\naccount = \"{account}\"\nbacklog = \"process\"\n{mailbox}\n[webhook]\nurl = \"{url}\"\nallow_private_network = true\n{more}"
        )
    }

    fn orders(&self, receiver: &Receiver) -> String {
        let url = receiver.url(&format!("/{}", self.names().1));
        // The order of tables is that in which a writer may stop.
        self.endpoint(&url, "", "[when]\nsubject = [\"order*\"]\n")
    }

    fn rest(&self, receiver: &Receiver) -> String {
        let url = receiver.url(&format!("/{}", self.names().0));
        let filter = "[when]\nsubject = [\"rest*\"]\n";
        match self.sibling {
            Sibling::Filter => self.endpoint(&url, "", filter),
            Sibling::CatchAll => self.endpoint(&url, "order = 200", ""),
            Sibling::Deletes => self.endpoint(&url, "", &format!("{filter}[settle]\nignored = \"delete\"\n")),
            Sibling::Clashes => self.endpoint(&url, "batch = 7", filter),
        }
    }

    fn shown(&self) -> String {
        let sibling = match self.sibling {
            Sibling::Filter => "filter",
            Sibling::CatchAll => "catch-all",
            Sibling::Deletes => "ignored = \"delete\"",
            Sibling::Clashes => "another batch",
        };
        let history = if self.ran { "ran before" } else { "first day" };
        format!("{:<16} {sibling:<20} {history:<12}", self.way.name)
    }
}

/// Disagreeing with a sibling is a way to be broken that needs that sibling.
const CLASH: Way = Way {
    name: "clash",
    breaks: |file, text| whole(file, text.replace("[webhook]", "batch = 5\n[webhook]").as_bytes()),
};

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for ran in [true, false] {
        let siblings = [Sibling::Filter, Sibling::CatchAll, Sibling::Deletes];
        let usual = WAYS.iter().flat_map(|way| siblings.map(|sibling| (way, sibling)));
        // A file that was never there is not broken.
        let usual = usual.filter(|(way, _)| ran || way.name != "absent");
        for (way, sibling) in usual.chain([(&CLASH, Sibling::Clashes)]) {
            let number = cases.len();
            cases.push(Case {
                number,
                way,
                sibling,
                ran,
            });
        }
    }
    cases
}

fn letter(subject: &str) -> Vec<u8> {
    format!(
        "From: sender@example.test\r\nTo: us@example.test\r\nSubject: {subject}\r\nMessage-ID: <{subject}@example.test>\r\n\r\nHello\r\n"
    )
    .into_bytes()
}

/// What was asked for, by path: the mails' subjects.
fn done(receiver: &Receiver) -> BTreeMap<String, Vec<String>> {
    let mut done = BTreeMap::<_, Vec<_>>::new();
    for request in receiver.requests() {
        let subject = request.json()["mail"]["subject"].as_str().unwrap_or("?").to_owned();
        done.entry(request.path.clone()).or_default().push(subject);
    }
    done
}

async fn until(mailjob: &Mailjob, what: &str, mut reached: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !reached() {
        assert!(Instant::now() < deadline, "{what}:\n{}", mailjob.log());
        sleep(Duration::from_millis(50)).await;
    }
}

async fn table(restart: bool) {
    let world = World::start(Options::default()).await.unwrap();
    let receiver = Receiver::start(|_| Answer::text("ok")).await.unwrap();
    let mut mailjob = program(&world);
    // No mail is handed on as long as the test runs.
    mailjob.service("patience = \"1h\"").unwrap();
    let cases = cases();
    for case in &cases {
        mailjob
            .account(&world, &case.account(), &case.user(), SignIn::Password, Start::Implicit)
            .await
            .unwrap();
        mailjob.endpoint(&case.names().0, &case.rest(&receiver)).unwrap();
        if case.ran {
            mailjob.endpoint(&case.names().1, &case.orders(&receiver)).unwrap();
        }
    }
    let file = |mailjob: &Mailjob, case: &Case| -> PathBuf {
        mailjob.dir().join(format!("endpoints.d/{}.toml", case.names().1))
    };
    let mut writers = Vec::new();
    let mut breaks = |mailjob: &Mailjob, ran: bool| {
        for case in cases.iter().filter(|case| case.ran == ran) {
            writers.extend(
                (case.way.breaks)(&file(mailjob, case), &case.orders(&receiver)).map(|writer| (case.number, writer)),
            );
        }
    };
    breaks(&mailjob, false);
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    let ran = cases.iter().filter(|case| case.ran);
    for case in ran.clone() {
        world
            .dovecot
            .deliver(&case.user(), &letter("order-before"))
            .await
            .unwrap();
    }
    let wanted = ran.clone().count();
    until(&mailjob, "what is right does not run", || {
        receiver.requests().len() >= wanted
    })
    .await;

    breaks(&mailjob, true);
    if restart {
        assert_eq!(mailjob.term().unwrap(), 0);
        mailjob.start().unwrap();
        mailjob.ready().await.unwrap();
    } else {
        // Each that can't be used or is gone is told.
        let told = ran.clone().filter(|case| case.way.name != "half written");
        let names: Vec<_> = told.map(|case| format!("endpoint={}", case.names().1)).collect();
        until(&mailjob, "nobody notices", || {
            let log = mailjob.log();
            let told: Vec<_> = log
                .lines()
                .filter(|line| line.contains("its last good version keeps running") || line.contains("file is gone"))
                .collect();
            names
                .iter()
                .all(|name| told.iter().any(|line| line.contains(name.as_str())))
        })
        .await;
    }
    for case in &cases {
        let mails = [letter("order-1"), letter("rest-1")];
        world.dovecot.deliver_all(&case.user(), mails).await.unwrap();
    }
    // Whoever runs does his work, and nobody else's: a sibling that says by name which mails it means, and a last good version.
    let runs = |case: &Case| case.ran && case.way.name != "absent";
    let owns = |case: &Case| !matches!(case.sibling, Sibling::CatchAll);
    let mut missing = Vec::new();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let done = done(&receiver);
        let has = |name: &str, subject: &str| {
            done.get(&format!("/{name}"))
                .is_some_and(|all| all.iter().any(|one| one == subject))
        };
        missing.clear();
        for case in &cases {
            let (rest, orders) = case.names();
            if owns(case) && !has(&rest, "rest-1") {
                missing.push(format!("{}: rest", case.shown()));
            }
            if runs(case) && !has(&orders, "order-1") {
                missing.push(format!("{}: order", case.shown()));
            }
        }
        if missing.is_empty() {
            break;
        }
        assert!(Instant::now() < deadline, "{missing:#?}\n{}", mailjob.log());
        sleep(Duration::from_millis(100)).await;
    }
    let while_broken = done(&receiver);
    let status = mailjob.command(&["status"]).output().await.unwrap();
    assert_eq!(
        status.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&status.stdout)
    );

    // Mended.
    for (number, mut writer) in writers.drain(..) {
        let text = cases[number].orders(&receiver);
        writer
            .write_all(text.split_at(text.find("[when]").unwrap()).1.as_bytes())
            .unwrap();
    }
    for case in cases.iter().filter(|case| case.way.name != "half written") {
        let file = file(&mailjob, case);
        drop(fs::remove_dir(&file));
        let text = case.orders(&receiver);
        let text = match case.sibling {
            Sibling::Clashes => text.replace("[webhook]", "batch = 7\n[webhook]"),
            _ => text,
        };
        whole(&file, text.as_bytes());
    }
    let wanted: usize = cases.iter().map(|case| if case.ran { 3 } else { 2 }).sum();
    until(&mailjob, "mails are left out", || receiver.requests().len() >= wanted).await;
    for case in &cases {
        let count = if case.ran { 3 } else { 2 };
        let moved = world.dovecot.wait_for(&case.user(), "Processed", count, PATIENCE).await;
        moved.unwrap_or_else(|error| panic!("{}: {error}\n{}", case.shown(), mailjob.log()));
        assert_eq!(
            world.dovecot.count(&case.user(), "INBOX").await.unwrap(),
            0,
            "{}",
            case.shown()
        );
    }
    let done = done(&receiver);
    println!(
        "\nway              sibling              history      order while broken   rest while broken    when mended"
    );
    for case in &cases {
        let (rest, orders) = case.names();
        let of = |done: &BTreeMap<String, Vec<String>>, name: &str| {
            let mut all = done.get(&format!("/{name}")).cloned().unwrap_or_default();
            all.sort();
            all
        };
        let expected: &[&str] = if case.ran {
            &["order-1", "order-before"]
        } else {
            &["order-1"]
        };
        assert_eq!(of(&done, &orders), expected, "{}", case.shown());
        assert_eq!(of(&done, &rest), ["rest-1"], "{}", case.shown());
        let was = |name: &str, subject: &str| match of(&while_broken, name).iter().any(|one| one == subject) {
            true => "done",
            false => "waits",
        };
        println!(
            "{} {:<20} {:<20} each done once, at its own action",
            case.shown(),
            was(&orders, "order-1"),
            was(&rest, "rest-1")
        );
    }
    let status = mailjob.command(&["status"]).output().await.unwrap();
    assert_eq!(
        status.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&status.stdout)
    );
    assert_eq!(mailjob.term().unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_mail_is_touched_by_mistake_while_a_file_is_broken() {
    table(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_mail_is_touched_by_mistake_when_it_starts_on_a_broken_file() {
    table(true).await;
}
