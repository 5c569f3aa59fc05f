//! Mails that mean harm, or can't be read.

use std::fs;

use mailjob_testbed::{Options, SignIn, Start, World};
use serde_json::json;

use super::{ADA, files, installed, letter, run, subjects};

fn with_names(names: &[&str]) -> Vec<u8> {
    let mut mail = b"From: <x@example.test>\r\nSubject: hostile \x1b[2J\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n".to_vec();
    for name in names {
        mail.extend(
            format!("--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=\"{name}\"\r\n\r\nfile\r\n")
                .into_bytes(),
        );
    }
    mail.extend(b"--b--\r\n");
    mail
}

#[tokio::test(flavor = "multi_thread")]
async fn names_stay_in_the_folder() {
    let world = World::start(Options::default()).await.unwrap();
    let mailjob = installed(&world, SignIn::Password, Start::Implicit).await;
    let names = [
        "../../x",
        "/etc/passwd",
        "..",
        "message.eml",
        "a.pdf",
        "A.PDF",
        "..\\..\\y.exe",
        "-rf",
        ".hidden",
    ];
    world.dovecot.deliver(ADA, &with_names(&names)).await.unwrap();
    let before = files(mailjob.dir());
    let said = run(&mailjob, &["receive", "--account", "ada", "--into", "in", "-v"]).await;
    let received = said.json(0);
    assert!(
        !said.out.contains('\x1b') && !said.err.contains('\x1b'),
        "{}{}",
        said.out,
        said.err
    );
    let new: Vec<_> = files(mailjob.dir())
        .into_iter()
        .filter(|file| !before.contains(file))
        .collect();
    assert_eq!(new.len(), 1 + names.len(), "{new:?}");
    for attachment in received[0]["mail"]["attachments"].as_array().unwrap() {
        let file = attachment["file"].as_str().unwrap();
        let name = file.strip_prefix("attachments/").unwrap();
        assert!(!name.contains(['/', '\\']) && !name.starts_with(['.', '-']), "{name}");
        assert!(new.contains(&format!("in/1/{file}")), "{file}: {new:?}");
    }
    assert!(new.iter().all(|file| file.starts_with("in/1/")), "{new:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_t_be_read_is_kept_raw_and_the_next_one_goes_on() {
    for by in [&[][..], &["--pop3"]] {
        let world = World::start(Options::default()).await.unwrap();
        let mailjob = installed(&world, SignIn::Password, Start::Implicit).await;
        let many_fields = [&b"X-A: b\r\n".repeat(1_200)[..], &letter("x@example.test", "fields")].concat();
        let large = [&letter("x@example.test", "large")[..], &vec![b'x'; 2 << 20]].concat();
        for mail in [&many_fields, &large, &letter("x@example.test", "fine")] {
            world.dovecot.deliver(ADA, mail).await.unwrap();
        }
        let take = [
            "receive",
            "--account",
            "ada",
            "--count",
            "2",
            "--max-size",
            "1",
            "--then",
            "delete",
            "--into",
            "in",
        ];
        let said = run(&mailjob, &[&take, by].concat()).await;
        let received = said.json(3);
        assert_eq!(subjects(&received), ["?", "?", "fine"], "{}", said.err);
        let error = |place: usize| received[place]["error"].as_str().unwrap_or_default().to_owned();
        assert!(
            error(0).contains("header fields") && error(1).contains("--max-size"),
            "{received}"
        );
        let then: Vec<_> = received
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["then"].clone())
            .collect();
        assert_eq!(then, [json!("deleted"), json!("kept"), json!("deleted")]);
        let kept = fs::read(mailjob.dir().join("in/1/message.eml")).unwrap();
        assert!(kept.ends_with(&many_fields), "the raw mail is there");
        assert_eq!(
            world.dovecot.count(ADA, "INBOX").await.unwrap(),
            1,
            "the large one stays"
        );
        // Nobody knows whether it is meant: it stays, and that is said.
        world.dovecot.deliver(ADA, &many_fields).await.unwrap();
        let said = run(&mailjob, &[&take, by, &["--subject", "=fields"]].concat()).await;
        assert_eq!(said.ended(0).out, "[]\n");
        assert!(said.err.contains("1 mail can't be read"), "{}", said.err);
        assert_eq!(world.dovecot.count(ADA, "INBOX").await.unwrap(), 2);
    }
}
