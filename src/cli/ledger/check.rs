//! `mailjob ledger check`.

use std::{path::PathBuf, process::ExitCode};

use super::{failed, findings, service};
use crate::{
    cli::progress::Progress,
    config::load::Sources,
    ledger::{self, Address},
};

/// Looks at the ledger and says what is wrong with it.
pub(super) async fn check(sources: Sources, file: Option<PathBuf>, json: bool) -> ExitCode {
    let file = match file {
        Some(file) => Address::file(file),
        None => match service(&sources).await {
            Ok(service) => service.ledger,
            Err(code) => return code,
        },
    };
    let progress = Progress::new(false);
    progress.on("reading every page and every row");
    match progress.during(ledger::inspect(&file)).await {
        Ok(found) => {
            let sound = found.findings.is_empty();
            match json {
                true => print!("{}", findings::json(&file, &found, None)),
                false => print!("{}", findings::people(&file, &found)),
            }
            ExitCode::from(u8::from(!sound))
        }
        Err(error) => failed(&error),
    }
}
