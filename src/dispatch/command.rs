//! The command: a process without a shell, in its own group and folder, with a cleared environment.
//!
//! Nothing from a mail reaches the arguments or the environment but inputs that the operator named; all of it is in files. Standard input is empty. When the process
//! ends, whatever is left of its group is killed, and its folder is removed.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    io,
    os::unix::{fs::PermissionsExt, process::ExitStatusExt},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    task::spawn_blocking,
};

use super::{
    Ended,
    argv::arguments,
    environment::{Origin, variables},
    folder,
    inputs::Unmet,
    later,
    output::Output,
    process::{End, supervise},
    trace,
    work::Work,
};
use crate::{
    config,
    job::{Answer, Outcome, Reason},
    net,
    secret::{ExposeSecret, SecretError},
};

/// Exit code that asks for another attempt (`EX_TEMPFAIL` of sysexits).
const TRY_AGAIN: i32 = 75;

/// A command that is ready to be started.
pub(super) struct Start {
    folder: TempDir,
    argv: Vec<String>,
    environment: Vec<(OsString, OsString)>,
}

#[cfg(test)]
impl Start {
    pub(super) fn into_parts(self) -> (TempDir, Vec<String>, Vec<(OsString, OsString)>) {
        (self.folder, self.argv, self.environment)
    }
}

/// Why a command could not be made ready.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unready {
    /// A secret for its environment can't be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Its folder could not be made.
    #[error("the command's folder could not be written: {0}")]
    Folder(#[from] io::Error),
    /// An input can't be given to a process.
    #[error("an input can't be given to a process")]
    Input(Unmet),
}

impl From<Unready> for Outcome {
    fn from(unready: Unready) -> Self {
        let reason = match unready {
            Unready::Secret(_) => Reason::Secret,
            Unready::Folder(_) => Reason::Local,
            Unready::Input(unmet) => return unmet.into(),
        };
        later(reason, unready.to_string())
    }
}

/// The folder and environment of one attempt. Blocks.
///
/// # Errors
/// When a secret is missing, an input can't be given to a process, or the temporary folder fails.
pub(super) fn prepare(command: &config::Command, work: &Work<'_>) -> Result<Start, Unready> {
    let variables = variables(command, work).map_err(Unready::Input)?;
    let mut secrets = BTreeMap::new();
    for (name, origin) in &variables {
        if let Origin::Secret(secret) = origin {
            secrets.insert(name.clone(), secret.read()?);
        }
    }
    let folder = folder::make(work)?;
    let attachments = folder.path().join(folder::ATTACHMENTS);
    let path = |name: &str| attachments.join(name).to_string_lossy().into_owned();
    let argv = arguments(command, &work.inputs, path).map_err(Unready::Input)?;
    let value = |(name, origin): (String, Origin)| {
        let value = match origin {
            Origin::Ours => env::var_os(&name)?,
            Origin::Text(text) => text.into(),
            Origin::Secret(_) => secrets.get(&name)?.expose_secret().into(),
            Origin::Folder => folder.path().into(),
            Origin::Attachments(names) => names
                .iter()
                .map(|name| path(name))
                .collect::<Vec<_>>()
                .join("\n")
                .into(),
        };
        Some((name.into(), value))
    };
    let environment = variables.into_iter().filter_map(value).collect();
    Ok(Start {
        folder,
        argv,
        environment,
    })
}

/// Runs the command to its end, or to the end of its time.
pub(super) async fn run(command: &config::Command, start: Start) -> Ended {
    let (mut out, mut err) = (Output::new(command.max_output), Output::new(command.max_output));
    let end = match spawn(&start) {
        Ok(child) => supervise(child, command, &mut out, &mut err).await,
        Err(error) => {
            return Ended {
                exchange: Some(trace::command(&start.argv, None, &out, &err)),
                ..unstarted(command, &error).into()
            };
        }
    };
    let exchange = Some(trace::command(&start.argv, Some(&end), &out, &err));
    let (folder, max_files) = (start.folder, command.max_files);
    let done = matches!(end, End::Exit(status) if status.success());
    let taken = spawn_blocking(move || {
        let files = if done {
            folder::take(folder.path(), max_files)
        } else {
            Ok(Vec::new())
        };
        if let Err(error) = folder.close() {
            tracing::warn!(%error, "a command's folder could not be removed");
        }
        files
    });
    let mut answer = Answer {
        text: out.text(),
        ..Answer::default()
    };
    match taken.await {
        Ok(Ok(files)) => answer.files = files,
        // The command did its work: what it left costs the files, never the job.
        Ok(Err(untaken)) => {
            answer.mark(Reason::BadAnswer, &untaken.to_string());
            answer.note(&untaken.note());
        }
        // Only a runtime that is torn down refuses; then nothing is committed, and the next start runs the job again.
        Err(_torn_down) => std::future::pending().await,
    }
    Ended {
        raw: out.bytes().to_vec().into(),
        exchange,
        ..outcome(&end, command.timeout, answer, &err.end()).into()
    }
}

/// What a command's end means. Pure.
fn outcome(end: &End, limit: Duration, answer: Answer, last_words: &str) -> Outcome {
    let said = |what: String| {
        if last_words.is_empty() {
            what
        } else {
            format!("{what}: {last_words}")
        }
    };
    let failed = |reason, what| Outcome::Failed {
        reason,
        detail: said(what),
        tell: None,
    };
    match end {
        End::Exit(status) => match (status.code(), status.signal()) {
            (Some(0), _) => Outcome::Done(answer),
            (Some(TRY_AGAIN), _) => later(
                Reason::Exit(TRY_AGAIN),
                said(format!("the command ended with {TRY_AGAIN}")),
            ),
            (Some(code), _) => failed(Reason::Exit(code), format!("the command ended with {code}")),
            (None, signal) => {
                let signal = signal.unwrap_or_default();
                failed(
                    Reason::Signal(signal),
                    format!("the command was ended by signal {signal}"),
                )
            }
        },
        End::Timeout => failed(
            Reason::Timeout,
            format!("the command ran longer than {limit:?} and was ended"),
        ),
        End::Lost(error) => later(Reason::Local, format!("the command's end could not be seen: {error}")),
    }
}

/// A program that isn't there or may not be run is the operator's to mend, as is a machine without room for a process.
fn unstarted(command: &config::Command, error: &io::Error) -> Outcome {
    let program = command.argv.first().map_or("", String::as_str);
    if net::is_ours(error) {
        let why = "this machine has no more open files, processes or memory for Mailjob: raise its limits";
        return later(Reason::Local, format!("{program} was not started: {error}; {why}"));
    }
    let cure = match error.kind() {
        io::ErrorKind::NotFound => "; check argv in [command]: mailjob doctor looks for it as run does",
        io::ErrorKind::PermissionDenied => "; let the user that mailjob runs as execute it",
        _ => "",
    };
    later(Reason::Spawn, format!("{program} could not be started: {error}{cure}"))
}

fn spawn(start: &Start) -> io::Result<Child> {
    let (program, arguments) = start.argv.split_first().ok_or(io::ErrorKind::NotFound)?;
    // With a path, std starts the process by posix_spawn; a name with a cleared environment would cost a fork.
    Command::new(located(program)?)
        .args(arguments)
        .env_clear()
        .envs(start.environment.iter().map(|(name, value)| (name, value)))
        .current_dir(start.folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
}

/// The program's path: as written when it has a slash, else from our own `PATH`.
pub(super) fn located(program: &str) -> io::Result<PathBuf> {
    if program.contains('/') {
        return Ok(program.into());
    }
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders)
        .map(|folder| folder.join(program))
        .find(|path| path.is_absolute() && runs(path))
        .ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// Whether this is a program that somebody may run.
pub(super) fn runs(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
#[path = "command_tests.rs"]
mod tests;
