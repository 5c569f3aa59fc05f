//! The process that a command would be. No secret is read, and nothing is started.

use std::env;

use super::{
    argv,
    environment::{self, Origin},
    folder,
    start::StartFailure,
};
use crate::{
    config,
    dispatch::{
        action::plan::{ProcessPlan, made_up_answer},
        excerpt::{Excerpt, ExcerptWriter},
        work::Work,
    },
    job::{Outcome, Reason},
};

/// The process of an attempt; of `message.json` at most `most` bytes.
///
/// # Errors
/// When it could not be made ready.
pub(in crate::dispatch) fn process(
    command: &config::Command,
    work: &Work<'_>,
    most: u64,
) -> Result<ProcessPlan, StartFailure> {
    let set = |(name, origin): &(String, Origin)| *origin != Origin::Ours || env::var_os(name).is_some();
    let variables = environment::variables(command, work).map_err(StartFailure::Input)?;
    let environment = variables.into_iter().filter(set).collect();
    let path = |name: &str| format!("$MAILJOB_DIR/{}/{name}", folder::ATTACHMENTS);
    let argv = argv::arguments(command, &work.inputs, path).map_err(StartFailure::Input)?;
    let mut files: Vec<_> = folder::FOLDERS.iter().map(|name| (format!("{name}/"), None)).collect();
    let mut message = Excerpt::default();
    for entry in folder::entries(work) {
        let mut written = ExcerptWriter::new(if entry.path == folder::MESSAGE { most } else { 0 });
        entry.write(&mut written).map_err(folder::FolderError::from)?;
        files.push((entry.path.clone(), Some(written.size)));
        if entry.path == folder::MESSAGE {
            message = Excerpt {
                shown: written.kept.into(),
                size: written.size,
            };
        }
    }
    files.sort();
    Ok(ProcessPlan {
        argv,
        environment,
        files,
        message,
    })
}

/// What it could come to: a success and a refusal, with placeholders for its own words.
pub(super) fn made_up() -> (Outcome, Outcome) {
    let refused = Outcome::Failed {
        reason: Reason::Exit(1),
        detail: String::new(),
        tell: None,
    };
    (made_up_answer("[the text that the command prints]"), refused)
}
