use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use mailjob_testbed::mails::bombs;
use serde_json::Value;

use super::*;
use crate::{
    config::load::{Sources, load},
    message::clean::needs_escape,
};

/// The key by which the webhook's requests would be signed.
const KEY: &str = "whsec_Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5";

const ACCOUNT: &str = r#"
    [mailbox]
    account = { user = "orders@us.example", password = { file = "key" }, imap = { host = "mail.invalid" }, smtp = { host = "mail.invalid" } }
    [reply]
    to = "sender"
"#;
const WEBHOOK: &str = r#"
    [webhook]
    url = "https://erp.invalid/hook?key=canary"
    secret = { file = "key" }
    headers = { x-api-key = { file = "key" } }
"#;
const COMMAND: &str = r#"
    [when]
    attachments = "*.pdf"
    [command]
    argv = ["/bin/false", "--import"]
    env = { TOKEN = { file = "key" } }
    [settle]
    ignored = { move = "Elsewhere" }
"#;

/// An endpoint by the lines of its file.
fn endpoint(lines: &str) -> Arc<Endpoint> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("orders.toml", &*format!("{ACCOUNT}{lines}")), ("key", KEY)] {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let mut loaded = load(&Sources {
        endpoints: folder.path().to_owned(),
        config: None,
    });
    let problems: Vec<_> = loaded.problems.iter().map(|problem| problem.render()).collect();
    assert_eq!(problems, [""; 0]);
    loaded.endpoints.pop_first().unwrap().1
}

pub(super) async fn rehearsed(endpoint: &Arc<Endpoint>, raw: impl Into<Bytes>) -> RehearsalReport {
    let ourselves = crate::reply::ourselves([&**endpoint].into_iter());
    let now = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
    rehearse(RehearsalRequest::new(
        endpoint.clone(),
        ourselves,
        raw.into(),
        now,
        1 << 20,
    ))
    .await
}

/// Both forms of a report, after a look whether they may be shown.
pub(super) fn shown(report: &RehearsalReport, name: &str) -> (String, Value) {
    let (page, document) = (render::page(report), json::document(report));
    for text in [&page, &document] {
        let unfit = text.chars().find(|&c| needs_escape(c) && c != '\n' && c != '\t');
        assert_eq!(unfit, None, "{name}");
        assert!(!text.contains(KEY) && !text.contains("canary"), "{name}: {text}");
    }
    let document: Value = serde_json::from_str(&document).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(document["version"], 1);
    assert_eq!(document["runs"], report.hindrance().is_none());
    (page, document)
}

fn corpus() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/mail");
    let kinds = ["rfc", "legacy", "malformed", "wild"].map(|kind| fs::read_dir(folder.join(kind)).unwrap());
    let paths = kinds.into_iter().flatten().map(|entry| entry.unwrap().path());
    let mails = paths.filter(|path| path.extension().is_some_and(|extension| extension == "eml"));
    mails
        .map(|path| (path.display().to_string(), fs::read(&path).unwrap()))
        .collect()
}

#[tokio::test]
async fn the_corpus_at_two_endpoints() {
    let mails = corpus();
    assert!(mails.len() >= 25, "only {} mails found", mails.len());
    let (webhook, command) = (endpoint(WEBHOOK), endpoint(COMMAND));
    let (mut answered, mut ignored) = (0, 0);
    for (name, raw) in mails {
        let expected = fs::read(Path::new(&name).with_extension("json")).unwrap();
        let expected: Value = serde_json::from_slice(&expected).unwrap();

        let report = rehearsed(&webhook, raw.clone()).await;
        let (page, document) = shown(&report, &name);
        assert!(report.hindrance().is_none(), "{name}: {page}");
        for key in ["from", "to", "subject", "message_id", "automatic"] {
            assert_eq!(document["mail"][key], expected[key], "{name}: {key}");
        }
        let goes = document["reply"]["success"]["goes"].as_bool().unwrap();
        assert_eq!(goes, document["reply"]["failure"]["goes"].as_bool().unwrap(), "{name}");
        assert!(!goes || expected["automatic"].is_null(), "{name}");
        answered += usize::from(goes);
        let body = document["action"]["webhook"]["body"]["text"].as_str().unwrap();
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["mail"]["text"], expected["text"], "{name}");
        assert!(page.contains("[made with the key from file "), "{page}");

        let report = rehearsed(&command, raw).await;
        let (page, document) = shown(&report, &name);
        let files = expected["attachments"].as_array().unwrap();
        let pdfs = files.iter().filter(|file| {
            let name = file["name"].as_str().or(file["safe_name"].as_str()).unwrap();
            name.to_lowercase().ends_with(".pdf")
        });
        assert_eq!(document["runs"], pdfs.count() > 0, "{name}: {page}");
        if report.hindrance().is_some() {
            ignored += 1;
            assert_eq!(document["hindrance"]["reason"], "attachments", "{name}");
            assert_eq!(document["mailbox"]["ignored"], "is moved to Elsewhere");
            assert!(document["action"].is_null() && document["reply"]["success"].is_null());
        } else {
            assert_eq!(document["action"]["command"]["argv"][1], "--import");
        }
    }
    assert!(
        answered >= 10 && ignored >= 10,
        "{answered} answered, {ignored} ignored"
    );
}

#[tokio::test]
async fn bombs_are_held_or_shown() {
    let endpoint = endpoint(WEBHOOK);
    let mut held = 0;
    for (name, bomb) in bombs::all() {
        let report = rehearsed(&endpoint, bomb).await;
        let (page, document) = shown(&report, name);
        if report.hindrance().is_some() {
            held += 1;
            assert_eq!(document["hindrance"]["outcome"], "held", "{name}: {page}");
            assert_eq!(document["mailbox"]["held"], "stays as it is until a person decides");
            assert!(page.contains("stays as it is until a person decides"), "{page}");
        }
    }
    assert!(held >= 5, "{held}");
}

#[tokio::test]
async fn a_page_reads_from_top_to_bottom() {
    let mail = "From: Ann <ann@supplier.example>\r\nReply-To: desk@supplier.example\r\nTo: orders@us.example\r\n\
        Subject: =?utf-8?q?Order=1B[2J_=E2=80=AE7?=\r\nMessage-ID: <1@supplier.example>\r\n\r\nSeven, please.\r\n";
    let (page, document) = shown(&rehearsed(&endpoint(WEBHOOK), mail).await, "mail");
    let mut rest = page.as_str();
    for part in [
        "mail of ",
        "  from          Ann <ann@supplier.example>",
        "  subject       Order",
        "\nfilter\n  names no condition: every mail is meant\n",
        "\nanswer\n  the mail's header says nothing against one\n",
        "\naction, at the first attempt; id and times are made up\n  POST https://erp.invalid/hook?…\n",
        "  webhook-signature: [made with the key from file ",
        "  x-api-key: [a secret, from file ",
        "body, ",
        "    {\"version\":1,\"job\":\"00000000000000000000000000000000\",",
        "\nreply on success\n",
        "  recipients    ann@supplier.example\n",
        "  In-Reply-To: <1@supplier.example>\n",
        "    [the text that the webhook answers]\n",
        "\nreply on failure\n",
        "    the system that it is meant for did not accept it.\n",
        "\nthe mail in the mailbox\n  done          is moved to Processed\n  failed        is moved to Failed\n",
        "\nthe job would run; nothing was done\n",
    ] {
        let (_, after) = rest
            .split_once(part)
            .unwrap_or_else(|| panic!("no {part:?} in {rest}\n{page}"));
        rest = after;
    }
    assert_eq!(rest, "");
    assert_eq!(document["reply"]["success"]["recipients"][0], "ann@supplier.example");
    let note = document["reply"]["success"]["notes"][0].as_str().unwrap();
    assert!(note.starts_with("From is answered and not Reply-To: "), "{note}");
}

#[tokio::test]
async fn we_do_not_answer_ourselves() {
    let mail = "From: orders@us.example\r\nSubject: x\r\n\r\nx\r\n";
    let (page, document) = shown(&rehearsed(&endpoint(WEBHOOK), mail).await, "mail");
    assert_eq!(document["reply"]["success"]["reason"], "ourselves", "{page}");
    assert!(page.contains("is one of our own (ourselves)"), "{page}");
}

#[tokio::test]
async fn what_only_dns_can_prove_is_left_open() {
    let mail = "From: ann@supplier.example\r\nSubject: x\r\n\r\nx\r\n";
    for (verify, open) in [("false", false), ("true", true)] {
        let senders =
            format!("{WEBHOOK}[senders]\nrequire = \"dmarc\"\ntrust = [\"mx.us.example\"]\nverify = {verify}\n");
        let (page, document) = shown(&rehearsed(&endpoint(&senders), mail).await, "mail");
        assert_eq!(document["runs"], false);
        assert_eq!(page.contains("a job would ask DNS"), open, "{page}");
        assert_eq!(document["mail"]["sender_verified_later"], open, "{document:#}");
    }
}

#[tokio::test]
async fn letters_are_shown_as_they_would_go() {
    let lines = format!(
        "original = \"rfc822\"\nhtml = \"<p>{{{{ mail.subject }}}}</p>\"\nfailure = {{ text = \"{{{{ answer.data.x }}}}\", return_to = \"none\" }}\n{WEBHOOK}"
    );
    let mail = "From: ann@supplier.example\r\nSubject: <b>7\r\n\r\nx\r\n";
    let (page, document) = shown(&rehearsed(&endpoint(&lines), mail).await, "mail");
    let success = &document["reply"]["success"];
    assert_eq!(
        success["html"].as_str().unwrap().trim_end(),
        "<p>&lt;b&gt;7</p>",
        "{page}"
    );
    assert_eq!(success["files"][0]["media_type"], "message/rfc822");
    assert_eq!(success["notes"].as_array().unwrap().len(), 0);
    let failure = &document["reply"]["failure"];
    assert!(
        failure["notes"][0]
            .as_str()
            .unwrap()
            .starts_with("the text has the usual words"),
        "{page}"
    );
    assert!(page.contains("the same in HTML:\n    <p>&lt;b&gt;7</p>\n"), "{page}");
    assert!(
        page.contains("  sender        <>: what can't be delivered is lost\n"),
        "{page}"
    );
    assert!(page.contains("  attached: original.eml  message/rfc822, "), "{page}");
}

const PARTS: &str = r#"
    [jobs]
    per = "attachment"
    [inputs]
    number = { match = 'INV-(?<n>\d+)', in = "subject", group = "n", required = true, label = "The number" }
    file = { attachments = "*.pdf" }
    [command]
    argv = ["/bin/false", "--n={number}", "{file}"]
"#;

fn two_files(subject: &str) -> String {
    let file = |name: &str| {
        format!(
            "--b\r\nContent-Type: application/pdf; name=\"{name}\"\r\nContent-Disposition: attachment\r\n\r\n%PDF-1.4\r\n"
        )
    };
    format!(
        "From: ann@supplier.example\r\nSubject: {subject}\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{}{}--b--\r\n",
        file("a.pdf"),
        file("b.pdf")
    )
}

#[tokio::test]
async fn parts_and_inputs_are_shown_as_they_would_be() {
    let report = rehearsed(&endpoint(PARTS), two_files("INV-42")).await;
    let (page, document) = shown(&report, "parts");
    assert_eq!(document["parts"], serde_json::json!(["a.pdf", "b.pdf"]));
    assert_eq!(
        document["inputs"],
        serde_json::json!({ "number": "42", "file": "a.pdf" })
    );
    let command = &document["action"]["command"];
    assert_eq!(
        command["argv"],
        serde_json::json!(["/bin/false", "--n=42", "$MAILJOB_DIR/attachments/a.pdf"])
    );
    let environment = command["environment"].to_string();
    assert!(
        environment.contains("MAILJOB_INPUT_NUMBER") && environment.contains("MAILJOB_PARTS"),
        "{environment}"
    );
    assert!(
        page.contains("one job for each attachment") && page.contains("number        \"42\""),
        "{page}"
    );
}

#[tokio::test]
async fn a_missing_input_is_rehearsed_with_what_its_sender_hears() {
    let report = rehearsed(&endpoint(PARTS), two_files("no number")).await;
    let (_, document) = shown(&report, "missing");
    assert_eq!(document["hindrance"]["reason"], "input");
    let failure = &document["reply"]["failure"];
    assert!(
        failure["text"].as_str().unwrap().contains("The number is missing"),
        "{failure}"
    );
    assert_eq!(document["mailbox"]["failed"], "is moved to Failed");
}
