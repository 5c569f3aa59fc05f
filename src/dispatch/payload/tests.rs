use std::{env, fs};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::dispatch::{
    action::webhook::answer,
    tests::{MAIL, repository, with_work},
};

async fn payload(raw: impl Into<bytes::Bytes>, contents: AttachmentMode) -> Value {
    let written = with_work(raw, move |work| {
        serde_json::to_string(&Payload::new(work, contents)).unwrap()
    })
    .await;
    serde_json::from_str(&written).unwrap()
}

#[tokio::test]
async fn a_mail_is_told_field_by_field() {
    let attachments = json!([
        {
            "name": "../invoice.pdf", "file": "invoice.pdf", "media_type": "application/pdf", "charset": null,
            "inline": false, "content_id": null, "undecoded": null, "size": 9, "message": null, "content": "JVBERi0xLjQK",
        },
        {
            "name": null, "file": "attachment.png", "media_type": "image/png", "charset": null,
            "inline": true, "content_id": "logo@x", "undecoded": null, "size": 3, "message": null, "content": "UE5H",
        },
    ]);
    assert_eq!(
        payload(MAIL, AttachmentMode::Inside).await,
        json!({
            "version": 1,
            "job": "01935b2a1c0070008000000000000001",
            "endpoint": "invoices",
            "received": "2026-11-18T11:06:40Z",
            "taken": "2026-11-18T11:06:45Z",
            "part": null,
            "parts": null,
            "mail_job": null,
            "inputs": {},
            "mail": {
                "message_id": "1@supplier.example",
                "from": [{ "name": "Ann", "address": "ann@supplier.example" }],
                "sender": {
                    "address": "ann@supplier.example", "proven_by": null, "spf": null, "dkim": null, "dmarc": null, "sources": [],
                },
                "to": [{ "address": "invoices@us.example" }],
                "cc": [],
                "reply_to": [],
                "subject": "Grüße",
                "date": "2026-11-16T08:30:00Z",
                "date_note": null,
                "in_reply_to": [],
                "references": [],
                "automatic": null,
                "encrypted": null,
                "signed": null,
                "piece": null,
                "text": "Hello.",
                "html": null,
                "charset_note": null,
                "headers": [
                    ["From", "Ann <ann@supplier.example>"],
                    ["To", "invoices@us.example"],
                    ["Subject", "=?utf-8?q?Gr=C3=BC=C3=9Fe?="],
                    ["Message-ID", "<1@supplier.example>"],
                    ["X-Folded", "a b"],
                    ["Date", "Mon, 16 Nov 2026 09:30:00 +0100"],
                    ["Content-Type", "multipart/mixed; boundary=b"],
                ],
                "headers_base64": [],
                "attachments": attachments,
                "size": MAIL.len(),
            },
            "conversation": null,
        })
    );
}

#[tokio::test]
async fn contents_beside_are_not_inside() {
    let payload = payload(MAIL, AttachmentMode::Beside).await;
    let files = payload["mail"]["attachments"].as_array().unwrap();
    assert_eq!(files.len(), 2);
    assert!(
        files
            .iter()
            .all(|file| file.get("content").is_none() && file["size"].is_u64())
    );
}

/// `BLESS=1 cargo test` writes them anew.
#[test]
fn the_committed_schemas_are_those_of_the_types() {
    for (file, schema) in [
        ("deploy/payload.schema.json", schema()),
        ("deploy/answer.schema.json", answer::schema()),
    ] {
        let schema = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        if env::var_os("BLESS").is_some() {
            fs::write(repository(file), &schema).unwrap();
        }
        assert_eq!(
            fs::read_to_string(repository(file)).unwrap(),
            schema,
            "{file} is not what the types say"
        );
    }
}

/// The schema and a real payload name the same fields.
#[tokio::test]
async fn the_schema_names_every_field() {
    let payload = payload(MAIL, AttachmentMode::Inside).await;
    let schema = serde_json::to_value(schema()).unwrap();
    let names = |value: &Value| -> Vec<String> { value.as_object().unwrap().keys().cloned().collect() };
    for (told, documented) in [
        (&payload, &schema["properties"]),
        (&payload["mail"], &schema["$defs"]["Mail"]["properties"]),
        (&payload["mail"]["sender"], &schema["$defs"]["Sender"]["properties"]),
        (
            &payload["mail"]["attachments"][0],
            &schema["$defs"]["Attachment"]["properties"],
        ),
    ] {
        let mut told = names(told);
        told.sort();
        let mut known = names(documented);
        known.sort();
        assert_eq!(told, known);
        for (name, field) in documented.as_object().unwrap() {
            assert!(field["description"].is_string(), "{name} is not described");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn a_payload_is_always_json(pieces in prop::collection::vec(prop_oneof![
        any::<Vec<u8>>(),
        prop::sample::select(vec!["Subject: ", "From: ", "\r\n", "\r\n\r\n", "--b", "Content-Type: multipart/mixed; boundary=b", "\"\\\u{7f}"])
            .prop_map(|piece| piece.as_bytes().to_vec()),
    ], 0..12)) {
        let raw = [b"X: y\r\n".to_vec(), pieces.concat()].concat();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let payload = runtime.block_on(payload(raw, AttachmentMode::Inside));
        prop_assert!(payload["mail"]["headers"].is_array());
    }
}
