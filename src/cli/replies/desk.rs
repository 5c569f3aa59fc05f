//! Where the replies are: in the ledger, by its side door, or at a Mailjob that runs elsewhere.

use std::{path::PathBuf, process::ExitCode};

use chrono::Utc;
use clap::Args;

use super::IO;
use crate::{
    cli::{
        Files,
        desk::{failed, only},
        remote::{Elsewhere, Remote},
    },
    config::{
        load::{Sources, load},
        rescue,
    },
    job::JobId,
    ledger::{
        Again, Error, JobTable as _, OutboxRow, ReplyFilter, Retried,
        sqlite::{Jobs, Outbox},
    },
};

/// Where the replies are.
#[derive(Debug, Args)]
pub(in crate::cli) struct Where {
    #[command(flatten)]
    elsewhere: Elsewhere,
    #[command(flatten)]
    files: Files,
}

/// Whoever knows the replies.
pub(super) enum Desk {
    /// The ledger of this machine.
    Here(PathBuf),
    /// There is no ledger yet, and so no reply.
    Nothing,
    /// The API of a running Mailjob.
    Elsewhere(Remote),
}

impl Where {
    /// Goes there.
    pub(super) async fn go(self) -> Result<Desk, ExitCode> {
        let failed = |error: Error| {
            eprintln!("{error}");
            ExitCode::from(IO)
        };
        if let Some(remote) = self.elsewhere.api(&self.files).await.map_err(failed)? {
            return Ok(Desk::Elsewhere(remote));
        }
        let sources = Sources::from(self.files);
        let service = rescue::of(&sources, &load(&sources));
        match service.ledger.exists() {
            true => Ok(Desk::Here(service.ledger)),
            false => Ok(Desk::Nothing),
        }
    }
}

impl Desk {
    /// The newest replies that are wanted, newest first, and how many there are in all.
    pub(super) async fn list(&self, filter: ReplyFilter) -> Result<(Vec<OutboxRow>, usize), Error> {
        match self {
            Self::Here(file) => Outbox::open(file).await?.list(filter).await,
            Self::Nothing => Ok((Vec::new(), 0)),
            Self::Elsewhere(remote) => remote.replies(filter).await,
        }
    }

    /// The job whose id begins so.
    pub(super) async fn named(&self, prefix: &str) -> Result<JobId, ExitCode> {
        let found = match self {
            Self::Here(file) => match Jobs::open(file).await {
                Ok(jobs) => jobs.find(prefix).await,
                Err(error) => Err(error),
            },
            Self::Nothing => Ok(Vec::new()),
            Self::Elsewhere(remote) => remote.find(prefix).await,
        };
        only(&found.map_err(|error| failed(&error))?, prefix)
    }

    /// Counts an unsure reply as sent; whether there was one.
    pub(super) async fn accept(&self, job: JobId) -> Result<bool, Error> {
        match self {
            Self::Here(file) => Outbox::open(file).await?.accept(job, Utc::now()).await,
            Self::Nothing => Err(Error::Missing(format!("a reply of job {job}"))),
            Self::Elsewhere(remote) => remote.accept_reply(job).await,
        }
    }

    /// Has replies tried again at once.
    pub(super) async fn retry(&self, which: Again) -> Result<Retried, Error> {
        match (self, which) {
            (Self::Here(file), which) => Outbox::open(file).await?.retry(which, Utc::now()).await,
            (Self::Nothing, Again::Job(job)) => Err(Error::Missing(format!("a reply of job {job}"))),
            (Self::Nothing, Again::Queued | Again::Refused) => Ok(Retried::default()),
            (Self::Elsewhere(remote), which) => remote.retry_replies(which).await,
        }
    }
}
