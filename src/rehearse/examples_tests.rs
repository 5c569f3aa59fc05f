//! The endpoints that we ship as examples, each with a mail that it is for.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use serde_json::{Value, json};

use super::tests::{rehearsed, shown};
use crate::config::load::{Loaded, Sources, load};

const PDF: &str = "%PDF-1.4\r\n";

/// All examples on one machine: secrets and programs lie elsewhere, all else is as it is shipped.
fn shipped() -> Loaded {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    };
    write("secret", "whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0\n");
    let secret = folder.path().join("secret").display().to_string();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("endpoints.d")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let Some(name) = name.strip_suffix(".example").filter(|name| *name != "reference.toml") else {
            continue;
        };
        let mut text = fs::read_to_string(&path).unwrap();
        for program in [
            "\"soffice\"",
            "\"/usr/local/bin/server-task\"",
            "\"/usr/local/bin/token\"",
        ] {
            text = text.replace(program, "\"/bin/true\"");
        }
        let places: Vec<_> = text
            .split('"')
            .filter(|part| part.starts_with("/run/secrets/"))
            .map(str::to_owned)
            .collect();
        for place in places {
            text = text.replace(&format!("\"{place}\""), &format!("\"{secret}\""));
        }
        write(
            name,
            &text.replace(
                "{ env = \"ELSEWHERE_CLIENT_SECRET\" }",
                &format!("{{ file = \"{secret}\" }}"),
            ),
        );
    }
    let loaded = load(&Sources {
        endpoints: folder.path().to_owned(),
        config: Some(folder.path().join("mailjob.toml")),
    });
    let problems: Vec<_> = loaded.problems.iter().map(|problem| problem.render()).collect();
    assert_eq!(problems.join("\n"), "");
    loaded
}

/// A mail with these header lines and files.
fn mail(header: &str, files: &[(&str, &str)]) -> String {
    let file = |(name, media_type): &(&str, &str)| {
        format!(
            "--b\r\nContent-Type: {media_type}; name=\"{name}\"\r\nContent-Disposition: attachment; filename=\"{name}\"\r\n\r\n{PDF}\r\n"
        )
    };
    let files: String = files.iter().map(file).collect();
    format!(
        "{header}Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nHello.\r\n{files}--b--\r\n"
    )
}

async fn document(name: &str, raw: String) -> Value {
    let loaded = shipped();
    let found = loaded.endpoints.iter().find(|(known, _)| known.as_str() == name);
    shown(&rehearsed(found.unwrap().1, raw).await, name).1
}

/// What Microsoft writes above a mail that it believes, and the field of its border below that.
const BELIEVED: &str = "Authentication-Results: spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=DOMAIN; dkim=pass (signature was verified)\r\n header.d=DOMAIN;dmarc=pass action=none header.from=DOMAIN;compauth=pass reason=100\r\nReceived: from mail.DOMAIN (192.0.2.1)\r\n by DB5EUR02FT012.mail.protection.outlook.com (10.13.58.1) with Microsoft SMTP Server; Mon, 5 Oct 2026 10:00:00 +0000\r\n";

#[tokio::test]
async fn an_invoice_as_pdf_goes_to_the_erp() {
    let believed = BELIEVED.replace("DOMAIN", "supplier.example");
    let header = format!("{believed}From: billing@supplier.example\r\nSubject: Invoice for PO-123456\r\n");
    let document = document(
        "invoices",
        mail(&header, &[("a.pdf", "application/pdf"), ("b.pdf", "application/pdf")]),
    )
    .await;
    assert_eq!(document["runs"], true, "{document:#}");
    assert_eq!(document["parts"], json!(["a.pdf", "b.pdf"]));
    assert_eq!(document["inputs"], json!({ "invoice": "a.pdf", "order": "PO-123456" }));
    let forged = self::document(
        "invoices",
        mail(
            "From: billing@supplier.example\r\nSubject: x\r\n",
            &[("a.pdf", "application/pdf")],
        ),
    )
    .await;
    assert_eq!(forged["hindrance"]["reason"], "untrusted", "{forged:#}");
}

#[tokio::test]
async fn an_office_document_is_given_to_libreoffice() {
    let docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
    let document = document(
        "convert",
        mail("From: ann@example.com\r\nSubject: Please\r\n", &[("letter.docx", docx)]),
    )
    .await;
    let argv = document["action"]["command"]["argv"].as_array().unwrap().clone();
    assert_eq!(argv.last().unwrap(), "$MAILJOB_DIR/attachments/letter.docx");
    assert!(argv.contains(&json!("--headless")), "{document:#}");
}

#[tokio::test]
async fn a_task_of_the_server_team_is_an_argument_and_no_shell() {
    let believed = BELIEVED.replace("DOMAIN", "contoso.example");
    let task = |subject: &str| format!("{believed}From: ops@contoso.example\r\nSubject: {subject}\r\n\r\n\r\n");
    let right = document("servers", task("restart web-3")).await;
    assert_eq!(
        right["action"]["command"]["argv"],
        json!(["/bin/true", "restart", "web-3"]),
        "{right:#}"
    );
    assert_eq!(right["reply"]["success"]["subject"], "restart web-3: done");
    let wrong = document("servers", task("restart web-3; rm -rf /")).await;
    assert_eq!(wrong["hindrance"]["reason"], "input", "{wrong:#}");
}

#[tokio::test]
async fn a_plus_address_chooses_the_queue_of_a_ticket() {
    let header = "From: ann@them.example\r\nTo: support+bug@example.com\r\nSubject: It fails\r\n";
    let document = document("tickets", mail(header, &[("log.txt", "application/octet-stream")])).await;
    assert_eq!(document["inputs"]["queue"], "bug", "{document:#}");
    assert_eq!(document["inputs"]["files"], json!(["log.txt"]));
    let body = document["action"]["webhook"]["body"].to_string();
    assert!(body.contains("queue") && body.contains("log.txt"), "{document:#}");
}

#[tokio::test]
async fn a_request_asks_the_boss_who_may_answer() {
    let document = document(
        "approval",
        "From: ann@us.example\r\nSubject: Ten chairs\r\n\r\nPlease.\r\n".to_owned(),
    )
    .await;
    let success = &document["reply"]["success"];
    assert_eq!(success["recipients"], json!(["boss@us.example"]), "{document:#}");
    assert_eq!(success["answerable"]["endpoint"], "answers");
    let answer = self::document(
        "answers",
        "From: boss@us.example\r\nSubject: Re: Ten chairs\r\n\r\nYes\r\n".to_owned(),
    )
    .await;
    assert_eq!(answer["runs"], true, "{answer:#}");
}
