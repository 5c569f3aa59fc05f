//! `mailjob completions`, `mailjob man` and `mailjob schema`: made out of the commands and of the configuration's declarations.

use std::{fs, io, path::Path, process::ExitCode};

use clap::CommandFactory;
use clap_complete::Shell;

use super::{Cli, print};
use crate::config::reference::{self, FileKind};

/// Prints the completions of a shell.
pub(super) fn completions(shell: Shell) -> ExitCode {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "mailjob", &mut text);
    print::all(text)
}

/// Prints the man page of all commands, or writes one for each into a folder.
pub(super) fn man(folder: Option<&Path>) -> ExitCode {
    match folder {
        Some(folder) => {
            written(fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(Cli::command(), folder)))
        }
        None => {
            let mut text = Vec::new();
            match clap_mangen::Man::new(Cli::command()).render(&mut text) {
                Ok(()) => print::all(text),
                failed => written(failed),
            }
        }
    }
}

/// Prints the JSON Schema of a kind of file, or the commented reference.
pub(super) fn schema(file: FileKind, commented: bool) -> ExitCode {
    print::all(match commented {
        true => reference::reference(file),
        false => format!("{:#}\n", reference::schema(file)),
    })
}

fn written(result: io::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("it can't be written: {error}");
            ExitCode::from(74)
        }
    }
}
