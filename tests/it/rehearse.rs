//! `mailjob rehearse` beside the real thing: the same bytes, and nothing is touched.

use std::{collections::BTreeMap, fs, net::TcpListener, path::Path, process::Stdio};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use mailjob::{
    dispatch::rehearsal::{Origin, Plan, PlannedHeader},
    job::JobId,
    rehearse::{RehearsalReport, RehearsalRequest, rehearse},
    reply,
};
use mailjob_testbed::{Answer, Mailjob, Options, PASSWORD, Receiver, World, mails::bombs};
use serde_json::Value as Json;
use tokio::io::AsyncWriteExt;

use crate::program::{PATIENCE, SENDER, account, loaded, processed, program};

const KEY: &str = "whsec_Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5";

/// A mail with a file and text beyond ASCII.
fn mail() -> Vec<u8> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/mail");
    fs::read(corpus.join("rfc/alternative-with-pdf.eml")).unwrap()
}

/// The attempt that had this payload, imagined again.
async fn again(
    mailjob: &Mailjob,
    endpoint: &str,
    raw: &[u8],
    payload: &Json,
    attempted: DateTime<Utc>,
) -> RehearsalReport {
    let loaded = loaded(mailjob);
    let ourselves = reply::ourselves(loaded.endpoints.values().map(AsRef::as_ref));
    let found = loaded.endpoints.iter().find(|(name, _)| name.as_str() == endpoint);
    let raw = Bytes::copy_from_slice(raw);
    let mut question = RehearsalRequest::new(found.unwrap().1.clone(), ourselves, raw, attempted, u64::MAX);
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    question.job.id = JobId(text(&payload["job"]).parse().unwrap());
    question.job.taken = text(&payload["taken"]).parse().unwrap();
    question.job.received = text(&payload["received"]).parse().ok();
    rehearse(question).await
}

fn plan(report: &RehearsalReport) -> &Plan {
    report.rehearsal.as_ref().unwrap().plan.as_ref().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_shown_is_what_is_sent_and_started() {
    let world = World::start(Options::default()).await.unwrap();
    let receiver = Receiver::start(|_| Answer::status(204)).await.unwrap();
    let mut mailjob = program(&world);
    mailjob.secret("password", PASSWORD).unwrap();
    mailjob.secret("key", KEY).unwrap();
    let copy = world.dir().join("copy");
    fs::create_dir(&copy).unwrap();
    let url = receiver.url("/hook?tenant=7");
    let common = format!(
        "url = \"{url}\"\nallow_private_network = true\nsecret = {{ file = \"../secrets/key\" }}\nheaders = {{ x-tenant = \"7\" }}"
    );
    let script = format!(
        "cp -R . {0}/work; env > {0}/env; printf '%s\\n' \"$0\" \"$@\" > {0}/argv",
        copy.display()
    );
    let actions = [
        ("json", format!("[webhook]\n{common}\n")),
        ("multipart", format!("[webhook]\n{common}\nbody = \"multipart\"\n")),
        ("raw", format!("[webhook]\n{common}\nbody = \"raw\"\n")),
        (
            "command",
            format!(
                "[command]\nargv = [\"/bin/sh\", \"-c\", {script:?}, \"zero\", \"one\"]\nwrite = [{copy:?}]\nenv = {{ LEVEL = \"3\", TOKEN = {{ file = \"../secrets/key\" }} }}\n"
            ),
        ),
    ];
    for (name, action) in &actions {
        let user = format!("{name}@example.test");
        let lines = account(&world, &user, "password = { file = \"secrets/password\" }");
        mailjob.account_as(name, &lines).unwrap();
        let endpoint = format!("[mailbox]\naccount = \"{name}\"\n{action}");
        mailjob.endpoint(name, &endpoint).unwrap();
        world.dovecot.deliver(&user, &mail()).await.unwrap();
    }
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    let requests = receiver.wait_for(3, PATIENCE).await.unwrap();
    for (name, _) in &actions {
        processed(&world, &mailjob, &format!("{name}@example.test"), 1).await;
    }
    assert_eq!(mailjob.term().unwrap(), 0);

    for request in requests {
        let name = request.header("ce-source").trim_start_matches("/endpoints/").to_owned();
        let user = format!("{name}@example.test");
        let raw = world.dovecot.mailbox(&user, "Processed").await.unwrap().remove(0);
        let text = String::from_utf8_lossy(&request.body).into_owned();
        let payload = match &*name {
            "raw" => serde_json::json!({ "job": request.header("webhook-id"), "taken": request.header("ce-time") }),
            "json" => request.json(),
            _ => {
                let start = text.split_once("\r\n\r\n").unwrap().1;
                serde_json::from_str(start.split_once("\r\n--").unwrap().0).unwrap()
            }
        };
        let attempted = request.header("webhook-timestamp").parse().unwrap();
        let attempted = DateTime::from_timestamp(attempted, 0).unwrap();
        let report = again(&mailjob, &name, &raw, &payload, attempted).await;
        let Plan::Request(shown) = plan(&report) else {
            panic!("no request");
        };
        assert!(shown.body.is_whole() && shown.refused.is_none());
        assert_eq!(String::from_utf8_lossy(&shown.body.shown), text, "{name}");
        assert_eq!(shown.body.shown, request.body, "{name}");
        let mut sent: Vec<_> = request.headers.keys().map(|name| name.as_str().to_owned()).collect();
        sent.retain(|name| name != "host" && name != "accept");
        sent.sort();
        let names: Vec<_> = shown.headers.iter().map(|(name, _)| name.clone()).collect();
        assert_eq!(names, sent, "{name}");
        for (field, value) in &shown.headers {
            match value {
                PlannedHeader::Text(text) => assert_eq!(text, request.header(field), "{name}: {field}"),
                PlannedHeader::Signature(_) => assert_eq!(field, "webhook-signature"),
                PlannedHeader::Secret(_) => panic!("{field}"),
            }
        }
    }

    let payload = fs::read(copy.join("work/message.json")).unwrap();
    let raw = fs::read(copy.join("work/message.eml")).unwrap();
    let json = serde_json::from_slice(&payload).unwrap();
    let report = again(&mailjob, "command", &raw, &json, Utc::now()).await;
    let Plan::Process(shown) = plan(&report) else {
        panic!("no process");
    };
    assert_eq!(shown.message.shown, payload);
    for (path, size) in &shown.files {
        let found = fs::metadata(copy.join("work").join(path)).unwrap();
        assert_eq!(*size, found.is_file().then_some(found.len()), "{path}");
    }
    let files = shown
        .files
        .iter()
        .filter(|(path, _)| path.starts_with("attachments/"))
        .count()
        - 1;
    assert_eq!(fs::read_dir(copy.join("work/attachments")).unwrap().count(), files);
    assert_eq!(fs::read_dir(copy.join("work")).unwrap().count(), 4);
    assert_eq!(
        fs::read_to_string(copy.join("argv"))
            .unwrap()
            .lines()
            .collect::<Vec<_>>(),
        shown.argv[3..]
    );
    let environment = fs::read_to_string(copy.join("env")).unwrap();
    let mut environment: BTreeMap<&str, &str> = environment.lines().filter_map(|line| line.split_once('=')).collect();
    // The shell's own.
    environment.retain(|name, _| !["PWD", "OLDPWD", "SHLVL", "_"].contains(name));
    assert!(
        shown
            .environment
            .iter()
            .map(|(name, _)| name.as_str())
            .eq(environment.keys().copied()),
        "{environment:?}"
    );
    for (name, origin) in &shown.environment {
        if let Origin::Text(text) = origin {
            assert_eq!(text, environment[name.as_str()], "{name}");
        }
    }
    assert_eq!(environment["LEVEL"], "3");
}

/// What a rehearsal by the program printed, and its exit code.
struct Said {
    code: i32,
    out: String,
    err: String,
}

async fn run(mailjob: &Mailjob, arguments: &[&str], input: &[u8]) -> Said {
    let mut command = mailjob.command(&[&["rehearse"], arguments].concat());
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A command that ends before it reads closes the pipe.
    let feeding = async move { drop(stdin.write_all(input).await) };
    let ((), output) = tokio::join!(feeding, child.wait_with_output());
    let output = output.unwrap();
    let said = Said {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    };
    let leaked = mailjob.leaks(&(said.out.clone() + &said.err));
    assert!(leaked.is_empty(), "{leaked:?}");
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_touches_nothing() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = program(&world);
    mailjob.secret("password", PASSWORD).unwrap();
    mailjob.secret("key", KEY).unwrap();
    // Every server of the configuration: whoever knocks is found in its queue.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let lines = format!(
        "user = \"jobs@example.test\"\nclient_id = \"mailjob\"\nimap = {{ host = \"localhost\", port = {port} }}\n\
         smtp = {{ host = \"localhost\", port = {port} }}\noauth = {{ token_url = \"http://localhost:{port}/\", scopes = [\"mail\"] }}"
    );
    mailjob.account_as("jobs", &lines).unwrap();
    let common = "[mailbox]\naccount = \"jobs\"\n[reply]\nto = \"sender\"\n";
    let webhook = format!(
        "{common}[webhook]\nurl = \"http://localhost:{port}/?key=canary\"\nallow_private_network = true\nsecret = {{ file = \"../secrets/key\" }}\n"
    );
    mailjob.endpoint("hook", &webhook).unwrap();
    let traces = world.dir().join("traces");
    let command = format!(
        "{}[when]\nfrom = \"*@example.test\"\n[command]\nargv = [\"/bin/touch\", \"{}\"]\n",
        common.replace("[reply]", "name = \"Scripts\"\n[reply]"),
        traces.display()
    );
    mailjob.endpoint("script", &command).unwrap();
    fs::write(mailjob.dir().join("mail.eml"), mail()).unwrap();
    let before = listing(mailjob.dir());

    let said = run(&mailjob, &["hook", "mail.eml"], b"").await;
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(
        said.out.ends_with("the job would run; nothing was done\n"),
        "{}",
        said.out
    );
    assert!(
        said.out.contains("key from file ") && !said.out.contains("canary"),
        "{}",
        said.out
    );
    let said = run(&mailjob, &["hook", "-", "--json", "--body"], &mail()).await;
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    let document: Json = serde_json::from_str(&said.out).unwrap();
    assert_eq!(document["action"]["webhook"]["body"]["whole"], true);

    let letter = format!("From: {SENDER}\r\nSubject: x\r\n\r\nx\r\n");
    let said = run(&mailjob, &["script", "-"], letter.as_bytes()).await;
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    let stranger =
        b"From: \x1b[2Jeve@elsewhere.example\r\nSubject: =?utf-8?q?=1B]0;x=07?= \xe2\x80\xae\r\n\r\n\x1b[31m\r\n";
    for form in [
        &["script", "-"][..],
        &["script", "-", "--json"],
        &["hook", "-"],
        &["hook", "-", "--json"],
    ] {
        let said = run(&mailjob, form, stranger).await;
        assert_eq!(
            said.code,
            if form[0] == "script" { 3 } else { 0 },
            "{}{}",
            said.out,
            said.err
        );
        let unfit = |c: char| (c.is_control() && c != '\n' && c != '\t') || c == '\u{202e}';
        assert!(!said.out.contains(unfit), "{:?}", said.out);
    }
    let said = run(&mailjob, &["hook", "-"], &bombs::nested_messages(300_000)).await;
    assert!(said.code == 3 && said.out.contains("would be held"), "{}", said.out);

    let said = run(&mailjob, &["hook", "no-such.eml"], b"").await;
    assert!(said.code == 66 && said.err.contains("no-such.eml"), "{}", said.err);
    assert_eq!(run(&mailjob, &["hook", "."], b"").await.code, 66);
    let said = run(&mailjob, &["nobody", "mail.eml"], b"").await;
    assert!(said.code == 78 && said.err.contains("hook, script"), "{}", said.err);

    assert_eq!(listing(mailjob.dir()), before, "no ledger, no key");
    assert!(!traces.exists(), "no command was started");
    assert_eq!(
        listener.accept().unwrap_err().kind(),
        std::io::ErrorKind::WouldBlock,
        "nobody knocked"
    );
    mailjob.endpoint("hook", "concurency = 1\n").unwrap();
    let said = run(&mailjob, &["hook", "mail.eml"], b"").await;
    assert!(
        said.code == 78 && said.err.contains("unknown key `concurency`"),
        "{}",
        said.err
    );
}

fn listing(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
