use axum::http::{HeaderValue, StatusCode, header};
use base64::{Engine, engine::general_purpose::STANDARD};

use super::{signature::Signer, *};
use crate::{
    dispatch::tests::{
        MAIL,
        receiver::{Receiver, posted, posted_mail, webhook},
        with_work,
    },
    secret::{Secret, SecretRef},
};

#[tokio::test]
async fn a_request_says_who_it_is_and_is_signed() {
    let mut receiver = Receiver::answering(|| "Thank you.").await;
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&secret, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap();
    let key = config::HeaderValue::Secret(SecretRef::File(secret.path().to_owned()));
    let webhook = config::Webhook {
        secrets: vec![SecretRef::File(secret.path().to_owned())],
        headers: vec![
            ("Authorization".into(), key),
            ("X-Plain".into(), config::HeaderValue::Plain("yes".into())),
            ("webhook-id".into(), config::HeaderValue::Plain("ours counts".into())),
        ],
        ..webhook(&receiver.url)
    };
    let outcome = posted(&webhook).await;
    assert!(
        matches!(&outcome, Outcome::Done(answer) if answer.text.as_deref() == Some("Thank you.")),
        "{outcome:?}"
    );
    let (uri, headers, body) = receiver.seen.recv().await.unwrap();
    assert_eq!(uri.path(), "/hook");
    let timestamp = headers["webhook-timestamp"].to_str().unwrap().to_owned();
    assert!(
        (Utc::now().timestamp() - timestamp.parse::<i64>().unwrap()).abs() < 600,
        "{timestamp}"
    );
    let id = "01935b2a1c0070008000000000000001";
    let signer = Signer::new(
        &[Secret::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")],
        id,
        timestamp.parse().unwrap(),
    );
    let signature = signer.unwrap().sign(&body[..]).unwrap().unwrap();
    for (name, value) in [
        ("webhook-id", id),
        ("webhook-signature", &signature),
        ("idempotency-key", "\"01935b2a1c0070008000000000000001\""),
        ("ce-id", id),
        ("ce-source", "/endpoints/invoices"),
        ("ce-specversion", "1.0"),
        ("ce-type", "mailjob.mail.v1"),
        ("ce-time", "2026-11-18T11:06:45.000Z"),
        ("x-mailjob-attempt", "2"),
        ("user-agent", "mailjob/0.1.0"),
        ("content-type", "application/json"),
        ("content-length", &body.len().to_string()),
        ("authorization", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ("x-plain", "yes"),
    ] {
        assert_eq!(headers[name], value, "{name}");
    }
    assert_eq!(headers[header::ACCEPT_ENCODING], "identity");
    let payload: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(payload["job"], id);
    assert_eq!(
        payload["mail"]["attachments"][0]["content"],
        STANDARD.encode("%PDF-1.4\n")
    );
}

#[tokio::test]
async fn a_multipart_body_has_the_mail_and_its_files() {
    let mut receiver = Receiver::answering(|| StatusCode::NO_CONTENT).await;
    let webhook = config::Webhook {
        body: config::BodyFormat::Multipart,
        ..webhook(&receiver.url)
    };
    assert_eq!(posted(&webhook).await, Outcome::Done(crate::job::Answer::default()));
    let (_, headers, body) = receiver.seen.recv().await.unwrap();
    assert_eq!(
        headers["content-type"],
        "multipart/form-data; boundary=mailjob-01935b2a1c0070008000000000000001"
    );
    let body = str::from_utf8(&body).unwrap();
    let mut parts = body.split("--mailjob-01935b2a1c0070008000000000000001");
    assert_eq!(parts.next(), Some(""));
    let mail = parts.next().unwrap().trim_end();
    let (head, json) = mail.split_once("\r\n\r\n").unwrap();
    assert_eq!(
        head,
        "\r\nContent-Disposition: form-data; name=\"mail\"\r\nContent-Type: application/json"
    );
    let json: serde_json::Value = serde_json::from_str(json).unwrap();
    assert!(json["mail"]["attachments"][0].get("content").is_none());
    assert_eq!(
        parts.collect::<Vec<_>>(),
        [
            "\r\nContent-Disposition: form-data; name=\"attachments\"; filename=\"invoice.pdf\"\r\nContent-Type: application/pdf\r\n\r\n%PDF-1.4\n\r\n",
            "\r\nContent-Disposition: form-data; name=\"attachments\"; filename=\"attachment.png\"\r\nContent-Type: image/png\r\n\r\nPNG\r\n",
            "--\r\n",
        ]
    );
}

#[tokio::test]
async fn a_raw_body_is_the_mail_as_it_came() {
    let mut receiver = Receiver::answering(|| ()).await;
    let webhook = config::Webhook {
        body: config::BodyFormat::Raw,
        ..webhook(&receiver.url)
    };
    posted(&webhook).await;
    let (_, headers, body) = receiver.seen.recv().await.unwrap();
    assert_eq!(
        (&headers["content-type"], &body[..]),
        (&HeaderValue::from_static("message/rfc822"), MAIL.as_bytes())
    );
}

#[tokio::test]
async fn a_large_mail_arrives_whole_and_signed() {
    let mut receiver = Receiver::answering(|| ()).await;
    let data = vec![b'x'; 5_000_000];
    let mail = format!(
        "From: a@b.example\r\nContent-Type: application/zip; name=a.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n{}",
        STANDARD.encode(&data)
    );
    for body in [config::BodyFormat::Json, config::BodyFormat::Multipart] {
        let webhook = config::Webhook {
            body,
            ..webhook(&receiver.url)
        };
        let ended = posted_mail(&webhook, mail.clone()).await;
        assert!(matches!(ended.outcome, Outcome::Done(_)), "{ended:?}");
        let (_, headers, received) = receiver.seen.recv().await.unwrap();
        assert_eq!(headers["content-length"], received.len().to_string());
        assert!(!headers.contains_key(header::TRANSFER_ENCODING));
        if body == config::BodyFormat::Json {
            let payload: serde_json::Value = serde_json::from_slice(&received).unwrap();
            let content = payload["mail"]["attachments"][0]["content"].as_str().unwrap();
            assert!(STANDARD.decode(content).unwrap() == data);
        } else {
            assert!(received.windows(1_000).any(|window| window == &data[..1_000]) && received.len() > data.len());
        }
    }
}

#[tokio::test]
async fn unusable_secrets_and_headers_are_said_without_being_shown() {
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&secret, "canary\u{1}").unwrap();
    let here = SecretRef::File(secret.path().to_owned());
    let broken = [
        config::Webhook {
            secrets: vec![here.clone()],
            ..webhook("http://x.example/")
        },
        config::Webhook {
            secrets: vec![SecretRef::File("/no/such/file".into())],
            ..webhook("http://x.example/")
        },
        config::Webhook {
            headers: vec![("Authorization".into(), config::HeaderValue::Secret(here))],
            ..webhook("http://x.example/")
        },
        config::Webhook {
            headers: vec![("not legal".into(), config::HeaderValue::Plain("x".into()))],
            ..webhook("http://x.example/")
        },
    ];
    for webhook in broken {
        let unmade = with_work(MAIL, move |work| prepare(&webhook, work).err().map(Outcome::from)).await;
        let Some(Outcome::Retry {
            reason: Reason::Secret,
            detail,
            ..
        }) = unmade
        else {
            panic!("{unmade:?}")
        };
        assert!(!detail.contains("canary"), "{detail}");
    }
}

/// Whoever writes the other end reads there what comes.
#[tokio::test]
async fn the_manual_names_every_header_field() {
    let mut receiver = Receiver::answering(|| "").await;
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&secret, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap();
    let webhook = config::Webhook {
        secrets: vec![SecretRef::File(secret.path().to_owned())],
        ..webhook(&receiver.url)
    };
    posted(&webhook).await;
    let (_, headers, _) = receiver.seen.recv().await.unwrap();
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/manual/webhooks.md");
    let manual = std::fs::read_to_string(page).unwrap();
    for name in headers
        .keys()
        .filter(|name| !["host", "accept"].contains(&name.as_str()))
    {
        assert!(manual.contains(&format!("`{name}`")), "{name}");
    }
    assert!(manual.contains("`x-mailjob-conversation`"));
}
