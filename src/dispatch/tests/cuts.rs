//! A server whose words are cut, held back or said twice, at every byte: the status line decides over the job, and no part of a file is
//! taken for the file.

use std::time::Duration;

use proptest::prelude::*;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::receiver::{posted_by, webhook};
use crate::{config, job::Outcome, net::exchange::HttpClient};

const FILE: &[u8] = b"%PDF-1.4 a result that is whole or none";

/// How an answer is framed.
#[derive(Debug, Clone, Copy)]
enum Framing {
    Length,
    Chunked,
    Packed,
}

fn words(status: u16, framing: Framing) -> Vec<u8> {
    let mut words = format!(
        "HTTP/1.1 {status} Said\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\n"
    );
    let body = match framing {
        Framing::Length => {
            words.push_str(&format!("Content-Length: {}\r\n\r\n", FILE.len()));
            FILE.to_vec()
        }
        Framing::Chunked => {
            words.push_str("Transfer-Encoding: chunked\r\n\r\n");
            let (first, second) = FILE.split_at(11);
            let chunk = |data: &[u8]| [format!("{:x}\r\n", data.len()).as_bytes(), data, b"\r\n"].concat();
            [chunk(first), chunk(second), b"0\r\nX-Trailer: yes\r\n\r\n".to_vec()].concat()
        }
        Framing::Packed => {
            use std::io::Write;
            let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            packed.write_all(FILE).unwrap();
            // Without a length: only the packing itself tells where it ends.
            words.push_str("Content-Encoding: gzip\r\nConnection: close\r\n\r\n");
            packed.finish().unwrap()
        }
    };
    [words.into_bytes(), body].concat()
}

/// What a server does at its cut.
#[derive(Debug, Clone, Copy)]
enum Cut {
    /// Says no more, and hangs up.
    Closes,
    /// Breaks the connection.
    Resets,
    /// Says no more, and stays.
    Stays,
    /// Goes on after a while.
    Late,
    /// Says all of it once more.
    Twice,
    /// Says it before it was asked.
    Early,
}

async fn read_request(peer: &mut TcpStream) {
    let mut request = vec![0; 100_000];
    drop(peer.read(&mut request).await);
}

async fn server(words: Vec<u8>, at: usize, cut: Cut) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut peer, _)) = listener.accept().await {
            let (first, rest) = words.split_at(at);
            if !matches!(cut, Cut::Early) {
                read_request(&mut peer).await;
            }
            drop(peer.write_all(first).await);
            match cut {
                Cut::Closes => {}
                Cut::Resets => drop(peer.set_zero_linger()),
                Cut::Stays => open.push(peer),
                Cut::Late | Cut::Early => {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    drop(peer.write_all(rest).await);
                }
                Cut::Twice => {
                    drop(peer.write_all(rest).await);
                    drop(peer.write_all(&words).await);
                }
            }
        }
    });
    url
}

/// What must hold, wherever the words were cut.
async fn holds(
    client: &HttpClient,
    (status, framing, at, cut): (u16, Framing, usize, Cut),
) -> Result<(), TestCaseError> {
    let said = words(status, framing);
    let at = at % (said.len() + 1);
    // The status is known with what follows it.
    let known = "HTTP/1.1 200 ".len();
    let came_whole = at == said.len() || matches!(cut, Cut::Late | Cut::Twice | Cut::Early);
    let url = server(said, at, cut).await;
    let webhook = config::Webhook {
        timeout: Duration::from_millis(if matches!(cut, Cut::Stays | Cut::Early) {
            60
        } else {
            5_000
        }),
        ..webhook(&url)
    };
    let outcome = posted_by(client, &webhook, "Subject: small\r\n\r\n").await.outcome;
    let done = matches!(outcome, Outcome::Done(_));
    prop_assert!(status < 300 || !done, "done without 2xx: {outcome:?}");
    // A reset may take back what was sent before it.
    let status_came = came_whole || (at >= known && !matches!(cut, Cut::Resets | Cut::Stays));
    if status < 300 {
        prop_assert!(
            !matches!(outcome, Outcome::Failed { .. } | Outcome::Held { .. }),
            "{outcome:?}"
        );
        if status_came && !matches!(cut, Cut::Early) {
            prop_assert!(done, "not done after 2xx: {outcome:?}");
        }
    }
    if let Outcome::Done(answer) = &outcome {
        for file in &answer.files {
            prop_assert!(&file.data[..] == FILE, "a part was taken for the file: {:?}", file.data);
        }
        prop_assert!(answer.files.len() == 1 || answer.flaw.is_some(), "lost without a word");
    }
    Ok(())
}

fn framing() -> impl Strategy<Value = Framing> {
    prop_oneof![Just(Framing::Length), Just(Framing::Chunked), Just(Framing::Packed)]
}

fn cut() -> impl Strategy<Value = Cut> {
    prop_oneof![
        Just(Cut::Closes),
        Just(Cut::Resets),
        Just(Cut::Stays),
        Just(Cut::Late),
        Just(Cut::Twice),
        Just(Cut::Early)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]
    #[test]
    fn the_status_line_decides_and_no_part_is_taken_for_the_whole(
        status in prop::sample::select(vec![200_u16, 201, 202, 422, 500, 503]),
        framing in framing(), at in any::<usize>(), cut in cut()
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let client = HttpClient::new(None, true).unwrap();
        runtime.block_on(holds(&client, (status, framing, at, cut)))?;
    }
}

#[tokio::test]
async fn an_answer_cut_at_every_byte() {
    let client = HttpClient::new(None, true).unwrap();
    for framing in [Framing::Length, Framing::Chunked, Framing::Packed] {
        for at in 0..=words(200, framing).len() {
            holds(&client, (200, framing, at, Cut::Closes)).await.unwrap();
        }
    }
}
