//! One mail of 40 MB to a webhook: what it costs in memory.

use anyhow::Result;

use super::backlog::{mb, measure};
use crate::{mails, report::Row, stage::Stage};

/// What is attached, so that the mail as it comes has 40 MB.
const ATTACHED: usize = 29_200_000;

pub(super) async fn run(stage: &mut Stage, rounds: usize) -> Result<Vec<Row>> {
    let user = stage.fill("big", std::iter::once(mails::mail(0, ATTACHED))).await?;
    let rounds = measure(stage, &user, 1, rounds).await?;
    let peaks: Vec<_> = rounds
        .iter()
        .map(|round| (mb(round.usage.peak), mb(round.ceiling.peak_kib)))
        .collect();
    let seconds: Vec<_> = rounds
        .iter()
        .map(|round| (1.0 / round.rate, 1.0 / round.ceiling_rate))
        .collect();
    Ok(vec![
        Row::paired("big", "peak memory, MB", &peaks).goal("< 120"),
        Row::paired("big", "s to the answer", &seconds),
    ])
}
