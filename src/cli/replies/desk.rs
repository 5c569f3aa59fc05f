//! Where the replies are: in the ledger, by its side door, or at a Mailjob that runs elsewhere.

use std::{collections::BTreeSet, process::ExitCode};

use clap::Args;

use crate::{
    cli::{
        ConfigArgs,
        desk::{NOT_ALL, failed, only},
        remote::{Remote, RemoteArgs},
        whereabouts,
    },
    config::{
        load::{Loaded, Sources, load},
        rescue,
    },
    job::JobId,
    ledger::{self, Address, Error, JobTable as _, OutboxRow, ReplyFilter, Retried, RetrySelection},
};

/// Where the replies are.
#[derive(Debug, Args)]
pub(in crate::cli) struct ReplyLocation {
    #[command(flatten)]
    elsewhere: RemoteArgs,
    #[command(flatten)]
    files: ConfigArgs,
}

/// Whoever knows the replies.
pub(super) enum ReplyAccess {
    /// The ledger of this machine, and the accounts of its configuration.
    Here(Address, Box<Loaded>),
    /// The API of a running Mailjob.
    Elsewhere(Remote),
}

impl ReplyLocation {
    /// Goes there.
    pub(super) async fn go(self) -> Result<ReplyAccess, ExitCode> {
        if let Some(remote) = self.elsewhere.api(&self.files).await.map_err(|error| failed(&error))? {
            return Ok(ReplyAccess::Elsewhere(remote));
        }
        let sources = Sources::from(self.files);
        let loaded = load(&sources);
        let service = rescue::of(&sources, &loaded);
        whereabouts::there(&service).await?;
        Ok(ReplyAccess::Here(service.ledger, Box::new(loaded)))
    }
}

impl ReplyAccess {
    /// The newest replies that are wanted, newest first, and how many there are in all.
    pub(super) async fn list(&self, filter: ReplyFilter) -> Result<(Vec<OutboxRow>, usize), Error> {
        match self {
            Self::Here(at, _) => ledger::beside(at).await?.replies().replies(filter).await,
            Self::Elsewhere(remote) => remote.replies(filter).await,
        }
    }

    /// Whether no process has the ledger.
    pub(super) fn nobody_runs(&self) -> bool {
        match self {
            Self::Here(at, _) => !ledger::is_in_use(at),
            Self::Elsewhere(_) => false,
        }
    }

    /// Looks whether there is an account of this name where nothing was found of it: it may be spelt wrong.
    pub(super) fn knows(&self, account: &str) -> Result<(), ExitCode> {
        let Self::Here(_, loaded) = self else { return Ok(()) };
        let known: BTreeSet<_> = loaded
            .accounts
            .keys()
            .cloned()
            .chain(loaded.sign_ins().into_keys())
            .collect();
        if known.contains(account) || loaded.is_shared_broken() {
            return Ok(());
        }
        let known: Vec<_> = known.into_iter().collect();
        eprintln!("there is no account {account:?}; there are: {}", known.join(", "));
        Err(ExitCode::from(NOT_ALL))
    }

    /// The job whose id begins so.
    pub(super) async fn named(&self, prefix: &str) -> Result<JobId, ExitCode> {
        let found = match self {
            Self::Here(at, _) => match ledger::beside(at).await {
                Ok(ledger) => ledger.jobs().find(prefix).await,
                Err(error) => Err(error),
            },
            Self::Elsewhere(remote) => remote.find(prefix).await,
        };
        only(&found.map_err(|error| failed(&error))?, prefix)
    }

    /// Counts an unsure reply as sent; whether there was one.
    pub(super) async fn accept(&self, job: JobId) -> Result<bool, Error> {
        match self {
            Self::Here(at, _) => ledger::beside(at).await?.replies().accept_reply(job).await,
            Self::Elsewhere(remote) => remote.accept_reply(job).await,
        }
    }

    /// Has replies tried again at once.
    pub(super) async fn retry(&self, which: RetrySelection) -> Result<Retried, Error> {
        match self {
            Self::Here(at, _) => ledger::beside(at).await?.replies().retry_replies(which).await,
            Self::Elsewhere(remote) => remote.retry_replies(which).await,
        }
    }
}
