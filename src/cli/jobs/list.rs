//! `mailjob jobs list`.

use std::process::ExitCode;

use super::{
    super::desk::{JobLocation, failed, tell_as},
    filter::JobPageArgs,
    table,
};

/// Lists jobs.
pub(super) async fn list(which: JobPageArgs, json: bool, place: JobLocation) -> Result<ExitCode, ExitCode> {
    // Who has many endpoints on one mailbox sees a mail once: at the one that it was meant for.
    let hides = !json && which.is_of_any_state();
    let found = place.go().await?;
    found.knows(which.filter.endpoint.as_deref()).await?;
    let filter = which.filter(&found.desk, hides).await?;
    let page = found.desk.list(filter).await.map_err(|error| failed(&error))?;
    Ok(tell_as(json, &page, || table::people(&page, hides, found.nobody_runs)))
}
