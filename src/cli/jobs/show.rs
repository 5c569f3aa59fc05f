//! `mailjob jobs show`.

use std::process::ExitCode;

use super::{
    super::desk::{JobAccess, JobLocation, NOT_ALL, failed, named, tell_as},
    story,
};

/// Tells a job's story.
pub(super) async fn show(job: &str, json: bool, place: JobLocation) -> Result<ExitCode, ExitCode> {
    let JobAccess { desk, nobody_runs, .. } = place.go().await?;
    let id = named(&desk, job).await?;
    let Some(found) = desk.story(id).await.map_err(|error| failed(&error))? else {
        eprintln!("job {id} is not in the ledger any more");
        return Err(ExitCode::from(NOT_ALL));
    };
    Ok(tell_as(json, &found, || story::people(&found, nobody_runs)))
}
