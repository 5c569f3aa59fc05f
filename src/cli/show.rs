//! `mailjob show`: an endpoint's settings in the end, or those that endpoints share, and where each comes from.

use std::process::ExitCode;

use super::print;
use crate::config::{
    effective, effective_shared,
    load::{Sources, load},
};

/// Prints the settings, or the problems that keep them from being known (exit 78).
pub(super) fn show(sources: &Sources, endpoint: Option<&str>) -> ExitCode {
    let loaded = load(sources);
    let shown = match endpoint {
        Some(name) => match loaded.endpoints.iter().find(|(known, _)| known.as_str() == name) {
            Some((_, endpoint)) => effective(sources, endpoint).map_err(|problem| problem.render()),
            None => Err(super::rehearse::missing(&loaded, name)),
        },
        None => effective_shared(sources, &loaded).map_err(|problems| {
            let told: Vec<_> = problems.iter().map(|problem| problem.render()).collect();
            told.join("\n")
        }),
    };
    match shown {
        Ok(text) => print::all(&text),
        Err(why) => {
            eprintln!("{why}");
            ExitCode::from(78)
        }
    }
}
