//! `mailjob jobs list`.

use std::process::ExitCode;

use super::{
    super::desk::{Where, document, failed, tell},
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
    let text = if json { document(&page) } else { table::people(&page) };
    Ok(tell(&text))
}
