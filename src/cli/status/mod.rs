//! `mailjob status`: asks the running process how everything is; where none answers, the ledger by its side door and the files.

mod ask;
mod table;

use std::{
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
    time::Duration,
};

use chrono::Utc;
use tokio::time::sleep;

pub(super) use self::ask::running;
use self::ask::{StatusAnswer, StatusError};
use super::{
    beside, print,
    whereabouts::{self, NO_LEDGER},
};
use crate::{
    config::load::Sources,
    message::clean::{escaped, json_line, json_lines},
    status::Status,
};

/// A person has to do something.
const NEEDS_PERSON: u8 = 1;
/// `EX_UNAVAILABLE`: no process answers.
const UNAVAILABLE: u8 = 69;
/// `EX_IOERR`: the ledger can't be read, or it could not be told.
const IO: u8 = 74;
/// `EX_NOPERM`: the process tells that to its own user only.
const FORBIDDEN: u8 = 77;
/// `EX_CONFIG`.
const CONFIG: u8 = 78;

/// The time between two looks of `--watch`.
const EVERY: Duration = Duration::from_secs(2);

/// What is shown, and how.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The endpoint. Default: all of them.
    endpoint: Option<String>,
    /// Show it anew every two seconds until Ctrl-C.
    #[arg(long)]
    watch: bool,
    /// For machines: one JSON document; with --watch one a line.
    #[arg(long)]
    json: bool,
}

/// Shows how everything is.
pub(super) async fn status(sources: Sources, args: Args) -> ExitCode {
    loop {
        let (loaded, service) = beside::read(sources.clone()).await;
        for hint in &loaded.hints {
            eprintln!("note: {}", escaped(hint));
        }
        if let Some(words) = whereabouts::elsewhere(&service).await {
            eprintln!("{words}");
            return ExitCode::from(NO_LEDGER);
        }
        let asked = ask::ask(&service, &loaded).await;
        let (text, code) = match asked {
            Ok(asked) => match told(asked, &args) {
                Ok(told) => told,
                Err(words) => {
                    eprintln!("{}", escaped(&words));
                    return ExitCode::from(CONFIG);
                }
            },
            Err(StatusError::Forbidden(words)) => {
                eprintln!("{}", escaped(&words));
                return ExitCode::from(FORBIDDEN);
            }
            Err(StatusError::Another(words)) => {
                eprintln!("{}", escaped(&words));
                return ExitCode::from(NO_LEDGER);
            }
        };
        let text = if args.watch && !args.json && io::stdout().is_terminal() {
            // Clears the terminal and begins at its first line.
            format!("\u{1b}[H\u{1b}[2J{text}")
        } else {
            text
        };
        if let Err(error) = print::stdout().write_all(text.as_bytes()) {
            return print::untold(&error);
        }
        if !args.watch || print::is_gone() {
            return ExitCode::from(code);
        }
        sleep(EVERY).await;
    }
}

/// The text, and the exit code that goes with it. An error is an endpoint that nobody knows.
fn told(asked: StatusAnswer, args: &Args) -> Result<(String, u8), String> {
    let StatusAnswer {
        mut status,
        silent,
        stands_still,
        nobody_runs,
    } = asked;
    if let Some(only) = &args.endpoint {
        let known: Vec<_> = status.endpoints.iter().map(|endpoint| endpoint.name.clone()).collect();
        status.endpoints.retain(|endpoint| endpoint.name == *only);
        if status.endpoints.is_empty() && !args.watch {
            return Err(format!("there is no endpoint \"{only}\"; known: {}", known.join(", ")));
        }
    }
    let code = code(&status, stands_still);
    // The document has no place for it.
    if let Some(why) = silent.as_deref().filter(|_| args.json) {
        eprintln!("{}", escaped(why));
    }
    let text = match (args.json, args.watch) {
        (true, true) => json_line(&status).map(|json| json + "\n"),
        (true, false) => json_lines(&status).map(|json| json + "\n"),
        (false, _) => Ok(table::people(&status, (silent.as_deref(), nobody_runs), Utc::now())),
    };
    Ok((text.map_err(|error| error.to_string())?, code))
}

fn code(status: &Status, stands_still: bool) -> u8 {
    match &status.process {
        None if stands_still => NEEDS_PERSON,
        None if status.ledger.problem.is_some() => IO,
        None => UNAVAILABLE,
        Some(_) if status.needs_person() => NEEDS_PERSON,
        Some(_) => 0,
    }
}
