//! `mailjob ledger`: is it sound, and a copy of it. Both run beside `mailjob run`.

mod backup;
mod check;
mod words;

use std::{path::PathBuf, process::ExitCode};

use clap::Subcommand;

use super::{
    ConfigArgs, block_on,
    whereabouts::{self, NO_LEDGER},
};
use crate::{
    config::{
        Service,
        load::{Sources, load},
        rescue,
    },
    ledger::Error,
};

/// `EX_IOERR` of sysexits.
const IO: u8 = 74;

/// What can be done about the ledger's file.
#[derive(Debug, Subcommand)]
pub(super) enum LedgerCommand {
    /// Look for damage in the file, for dangling references and impossible states: each with the cure.
    ///
    /// Changes nothing; may run beside `mailjob run`. Exit code 0: it is sound. 1: something is wrong with it. 66: there is no such file.
    /// 74: it can't be read, or a newer Mailjob wrote it. 78: the configuration can't be used.
    Check {
        /// Another file than the configuration names, such as a backup.
        file: Option<PathBuf>,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        files: ConfigArgs,
    },
    /// Copy the ledger, as it is at one moment, to a new file that only its owner may read, and check the copy.
    ///
    /// May run beside `mailjob run`. To restore one: stop, put it in the ledger's place, remove the files beside that with -wal and -shm
    /// behind its name, start. The key is not in it. Exit code 0: the copy is there and sound. 1: it is there, and something is wrong with
    /// it as with the ledger. 66: there is no ledger. 74: it can't be read or written whole, or a newer Mailjob wrote it. 78: the
    /// configuration can't be used.
    Backup {
        /// The file; it must not be there yet. `-`: to standard output, as `kubectl exec … mailjob ledger backup - >FILE`; what there is to say
        /// goes to standard error then. Until it is written the copy lies beside the ledger, or where `TMPDIR` says.
        to: PathBuf,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        files: ConfigArgs,
    },
}

/// Runs the command.
pub(super) fn ledger(command: LedgerCommand) -> ExitCode {
    match command {
        LedgerCommand::Check { file, json, files } => block_on(check::check(files.into(), file, json)),
        LedgerCommand::Backup { to, json, files } => block_on(backup::backup(files.into(), to, json)),
    }
}

/// What the configuration says of the ledger, which is there.
async fn service(sources: &Sources) -> Result<Service, ExitCode> {
    let service = rescue::of(sources, &load(sources));
    whereabouts::there(&service).await?;
    Ok(service)
}

/// Says why there is no result.
fn failed(error: &Error) -> ExitCode {
    match error {
        Error::NoLedger { .. } => {
            eprintln!("{error}");
            ExitCode::from(NO_LEDGER)
        }
        error => {
            eprintln!("{error}");
            ExitCode::from(IO)
        }
    }
}
