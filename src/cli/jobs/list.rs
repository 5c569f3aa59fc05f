//! `mailjob jobs list`.

use std::process::ExitCode;

use super::{
    super::desk::{Where, failed, tell_as},
    filter::Which,
    table,
};
use crate::ledger::JobPage;

/// Lists jobs.
pub(super) async fn list(which: Which, json: bool, place: Where) -> Result<ExitCode, ExitCode> {
    let page = match place.go(false).await? {
        Some(found) => found.desk.list(which.into()).await.map_err(|error| failed(&error))?,
        None => JobPage::default(),
    };
    Ok(tell_as(json, &page, || table::people(&page)))
}
