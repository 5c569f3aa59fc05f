//! `mailjob schema`: what an endpoint file may say.

use std::{io::Write as _, process::ExitCode};

use super::print;
use crate::config::reference;

/// Prints the JSON Schema, or the commented reference.
pub(super) fn schema(commented: bool) -> ExitCode {
    let text = if commented {
        reference::reference()
    } else {
        format!("{:#}\n", reference::schema())
    };
    match print::stdout().write_all(text.as_bytes()) {
        Err(error) => {
            eprintln!("the schema can't be printed: {error}");
            ExitCode::from(74)
        }
        Ok(()) => ExitCode::SUCCESS,
    }
}
