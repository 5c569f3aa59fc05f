//! `mailjob schema`: what an endpoint file may say.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use crate::config::reference;

/// Prints the JSON Schema, or the commented reference.
pub(super) fn schema(commented: bool) -> ExitCode {
    let text = if commented {
        reference::reference()
    } else {
        format!("{:#}\n", reference::schema())
    };
    match io::stdout().write_all(text.as_bytes()) {
        // Whoever reads no further has seen enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("the schema can't be printed: {error}");
            ExitCode::from(74)
        }
        _ => ExitCode::SUCCESS,
    }
}
