//! One job for each attachment: each with its own reply, or all with one, and what a failure or a crash does.

use std::{collections::BTreeSet, time::Duration};

use mailjob_testbed::{Answer, Mailjob, Options, Receiver, SignIn, Start, World};

use super::{PATIENCE, program, replies, sender, settled, to, with_three};

/// Sends what it gets back under `out.txt`; fails where that is `bad`.
const ECHO: &str = "[command]\nargv = [\"/bin/sh\", \"-c\", \"cp attachments/* out/out.txt; echo got $(ls attachments); ! grep -q bad out/out.txt\"]";

#[tokio::test(flavor = "multi_thread")]
async fn three_attachments_are_three_replies_or_one() {
    let world = World::start(Options::default()).await.unwrap();
    let jobs = |reply: &str, partial: &str| {
        format!("{ECHO}\n[jobs]\nper = \"attachment\"\nreply = \"{reply}\"\npartial = \"{partial}\"")
    };
    let endpoints = [
        ("each", jobs("each", "failed")),
        ("combined", jobs("combined", "failed")),
        ("strict", jobs("combined", "failed")),
        ("lenient", jobs("combined", "done")),
    ];
    let mailjob = program(&world, &endpoints).await;
    for (name, _) in &endpoints {
        let contents = if matches!(*name, "each" | "combined") {
            ["1", "2", "3"]
        } else {
            ["1", "bad", "3"]
        };
        let mail = with_three(to(name), contents);
        world
            .dovecot
            .deliver(&format!("{name}@example.test"), &mail.bytes())
            .await
            .unwrap();
    }

    let each = replies(&world, &mailjob, "each", 3).await;
    let texts: Vec<_> = each.iter().map(|reply| reply.text.as_str()).collect();
    assert_eq!(texts, ["got a.txt", "got b.txt", "got c.txt"]);
    assert!(each.iter().all(|reply| reply.names() == ["out.txt"]), "{each:?}");
    settled(&world, &mailjob, "each", "Processed").await;

    let combined = replies(&world, &mailjob, "combined", 1).await;
    assert_eq!(
        combined[0].text,
        "a.txt:\ngot a.txt\n\nb.txt:\ngot b.txt\n\nc.txt:\ngot c.txt"
    );
    assert_eq!(combined[0].names(), ["out.txt", "out_1.txt", "out_2.txt"]);
    assert_eq!(combined[0].files[2].1, b"3");
    settled(&world, &mailjob, "combined", "Processed").await;

    let strict = replies(&world, &mailjob, "strict", 1).await;
    assert!(
        strict[0].text.contains("b.txt:\nfailed (exit-1)") && strict[0].files.is_empty(),
        "{strict:?}"
    );
    settled(&world, &mailjob, "strict", "Failed").await;

    let lenient = replies(&world, &mailjob, "lenient", 1).await;
    assert_eq!(
        lenient[0].text,
        "a.txt:\ngot a.txt\n\nb.txt:\nfailed (exit-1)\n\nc.txt:\ngot c.txt"
    );
    assert_eq!(lenient[0].names(), ["out.txt", "out_1.txt"]);
    settled(&world, &mailjob, "lenient", "Processed").await;
    assert_eq!(
        world.dovecot.count(&sender("each"), "INBOX").await.unwrap(),
        3,
        "and none for the mail"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_between_split_and_gathering_loses_and_doubles_nothing() {
    let world = World::start(Options::default()).await.unwrap();
    let receiver = Receiver::start(|request| {
        let name = request.json()["mail"]["attachments"][0]["file"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        // The second part is in the midst of it when the process dies.
        let wait = if request.number == 1 {
            Duration::from_secs(30)
        } else {
            Duration::ZERO
        };
        Answer::text(format!("did {name}")).after(wait)
    })
    .await
    .unwrap();
    let lines = format!(
        "[webhook]\nurl = \"{}\"\nallow_private_network = true\n[jobs]\nper = \"attachment\"\nreply = \"combined\"\n",
        receiver.url("/")
    );
    let mut mailjob = Mailjob::new(&world, env!("CARGO_BIN_EXE_mailjob")).unwrap();
    mailjob
        .account(&world, "kill", "kill@example.test", SignIn::Password, Start::Implicit)
        .await
        .unwrap();
    let text = format!("concurrency = 1\n[mailbox]\naccount = \"kill\"\n[reply]\nto = \"sender\"\n{lines}");
    mailjob.endpoint("kill", &text).unwrap();
    mailjob.start().unwrap();
    let mail = with_three(to("kill"), ["1", "2", "3"]);
    world.dovecot.deliver("kill@example.test", &mail.bytes()).await.unwrap();
    receiver.wait_for(2, PATIENCE).await.unwrap();
    mailjob.kill9().unwrap();
    mailjob.start().unwrap();
    let reply = replies(&world, &mailjob, "kill", 1).await;
    assert_eq!(
        reply[0].text,
        "a.txt:\ndid a.txt\n\nb.txt:\ndid b.txt\n\nc.txt:\ndid c.txt"
    );
    settled(&world, &mailjob, "kill", "Processed").await;
    let requests = receiver.requests();
    let ids: Vec<_> = requests.iter().map(|request| request.header("webhook-id")).collect();
    assert_eq!(ids.len(), 4, "only what was interrupted ran again");
    assert_eq!(ids[1], ids[2], "under the same id");
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 3);
    assert_eq!(world.dovecot.count(&sender("kill"), "INBOX").await.unwrap(), 1);
}
