//! The file beside `mailjob.toml` that says where its ledger is, should `mailjob.toml` be emptied or lost.

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
};

use tracing::debug;

use crate::config::{Service, load::Sources, rescue};

/// Puts it up, or takes it away where nobody needs it. Our user may not be allowed to write there, and then there is none: a start
/// without settings is refused instead.
pub(super) fn put_up(sources: &Sources, service: &Service) {
    let file = rescue::signpost(sources);
    let done = match rescue::directions(service) {
        Some(text) if fs::read_to_string(&file).is_ok_and(|there| there == text) => Ok(()),
        Some(text) => write(&file, &text),
        None if file.exists() => fs::remove_file(&file),
        None => Ok(()),
    };
    if let Err(error) = done {
        debug!(file = %file.display(), %error, "where the ledger is can't be noted beside mailjob.toml");
    }
}

fn write(file: &Path, text: &str) -> io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut draft = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    draft.write_all(text.as_bytes())?;
    draft.as_file().sync_all()?;
    draft.persist(file)?;
    Ok(())
}
