//! Answers whose head can't be read: whoever did the work is done, and nobody is asked again for a form.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use super::receiver::{posted, posted_by, raw_server, reason, webhook};
use crate::{
    config,
    job::{Answer, Outcome, Reason},
    net::exchange::HttpClient,
};

/// Heads without their first line, each broken in a way of its own, and then a body.
fn broken() -> Vec<(&'static str, Vec<u8>)> {
    let many: String = (0..5_000).map(|n| format!("X-{n}: {n}\r\n")).collect();
    let long = format!("X-Long: {}\r\n", "x".repeat(600_000));
    [
        ("too many fields", many.into_bytes()),
        ("too large", long.into_bytes()),
        ("a length that is none", b"Content-Length: five\r\n".to_vec()),
        ("a negative length", b"Content-Length: -1\r\n".to_vec()),
        (
            "an endless length",
            b"Content-Length: 99999999999999999999\r\n".to_vec(),
        ),
        ("two lengths", b"Content-Length: 5\r\nContent-Length: 6\r\n".to_vec()),
        ("two lengths in one", b"Content-Length: 5, 6\r\n".to_vec()),
        ("a lone return", b"X: a\rb\r\n".to_vec()),
        ("no end", b"Content-Length: 5".to_vec()),
    ]
    .map(|(name, fields)| (name, [fields, b"\r\nhello".to_vec()].concat()))
    .to_vec()
}

fn said(status: u16, rest: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 {status} Said\r\n").as_bytes(), rest].concat()
}

#[tokio::test]
async fn a_status_counts_whatever_follows_it() {
    for (name, rest) in broken() {
        for (status, came_to) in [
            (200, "done"),
            (201, "done"),
            (204, "done"),
            (302, "failed"),
            (422, "failed"),
            (429, "retry"),
            (503, "retry"),
        ] {
            let url = raw_server(said(status, &rest), false).await;
            let outcome = posted(&webhook(&url)).await;
            // Where hyper reads what we would not, the better.
            if let Outcome::Done(Answer { flaw: None, text, .. }) = &outcome {
                assert!(
                    came_to == "done" && text.as_deref().is_none_or(|text| text == "hello"),
                    "{name} {status}: {outcome:?}"
                );
                continue;
            }
            let why = match status {
                200..=299 => Reason::BadAnswer,
                _ => Reason::Status(status),
            };
            assert_eq!(reason(&outcome), (came_to, why), "{name} {status}");
        }
    }
}

#[tokio::test]
async fn it_is_told_that_the_head_can_t_be_read() {
    let url = raw_server(said(200, b"Content-Length: five\r\n\r\nhello"), true).await;
    let Outcome::Done(Answer { flaw: Some(flaw), .. }) = posted(&webhook(&url)).await else {
        panic!()
    };
    assert!(
        flaw.detail.starts_with("the head of the answer can't be read: ") && flaw.detail.contains("content-length"),
        "{}",
        flaw.detail
    );
}

#[tokio::test]
async fn what_is_no_status_is_nobody_s_word() {
    for words in [
        &b"HTTP/1.1 2000 OK\r\n\r\n"[..],
        b"HTTP/1.1 OK\r\n\r\n",
        b"ICY 200 OK\r\n\r\n",
        b"\0\0\x12\x04\0\0\0\0\0",
        b"HTTP/1.1 100 Continue\r\nContent-Length: x\r\n",
        b"hello",
    ] {
        let outcome = posted(&webhook(&raw_server(words, false).await)).await;
        assert_eq!(reason(&outcome), ("retry", Reason::Network), "{words:?}");
    }
}

/// The next request on a connection, whole.
async fn request(peer: &mut TcpStream) -> bool {
    let mut read = Vec::new();
    loop {
        if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&read[..end]).to_ascii_lowercase();
            let length = head.split_once("content-length: ").unwrap().1;
            let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
            if read.len() >= end + 4 + length {
                return true;
            }
        }
        if peer.read_buf(&mut read).await.unwrap_or(0) == 0 {
            return false;
        }
    }
}

/// A server that says these words in turn, one for each request, and tells on which connection each was asked.
async fn in_turn(words: Vec<Vec<u8>>) -> (String, mpsc::Receiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (note, asked) = mpsc::channel(16);
    tokio::spawn(async move {
        let mut words = words.into_iter();
        let mut connection = 0;
        while let Ok((mut peer, _)) = listener.accept().await {
            while request(&mut peer).await {
                note.send(connection).await.unwrap();
                let Some(words) = words.next() else { return };
                if peer.write_all(&words).await.is_err() {
                    break;
                }
            }
            connection += 1;
        }
    });
    (url, asked)
}

#[tokio::test]
async fn a_broken_head_is_the_answer_to_one_request_only() {
    let good = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\ngood".to_vec();
    for (name, rest) in broken() {
        // A job that failed after one that was done, and the reverse, on a connection that was kept.
        for (status, came_to) in [
            (503, ("retry", Reason::Status(503))),
            (200, ("done", Reason::BadAnswer)),
        ] {
            let refusal = b"HTTP/1.1 422 No\r\nContent-Length: 0\r\n\r\n".to_vec();
            let (url, mut asked) = in_turn(vec![good.clone(), said(status, &rest), refusal, good.clone()]).await;
            let client = HttpClient::new(None, true).unwrap();
            let webhook = config::Webhook {
                timeout: Duration::from_millis(500),
                ..webhook(&url)
            };
            let mut outcomes = Vec::new();
            for _ in 0..4 {
                outcomes.push(posted_by(&client, &webhook, "Subject: small\r\n\r\n").await.outcome);
            }
            let text = |n: usize| match &outcomes[n] {
                Outcome::Done(answer) => answer.text.clone(),
                other => panic!("{name}: {other:?}"),
            };
            assert_eq!(text(0).as_deref(), Some("good"), "{name}");
            let read = status == 200 && text(1).is_some();
            assert!(read || reason(&outcomes[1]) == came_to, "{name}: {:?}", outcomes[1]);
            assert_eq!(reason(&outcomes[2]), ("failed", Reason::Status(422)), "{name}");
            assert_eq!(text(3).as_deref(), Some("good"), "{name}");
            let first_two = (asked.recv().await.unwrap(), asked.recv().await.unwrap());
            assert_eq!(first_two, (0, 0), "{name}: the connection is kept");
        }
    }
}
