//! `mailjob replies accept`: an operator knows that an unsure reply has arrived.

use std::process::ExitCode;

use super::{super::desk::NOT_ALL, IO, desk::ReplyLocation};
use crate::ledger::Error;

/// Counts a reply as sent.
pub(super) async fn accept(place: ReplyLocation, job: &str) -> ExitCode {
    let desk = match place.go().await {
        Ok(desk) => desk,
        Err(code) => return code,
    };
    let job = match desk.named(job).await {
        Ok(job) => job,
        Err(code) => return code,
    };
    match desk.accept(job).await {
        Ok(true) => {
            println!("it counts as sent");
            ExitCode::SUCCESS
        }
        Ok(false) => {
            eprintln!("the reply of job {job} is not unsure; mailjob replies list --state unsure shows those that are");
            ExitCode::from(NOT_ALL)
        }
        Err(error @ Error::Missing(_)) => {
            eprintln!("{error}; mailjob replies list --state all shows which have one");
            ExitCode::from(NOT_ALL)
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(IO)
        }
    }
}
