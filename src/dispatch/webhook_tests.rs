use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap as Headers, StatusCode, Uri, header},
    response::{IntoResponse, Response as Answer},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::stream;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::mpsc,
};

use super::*;
use crate::{
    dispatch::tests::{MAIL, with_work},
    net::http::client,
    secret::Secret,
};

/// A server on a free port that notes what it is sent and answers as it is told.
struct Receiver {
    url: String,
    seen: mpsc::Receiver<(Uri, Headers, Bytes)>,
}

type Script = Arc<dyn Fn() -> Answer + Send + Sync>;

impl Receiver {
    async fn answering<A: IntoResponse>(answer: impl Fn() -> A + Send + Sync + 'static) -> Self {
        let script: Script = Arc::new(move || answer().into_response());
        let (note, seen) = mpsc::channel(16);
        let handle = |State((script, note)): State<(Script, mpsc::Sender<_>)>,
                      uri: Uri,
                      headers: Headers,
                      body: Bytes| async move {
            note.send((uri, headers, body)).await.unwrap();
            script()
        };
        let app = Router::new()
            .fallback(handle)
            .layer(axum::extract::DefaultBodyLimit::disable())
            .with_state((script, note));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, seen }
    }
}

fn webhook(url: &str) -> config::Webhook {
    config::Webhook {
        url: url.to_owned(),
        body: config::Body::Json,
        secrets: Vec::new(),
        headers: Vec::new(),
        timeout: Duration::from_secs(60),
        max_answer: 1 << 20,
        allow_private_network: true,
        ca_file: None,
    }
}

async fn posted_mail(webhook: &config::Webhook, mail: impl Into<Bytes>) -> Ended {
    let config = webhook.clone();
    let request = with_work(mail, move |work| prepare(&config, work).unwrap()).await;
    let client = client(None, webhook.allow_private_network).unwrap();
    send(&client, webhook, request).await
}

async fn posted(webhook: &config::Webhook) -> Outcome {
    posted_mail(webhook, MAIL).await.outcome
}

fn reason(outcome: &Outcome) -> (&'static str, Reason) {
    match outcome {
        Outcome::Retry { reason, .. } => ("retry", *reason),
        Outcome::Failed { reason, .. } => ("failed", *reason),
        other => panic!("{other:?}"),
    }
}

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
    assert!(!headers.contains_key(header::ACCEPT_ENCODING));
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
        body: config::Body::Multipart,
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
        body: config::Body::Raw,
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
    for body in [config::Body::Json, config::Body::Multipart] {
        let webhook = config::Webhook {
            body,
            ..webhook(&receiver.url)
        };
        let ended = posted_mail(&webhook, mail.clone()).await;
        assert!(matches!(ended.outcome, Outcome::Done(_)), "{ended:?}");
        let (_, headers, received) = receiver.seen.recv().await.unwrap();
        assert_eq!(headers["content-length"], received.len().to_string());
        assert!(!headers.contains_key(header::TRANSFER_ENCODING));
        if body == config::Body::Json {
            let payload: serde_json::Value = serde_json::from_slice(&received).unwrap();
            let content = payload["mail"]["attachments"][0]["content"].as_str().unwrap();
            assert!(STANDARD.decode(content).unwrap() == data);
        } else {
            assert!(received.windows(1_000).any(|window| window == &data[..1_000]) && received.len() > data.len());
        }
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let mut receiver =
        Receiver::answering(|| (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, "/elsewhere")])).await;
    assert_eq!(
        reason(&posted(&webhook(&receiver.url)).await),
        ("failed", Reason::Status(307))
    );
    assert_eq!(receiver.seen.recv().await.unwrap().0.path(), "/hook");
    assert!(receiver.seen.try_recv().is_err(), "one request only");
}

#[tokio::test]
async fn an_overloaded_server_says_when_to_come_back() {
    let date = (Utc::now() + chrono::TimeDelta::minutes(10))
        .format("%a, %d %b %Y %H:%M:%S GMT")
        .to_string();
    let receiver =
        Receiver::answering(move || (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, date.clone())])).await;
    let Outcome::Retry { not_before, reason, .. } = posted(&webhook(&receiver.url)).await else {
        panic!()
    };
    assert_eq!(reason, Reason::Status(429));
    let wait = (not_before.unwrap() - Utc::now()).num_seconds();
    assert!((1..=600).contains(&wait), "{wait}");
}

#[tokio::test]
async fn gone_is_said() {
    let receiver = Receiver::answering(|| StatusCode::GONE).await;
    let ended = posted_mail(&webhook(&receiver.url), MAIL).await;
    assert!(
        ended.gone && reason(&ended.outcome) == ("retry", Reason::Status(410)),
        "{ended:?}"
    );
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let endless = || {
        let piece = Ok::<_, Infallible>(Bytes::from(vec![b'x'; 64 * 1024]));
        axum::body::Body::from_stream(stream::repeat_with(move || piece.clone()))
    };
    let receiver = Receiver::answering(endless).await;
    assert_eq!(
        reason(&posted(&webhook(&receiver.url)).await),
        ("failed", Reason::BadAnswer)
    );
    let refusing = Receiver::answering(move || (StatusCode::BAD_REQUEST, endless())).await;
    assert_eq!(
        reason(&posted(&webhook(&refusing.url)).await),
        ("failed", Reason::Status(400))
    );
}

#[tokio::test]
async fn a_compressed_answer_is_not_unpacked() {
    let zipped = || {
        (
            [(header::CONTENT_ENCODING, "gzip"), (header::CONTENT_TYPE, "text/plain")],
            vec![0x1f_u8, 0x8b, 8, 0],
        )
    };
    let receiver = Receiver::answering(zipped).await;
    assert_eq!(
        reason(&posted(&webhook(&receiver.url)).await),
        ("failed", Reason::BadAnswer)
    );
}

#[tokio::test]
async fn an_answer_may_carry_files() {
    let json = || {
        let body = r#"{"reply":{"text":"See file.","files":[{"name":"a.pdf","media_type":"application/pdf","content":"JVBERg=="}]}}"#;
        ([(header::CONTENT_TYPE, "application/json")], body)
    };
    let receiver = Receiver::answering(json).await;
    let Outcome::Done(answer) = posted(&webhook(&receiver.url)).await else {
        panic!()
    };
    assert_eq!(answer.text.as_deref(), Some("See file."));
    assert_eq!(
        (answer.files[0].name.as_str(), &answer.files[0].data[..]),
        ("a.pdf", &b"%PDF"[..])
    );
}

/// A server that is no HTTP server: it reads the request, says `words`, and keeps or closes the connection.
async fn raw_server(words: &'static [u8], keeps: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut peer, _)) = listener.accept().await {
            let mut request = vec![0; 100_000];
            drop(peer.read(&mut request).await);
            drop(peer.write_all(words).await);
            open.extend(keeps.then_some(peer));
        }
    });
    url
}

#[tokio::test]
async fn a_server_that_never_ends_is_left_in_time() {
    for words in [
        &b""[..],
        b"HTTP/1.1 200 OK\r\nX-Slow: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx",
    ] {
        let webhook = config::Webhook {
            timeout: Duration::from_millis(500),
            ..webhook(&raw_server(words, true).await)
        };
        assert_eq!(reason(&posted(&webhook).await), ("retry", Reason::Timeout), "{words:?}");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_is_tried_again() {
    for words in [
        &b""[..],
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx",
    ] {
        let webhook = webhook(&raw_server(words, false).await);
        assert_eq!(reason(&posted(&webhook).await), ("retry", Reason::Network), "{words:?}");
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/?key=secret", listener.local_addr().unwrap());
    drop(listener);
    let Outcome::Retry {
        reason: Reason::Network,
        detail,
        ..
    } = posted(&webhook(&url)).await
    else {
        panic!()
    };
    assert!(!detail.contains("secret"), "{detail}");
}

#[tokio::test]
async fn private_networks_are_closed_unless_allowed() {
    let mut receiver = Receiver::answering(|| ()).await;
    let by_name = receiver.url.replace("127.0.0.1", "localhost");
    for url in [&receiver.url, &by_name] {
        let webhook = config::Webhook {
            allow_private_network: false,
            ..webhook(url)
        };
        assert_eq!(
            reason(&posted(&webhook).await),
            ("retry", Reason::PrivateNetwork),
            "{url}"
        );
    }
    assert!(receiver.seen.try_recv().is_err());
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
