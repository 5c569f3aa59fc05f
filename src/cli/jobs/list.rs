//! `mailjob jobs list`.

use std::process::ExitCode;

use super::{
    super::desk::{Where, failed, tell_as},
    filter::Which,
    table,
};

/// Lists jobs.
pub(super) async fn list(which: Which, json: bool, place: Where) -> Result<ExitCode, ExitCode> {
    let found = place.go().await?;
    found.knows(which.filter.endpoint.as_deref()).await?;
    let page = found.desk.list(which.into()).await.map_err(|error| failed(&error))?;
    Ok(tell_as(json, &page, || table::people(&page)))
}
