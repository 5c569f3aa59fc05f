//! `mailjob rehearse`: what would happen to a mail, and nothing happens.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::Path,
    process::ExitCode,
    sync::Arc,
};

use bytes::Bytes;
use chrono::Utc;

use super::{beside, print, terminal::fitting};
use crate::{
    config::{
        self, Endpoint, EndpointName,
        load::{Loaded, Sources},
    },
    rehearse::{self, RehearsalReport, RehearsalRequest, json, render},
    reply,
};

/// The job would not run.
const IDLE: u8 = 3;
/// `EX_NOINPUT`, `EX_IOERR` and `EX_CONFIG` of sysexits.
const NO_INPUT: u8 = 66;
const CONFIG: u8 = 78;

/// Bytes of a body that are shown where not all of it is wanted.
const BODY: u64 = 4 << 10;

/// Rehearses a mail at an endpoint.
pub(super) async fn rehearse(sources: &Sources, name: &str, mail: &Path, as_json: bool, whole_body: bool) -> ExitCode {
    let (loaded, _) = beside::read(sources.clone()).await;
    let Some(endpoint) = running(&loaded, name) else {
        eprintln!("{}", missing(&loaded, name));
        return ExitCode::from(CONFIG);
    };
    let raw = match read(mail, endpoint.limits.size) {
        Ok(raw) => raw,
        Err(error) => {
            eprintln!("{} can't be read: {error}", mail.display());
            return ExitCode::from(NO_INPUT);
        }
    };
    let ourselves = reply::ourselves(loaded.endpoints.values().map(AsRef::as_ref));
    let most = if whole_body { u64::MAX } else { BODY };
    let routes = config::routes(loaded.endpoints.values());
    let id = endpoint.mailbox.id();
    let question = RehearsalRequest {
        route: routes.into_iter().find(|route| route.mailbox.id() == id),
        ..RehearsalRequest::new(endpoint, ourselves, raw, Utc::now(), most)
    };
    let report = rehearse::rehearse(question).await;
    match tell(&report, as_json) {
        Err(error) => print::untold(&error),
        Ok(()) if report.hindrance().is_some() => ExitCode::from(IDLE),
        Ok(()) => ExitCode::SUCCESS,
    }
}

/// The endpoint of this name, as it runs or would.
pub(super) fn running(loaded: &Loaded, name: &str) -> Option<Arc<Endpoint>> {
    loaded.running(&EndpointName::new(name)?).cloned()
}

/// Why there is no such endpoint: its problems, or the names of those that there are.
pub(super) fn missing(loaded: &Loaded, name: &str) -> String {
    if loaded.disabled.iter().any(|known| known.as_str() == name) {
        return format!("the endpoint {name:?} does not run: its file says enabled = false");
    }
    if loaded.broken.iter().any(|known| known.as_str() == name) || loaded.endpoints.is_empty() {
        let problems: Vec<_> = loaded.told().map(|problem| problem.render()).collect();
        if !problems.is_empty() {
            return problems.join("\n");
        }
    }
    let known: Vec<_> = loaded.names().map(ToString::to_string).collect();
    match known.as_slice() {
        [] => format!(
            "there is no endpoint {name:?}: the folder has no file of one; put {name}.toml there, or name another folder with --endpoints"
        ),
        known => format!("there is no endpoint {name:?}; there are: {}", known.join(", ")),
    }
}

/// A mail from a file or, for `-`, from standard input. Of one that is over the limit no more than proves it.
fn read(mail: &Path, limit: u64) -> io::Result<Bytes> {
    let most = limit.saturating_add(1);
    let mut raw = Vec::new();
    if mail == Path::new("-") {
        io::stdin().lock().take(most).read_to_end(&mut raw)?;
    } else {
        File::open(mail)?.take(most).read_to_end(&mut raw)?;
    }
    Ok(raw.into())
}

fn tell(report: &RehearsalReport, as_json: bool) -> io::Result<()> {
    let mut out = print::stdout();
    if as_json {
        writeln!(out, "{}", json::document(report))?;
    } else {
        out.write_all(fitting(&render::page(report)).as_bytes())?;
    }
    out.flush()
}
