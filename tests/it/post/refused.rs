//! What can't be sent is said in words, with the exit code that says who must act.

use std::{fs, time::Duration};

use mailjob_testbed::{Options, SignIn, Start, World};
use serde_json::json;

use super::{BOB, installed, run};

const PATIENCE: Duration = Duration::from_secs(120);
const SEND: [&str; 4] = ["send", "--account", "ada", "--text=x"];

#[tokio::test(flavor = "multi_thread")]
async fn what_can_t_be_a_mail_is_not_sent() {
    let mut world = World::start(Options::default()).await.unwrap();
    let mailjob = installed(&world, SignIn::Password, Start::Implicit).await;
    let many: Vec<_> = (0..101).map(|n| format!("r{n}@example.test")).collect();
    let many = many.join(",");
    // In base64 it is over the 64 MiB of this Postfix.
    fs::write(mailjob.dir().join("large.bin"), vec![7; 50 << 20]).unwrap();
    fs::write(mailjob.dir().join("latin1.txt"), b"Gr\xfc\xdfe").unwrap();
    for (arguments, code, words) in [
        (&["--to", &many][..], 65, &["101 recipients", "100"][..]),
        (
            &["--to", BOB, "--attach", "large.bin"],
            65,
            &["bytes, and the server takes", "nothing was sent"],
        ),
        (&[], 65, &["no recipient"]),
        (&["--to", "bob"], 65, &["\"bob\" is not an address"]),
        (&["--to", BOB, "--header", "Subject: x"], 65, &["can't be set"]),
        (
            &["--to", BOB, "--attach", "no-such-file"],
            66,
            &["no-such-file can't be read"],
        ),
        (&["--to", BOB, "--html-file", "latin1.txt"], 65, &["not UTF-8"]),
        (
            &["--to", BOB, "--html-file", "-", "--attach-stdin", "a"],
            65,
            &["one thing only"],
        ),
    ] {
        run(&mailjob, &[&SEND, arguments].concat()).await.complains(code, words);
    }
    run(&mailjob, &["send", "--account", "eve", "--to", BOB])
        .await
        .complains(78, &["no account \"eve\"; there are: ada, bob"]);
    assert_eq!(world.postfix.queued().unwrap(), 0);
    assert_eq!(world.dovecot.count(BOB, "INBOX").await.unwrap(), 0);

    mailjob.secret("ada", "a-wrong-password").unwrap();
    run(&mailjob, &[&SEND[..], &["--to", BOB]].concat()).await.complains(
        69,
        &[
            "the server said 535",
            "what to do: check both; many providers want an app password",
        ],
    );
    world.postfix.stop();
    run(&mailjob, &[&SEND[..], &["--to", BOB]].concat())
        .await
        .complains(75, &["can't be reached"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn recipients_that_are_not_taken_are_named() {
    let mut world = World::start(Options::default()).await.unwrap();
    let mailjob = installed(&world, SignIn::Application, Start::Implicit).await;
    let answers = [
        ("gone@example.test", "550 5.1.1 nobody here"),
        ("busy@example.test", "450 4.2.1 later"),
    ];
    world.postfix.answer_recipients(&answers).await.unwrap();
    let send = async |to: &str, more: &[&str]| run(&mailjob, &[&SEND[..], &["--to", to], more].concat()).await;

    let said = send(&format!("gone@example.test,{BOB},busy@example.test"), &["--json"]).await;
    let document = said.json(3);
    let recipients = document["recipients"].as_array().unwrap();
    let taken: Vec<_> = recipients
        .iter()
        .map(|one| (&one["taken"], &one["temporary"]))
        .collect();
    let (yes, no) = (&json!(true), &json!(false));
    assert_eq!(taken, [(no, no), (yes, no), (no, yes)]);
    assert_eq!(document["sent"], true);
    said.complains(
        3,
        &[
            "not taken for gone@example.test: 550 5.1.1",
            "not taken for busy@example.test: 450",
        ],
    );
    world.dovecot.wait_for(BOB, "INBOX", 1, PATIENCE).await.unwrap();

    send("gone@example.test", &[]).await.complains(
        69,
        &[
            "not taken for gone@example.test",
            "the server does not take the mail: 550",
        ],
    );
    let both = send("gone@example.test,busy@example.test", &["--json"]).await;
    let document = both.json(75);
    assert_eq!((&document["sent"], &document["temporary"]), (no, yes));
    assert!(document["error"].as_str().unwrap().contains("450 4.2.1"), "{document}");
    assert_eq!(world.postfix.queued().unwrap(), 0);
}
