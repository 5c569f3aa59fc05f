//! A command for each mail. The rate counts from the start of Mailjob to the empty INBOX, so mails are settled too; the ceiling is
//! the machine's rate of starting `/bin/true`, without any mail.

use anyhow::Result;

use super::backlog::mb;
use crate::{
    mails,
    report::Row,
    stage::{Stage, finished},
};

const MAILS: usize = 2_000;

pub(super) async fn run(stage: &mut Stage, rounds: usize) -> Result<Vec<Row>> {
    let user = stage.fill("command", mails::small()).await?;
    let (mut rates, mut cpu, mut peak) = (Vec::new(), Vec::new(), Vec::new());
    for number in 1..=rounds {
        let ceiling = finished(stage.start_ceiling("spawn", None, &[("count", MAILS.to_string())])?).await?;
        let login = stage.copy(&user)?;
        let mailjob = stage.start_mailjob(std::slice::from_ref(&login), "[command]\nargv = [\"/bin/true\"]")?;
        let seconds = (mailjob.emptied(&login).await? - mailjob.began).as_secs_f64();
        let usage = mailjob.usage()?;
        mailjob.stop().await?;
        let (rate, spawned) = (MAILS as f64 / seconds, MAILS as f64 / ceiling.seconds);
        eprintln!("round {number}: Mailjob {rate:.0}/s; the machine starts {spawned:.0}/s");
        rates.push((rate, spawned));
        cpu.push((usage.cpu + usage.children, ceiling.cpu));
        peak.push(mb(usage.peak));
    }
    Ok(vec![
        Row::paired("command", "mails/s to an empty INBOX", &rates).goal(">= 500 where the ceiling does 1300"),
        Row::paired("command", "CPU with children, s", &cpu),
        Row::alone("command", "peak memory, MB", peak),
    ])
}
