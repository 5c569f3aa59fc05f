//! `mailjob pause` and `mailjob resume`.

use std::process::ExitCode;

use super::{
    block_on,
    desk::{Found, NOT_ALL, Where, failed, tell},
    jobs::time,
    rehearse::missing,
};
use crate::{
    config::load::Loaded,
    ledger::{Pause, PausedBy},
    message::clean::escaped,
};

/// Pauses an endpoint.
pub(super) fn pause(endpoint: &str, place: Where) -> ExitCode {
    block_on(async {
        let ended = async {
            let Some(Found { desk, loaded }) = place.go(true).await? else {
                return Err(ExitCode::from(NOT_ALL));
            };
            known(loaded.as_ref(), endpoint)?;
            let pause = desk.pause(endpoint).await.map_err(|error| failed(&error))?;
            Ok(tell(&words(&pause)))
        };
        ended.await.unwrap_or_else(|code| code)
    })
}

/// Lets an endpoint go on.
pub(super) fn resume(endpoint: &str, place: Where) -> ExitCode {
    block_on(async {
        let ended = async {
            let Some(Found { desk, loaded }) = place.go(true).await? else {
                return Err(ExitCode::from(NOT_ALL));
            };
            let pause = desk.resume(endpoint).await.map_err(|error| failed(&error))?;
            let name = escaped(endpoint);
            match pause {
                Some(pause) => Ok(tell(&format!("{name} goes on; {} jobs waited\n", pause.waiting))),
                None => {
                    known(loaded.as_ref(), endpoint)?;
                    Ok(tell(&format!("{name} was not paused\n")))
                }
            }
        };
        ended.await.unwrap_or_else(|code| code)
    })
}

/// An endpoint that has a file, good or not. An API knows that itself.
fn known(loaded: Option<&Loaded>, endpoint: &str) -> Result<(), ExitCode> {
    let Some(loaded) = loaded else { return Ok(()) };
    let is = |name: &crate::config::EndpointName| name.as_str() == endpoint;
    if loaded.endpoints.keys().any(is) || loaded.broken.iter().any(is) {
        return Ok(());
    }
    eprintln!("{}", missing(loaded, endpoint));
    Err(ExitCode::from(NOT_ALL))
}

/// How an endpoint is paused, in words. Pure.
fn words(pause: &Pause) -> String {
    let by = match pause.by {
        PausedBy::Operator => "",
        PausedBy::Gone => " by its webhook",
    };
    format!(
        "{} is paused{by} since {}; {} jobs wait; mailjob resume {0} lets it go on\n",
        escaped(&pause.endpoint),
        time(pause.since),
        pause.waiting
    )
}
