//! Token servers that answer oddly, or not at all.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::auth::login_world::*;
use crate::auth::{AuthError, AuthVerdict};

const JSON: &str = "application/json";

#[tokio::test]
async fn odd_answers_are_errors_with_a_verdict() {
    const GRANT: &str = r#"{"error":"invalid_grant","error_description":"AADSTS700082: no","suberror":"bad_token"}"#;
    const CLIENT: &str = r#"{"error":"invalid_client"}"#;
    type Is = fn(&AuthError) -> bool;
    let no_answer: Is = |e| matches!(e, AuthError::Answer(_));
    let soon = AuthVerdict::Reconnect;
    let cases: [(u16, &str, &str, Is, AuthVerdict); 12] = [
        (
            500,
            JSON,
            "{}",
            |e| matches!(e, AuthError::Busy { status: 500, .. }),
            soon,
        ),
        (
            503,
            JSON,
            GRANT,
            |e| matches!(e, AuthError::Busy { status: 503, .. }),
            soon,
        ),
        (
            429,
            "text/plain",
            "slow",
            |e| matches!(e, AuthError::Busy { status: 429, .. }),
            soon,
        ),
        (200, "text/html", "<html>hello", no_answer, soon),
        (403, "text/html", "<html>no", no_answer, soon),
        (302, "text/html", "", no_answer, soon),
        (200, JSON, "", no_answer, soon),
        (200, JSON, "{}", no_answer, soon),
        (200, JSON, r#"{"access_token":"t","token_type":"mac"}"#, no_answer, soon),
        (
            200,
            JSON,
            r#"{"access_token":"t\r\nA1 LOGOUT","token_type":"bearer"}"#,
            no_answer,
            soon,
        ),
        (
            400,
            JSON,
            GRANT,
            |e| matches!(e, AuthError::Refused(r) if r.code() == "invalid_grant" && r.number() == Some("AADSTS700082")),
            AuthVerdict::SlowDown,
        ),
        (
            401,
            JSON,
            CLIENT,
            |e| matches!(e, AuthError::Refused(r) if r.code() == "invalid_client"),
            AuthVerdict::SlowDown,
        ),
    ];
    for (status, media_type, body, is, verdict) in cases {
        let server = TokenServer::start(move |_, _| answer(status, media_type, body)).await;
        let world = world(&server.url, refreshing);
        let error = world.token().await.unwrap_err();
        assert!(is(&error), "{status} {body}: {error:?}");
        assert_eq!(error.verdict(), verdict, "{status} {body}");
        let again = world.token().await.unwrap_err();
        assert_eq!(again.to_string(), error.to_string(), "{status} {body}");
        assert_eq!(
            server.requests().len(),
            1,
            "{status} {body}: the server is left alone for a while"
        );
    }
}

#[tokio::test]
async fn a_body_without_end_is_not_read_to_its_end() {
    let server = TokenServer::start(|_, _| {
        let mebibyte = Bytes::from(vec![b' '; 1 << 20]);
        let body = (0..1024).map(move |_| Ok::<_, std::io::Error>(mebibyte.clone()));
        answer(200, JSON, Body::from_stream(futures_util::stream::iter(body)))
    })
    .await;
    let error = world(&server.url, refreshing).token().await.unwrap_err();
    assert!(matches!(error, AuthError::Answer("is over 1 MiB")), "{error:?}");
}

#[tokio::test]
async fn every_expires_in_yields_a_token() {
    for said in [
        "",
        r#","expires_in":0"#,
        r#","expires_in":"3600""#,
        r#","expires_in":-1"#,
        r#","expires_in":1e12"#,
        r#","expires_in":null"#,
    ] {
        let server = TokenServer::start(move |_, _| json(200, &format!(r#"{{"access_token":"t"{said}}}"#))).await;
        let world = world(&server.url, refreshing);
        assert_eq!(world.token().await.unwrap(), "t", "{said}");
        assert_eq!(world.token().await.unwrap(), "t", "{said}");
        assert_eq!(server.requests().len(), 1, "{said}: good for a minute at least");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_or_never_answers_is_given_up() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/token", listener.local_addr().unwrap());
    let silent = world(&url, refreshing);
    tokio::time::pause();
    let error = silent.token().await.unwrap_err();
    tokio::time::resume();
    assert!(matches!(error, AuthError::Timeout(_)), "{error:?}");
    assert_eq!(error.verdict(), AuthVerdict::Reconnect);

    drop(listener);
    let absent = world(&url, refreshing);
    let error = absent.token().await.unwrap_err();
    assert!(matches!(error, AuthError::Unreachable { .. }), "{error:?}");
    let words = error.to_string();
    let names = "the token server 127.0.0.1 can't be reached: ";
    assert!(words.starts_with(names) && words.contains("refused"), "{words}");
    assert!(
        !words.contains("error sending request") && !words.contains("/token"),
        "{words}"
    );
}

#[tokio::test]
async fn a_slow_server_is_waited_for_and_the_token_that_it_rotated_is_kept() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/token", listener.local_addr().unwrap());
    let (asks, asked) = tokio::sync::oneshot::channel();
    let (goes, on) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let (mut peer, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"client_secret=hush") {
            assert!(peer.read_buf(&mut request).await.unwrap() > 0);
        }
        asks.send(()).unwrap();
        on.await.unwrap();
        let body = r#"{"access_token":"late","expires_in":3600,"refresh_token":"second"}"#;
        let length = body.len();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n");
        peer.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    });
    let world = world(&url, refreshing);
    // A server that Mailjob gave up after 30 s: its new token was lost, and the old one used up.
    let slow = async {
        asked.await.unwrap();
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(36)).await;
        tokio::time::resume();
        goes.send(()).unwrap();
    };
    let (token, ()) = tokio::join!(world.token(), slow);
    assert_eq!(token.unwrap(), "late");
    assert_eq!(world.store.refresh_token().as_deref(), Some("second"));
}
