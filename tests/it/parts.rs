//! Jobs of attachments, named inputs, and what goes back: through real servers into the sender's mailbox.

use std::{collections::BTreeSet, time::Duration};

use mailjob::{config::Limits, message};
use mailjob_testbed::{Answer, Mailjob, Options, Receiver, SignIn, Start, World, mails::Mail};
use serde_json::json;

/// Long enough for any machine; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program with endpoints, each with a mailbox of its own name, and answers to senders.
async fn program(world: &World, endpoints: &[(&str, String)]) -> Mailjob {
    let mut mailjob = Mailjob::new(world, env!("CARGO_BIN_EXE_mailjob")).unwrap();
    for (name, lines) in endpoints {
        let user = format!("{name}@example.test");
        mailjob
            .account(world, name, &user, SignIn::Password, Start::Implicit)
            .await
            .unwrap();
        let text = format!("[mailbox]\naccount = \"{name}\"\n[reply]\nto = \"sender\"\n{lines}\n");
        mailjob.endpoint(name, &text).unwrap();
    }
    mailjob.start().unwrap();
    mailjob
}

/// Who writes to an endpoint.
fn sender(endpoint: &str) -> String {
    format!("to-{endpoint}@example.test")
}

/// A mail to an endpoint.
fn to(endpoint: &str) -> Mail {
    Mail::new(&sender(endpoint), &format!("{endpoint}@example.test"), "Order INV-42").text("Please do this.")
}

fn with_three(mail: Mail, contents: [&str; 3]) -> Mail {
    let files = contents.iter().zip(["a.txt", "b.txt", "c.txt"]);
    files.fold(mail, |mail, (content, name)| {
        mail.attach(name, "text/plain", content.as_bytes())
    })
}

/// A reply as its reader has it.
#[derive(Debug)]
struct Reply {
    text: String,
    files: Vec<(String, Vec<u8>)>,
}

impl Reply {
    fn names(&self) -> Vec<&str> {
        self.files.iter().map(|(name, _)| name.as_str()).collect()
    }
}

/// The replies to an endpoint's sender, as soon as there are so many.
async fn replies(world: &World, mailjob: &Mailjob, endpoint: &str, count: usize) -> Vec<Reply> {
    let user = sender(endpoint);
    let came = world.dovecot.wait_for(&user, "INBOX", count, PATIENCE).await;
    came.unwrap_or_else(|error| panic!("{endpoint}: {error}\n{}", mailjob.log()));
    let mut replies = Vec::new();
    for mail in world.dovecot.mailbox(&user, "INBOX").await.unwrap() {
        let reply = message::read(mail.into(), Limits::default(), |mail| Reply {
            text: mail.text().unwrap_or_default().replace("\r\n", "\n").trim().to_owned(),
            files: mail
                .attachments()
                .iter()
                .map(|file| (file.shown_name().to_owned(), file.data().into_owned()))
                .collect(),
        });
        replies.push(reply.await.unwrap());
    }
    replies.sort_by(|one, other| one.text.cmp(&other.text));
    replies
}

async fn settled(world: &World, mailjob: &Mailjob, endpoint: &str, mailbox: &str) {
    let user = format!("{endpoint}@example.test");
    let moved = world.dovecot.wait_for(&user, mailbox, 1, PATIENCE).await;
    moved.unwrap_or_else(|error| panic!("{endpoint} in {mailbox}: {error}\n{}", mailjob.log()));
}

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
async fn inputs_reach_a_form_and_a_script_or_are_asked_for() {
    let world = World::start(Options::default()).await.unwrap();
    let receiver = Receiver::start(|_| Answer::text("received")).await.unwrap();
    let inputs = "[inputs]\n\
        document = { attachments = [\"*.pdf\"], media_type = [\"application/pdf\"], required = true, label = \"The document\" }\n\
        steps = { attachments = [\"*.ddx\"], as = \"list\" }\n\
        number = { match = 'INV-(?<n>\\d+)', in = \"subject\", group = \"n\", type = \"integer\" }\n\
        body = { field = \"body\" }\n\
        queue = { value = 3 }\n";
    let form = format!(
        "{inputs}[webhook]\nurl = \"{}\"\nallow_private_network = true\nbody = \"form\"",
        receiver.url("/form")
    );
    let script = format!(
        "{inputs}[command]\nargv = [\"/bin/sh\", \"-c\", 'for a in \"$@\"; do echo \"<$a>\" | sed s:/.*/::; done; env | grep INPUT_ | sort | sed s:/.*/::', \"sh\", \"--n={{number}}\", \"{{document}}\", \"{{steps}}\", \"{{queue}}\", \"[{{body}}]\"]"
    );
    let mailjob = program(&world, &[("form", form), ("script", script.clone()), ("asked", script)]).await;
    for name in ["form", "script"] {
        let mail = to(name)
            .attach("plan.pdf", "application/pdf", b"%PDF-1.4 plan")
            .attach("one.ddx", "application/xml", b"<DDX/>")
            .attach("two.ddx", "application/xml", b"<DDX>2</DDX>")
            .attach("other.txt", "text/plain", b"not asked for");
        world
            .dovecot
            .deliver(&format!("{name}@example.test"), &mail.bytes())
            .await
            .unwrap();
    }
    let without = to("asked").attach("plan.pdf", "application/pdf", b"this is no document");
    world
        .dovecot
        .deliver("asked@example.test", &without.bytes())
        .await
        .unwrap();

    let requests = receiver.wait_for(1, PATIENCE).await.unwrap();
    let fields = form_fields(requests[0].header("content-type"), &requests[0].body);
    let told: Vec<_> = fields
        .iter()
        .map(|(name, file, content)| (name.as_str(), file.as_str(), content.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("body", "", "Please do this."),
            ("document", "plan.pdf", "%PDF-1.4 plan"),
            ("number", "", "42"),
            ("queue", "", "3"),
            ("steps", "one.ddx", "<DDX/>"),
            ("steps", "two.ddx", "<DDX>2</DDX>"),
        ]
    );

    let reply = replies(&world, &mailjob, "script", 1).await;
    assert_eq!(
        reply[0].text,
        "<--n=42>\n<plan.pdf>\n<one.ddx>\n<two.ddx>\n<3>\n<[Please do this.]>\n\
         MAILJOB_INPUT_BODY=Please do this.\nMAILJOB_INPUT_DOCUMENT=plan.pdf\nMAILJOB_INPUT_NUMBER=42\nMAILJOB_INPUT_QUEUE=3\n\
         MAILJOB_INPUT_STEPS=one.ddx"
    );

    let asked = replies(&world, &mailjob, "asked", 1).await;
    assert!(
        asked[0]
            .text
            .contains("The document is missing: attach a file that is named like *.pdf."),
        "{asked:?}"
    );
    settled(&world, &mailjob, "asked", "Failed").await;
}

/// Name, file name and content of each field of a form.
fn form_fields(content_type: &str, body: &[u8]) -> Vec<(String, String, String)> {
    let boundary = content_type.split_once("boundary=").unwrap().1;
    let body = String::from_utf8(body.to_vec()).unwrap();
    let mark = format!("--{boundary}");
    let parts = body.split(&mark).filter(|part| part.contains("form-data"));
    let field = |part: &str| {
        let (head, content) = part.split_once("\r\n\r\n").unwrap();
        let parameter = |name: &str| {
            let found = head
                .split_once(&format!(" {name}=\""))
                .map(|(_, rest)| rest.split('"').next().unwrap());
            found.unwrap_or_default().to_owned()
        };
        let content = content.strip_suffix("\r\n").unwrap().trim_end();
        (parameter("name"), parameter("filename"), content.to_owned())
    };
    parts.map(field).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn results_have_predictable_names_and_fit() {
    let world = World::start(Options::default()).await.unwrap();
    let receiver = Receiver::start(|_| {
        let file = json!({ "name": "out.pdf", "media_type": "application/pdf", "content": "JVBERg==" });
        Answer::json(&json!({ "reply": { "text": "three", "files": [file, file, file] }, "data": { "id": 7 } }))
    })
    .await
    .unwrap();
    let same = format!(
        "[webhook]\nurl = \"{}\"\nallow_private_network = true",
        receiver.url("/")
    );
    let trip = r#"[command]
argv = ["/bin/sh", "-c", 'cp attachments/* out/; echo {\"said\": {\"text\": \"from JSON\"}}']
[output]
name = "{stem}.{ext}"
text = { json = "/said/text" }"#;
    let large = |policy: &str| {
        format!(
            "[command]\nargv = [\"/bin/sh\", \"-c\", \"head -c 30000 /dev/zero >out/a.bin; head -c 300 /dev/zero >out/b.bin; echo here\"]\n\
             [output]\nmax_size = \"2KiB\"\noversize = \"{policy}\"",
        )
    };
    let zip = large("zip").replace("2KiB", "12KiB");
    let endpoints = [
        ("same", same),
        ("trip", trip.to_owned()),
        ("refuse", large("refuse")),
        ("drop", large("drop")),
        ("zip", zip),
    ];
    let mailjob = program(&world, &endpoints).await;
    for (name, _) in &endpoints {
        let mail = to(name).attach("Scan 1.tar.gz", "application/gzip", b"packed");
        world
            .dovecot
            .deliver(&format!("{name}@example.test"), &mail.bytes())
            .await
            .unwrap();
    }
    let same = replies(&world, &mailjob, "same", 1).await;
    assert_eq!(
        (same[0].text.as_str(), same[0].names()),
        ("three", vec!["out.pdf", "out_1.pdf", "out_2.pdf"])
    );
    let trip = replies(&world, &mailjob, "trip", 1).await;
    assert_eq!(
        (trip[0].text.as_str(), trip[0].names()),
        ("from JSON", vec!["Scan 1.tar.gz"])
    );
    let refuse = replies(&world, &mailjob, "refuse", 1).await;
    assert!(
        refuse[0]
            .text
            .contains("The result has 40 KiB, and 2 KiB may be mailed."),
        "{refuse:?}"
    );
    let drop = replies(&world, &mailjob, "drop", 1).await;
    assert_eq!(drop[0].names(), ["b.bin"]);
    assert_eq!(
        drop[0].text,
        "here\n\nLeft out, because it is too large for a mail:\n  a.bin (29 KiB)"
    );
    let zip = replies(&world, &mailjob, "zip", 1).await;
    assert_eq!(
        (zip[0].names(), &zip[0].files[0].1[..2]),
        (vec!["Scan 1.tar.zip"], &b"PK"[..])
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
