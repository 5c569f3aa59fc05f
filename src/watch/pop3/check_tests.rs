use super::*;
use crate::{
    ledger::MAILDROP,
    watch::{fakes::World, imap::Io, script},
};

#[test]
fn ids_that_may_come_again() {
    for (uidl, weak) in [
        // GreenMail, hMailServer, Cyrus with uidl_format = uidonly, a stand-in.
        ("1", true),
        ("00000042", true),
        ("0000000000000042", true),
        ("12345678", true),
        ("uid-7", true),
        ("greenmail-7", true),
        ("same", true),
        ("", true),
        ("<1@example.test>", true),
        // Dovecot, Courier, Cyrus, Gmail, Exchange, qmail-pop3d, a hash.
        ("0000000166f1a2b3", false),
        ("UID17-1717171717", false),
        ("1717171717.12", false),
        ("GmailId18f3a2b1c0d9e8f7", false),
        ("AQMkADAwATM0MDAAMS1iNWVmLTgwYzktMDACLTAwCgBGAAADQ", false),
        ("1717171717.M1P2.host", false),
        ("d41d8cd98f00b204e9800998ecf8427e", false),
    ] {
        assert_eq!(is_weak(uidl), weak, "{uidl}");
    }
}

fn known(number: u32, uidl: &str, print: Fingerprint) -> KnownMail {
    KnownMail {
        name: MaildropName {
            uidl: uidl.to_owned(),
            size: 9,
        },
        number,
        print,
        proof: VerifiedExtent::None,
    }
}

/// What is listed: the ledger's numbers in the server's order, with ids that are strong, or weak below 100.
fn listed(uids: &[u32]) -> MaildropPlan {
    let there = uids.iter().zip(1..).map(|(uid, number)| {
        let uidl = if *uid < 100 {
            format!("{uid}")
        } else {
            format!("1717171717.{uid}")
        };
        (*uid, known(number, &uidl, Fingerprint::default()))
    });
    MaildropPlan {
        there: there.collect(),
        ..MaildropPlan::default()
    }
}

#[test]
fn what_is_compared_again_and_when() {
    let mut checks = Checks::default();
    let now = Instant::now();
    let mut look = |uids: &[u32]| {
        let found = listed(uids);
        checks.looked(&found, now);
        let chosen = checks.choose(&found);
        chosen.iter().for_each(|uid| checks.proved(*uid));
        chosen
    };
    assert_eq!(look(&[100, 101]), [100, 101], "we begin");
    assert_eq!(look(&[100, 101]), [0; 0]);
    assert_eq!(look(&[100, 101, 102]), [102]);
    assert_eq!(look(&[101, 102]), [0; 0], "one left");
    assert_eq!(look(&[102, 101]), [102, 101], "they changed their order");
    assert_eq!(look(&[102, 101]), [0; 0]);
    assert_eq!(look(&[102, 101, 7]), [7], "it may be another each time");
    assert_eq!(look(&[102, 101, 7]), [7]);
}

#[test]
fn each_comes_to_its_turn_and_what_ended_a_session_rests() {
    let uids: Vec<u32> = (1..=250).map(|n| 1000 + n).collect();
    let weak: Vec<u32> = (1..=99).collect();
    let mut checks = Checks::default();
    let mut now = Instant::now();
    let found = listed(&[&weak[..], &uids[..]].concat());
    let mut seen = HashSet::new();
    for _ in 0..4 {
        checks.looked(&found, now);
        let chosen = checks.choose(&found);
        assert!(chosen.len() <= CHECKED);
        seen.extend(chosen);
    }
    assert_eq!(seen.len(), 349, "all of them in four looks");
    let found = listed(&[7]);
    checks.looked(&found, now);
    // A session may be cut for its own reasons; a mail that cuts each is left alone for longer.
    for wait in [4, 16, 64, 240, 240] {
        checks.trying = Some(found.there[&7].name.clone());
        checks.failed(now);
        now += Duration::from_secs(wait - 1);
        checks.looked(&found, now);
        assert!(checks.choose(&found).is_empty(), "{wait}");
        now += Duration::from_secs(1);
        checks.looked(&found, now);
        assert_eq!(checks.choose(&found), [7], "{wait}");
    }
    checks.trying = Some(found.there[&7].name.clone());
    checks.answered();
    checks.trying = Some(found.there[&7].name.clone());
    checks.failed(now);
    checks.looked(&found, now + Duration::from_secs(4));
    assert_eq!(checks.choose(&found), [7]);
}

fn key(id: &str) -> Fingerprint {
    Fingerprint {
        header_key: header_key(format!("Message-ID: <{id}>").as_bytes()),
        sha256: Some(Sha256::digest(b"text\r\n").into()),
    }
}

/// Compares one mail by this script; says whether it's still there, and whether another was found.
async fn compared(print: Fingerprint, script: &str) -> Result<(bool, bool), WatchError> {
    let world = World::new();
    let mut found = MaildropPlan {
        there: [(1, known(4, "1", print))].into(),
        ..MaildropPlan::default()
    };
    let mut checks = Checks::default();
    checks.looked(&found, Instant::now());
    let (stream, server) = script::play(script);
    let stream: Box<dyn Io> = Box::new(stream);
    let looking = world.looking();
    let (_, others) = super::known(Pop3Connection::new(stream), &looking, &mut found, &mut checks).await?;
    server.finished().await;
    let forgotten = world.memory.state.lock().unwrap().settled.len();
    assert_eq!(forgotten == 1, others);
    Ok((found.there.contains_key(&1), others))
}

#[tokio::test]
async fn a_known_mail_is_looked_at_by_what_the_server_has() {
    let none = Fingerprint {
        header_key: None,
        ..key("a")
    };
    let top = |text: &str| format!("L: TOP 4 0\nS: +OK\n{text}S: .\n");
    let retr = |text: &str| format!("L: RETR 4\nS: +OK\n{text}S: .\n");
    let id = |id: &str| format!("S: Message-ID: <{id}>\nS:\n");
    for (what, print, script, there) in [
        ("the same header", key("a"), top(&id("a")), true),
        ("folded otherwise", key("a"), top("S: MESSAGE-ID:\nS:  <a>\nS:\n"), true),
        ("and some of the text", key("a"), top(&(id("a") + "S: text\n")), true),
        ("another header", key("a"), top(&id("b")), false),
        (
            "a header that says nothing, and the same bytes",
            key("a"),
            top("") + &retr("S: text\n"),
            true,
        ),
        (
            "a header that says nothing, and others",
            key("a"),
            top("") + &retr("S: test\n"),
            false,
        ),
        (
            "no TOP, and another way to write it",
            key("a"),
            "L: TOP 4 0\nS: -ERR\n".to_owned() + &retr(&(id("a") + "S: x\n")),
            true,
        ),
        ("no Message-ID, the same bytes", none, retr("S: text\n"), true),
        ("no Message-ID, others", none, retr("S: test\n"), false),
        (
            "the server does not give it",
            none,
            "L: RETR 4\nS: -ERR no\n".to_owned(),
            true,
        ),
    ] {
        let found = compared(print, &script).await.unwrap();
        assert_eq!(found, (there, !there), "{what}");
    }
    let rest = top(&id("a")).replace("S: .\n", "S: .\nS: rest\n");
    assert!(matches!(compared(key("a"), &rest).await, Err(WatchError::Early { .. })));
}

#[tokio::test]
async fn what_was_never_read_is_known_by_its_header_from_now_on() {
    let world = World::new();
    let mut found = MaildropPlan {
        there: [(1, known(4, "1", Fingerprint::default()))].into(),
        ..MaildropPlan::default()
    };
    let mut checks = Checks::default();
    checks.looked(&found, Instant::now());
    let (stream, _server) = script::play("L: TOP 4 0\nS: +OK\nS: Message-ID: <a>\nS:\nS: .");
    let stream: Box<dyn Io> = Box::new(stream);
    super::known(Pop3Connection::new(stream), &world.looking(), &mut found, &mut checks)
        .await
        .unwrap();
    let keys = world.memory.state.lock().unwrap().header_keys.clone();
    assert_eq!(keys.get(&1).copied(), header_key(b"Message-ID: <a>"));
    assert_eq!(MAILDROP, 1);
}
