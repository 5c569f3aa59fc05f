//! Runs Mailjob and the raw ceiling in turn and prints how they compare.
//!
//! ```text
//! benches/run [--rounds N] [--json] [mix] [small] [latency] [command] [idle] [big] [memory]
//! benches/peers/run [--rounds N] [--json]
//! ```

use std::{fs, thread};

use anyhow::{Context, Result, bail};
use mailjob_bench::{
    report,
    scenario::{Peer, Scenario, beside},
    stage::Stage,
};
use serde_json::json;

struct Args {
    scenarios: Vec<(&'static str, Scenario)>,
    /// Programs of others, in place of the scenarios.
    peers: Vec<Peer>,
    rounds: usize,
    json: bool,
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = args()?;
    let idle = args.scenarios.iter().any(|(_, scenario)| *scenario == Scenario::Idle);
    let mut stage = Stage::start(if idle { 1_000 } else { 100 }).await?;
    let mut rows = Vec::new();
    for (name, scenario) in &args.scenarios {
        eprintln!("{name}, load {}", load());
        rows.extend(scenario.run(&mut stage, args.rounds).await.context(*name)?);
    }
    if !args.peers.is_empty() {
        eprintln!("peers, load {}", load());
        rows.extend(beside(&mut stage, args.rounds, &args.peers).await?);
    }
    let cores = thread::available_parallelism()?;
    let disk = stage.disk();
    if args.json {
        println!(
            "{}",
            json!({ "cores": cores, "rounds": args.rounds, "ledger": disk, "rows": rows })
        );
    } else {
        println!(
            "{cores} cores, {} rounds, Dovecot on sdbox, ledger with synchronous=FULL in {disk}",
            args.rounds
        );
        let other = if args.peers.is_empty() { "ceiling" } else { "peer" };
        println!("Rates count from the start of a process. Ratio: median over the rounds of Mailjob / {other}.\n");
        print!("{}", report::table(&rows, other));
    }
    Ok(())
}

fn args() -> Result<Args> {
    let mut args = Args {
        scenarios: Vec::new(),
        peers: Vec::new(),
        rounds: 3,
        json: false,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--json" => args.json = true,
            "--rounds" => args.rounds = words.next().context("--rounds needs a number")?.parse()?,
            "--peer" => {
                let named = words.next().context("--peer needs a name and a program")?;
                args.peers.push(named.parse()?);
            }
            name => match Scenario::ALL.into_iter().find(|(known, _)| *known == name) {
                Some(scenario) => args.scenarios.push(scenario),
                None => bail!("{name}? {}", Scenario::ALL.map(|(name, _)| name).join(", ")),
            },
        }
    }
    if args.scenarios.is_empty() && args.peers.is_empty() {
        args.scenarios = Scenario::ALL.to_vec();
    }
    Ok(args)
}

fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().unwrap_or_default().to_owned()
}
