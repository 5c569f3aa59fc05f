//! 1,000 mailboxes in one process, in which nothing happens.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::time::sleep;

use crate::{ceiling::Login, mailjob::Mailjob, report::Row, stage::Stage, usage::Usage};

const MAILBOXES: usize = 1_000;
/// No CPU time for so long, with all sessions there, means that all are idle.
const QUIET: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(300);

pub(super) async fn run(stage: &mut Stage) -> Result<Vec<Row>> {
    let logins: Vec<_> = (0..MAILBOXES)
        .map(|number| stage.login(&format!("idle{number}@example.test")))
        .collect();
    // What the program takes anyway is not the mailboxes': one mailbox is the base.
    let base = idle(stage, &logins[..1]).await?;
    let usage = idle(stage, &logins).await?;
    let kb = |kib: u64| kib as f64 * 1.024;
    let each = kb(usage.rss.saturating_sub(base.rss)) / (MAILBOXES - 1) as f64;
    Ok(vec![
        Row::alone("idle", "memory with one mailbox, KB", [kb(base.rss)]).goal("< 16,000"),
        Row::alone("idle", "more for each of 1000 mailboxes, KB", [each]).goal("< 25"),
        Row::alone(
            "idle",
            "all of it for each of 1000, KB",
            [kb(usage.rss) / MAILBOXES as f64],
        ),
        Row::alone("idle", "CPU for sign-in of all, s", [usage.cpu]),
    ])
}

async fn idle(stage: &mut Stage, logins: &[Login]) -> Result<Usage> {
    let mailjob = stage.start_mailjob(
        logins,
        "[webhook]\nurl = \"http://127.0.0.1:9/\"\nallow_private_network = true",
    )?;
    let usage = quiet(&mailjob, logins.len(), logins[0].port).await?;
    mailjob.stop().await?;
    Ok(usage)
}

async fn quiet(mailjob: &Mailjob, mailboxes: usize, port: u16) -> Result<Usage> {
    let began = Instant::now();
    let (mut last, mut since) = (mailjob.usage()?, Instant::now());
    while since.elapsed() < QUIET {
        sleep(Duration::from_millis(250)).await;
        let (now, sessions) = (mailjob.usage()?, mailjob.connections(port)?);
        ensure!(
            began.elapsed() < PATIENCE,
            "busy, with {sessions} sessions, after {PATIENCE:?}; {}",
            mailjob.log()
        );
        // Some work is always there: timers, and the server's keep-alive lines. Two ticks in five seconds are no work.
        if sessions < mailboxes || now.cpu - last.cpu > 0.02 {
            (last, since) = (now, Instant::now());
        }
    }
    mailjob.usage()
}
