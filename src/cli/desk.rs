//! Where a command that steers looks: the ledger by its side door, whether Mailjob runs or not; or the API of a Mailjob that runs
//! elsewhere. Both offer what [`JobTable`] says.

use std::{process::ExitCode, sync::Arc};

use clap::Args;

use super::{
    ConfigArgs, beside, print,
    rehearse::missing,
    remote::RemoteArgs,
    whereabouts::{self, NO_LEDGER},
};
use crate::{
    config::load::{Loaded, Sources},
    job::JobId,
    ledger::{self, Error, JobFilter, JobTable},
    message::clean::json_lines,
};

/// `EX_IOERR` of sysexits.
const IO: u8 = 74;
/// There is no such job, or nothing could be done to one.
pub(super) const NOT_ALL: u8 = 1;

/// Whoever knows the jobs.
pub(super) type SharedJobs = Arc<dyn JobTable>;

/// Where the jobs are.
#[derive(Debug, Args)]
pub(super) struct JobLocation {
    #[command(flatten)]
    pub(super) elsewhere: RemoteArgs,
    #[command(flatten)]
    pub(super) files: ConfigArgs,
}

/// The desk, and the configuration beside it.
pub(super) struct JobAccess {
    pub(super) desk: SharedJobs,
    /// Nothing where that of another machine counts.
    pub(super) loaded: Option<Loaded>,
    /// Whether no process has the ledger: what ran in it has ended with the process that ran it.
    pub(super) nobody_runs: bool,
}

impl JobLocation {
    /// Goes there. Where there is no ledger none is made.
    pub(super) async fn go(self) -> Result<JobAccess, ExitCode> {
        if let Some(remote) = self.elsewhere.api(&self.files).await.map_err(|error| failed(&error))? {
            return Ok(JobAccess {
                desk: Arc::new(remote),
                loaded: None,
                nobody_runs: false,
            });
        }
        let sources = Sources::from(self.files);
        let (loaded, service) = beside::read(sources).await;
        whereabouts::there(&service).await?;
        let ledger = ledger::beside(&service.ledger).await.map_err(|error| failed(&error))?;
        Ok(JobAccess {
            desk: ledger.jobs(),
            loaded: Some(loaded),
            nobody_runs: !ledger::is_in_use(&service.ledger),
        })
    }
}

impl JobAccess {
    /// Looks whether there is, or was, an endpoint of this name: an empty answer about one that is spelt wrong would say that all is well.
    pub(super) async fn knows(&self, endpoint: Option<&str>) -> Result<(), ExitCode> {
        let Some((name, loaded)) = endpoint.zip(self.loaded.as_ref()) else {
            return Ok(());
        };
        if loaded.names().any(|known| known.as_str() == name) {
            return Ok(());
        }
        let its = JobFilter {
            endpoint: Some(name.to_owned()),
            limit: 1,
            ..JobFilter::default()
        };
        let page = self.desk.list(its).await.map_err(|error| failed(&error))?;
        if page.jobs.is_empty() {
            eprintln!("{}", missing(loaded, name));
            return Err(ExitCode::from(NOT_ALL));
        }
        Ok(())
    }
}

/// Tells what the ledger said.
pub(super) fn failed(error: &Error) -> ExitCode {
    eprintln!("{error}");
    match error {
        Error::Missing(_) | Error::Incomplete(_) | Error::Unknown(_) => ExitCode::from(NOT_ALL),
        Error::NoLedger { .. } => ExitCode::from(NO_LEDGER),
        _ => ExitCode::from(IO),
    }
}

/// Tells that what was asked for can't be written.
pub(super) fn untold(error: &std::io::Error) -> ExitCode {
    print::untold(error)
}

/// The job whose id begins or ends so.
pub(super) async fn named(desk: &SharedJobs, prefix: &str) -> Result<JobId, ExitCode> {
    only(&desk.find(prefix).await.map_err(|error| failed(&error))?, prefix)
}

/// The only one of the jobs whose ids begin or end so.
pub(super) fn only(found: &[JobId], prefix: &str) -> Result<JobId, ExitCode> {
    match found {
        [one] => Ok(*one),
        [] => {
            eprintln!("there is no job {prefix:?}; mailjob jobs list shows which there are");
            Err(ExitCode::from(NOT_ALL))
        }
        several => {
            let several: Vec<_> = several.iter().map(ToString::to_string).collect();
            eprintln!("{prefix:?} may be any of: {}", several.join(", "));
            Err(ExitCode::from(NOT_ALL))
        }
    }
}

/// Writes a document for machines, or the words for people.
pub(super) fn tell_as(json: bool, value: &impl serde::Serialize, words: impl FnOnce() -> String) -> ExitCode {
    print::all(&if json { document(value) } else { words() })
}

/// A document for machines.
pub(super) fn document(value: &impl serde::Serialize) -> String {
    // Our own types have string keys only: that can't fail.
    json_lines(value).unwrap_or_default() + "\n"
}
