//! The configuration of a start: which ledger, which key, and what runs where a file is broken.

use tracing::{error, warn};

use super::fatal::Fatal;
use crate::{
    auth,
    config::{
        Config, Problem, Service,
        load::{self, Loaded, Loader, Sources},
        rescue::{self, Lapse},
        versions::Versions,
    },
    ledger::Archive,
};

/// Where the ledger is, and its key: what `mailjob.toml` says, as far as it can be read. One that can't be used may have a last good version
/// in a ledger that is there; one that never ran has not. Where it sets nothing, or is gone, no ledger and no key is made: those of before
/// may be elsewhere.
///
/// The key is the one that is there; where there is none yet, it is made after the ledger was opened: whoever is refused leaves nothing behind.
pub(super) fn first_service(sources: &Sources) -> Result<(Service, Option<auth::SealKey>, Option<Lapse>), Fatal> {
    let loaded = load::load(sources);
    let service = rescue::quietly(sources, &loaded);
    let is_there = service.ledger.exists();
    if loaded.start().is_none() && !is_there {
        report_problems(&loaded.problems);
        return Err(Fatal::Config);
    }
    let lapse = Lapse::of(sources, &loaded);
    let key = match lapse {
        Some(Lapse::Silent | Lapse::Gone) if !is_there => return Err(Fatal::Settings(unknown_settings(lapse))),
        Some(Lapse::Silent | Lapse::Gone) => Some(auth::key::there(service.key.as_ref(), service.ledger.base())?),
        Some(Lapse::Broken) | None => auth::key::known(service.key.as_ref(), service.ledger.base())?,
    };
    Ok((service, key, lapse))
}

/// Why a start is refused rather than made with settings that nobody wrote.
pub(super) fn unknown_settings(lapse: Option<Lapse>) -> String {
    let words = lapse.unwrap_or(Lapse::Gone).words();
    format!(
        "{words}; what it said before is not known here, and a start without it would do all work anew in another ledger"
    )
}

/// What ran before, as far as it was kept, and the files of which it can't be opened.
pub(super) async fn last_good(archive: &Archive) -> (Versions, Vec<String>) {
    match archive.load().await {
        Ok((kept, closed)) => {
            if !closed.is_empty() {
                warn!(
                    files = closed.join(", "),
                    "the last good versions of these files were sealed with another key: should one of them be broken, it can't run as it did"
                );
            }
            (Versions::of(kept), closed)
        }
        Err(error) => {
            warn!(%error, "the last good versions of files can't be read: one that is broken now can't run as it did");
            Default::default()
        }
    }
}

/// The first load: problems are printed and disable only what they touch; where a file ran before, its last good version runs. Nothing
/// runs only where nothing can be known at all.
pub(super) fn first_config(
    loader: &mut Loader,
    sources: &Sources,
    service: &Service,
    versions: &Versions,
) -> Result<(Loaded, Config), Fatal> {
    let loaded = loader.load_after(sources, versions);
    report_problems(&loaded.problems);
    let mut config = loaded.start().ok_or(Fatal::Config)?;
    // That one is open, wherever an older version of the file says it is.
    config.service.ledger.clone_from(&service.ledger);
    for name in loaded.standing.keys() {
        let taken = versions
            .endpoint(name)
            .map(|version| version.taken.format("%F %T UTC").to_string());
        warn!(endpoint = %name, "the endpoint's file is broken; its last good version runs, of {}", taken.unwrap_or_else(|| "before".to_owned()));
    }
    for (name, held) in &loaded.held {
        let why = if held.away {
            "is gone"
        } else {
            "can't be used, and no version that may run is known"
        };
        warn!(endpoint = %name, "the endpoint's file {why}: mails that may be meant for it wait");
    }
    for hint in &loaded.hints {
        warn!("{hint}");
    }
    if config.endpoints.is_empty() {
        warn!(folder = %sources.endpoints.display(), "no endpoint to run yet: drop a file into the folder");
    }
    Ok((loaded, config))
}

pub(super) fn report_problems(problems: &[Problem]) {
    for problem in problems.iter().filter(|problem| !problem.follows) {
        error!("{problem}");
    }
}
