//! What servers may do to a webhook's request.

use std::{convert::Infallible, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{StatusCode, header},
};
use chrono::{TimeDelta, Utc};
use futures_util::stream;
use tokio::net::TcpListener;

use super::{
    MAIL,
    receiver::{Receiver, posted, posted_mail, raw_server, reason, webhook},
};
use crate::{
    config,
    job::{Outcome, Reason},
};

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
    let date = (Utc::now() + TimeDelta::minutes(10))
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
        Body::from_stream(stream::repeat_with(move || piece.clone()))
    };
    let receiver = Receiver::answering(endless).await;
    let cut = posted(&webhook(&receiver.url)).await;
    assert_eq!(reason(&cut), ("done", Reason::BadAnswer));
    let Outcome::Done(answer) = cut else { panic!() };
    assert!(answer.files.is_empty() && answer.text.unwrap().contains("too large"));
    let refusing = Receiver::answering(move || (StatusCode::BAD_REQUEST, endless())).await;
    assert_eq!(
        reason(&posted(&webhook(&refusing.url)).await),
        ("failed", Reason::Status(400))
    );
}

#[tokio::test]
async fn a_broken_packed_answer_costs_the_answer() {
    let zipped = || {
        (
            [(header::CONTENT_ENCODING, "gzip"), (header::CONTENT_TYPE, "text/plain")],
            vec![0x1f_u8, 0x8b, 8, 0],
        )
    };
    let receiver = Receiver::answering(zipped).await;
    assert_eq!(
        reason(&posted(&webhook(&receiver.url)).await),
        ("done", Reason::BadAnswer)
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

#[tokio::test]
async fn a_server_that_never_ends_is_left_in_time() {
    for (words, came_to) in [
        (&b""[..], ("retry", Reason::Timeout)),
        (b"HTTP/1.1 20", ("retry", Reason::Timeout)),
        // Its work is done: only the answer is lost.
        (b"HTTP/1.1 200 OK\r\nX-Slow: ", ("done", Reason::BadAnswer)),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx",
            ("done", Reason::BadAnswer),
        ),
        (
            b"HTTP/1.1 422 No\r\nContent-Length: 10\r\n\r\nx",
            ("failed", Reason::Status(422)),
        ),
        (
            b"HTTP/1.1 503 No\r\nContent-Length: 10\r\n\r\nx",
            ("retry", Reason::Status(503)),
        ),
    ] {
        let webhook = config::Webhook {
            timeout: Duration::from_millis(500),
            ..webhook(&raw_server(words, true).await)
        };
        assert_eq!(reason(&posted(&webhook).await), came_to, "{words:?}");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_before_the_answer_is_tried_again() {
    for words in [&b""[..], b"garbage\r\n\r\n", b"HTTP/1.1 20"] {
        let webhook = webhook(&raw_server(words, false).await);
        assert_eq!(reason(&posted(&webhook).await), ("retry", Reason::Network), "{words:?}");
    }
    for words in [
        &b"HTTP/1.1 200 OK\r\nContent-"[..],
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno chunk\r\n",
    ] {
        let webhook = webhook(&raw_server(words, false).await);
        assert_eq!(
            reason(&posted(&webhook).await),
            ("done", Reason::BadAnswer),
            "{words:?}"
        );
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
async fn an_odd_head_costs_nothing() {
    let many: String = (0..2_000).map(|n| format!("X-Field-{n}: {n}\r\n")).collect();
    for odd in [
        many.as_str(),
        "X-Folded: one\r\n two\r\n",
        "X-Blank : before the colon\r\n",
        "X Odd Name: x\r\n",
        "no colon at all\r\n",
        "X-Raw: Gr\u{fc}\u{df}e\r\n",
        "Content-Type: \u{fc}\r\n",
        "Content-Encoding: \r\n",
    ] {
        let words = format!("HTTP/1.1 200 OK\r\n{odd}Content-Length: 17\r\n\r\n{{\"reply\":\"hello\"}}");
        let outcome = posted(&webhook(&raw_server(words, true).await)).await;
        let Outcome::Done(answer) = outcome else {
            panic!("{odd:.40}: {outcome:?}")
        };
        assert_eq!(
            (answer.text.as_deref(), answer.flaw),
            (Some("hello"), None),
            "{odd:.40}"
        );
    }
    // Interim answers and trailers are no answers of their own.
    let words = "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n\
                 HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Trailer: x\r\n\r\n";
    let outcome = posted(&webhook(&raw_server(words, true).await)).await;
    assert!(
        matches!(&outcome, Outcome::Done(answer) if answer.text.as_deref() == Some("hello")),
        "{outcome:?}"
    );
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
