//! What takes much memory unless it waits for its turn: each case with the default configuration, and what stays afterwards.

use std::{net::SocketAddr, time::Duration};

use anyhow::Result;
use axum::{Router, http::header::CONTENT_TYPE, routing::post};
use bytes::Bytes;
use mailjob_testbed::{
    Start,
    standin::{self, OddQuirk, Pop3Quirk},
};
use tokio::{net::TcpListener, time::sleep};

use super::backlog::mb;
use crate::{ceiling::Login, report::Row, stage::Stage};

const GOAL: &str = "< 200, of the pod's 256";
/// How long a server may talk without end.
const FLOOD: Duration = Duration::from_secs(10);

pub(super) async fn run(stage: &mut Stage, rounds: usize) -> Result<Vec<Row>> {
    let url = values().await?;
    let (small, quoted) = (
        stage
            .fill("few", (0..10).map(|number| text(number, "us-ascii", LINE, 1_000)))
            .await?,
        stage.fill("quoted", (0..4).map(large)).await?,
    );
    let replies = "[reply]\nto = \"sender\"";
    let cases = [
        (
            "ten results of 14 MB, peak MB",
            "ten results of 14 MB, MB afterwards",
            &small,
            format!("{replies}\n[command]\nargv = [\"/bin/sh\", \"-c\", \"head -c 14000000 /dev/zero > out/r.bin\"]"),
        ),
        (
            "ten answers [[0],...] of 10 MB, peak MB",
            "ten answers [[0],...] of 10 MB, MB afterwards",
            &small,
            format!("{replies}\n[webhook]\nurl = \"http://{url}/\"\nallow_private_network = true"),
        ),
        (
            "four mails of 36 MB quoted, peak MB",
            "four mails of 36 MB quoted, MB afterwards",
            &quoted,
            format!("{replies}\noriginal = \"quote\"\n[command]\nargv = [\"/bin/true\"]"),
        ),
    ];
    let mut rows = Vec::new();
    for (peak, after, user, action) in cases {
        let (mut peaks, mut afters) = (Vec::new(), Vec::new());
        for number in 1..=rounds {
            let login = stage.copy(user)?;
            let mailjob = stage.start_mailjob(std::slice::from_ref(&login), &action)?;
            mailjob.emptied(&login).await?;
            // What goes back to the system goes when it is freed.
            sleep(Duration::from_secs(1)).await;
            let usage = mailjob.usage()?;
            mailjob.stop().await?;
            eprintln!(
                "round {number}: {peak} {:.0}, afterwards {:.0}",
                mb(usage.peak),
                mb(usage.rss)
            );
            peaks.push(mb(usage.peak));
            afters.push(mb(usage.rss));
        }
        rows.push(Row::alone("memory", peak, peaks).goal(GOAL));
        rows.push(Row::alone("memory", after, afters));
    }
    rows.extend(floods(stage).await?);
    Ok(rows)
}

async fn floods(stage: &mut Stage) -> Result<Vec<Row>> {
    let webhook = "[webhook]\nurl = \"http://127.0.0.1:1/\"\nallow_private_network = true";
    let imap = standin::odd(stage.tls(), OddQuirk::FloodsAll).await?;
    let login = Login {
        port: imap.port,
        ..stage.login("flood")
    };
    let mailjob = stage.start_mailjob(&[login], webhook)?;
    sleep(FLOOD).await;
    let by_imap = mb(mailjob.usage()?.peak);
    mailjob.stop().await?;
    let pop3 = standin::Pop3::start(stage.tls(), Start::Implicit, Pop3Quirk::Floods, &[]).await?;
    let login = Login {
        port: pop3.server.port,
        ..stage.login("flood")
    };
    let mailjob = stage.start_mailjob_by_pop3(&login, webhook)?;
    sleep(FLOOD).await;
    let by_pop3 = mb(mailjob.usage()?.peak);
    mailjob.stop().await?;
    Ok(vec![
        Row::alone("memory", "an IMAP server without end, peak MB", [by_imap]).goal(GOAL),
        Row::alone("memory", "a POP3 server without end, peak MB", [by_pop3]).goal(GOAL),
    ])
}

/// A webhook whose answers are many small values.
async fn values() -> Result<SocketAddr> {
    let body = Bytes::from(format!("{{\"data\":[{}[0]]}}", "[0],".repeat(2_600_000)));
    let answer = move || async move { ([(CONTENT_TYPE, "application/json")], body) };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/", post(answer))).await });
    Ok(address)
}

const LINE: &[u8] = b"The quick brown fox jumps over the lazy dog.\r\n";
const JAPANESE: &[u8] = b"\x1b$B$3$s$K$A$O!\"@$3&!#$3$s$K$A$O!\"@$3&!#\x1b(B\r\n";

/// 36 MB of text, the first in ISO-2022-JP.
fn large(number: usize) -> Vec<u8> {
    match number {
        0 => text(number, "iso-2022-jp", JAPANESE, 36_000_000),
        _ => text(number, "us-ascii", LINE, 36_000_000),
    }
}

/// A mail of this line again and again, from somebody who can be answered.
fn text(number: usize, charset: &str, line: &[u8], size: usize) -> Vec<u8> {
    let mut mail = format!(
        "From: bob@example.test\r\nTo: few@example.test\r\nSubject: number {number}\r\nMessage-ID: <{number}.{size}@example.test>\r\n\
         MIME-Version: 1.0\r\nContent-Type: text/plain; charset={charset}\r\n\r\n"
    )
    .into_bytes();
    mail.extend(line.iter().cycle().take(size / line.len() * line.len()));
    mail
}
