//! All ways in which a file can be broken, at a restart and on the first day.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
};

use chrono::DateTime;
use tempfile::TempDir;

use super::*;
use crate::config::load::{Loaded, load_after};

const SHARED: &str = "[accounts.a]\nuser = \"a\"\npassword = { file = \"secret\" }\nimap = { host = \"mail.example\" }\n[operator]\nto = [\"op@example.com\"]\naccount = \"b\"\n\
[accounts.b]\nuser = \"b\"\npassword = { file = \"secret\" }\nsmtp = { host = \"mail.example\" }\nfrom = \"b@example.com\"\n";
const ORDERS: &str =
    "[mailbox]\naccount = \"a\"\n[when]\nsubject = [\"order*\"]\n[webhook]\nurl = \"https://erp.example/\"\n";
const REST: &str = "[mailbox]\naccount = \"a\"\n[webhook]\nurl = \"https://rest.example/\"\n";

struct Folder {
    dir: TempDir,
    versions: Versions,
}

impl Folder {
    fn new() -> Self {
        let folder = Self {
            dir: tempfile::tempdir().unwrap(),
            versions: Versions::default(),
        };
        fs::create_dir(folder.dir.path().join("endpoints.d")).unwrap();
        for (name, text) in [
            ("mailjob.toml", SHARED),
            ("secret", "s3cret"),
            ("endpoints.d/orders.toml", ORDERS),
            ("endpoints.d/rest.toml", REST),
        ] {
            folder.write(name, text.as_bytes());
        }
        folder
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn sources(&self) -> Sources {
        Sources {
            endpoints: self.dir.path().join("endpoints.d"),
            config: Some(self.dir.path().join("mailjob.toml")),
        }
    }

    fn start(&mut self) -> Loaded {
        let loaded = load_after(&self.sources(), &self.versions);
        self.versions.take(&loaded, DateTime::UNIX_EPOCH);
        loaded
    }
}

type Breakage = (&'static str, fn(&Folder, &str));

/// Each way, and how it is done to a file.
const WAYS: [Breakage; 15] = [
    ("unknown key", |folder, file| folder.write(file, b"concurency = 5\n")),
    ("no TOML", |folder, file| {
        folder.write(file, b"[mailbox\naccount = \"a\"\n")
    }),
    ("wrong type", |folder, file| {
        folder.write(
            file,
            b"[mailbox]\naccount = 5\n[accounts]\na = 5\n[service]\nledger = 5\n",
        )
    }),
    ("empty", |folder, file| folder.write(file, b"")),
    ("blank", |folder, file| folder.write(file, b" \n\n")),
    ("only comments", |folder, file| {
        folder.write(file, b"# [service]\n# ledger = \"x\"\n")
    }),
    ("binary", |folder, file| folder.write(file, &[0, 159, 146, 150, 255])),
    ("UTF-16", |folder, file| {
        folder.write(file, &[0xff, 0xfe, b'[', 0, b'm', 0])
    }),
    ("too large", |folder, file| folder.write(file, &vec![b'#'; 1 << 21])),
    ("half written", |folder, file| {
        folder.write(file, b"[mailbox]\naccount = \"a")
    }),
    ("a link that leads nowhere", |folder, file| {
        let path = folder.dir.path().join(file);
        fs::remove_file(&path).unwrap();
        symlink("../nowhere", path).unwrap();
    }),
    ("a folder", |folder, file| {
        let path = folder.dir.path().join(file);
        fs::remove_file(&path).unwrap();
        fs::create_dir(path).unwrap();
    }),
    ("a link to itself", |folder, file| {
        let path = folder.dir.path().join(file);
        fs::remove_file(&path).unwrap();
        symlink(&path, &path).unwrap();
    }),
    ("a pipe", |folder, file| {
        let path = folder.dir.path().join(file);
        fs::remove_file(&path).unwrap();
        symlink("/dev/null", path).unwrap();
    }),
    ("gone", |folder, file| {
        fs::remove_file(folder.dir.path().join(file)).unwrap()
    }),
];

#[test]
fn a_file_that_ran_runs_on_at_a_restart_however_it_is_broken() {
    for (way, breaking) in WAYS {
        let mut folder = Folder::new();
        let before = folder.start().start().unwrap();
        assert_eq!(before.endpoints.len(), 2, "{way}");

        breaking(&folder, "endpoints.d/orders.toml");
        let loaded = folder.start();
        let config = loaded.start().unwrap();
        if way == "gone" {
            assert!(config.held.values().all(|held| held.away), "{way}");
            let routes = config.routes();
            let names: Vec<_> = routes[0].getters().iter().map(ToString::to_string).collect();
            assert_eq!(names, ["orders", "rest"], "{way}: it keeps its turn");
        } else {
            assert_eq!(config.endpoints, before.endpoints, "{way}");
            assert!(
                !loaded.problems.is_empty() && loaded.broken.len() == 1,
                "{way}: it is told"
            );
        }
        assert_eq!(folder.start(), loaded, "{way}: and again");
        drop(fs::remove_dir(folder.dir.path().join("endpoints.d/orders.toml")));
        drop(fs::remove_file(folder.dir.path().join("endpoints.d/orders.toml")));
        folder.write("endpoints.d/orders.toml", ORDERS.as_bytes());
        let mended = folder.start();
        assert_eq!(
            (mended.problems.len(), mended.held.len(), mended.standing.len()),
            (0, 0, 0),
            "{way}"
        );
    }
}

#[test]
fn a_shared_file_that_was_right_stands_at_a_restart_however_it_is_broken() {
    for (way, breaking) in WAYS {
        let mut folder = Folder::new();
        let before = folder.start().start().unwrap();
        breaking(&folder, "mailjob.toml");
        let loaded = folder.start();
        let config = loaded.start().expect(way);
        assert_eq!(config.endpoints, before.endpoints, "{way}");
        assert_eq!(config.operator, before.operator, "{way}: the operator is told of it");
        assert!(!loaded.problems.is_empty(), "{way}");
        // Both are broken.
        breaking(&folder, "endpoints.d/orders.toml");
        if way != "gone" {
            assert_eq!(folder.start().start().expect(way).endpoints, before.endpoints, "{way}");
        }
    }
}

#[test]
fn a_file_that_was_broken_from_its_first_day_holds_what_is_nobody_elses() {
    for (way, breaking) in WAYS {
        let mut folder = Folder::new();
        breaking(&folder, "endpoints.d/orders.toml");
        folder.write("endpoints.d/bills.toml", ORDERS.replace("order*", "bill*").as_bytes());
        let config = folder.start().start().unwrap();
        let routes = config.routes();
        let names: Vec<_> = routes[0].getters().iter().map(ToString::to_string).collect();
        match way {
            "gone" => assert_eq!(names, ["bills", "rest"], "{way}"),
            _ => assert_eq!(
                names,
                ["bills", "orders", "rest"],
                "{way}: behind who names his mails, before who takes all"
            ),
        }
        let held_back: Vec<_> = routes[0].held_back().into_keys().map(|name| name.to_string()).collect();
        match way {
            "gone" => assert!(held_back.is_empty(), "{way}"),
            _ => assert_eq!(held_back, ["rest"], "{way}: and it is known who waits"),
        }
    }
}

#[test]
fn what_it_needs_is_missing_at_a_restart() {
    let mut folder = Folder::new();
    let own = ORDERS.replace(
        "https://erp.example/\"",
        "https://erp.example/\"\nsecret = { file = \"../hook\" }",
    );
    folder.write("hook", b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    folder.write("endpoints.d/orders.toml", own.as_bytes());
    let before = folder.start();
    assert_eq!(before.problems, []);
    fs::remove_file(folder.dir.path().join("hook")).unwrap();
    let config = folder.start().start().unwrap();
    let name = EndpointName::new("orders").unwrap();
    assert!(
        matches!(&config.held[&name].claim, MailboxClaim::Endpoint(endpoint) if **endpoint == *before.endpoints[&name])
    );
    let names: Vec<_> = config.routes()[0].getters().iter().map(ToString::to_string).collect();
    assert_eq!(names, ["orders", "rest"]);
}

#[test]
fn a_folder_that_is_gone_stops_nobody() {
    let mut folder = Folder::new();
    let before = folder.start().start().unwrap();
    let endpoints = folder.dir.path().join("endpoints.d");
    fs::rename(&endpoints, folder.dir.path().join("away")).unwrap();
    assert_eq!(folder.start().start().unwrap().endpoints, before.endpoints);
    // Unmounted: the folder is there, and empty.
    fs::create_dir(&endpoints).unwrap();
    let config = folder.start().start().unwrap();
    assert_eq!((config.endpoints.len(), config.held.len()), (0, 2));
    assert_eq!(config.routes().len(), 1, "its mails are taken, and wait");
}

#[test]
fn of_two_that_clash_the_one_goes_on_that_ran() {
    let mut folder = Folder::new();
    fs::remove_file(folder.dir.path().join("endpoints.d/rest.toml")).unwrap();
    folder.write(
        "endpoints.d/orders.toml",
        ORDERS.replace("\"a\"", "\"a\"\nbatch = 5").as_bytes(),
    );
    folder.start();
    folder.write(
        "endpoints.d/a.toml",
        REST.replace("\"a\"", "\"a\"\nbatch = 7").as_bytes(),
    );
    let loaded = folder.start();
    let right: Vec<_> = loaded.endpoints.keys().map(ToString::to_string).collect();
    assert_eq!(right, ["orders"]);
    assert!(matches!(
        loaded.held[&EndpointName::new("a").unwrap()].claim,
        MailboxClaim::At(_)
    ));
}

#[test]
fn what_is_disabled_does_not_begin_because_it_is_broken() {
    let mut folder = Folder::new();
    folder.start();
    folder.write(
        "endpoints.d/orders.toml",
        format!("enabled = false\n{ORDERS}").as_bytes(),
    );
    folder.start();
    folder.write("endpoints.d/orders.toml", format!("enabled = no\n{ORDERS}").as_bytes());
    let config = folder.start().start().unwrap();
    assert_eq!(
        (config.endpoints.len(), config.held.len(), config.idle.len()),
        (1, 0, 1)
    );
}

#[test]
fn everything_that_ran_stands_beside_a_shared_file_that_lost_its_account() {
    let mut folder = Folder::new();
    let before = folder.start().start().unwrap();
    folder.write("mailjob.toml", SHARED.replace("accounts.a]", "accounts.c]").as_bytes());
    let loaded = folder.start();
    assert_eq!(loaded.broken.len(), 2);
    assert_eq!(loaded.start().unwrap().endpoints, before.endpoints);
    assert_eq!(
        folder.start().start().unwrap().endpoints,
        before.endpoints,
        "the shared file is a good one by now"
    );
}

/// Names that no endpoint's file may have, and that this one's next name is.
const MISNAMED: [&str; 4] = ["Orders.toml", "orders.TOML", "orders.toml.txt", "_orders.toml"];

impl Folder {
    fn rename(&self, from: &str, to: &str) {
        let folder = self.dir.path().join("endpoints.d");
        fs::rename(folder.join(from), folder.join(to)).unwrap();
    }
}

fn getters(config: &Config) -> Vec<String> {
    config.routes()[0].getters().iter().map(ToString::to_string).collect()
}

#[test]
fn a_file_that_is_renamed_to_what_no_endpoint_is_called_runs_on() {
    for name in MISNAMED {
        let mut folder = Folder::new();
        let before = folder.start().start().unwrap();
        folder.rename("orders.toml", name);
        let loaded = folder.start();
        assert_eq!(loaded.start().unwrap().endpoints, before.endpoints, "{name}");
        let told = &loaded.problems[0];
        assert_eq!(told.endpoint, EndpointName::new("orders"), "{name}");
        assert!(told.to_string().contains(name) && loaded.problems.len() == 1, "{told}");
        // What it says now counts when its name is right.
        folder.write(
            &format!("endpoints.d/{name}"),
            ORDERS.replace("order*", "bill*").as_bytes(),
        );
        assert_eq!(folder.start().start().unwrap().endpoints, before.endpoints, "{name}");
        folder.rename(name, "orders.toml");
        let loaded = folder.start();
        assert_eq!(
            (loaded.problems.len(), loaded.broken.len(), loaded.held.len()),
            (0, 0, 0),
            "{name}"
        );
        assert_ne!(loaded.endpoints, before.endpoints, "{name}");
    }
}

#[test]
fn a_file_that_was_misnamed_from_its_first_day_holds_what_is_nobody_elses() {
    for name in MISNAMED.into_iter().chain(["my orders.toml", "ORDERS (1).toml"]) {
        let mut folder = Folder::new();
        let bills = ORDERS.replace("order*", "bill*");
        folder.write("endpoints.d/bills.toml", bills.as_bytes());
        folder.rename("orders.toml", name);
        let loaded = folder.start();
        let config = loaded.start().unwrap();
        let runs: Vec<_> = config.endpoints.keys().map(EndpointName::as_str).collect();
        assert_eq!(runs, ["bills", "rest"], "{name}: nothing runs by a name that is none");
        let held = loaded.broken.first().unwrap().to_string();
        assert_eq!(getters(&config), ["bills", &held, "rest"], "{name}");
        assert_eq!(folder.start(), loaded, "{name}: also when it is read again");
        folder.rename(name, &format!("{held}.toml"));
        assert_eq!(
            folder.start().start().unwrap().endpoints.len(),
            3,
            "{name}: its mails are done"
        );
    }
}

#[test]
fn a_file_that_ran_and_has_a_name_that_is_far_away_holds_beside_the_one_that_is_gone() {
    let mut folder = Folder::new();
    folder.start();
    folder.rename("orders.toml", "my orders.toml");
    assert_eq!(
        getters(&folder.start().start().unwrap()),
        ["orders", "my-orders", "rest"]
    );
}

#[test]
fn a_shared_file_that_is_not_there_any_more_is_missing_and_not_unused() {
    let mut folder = Folder::new();
    let nobody = Sources {
        config: None,
        ..folder.sources()
    };
    // Nothing was in use yet.
    assert_eq!(nobody.clone().after(&folder.versions).config, None);
    let before = folder.start().start().unwrap();
    let sources = nobody.after(&folder.versions);
    assert_eq!(sources.config.as_deref(), Some(Path::new("mailjob.toml")));
    fs::remove_file(folder.dir.path().join("mailjob.toml")).unwrap();
    let loaded = folder.start();
    assert!(
        loaded.problems.iter().any(|problem| problem.cause.contains("is gone")),
        "{:?}",
        loaded.problems
    );
    let config = loaded.start().unwrap();
    assert_eq!((config.endpoints, config.operator), (before.endpoints, before.operator));

    // Whoever wants the defaults says so.
    folder.write("mailjob.toml", b"[service]\n");
    let loaded = folder.start();
    assert!(loaded.texts.shared.is_some());
    assert_eq!(loaded.start().unwrap().operator, None);
}

#[test]
fn a_file_that_never_said_anything_says_what_it_said() {
    let mut folder = Folder::new();
    folder.write("mailjob.toml", b"# nothing yet\n");
    for name in ["orders", "rest"] {
        fs::remove_file(folder.dir.path().join(format!("endpoints.d/{name}.toml"))).unwrap();
    }
    for _ in 0..2 {
        let loaded = folder.start();
        assert_eq!((loaded.problems.len(), loaded.hints.len()), (0, 0));
    }
    let told = crate::config::load::load(&folder.sources()).hints;
    assert!(told[0].contains("a first start refuses that"), "{told:?}");
}
