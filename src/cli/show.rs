//! `mailjob show`: an endpoint's settings in the end, and where each comes from.

use std::{io::Write as _, process::ExitCode};

use super::print;
use crate::config::{
    effective,
    load::{Sources, load},
};

/// Prints the settings, or the problems that keep them from being known (exit 78).
pub(super) fn show(sources: &Sources, name: &str) -> ExitCode {
    let loaded = load(sources);
    let found = loaded.endpoints.iter().find(|(known, _)| known.as_str() == name);
    let shown = match found {
        Some((_, endpoint)) => effective(sources, endpoint),
        None => {
            eprintln!("{}", super::rehearse::missing(&loaded, name));
            return ExitCode::from(78);
        }
    };
    match shown {
        Ok(text) => match print::stdout().write_all(text.as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => print::untold(&error),
        },
        Err(problem) => {
            eprintln!("{}", problem.render());
            ExitCode::from(78)
        }
    }
}
