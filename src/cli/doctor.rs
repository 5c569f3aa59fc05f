//! `mailjob doctor`: examines endpoints step by step, live, and touches no mail.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use chrono::{TimeDelta, Utc};
use tokio::time::sleep;

use super::{
    beside, listening, print,
    rehearse::{missing, running},
    status,
    terminal::fitting,
    whereabouts,
};
use crate::{
    app,
    config::{
        Endpoint, EndpointName, Problem, Service,
        load::{Loaded, Sources},
    },
    doctor::{
        DoctorReport, Examination, Finding, Issue, Stage, StepOutcome, Subject, SubjectKind, TokenStoreState,
        descriptors, examine, needs_store, render,
    },
    ledger::{self, MailboxKey},
    status::LedgerStatus,
};

/// The form of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReportFormat {
    /// Lines for people, as they come.
    Human,
    /// One JSON document.
    Json,
}

/// How long a mail whose work is over may wait for its last touch.
const OVERDUE: TimeDelta = TimeDelta::minutes(15);

/// Something is wrong: 1. The configuration is: `EX_CONFIG`.
const FAILED: u8 = 1;
const CONFIG: u8 = 78;

/// Examines one endpoint, or all. The exit code is 0 when all is well, 1 when a step failed, 78 when the configuration has a problem.
pub(super) async fn doctor(sources: &Sources, only: Option<&str>, form: ReportFormat) -> ExitCode {
    let (loaded, _) = beside::read(sources.clone()).await;
    let chosen = match only {
        None => DoctorScope {
            endpoints: loaded
                .endpoints
                .values()
                .chain(loaded.standing.values())
                .cloned()
                .collect(),
            findings: loaded.told().map(Finding::of_problem).collect(),
        },
        Some(name) => match choose(sources, &loaded, name) {
            Ok(chosen) => chosen,
            Err(why) => {
                eprintln!("{why}");
                return ExitCode::from(CONFIG);
            }
        },
    };
    run(&loaded, chosen, form).await
}

/// Examines the endpoints that are right, of a configuration whose problems were told already.
pub(super) async fn live(loaded: &Loaded, form: ReportFormat) -> ExitCode {
    let problems = loaded.told().map(Finding::of_problem);
    let chosen = DoctorScope {
        endpoints: loaded.endpoints.values().cloned().collect(),
        findings: if form == ReportFormat::Json {
            problems.collect()
        } else {
            Vec::new()
        },
    };
    match run(loaded, chosen, form).await {
        _ if !loaded.problems.is_empty() => ExitCode::from(CONFIG),
        code => code,
    }
}

/// What is to be examined, and what is known of it already.
struct DoctorScope {
    endpoints: Vec<Arc<Endpoint>>,
    findings: Vec<Finding>,
}

/// One endpoint: examined when its file is right; else its file's problems, and the version that runs.
fn choose(sources: &Sources, loaded: &Loaded, name: &str) -> Result<DoctorScope, String> {
    let running = running(loaded, name);
    if running.is_some() && !loaded.broken.iter().any(|known| known.as_str() == name) {
        return Ok(DoctorScope {
            endpoints: running.into_iter().collect(),
            findings: Vec::new(),
        });
    }
    if loaded.broken.iter().any(|known| known.as_str() == name) {
        // Its own file's problems, and those of the file that its account may be in.
        let concerns = |problem: &&Problem| {
            let whose = problem.endpoint.as_ref();
            whose.is_some_and(|whose| whose.as_str() == name) || sources.config.as_ref() == Some(&problem.file)
        };
        let problems = loaded.told().filter(concerns);
        return Ok(DoctorScope {
            endpoints: running.into_iter().collect(),
            findings: problems.map(Finding::of_problem).collect(),
        });
    }
    Err(missing(loaded, name))
}

async fn run(loaded: &Loaded, chosen: DoctorScope, form: ReportFormat) -> ExitCode {
    let has_problems = !chosen.findings.is_empty();
    match tell(loaded.service.as_ref(), chosen, form).await {
        Err(error) => print::untold(&error),
        Ok(_) if has_problems => ExitCode::from(CONFIG),
        Ok(report) if !report.is_well() => ExitCode::from(FAILED),
        Ok(_) => ExitCode::SUCCESS,
    }
}

async fn tell(service: Option<&Service>, chosen: DoctorScope, form: ReportFormat) -> io::Result<DoctorReport> {
    let DoctorScope { endpoints, findings } = chosen;
    let store = store(service, &endpoints).await;
    let waiting = (form == ReportFormat::Human).then(|| tokio::spawn(patience()));
    let mut out = print::stdout();
    let files = service.map(|service| descriptors::needed(&endpoints, service));
    let short = files.and_then(|needed| descriptors::finding(needed, descriptors::most()));
    let (left, overdue, unread) = match left(service, &endpoints).await {
        Ok((left, overdue)) => (left, overdue, None),
        Err(error) => {
            // Whatever lies there, the ledger may know it.
            let known = endpoints.iter().map(|endpoint| (endpoint.name.clone(), 0));
            (known.collect(), BTreeMap::new(), Some(unread(&error)))
        }
    };
    let told = match service {
        Some(service) => status::running(service).await.and_then(|status| status.ledger.problem),
        None => None,
    };
    let unread = unread.or_else(|| told.map(|why| in_trouble(&why)));
    let full = service.and_then(|service| nearly_full(&ledger::space(&service.ledger)));
    let address = service
        .and_then(listening::trouble)
        .map(|(what, cure)| at(Stage::Listener, Issue { what, cure }));
    let more = [short, address, unread, full].into_iter().flatten();
    let findings = findings.into_iter().chain(more).collect();
    let mut report = DoctorReport { findings };
    let mut written = Ok(());
    let mut write = |findings: &[Finding]| {
        if form == ReportFormat::Human && written.is_ok() {
            written = out
                .write_all(fitting(&render::lines(findings)).as_bytes())
                .and_then(|()| out.flush());
        }
    };
    write(&report.findings);
    let examination = Examination {
        endpoints,
        store,
        left,
        overdue,
    };
    let examined = examine(&examination, write).await;
    report.findings.extend(examined.findings);
    if let Some(waiting) = waiting {
        waiting.abort();
    }
    written?;
    match form {
        ReportFormat::Human => write!(out, "{}", fitting(&render::cures(&report)))?,
        ReportFormat::Json => writeln!(out, "{}", render::json(&report))?,
    }
    out.flush()?;
    Ok(report)
}

/// How many mails of an endpoint, by its name.
type Mails = BTreeMap<EndpointName, u64>;

/// Mails that are left in the mailboxes of endpoints, and those that wait for their last touch for long, as far as there is a ledger that
/// knows.
///
/// # Errors
/// When it can't be read: then nobody knows whether it knows a mailbox.
async fn left(service: Option<&Service>, endpoints: &[Arc<Endpoint>]) -> Result<(Mails, Mails), ledger::Error> {
    let (mut left, mut overdue) = (BTreeMap::new(), BTreeMap::new());
    let Some(at) = service.map(|service| &service.ledger).filter(|at| at.exists()) else {
        return Ok((left, overdue));
    };
    let ledger = match ledger::beside(at).await {
        Ok(ledger) => ledger,
        Err(ledger::Error::NoLedger { .. }) => return Ok((left, overdue)),
        Err(error) => return Err(error),
    };
    for endpoint in endpoints {
        let mailbox = MailboxKey(endpoint.mailbox.address().into());
        let page = ledger
            .jobs()
            .backlog_page(endpoint.name.as_str(), Some(&mailbox), None, None, 1)
            .await;
        if let Ok(Some(backlog)) = page.map(|page| page.backlog) {
            left.insert(endpoint.name.clone(), backlog.left);
        } else if ledger.counts().is_decided(&mailbox).await? {
            // All was taken from the first look on, or will be: as the watch judges.
            left.insert(endpoint.name.clone(), 0);
        }
        if let Ok(mails) = ledger.counts().unsettled(&mailbox, Utc::now() - OVERDUE).await {
            overdue.insert(endpoint.name.clone(), mails);
        }
    }
    Ok((left, overdue))
}

/// That the process that runs can't write the ledger, or found it damaged.
fn in_trouble(why: &str) -> Finding {
    of_ledger(Issue {
        what: format!("the process that runs says: the ledger {why}"),
        cure: "mend that first: mailjob status says it until a write went through".to_owned(),
    })
}

/// That the ledger can't be read.
fn unread(error: &ledger::Error) -> Finding {
    of_ledger(Issue {
        what: error.to_string(),
        cure: "mend that first: what is known of the mailboxes stands in the ledger".to_owned(),
    })
}

fn of_ledger(trouble: Issue) -> Finding {
    at(Stage::Ledger, trouble)
}

fn at(stage: Stage, trouble: Issue) -> Finding {
    Finding {
        subject: Subject {
            kind: SubjectKind::Process,
            name: "mailjob".to_owned(),
            part: None,
        },
        stage,
        outcome: StepOutcome::Failed(trouble),
        took: Duration::ZERO,
    }
}

/// Below so many free bytes a disk is nearly full: some large mails, or a day of small ones.
const SCARCE: u64 = 256 << 20;

/// What there is to say of the room on the ledger's disk; nothing where there is enough. Pure.
fn nearly_full(ledger: &LedgerStatus) -> Option<Finding> {
    let free = ledger.free.filter(|free| *free < SCARCE)?;
    Some(Finding {
        subject: Subject {
            kind: SubjectKind::Process,
            name: "mailjob".to_owned(),
            part: None,
        },
        stage: Stage::Ledger,
        outcome: StepOutcome::Warned(Issue {
            what: format!("the disk of the ledger {} has {} MiB free", ledger.path, free >> 20),
            cure: "make room there: when it is full no mail is taken and no job begins, though none is lost; [retention] says how long what is over \
                   is kept"
                .to_owned(),
        }),
        took: Duration::ZERO,
    })
}

/// Says that it goes on, where it takes longer than a second.
async fn patience() {
    sleep(Duration::from_secs(1)).await;
    eprintln!("{}", fitting("examining; most steps end within half a minute …"));
}

/// Opens the ledger's sign-ins where tokens of persons are needed: a new refresh token has to be stored.
async fn store(service: Option<&Service>, endpoints: &[Arc<Endpoint>]) -> TokenStoreState {
    let closed = |what: String, cure: &str| {
        let cure = cure.to_owned();
        TokenStoreState::Closed(Issue { what, cure })
    };
    let lacking = match service.filter(|_| needs_store(endpoints)) {
        Some(service) => whereabouts::lacking(service).await,
        None => None,
    };
    if let Some(words) = lacking {
        return closed(words, "start mailjob run: it makes the ledger");
    }
    match service {
        None => closed(
            "the ledger is not known: mailjob.toml can't be used".to_owned(),
            "mend mailjob.toml",
        ),
        Some(_) if !needs_store(endpoints) => closed("no sign-in of a person is examined".to_owned(), "nothing"),
        Some(service) => match app::sign_ins(service).await {
            Ok(vault) => TokenStoreState::Open(Arc::new(vault)),
            Err(fatal) => closed(
                fatal.to_string(),
                "sign-ins are kept in the ledger under its key: mend that first",
            ),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_is_nearly_full_is_told() {
        let with = |free| LedgerStatus {
            path: "/var/m.db".into(),
            size: None,
            free,
            problem: None,
        };
        assert!(nearly_full(&with(None)).is_none() && nearly_full(&with(Some(SCARCE))).is_none());
        let told = nearly_full(&with(Some(3 << 20))).unwrap();
        assert!(!told.is_failure(), "it works yet");
        let StepOutcome::Warned(trouble) = told.outcome else {
            panic!()
        };
        assert_eq!(trouble.what, "the disk of the ledger /var/m.db has 3 MiB free");
    }
}
