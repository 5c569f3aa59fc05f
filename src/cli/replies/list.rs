//! `mailjob replies list`.

use std::{io::Write as _, process::ExitCode};

use super::{super::print, IO, ReplyPageArgs, desk::ReplyLocation, table};
use crate::ledger::{ReplyFilter, ReplyState};

/// Shows replies.
pub(super) async fn list(place: ReplyLocation, which: ReplyPageArgs, json: bool) -> ExitCode {
    let desk = match place.go().await {
        Ok(desk) => desk,
        Err(code) => return code,
    };
    let usual = vec![
        ReplyState::Queued,
        ReplyState::Running,
        ReplyState::Refused,
        ReplyState::Unsure,
        ReplyState::Bounced,
    ];
    let filter = ReplyFilter {
        account: which.account.clone(),
        states: which.state.map_or(usual, super::ReplyStateArg::states),
        max: usize::try_from(which.max).unwrap_or(usize::MAX),
        before: None,
    };
    let (rows, all) = match desk.list(filter).await {
        Ok(found) => found,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(IO);
        }
    };
    if let Some(account) = which.account.filter(|_| all == 0)
        && let Err(code) = desk.knows(&account)
    {
        return code;
    }
    let text = if json {
        table::json(&rows, all)
    } else {
        table::people(&rows, all, desk.nobody_runs())
    };
    match print::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => print::untold(&error),
    }
}
