//! `mailjob replies list`: reads the ledger by its side door.

use std::{io::Write as _, process::ExitCode};

use super::{IO, Which, ledger, table};
use crate::{
    config::load::Sources,
    ledger::{Error, OutboxRow, ReplyFilter, ReplyState, sqlite::Outbox},
};

/// Shows replies.
pub(super) async fn list(sources: Sources, which: Which, json: bool) -> ExitCode {
    let file = match ledger(&sources) {
        Ok(file) => file,
        Err(code) => return code,
    };
    let usual = vec![ReplyState::Queued, ReplyState::Running, ReplyState::Refused];
    let filter = ReplyFilter {
        account: which.account,
        states: which.state.map_or(usual, super::State::states),
        max: usize::try_from(which.max).unwrap_or(usize::MAX),
        before: None,
    };
    let found: Result<(Vec<OutboxRow>, usize), Error> = async {
        match file {
            Some(file) => Outbox::open(&file).await?.list(filter).await,
            None => Ok((Vec::new(), 0)),
        }
    }
    .await;
    let (rows, all) = match found {
        Ok(found) => found,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(IO);
        }
    };
    let text = if json {
        table::json(&rows, all)
    } else {
        table::people(&rows, all)
    };
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(IO),
    }
}
