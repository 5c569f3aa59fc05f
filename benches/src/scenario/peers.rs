//! A full mailbox to a webhook, beside programs that others build for it by a client library. They mark as seen and remember nothing.

use std::str::FromStr;

use anyhow::{Context, Error, Result};
use tokio::process::Command;

use super::backlog::{mb, run_mailjob, run_other};
use crate::{
    mails,
    report::Row,
    stage::{Ceiling, Stage, start},
};

const MAILS: usize = 2_000;

/// A program of others that posts all mails of INBOX and prints what it used, as the ceiling does.
#[derive(Debug, Clone)]
pub struct Peer {
    name: String,
    argv: Vec<String>,
}

impl FromStr for Peer {
    type Err = Error;

    /// `name=program argument …`; no blanks within an argument.
    fn from_str(text: &str) -> Result<Self> {
        let (name, argv) = text.split_once('=').context("--peer name=program")?;
        Ok(Self {
            name: name.to_owned(),
            argv: argv.split_whitespace().map(str::to_owned).collect(),
        })
    }
}

impl Peer {
    async fn run(&self, stage: &mut Stage, user: &str) -> Result<(f64, Ceiling)> {
        let (program, args) = self.argv.split_first().context("--peer name=program")?;
        let mut command = Command::new(program);
        command.args(args);
        run_other(stage, user, MAILS, |_, login, url| {
            start(command, Some(login), &[("url", url)])
        })
        .await
        .with_context(|| self.name.clone())
    }
}

/// What one program did in one round: mails a second to the last answer, CPU seconds, and peak in MB.
type Figures = (f64, f64, f64);

/// Mailjob and each peer in turn over the same mailboxes, in so many rounds.
///
/// # Errors
/// When a program fails, or a mail is missing or came twice; never because something is slow.
pub async fn beside(stage: &mut Stage, rounds: usize, peers: &[Peer]) -> Result<Vec<Row>> {
    let small = stage.fill("small", mails::small()).await?;
    let mix = stage.fill("mix", mails::mix()).await?;
    let mut rows = Vec::new();
    for (scenario, user) in [("small", small), ("mix", mix)] {
        let (mut ours, mut theirs) = (Vec::new(), vec![Vec::new(); peers.len()]);
        for round in 1..=rounds {
            let (rate, _, used) = run_mailjob(stage, &user, MAILS).await?;
            ours.push((rate, used.cpu, mb(used.peak)));
            eprintln!("{scenario}, round {round}: Mailjob {rate:.0}/s");
            for (peer, figures) in peers.iter().zip(&mut theirs) {
                let (rate, used) = peer.run(stage, &user).await?;
                figures.push((rate, used.cpu, mb(used.peak_kib)));
                eprintln!("{scenario}, round {round}: {} {rate:.0}/s", peer.name);
            }
        }
        for (peer, figures) in peers.iter().zip(&theirs) {
            let paired = |figure: &str, of: fn(&Figures) -> f64| {
                let rounds: Vec<_> = ours.iter().map(of).zip(figures.iter().map(of)).collect();
                Row::paired(scenario, format!("{figure}, {}", peer.name), &rounds)
            };
            rows.push(paired("mails/s to the last answer", |figures| figures.0));
            rows.push(paired("CPU, s", |figures| figures.1));
            rows.push(paired("peak memory, MB", |figures| figures.2));
        }
    }
    Ok(rows)
}
