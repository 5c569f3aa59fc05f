//! `mailjob doctor`: examines endpoints step by step, live, and touches no mail.

use std::{
    io::{self, Write},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use chrono::Utc;
use tokio::time::sleep;

use crate::{
    auth,
    config::{
        Endpoint, Service,
        load::{Loaded, Sources, load},
    },
    doctor::{Examination, Finding, Report, Store, Trouble, examine, needs_store, render},
    ledger::{self, Vault, sqlite},
};

/// The form of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Lines for people, as they come.
    Human,
    /// One JSON document.
    Json,
}

/// Something is wrong: 1. The configuration is: `EX_CONFIG`. It could not be told: `EX_IOERR`.
const FAILED: u8 = 1;
const CONFIG: u8 = 78;
const UNTOLD: u8 = 74;

/// Examines one endpoint, or all. The exit code is 0 when all is well, 1 when a step failed, 78 when the configuration has a problem.
pub(super) fn doctor(sources: &Sources, only: Option<&str>, form: Form) -> ExitCode {
    let loaded = load(sources);
    let chosen = match only {
        None => Chosen {
            endpoints: loaded.endpoints.values().cloned().collect(),
            findings: loaded.problems.iter().map(Finding::of_problem).collect(),
        },
        Some(name) => match choose(&loaded, name) {
            Ok(chosen) => chosen,
            Err(why) => {
                eprintln!("{why}");
                return ExitCode::from(CONFIG);
            }
        },
    };
    run(&loaded, chosen, form)
}

/// Examines the endpoints that are right, of a configuration whose problems were told already.
pub(super) fn live(loaded: &Loaded, form: Form) -> ExitCode {
    let problems = loaded.problems.iter().map(Finding::of_problem);
    let chosen = Chosen {
        endpoints: loaded.endpoints.values().cloned().collect(),
        findings: if form == Form::Json {
            problems.collect()
        } else {
            Vec::new()
        },
    };
    match run(loaded, chosen, form) {
        _ if !loaded.problems.is_empty() => ExitCode::from(CONFIG),
        code => code,
    }
}

/// What is to be examined, and what is known of it already.
struct Chosen {
    endpoints: Vec<Arc<Endpoint>>,
    findings: Vec<Finding>,
}

/// One endpoint: examined when its file is right, else its file's problems.
fn choose(loaded: &Loaded, name: &str) -> Result<Chosen, String> {
    if let Some((_, endpoint)) = loaded.endpoints.iter().find(|(known, _)| known.as_str() == name) {
        return Ok(Chosen {
            endpoints: vec![endpoint.clone()],
            findings: Vec::new(),
        });
    }
    if loaded.broken.iter().any(|known| known.as_str() == name) {
        return Ok(Chosen {
            endpoints: Vec::new(),
            findings: loaded.problems.iter().map(Finding::of_problem).collect(),
        });
    }
    let known: Vec<_> = loaded
        .endpoints
        .keys()
        .chain(&loaded.broken)
        .map(ToString::to_string)
        .collect();
    Err(format!(
        "there is no endpoint {name:?}; there are: {}",
        known.join(", ")
    ))
}

fn run(loaded: &Loaded, chosen: Chosen, form: Form) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("this system refuses threads: {error}");
            return ExitCode::from(70);
        }
    };
    let has_problems = !chosen.findings.is_empty();
    let told = runtime.block_on(tell(loaded.service.as_ref(), chosen, form));
    // A resolver that hangs is not waited for.
    runtime.shutdown_background();
    match told {
        Err(_) => ExitCode::from(UNTOLD),
        Ok(_) if has_problems => ExitCode::from(CONFIG),
        Ok(report) if !report.is_well() => ExitCode::from(FAILED),
        Ok(_) => ExitCode::SUCCESS,
    }
}

async fn tell(service: Option<&Service>, chosen: Chosen, form: Form) -> io::Result<Report> {
    let Chosen { endpoints, findings } = chosen;
    let (store, opened) = store(service, &endpoints).await;
    let waiting = (form == Form::Human).then(|| tokio::spawn(patience(endpoints.len())));
    let mut out = io::stdout();
    let mut report = Report { findings };
    let mut written = Ok(());
    let mut write = |findings: &[Finding]| {
        if form == Form::Human && written.is_ok() {
            written = out
                .write_all(render::lines(findings).as_bytes())
                .and_then(|()| out.flush());
        }
    };
    write(&report.findings);
    let examined = examine(&Examination { endpoints, store }, write).await;
    report.findings.extend(examined.findings);
    if let Some(waiting) = waiting {
        waiting.abort();
    }
    if let Some(ledger) = opened {
        ledger.close().await;
    }
    written?;
    match form {
        Form::Human => write!(out, "{}", render::cures(&report))?,
        Form::Json => writeln!(out, "{}", render::json(&report))?,
    }
    out.flush()?;
    Ok(report)
}

/// Says that it goes on, where it takes longer than a second.
async fn patience(endpoints: usize) {
    sleep(Duration::from_secs(1)).await;
    eprintln!("examining {endpoints} endpoints; every step ends within half a minute …");
}

/// Opens the ledger where tokens of persons are needed: a new refresh token has to be stored. Nobody else may have it open.
async fn store(service: Option<&Service>, endpoints: &[Arc<Endpoint>]) -> (Store, Option<Arc<sqlite::Sqlite>>) {
    let closed = |what: String, cure: &str| {
        let cure = cure.to_owned();
        (Store::Closed(Trouble { what, cure }), None)
    };
    let service = match service {
        Some(service) if needs_store(endpoints) => service,
        Some(_) => return closed("no sign-in of a person is examined".to_owned(), "nothing"),
        None => {
            return closed(
                "the ledger is not known: mailjob.toml can't be used".to_owned(),
                "mend mailjob.toml",
            );
        }
    };
    let ledger = match sqlite::open(&service.ledger, Arc::new(Utc::now)).await {
        Ok(ledger) => Arc::new(ledger),
        Err(ledger::Error::InUse { holder, .. }) => {
            return closed(
                format!("mailjob is running ({holder}), and only it may renew this sign-in"),
                "look into its log; to examine the sign-in here, stop it first",
            );
        }
        Err(error) => return closed(error.to_string(), "mend the ledger: the sign-in is kept there"),
    };
    match auth::key::load(service.key.as_ref(), &service.ledger) {
        Ok(key) => {
            let vault = Vault::new(ledger.clone(), Arc::new(key));
            (Store::Open(Arc::new(vault)), Some(ledger))
        }
        Err(error) => {
            ledger.close().await;
            closed(error.to_string(), "put the key where service.key points")
        }
    }
}
