//! A full mailbox to a webhook. The rate counts from the start of the process to the last webhook's answer, for both programs;
//! Mailjob's mails have left INBOX a little later, which is a line of its own.

use anyhow::{Result, ensure};
use tokio::process::Child;

use crate::{
    ceiling::Login,
    mails,
    report::Row,
    sink::Sink,
    stage::{Ceiling, Stage, finished},
    usage::Usage,
};

/// One round.
pub(super) struct Round {
    /// Mails a second of the ceiling.
    pub(super) ceiling_rate: f64,
    /// What the ceiling says.
    pub(super) ceiling: Ceiling,
    /// Mails a second of Mailjob, to the last answer.
    pub(super) rate: f64,
    /// Mails a second of Mailjob, to the empty INBOX.
    pub(super) settled_rate: f64,
    /// What Mailjob used.
    pub(super) usage: Usage,
}

pub(super) async fn mix(stage: &mut Stage, rounds: usize) -> Result<Vec<Row>> {
    let user = stage.fill("mix", mails::mix()).await?;
    let rounds = measure(stage, &user, 2_000, rounds).await?;
    let mut rows = rows("mix", &rounds);
    rows[0].goal = Some("ratio >= 0.50");
    rows[2].goal = Some("< 80");
    Ok(rows)
}

pub(super) async fn small(stage: &mut Stage, rounds: usize) -> Result<Vec<Row>> {
    let user = stage.fill("small", mails::small()).await?;
    let rounds = measure(stage, &user, 2_000, rounds).await?;
    let mut rows = rows("small", &rounds);
    rows[0].goal = Some(">= 1500 where the ceiling does 5000");
    Ok(rows)
}

fn rows(scenario: &'static str, rounds: &[Round]) -> Vec<Row> {
    let paired = |figure, of: fn(&Round) -> (f64, f64)| {
        Row::paired(scenario, figure, &rounds.iter().map(of).collect::<Vec<_>>())
    };
    vec![
        paired("mails/s to the last answer", |round| (round.rate, round.ceiling_rate)),
        Row::alone(
            scenario,
            "mails/s to an empty INBOX",
            rounds.iter().map(|round| round.settled_rate),
        ),
        paired("peak memory, MB", |round| {
            (mb(round.usage.peak), mb(round.ceiling.peak_kib))
        }),
        paired("CPU, s", |round| (round.usage.cpu, round.ceiling.cpu)),
        Row::alone(
            scenario,
            "written to disk, MB",
            rounds.iter().map(|round| round.usage.written as f64 / 1e6),
        ),
    ]
}

pub(super) fn mb(kib: u64) -> f64 {
    kib as f64 * 1024.0 / 1e6
}

/// Both programs in turn over the same mailbox, beginning with another one in each round.
pub(super) async fn measure(stage: &mut Stage, user: &str, mails: usize, rounds: usize) -> Result<Vec<Round>> {
    let mut measured = Vec::new();
    for number in 0..rounds {
        let (ceiling, mailjob) = if number % 2 == 0 {
            let ceiling = run_ceiling(stage, user, mails).await?;
            (ceiling, run_mailjob(stage, user, mails).await?)
        } else {
            let mailjob = run_mailjob(stage, user, mails).await?;
            (run_ceiling(stage, user, mails).await?, mailjob)
        };
        let ((ceiling_rate, ceiling), (rate, settled_rate, usage)) = (ceiling, mailjob);
        eprintln!(
            "round {}: Mailjob {rate:.0}/s, settled {settled_rate:.0}/s; ceiling {ceiling_rate:.0}/s",
            number + 1
        );
        measured.push(Round {
            ceiling_rate,
            ceiling,
            rate,
            settled_rate,
            usage,
        });
    }
    Ok(measured)
}

async fn run_ceiling(stage: &mut Stage, user: &str, mails: usize) -> Result<(f64, Ceiling)> {
    run_other(stage, user, mails, |stage, login, url| {
        stage.start_ceiling("backlog", Some(login), &[("url", url)])
    })
    .await
}

/// A program that is no Mailjob, over a copy of a mailbox: its rate, and what it says that it used.
pub(super) async fn run_other(
    stage: &mut Stage,
    user: &str,
    mails: usize,
    start: impl FnOnce(&Stage, &Login, String) -> Result<Child>,
) -> Result<(f64, Ceiling)> {
    let (login, sink) = (stage.copy(user)?, Sink::start().await?);
    let began = std::time::Instant::now();
    let used = finished(start(stage, &login, sink.url.clone())?).await?;
    let answered = sink.answered();
    ensure!(
        answered.mails == mails,
        "{} of {mails} mails were posted",
        answered.mails
    );
    Ok((rate(mails, answered.last - began), used))
}

pub(super) async fn run_mailjob(stage: &mut Stage, user: &str, mails: usize) -> Result<(f64, f64, Usage)> {
    let (login, sink) = (stage.copy(user)?, Sink::start().await?);
    let action = format!("[webhook]\nurl = \"{}\"\nallow_private_network = true", sink.url);
    let mailjob = stage.start_mailjob(std::slice::from_ref(&login), &action)?;
    let answered = sink
        .wait_for(mails)
        .await
        .map_err(|error| error.context(mailjob.log()))?;
    let emptied = mailjob.emptied(&login).await?;
    let usage = mailjob.usage()?;
    let posts = sink.answered().posts;
    ensure!(posts == mails, "{posts} posts for {mails} mails");
    let began = mailjob.began;
    mailjob.stop().await?;
    Ok((rate(mails, answered.last - began), rate(mails, emptied - began), usage))
}

fn rate(mails: usize, time: std::time::Duration) -> f64 {
    mails as f64 / time.as_secs_f64()
}
