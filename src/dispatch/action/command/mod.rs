//! The command: a guest of ours, without a shell, in a folder of its own, with a cleared environment.
//!
//! Nothing from a mail reaches the arguments or the environment but inputs that the operator named; all of it is in files. Standard input is empty.
//! What it may read, write and take is limited ([`crate::guest`]). When it ends, whatever it left behind is killed, and its folder is removed.

mod argv;
pub mod environment;
mod folder;
mod out;
mod output;
mod probe;
mod process;
pub(in crate::dispatch) mod rehearsal;
mod start;

use std::{ffi::OsString, io, os::unix::process::ExitStatusExt, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use rustix::{io::Errno, process::geteuid};
use tokio::task::spawn_blocking;

#[cfg(test)]
pub(in crate::dispatch) use self::start::prepare;
use self::{
    output::{CapturedOutput, OutputCapture},
    process::{ProcessEnd, supervise},
    start::ReadyCommand,
};
use super::{Action, Handle, Prepare, Prepared, ProbeReport, Resumed, Run, Unfit, plan::Plan};
use crate::{
    config::{self, startable},
    dispatch::{AttemptResult, Dispatch, later, room::AttemptResources, work::Work},
    guest::{
        self, Confinement, Guest, GuestLimits, Guests, LimitExceeded, Private, SpawnRequest, StartError, Terms, User,
    },
    job::{Answer, Exchange, Outcome, Reason, TruncatedText, history},
    net, secret,
};

/// Exit code that asks for another attempt (`EX_TEMPFAIL` of sysexits).
const TRY_AGAIN: i32 = 75;

#[async_trait]
impl Action for config::Command {
    async fn prepare(&self, dispatch: &Dispatch) -> Result<Prepare, Outcome> {
        let home = dispatch.guests.home().await;
        let home = home.map_err(|error| later(Reason::Local, error.to_string()))?;
        let command = self.clone();
        Ok(Box::new(move |work| {
            let start = start::prepare(&command, work, &home)?;
            Ok(Box::new(PreparedCommand { command, start }))
        }))
    }

    async fn resume(&self, _handle: &Handle, _run: &mut Run<'_>) -> Resumed {
        // A process ends with us.
        Resumed::Nothing
    }

    fn rehearse(&self, work: &Work<'_>, most: u64) -> Result<Plan, Outcome> {
        Ok(Plan::Process(rehearsal::process(self, work, most)?))
    }

    fn made_up(&self) -> (Outcome, Outcome) {
        rehearsal::made_up()
    }

    fn probe(&self) -> Result<ProbeReport, Unfit> {
        probe::probe(self)
    }
}

/// A process that is to be started.
struct PreparedCommand {
    command: config::Command,
    start: ReadyCommand,
}

#[async_trait]
impl Prepared for PreparedCommand {
    fn handle(&self) -> Option<Handle> {
        None
    }

    async fn run(self: Box<Self>, attempt: &mut Run<'_>) -> Option<AttemptResult> {
        let Self { command, start } = *self;
        let Run { dispatch, means, .. } = attempt;
        let ran = run(&command, start, &dispatch.guests, means);
        Some(dispatch.health.acting(ran).await)
    }
}

/// On what terms a command is a guest. Looks for its program; blocks for a moment.
fn terms(command: &config::Command, program: &Path, user: Option<User>, private: Arc<Private>) -> Terms {
    let needed = startable::needed(command, program);
    let confinement = command.confine.then(|| Confinement {
        read: command.read.iter().cloned().chain(needed.folders).collect(),
        named: needed.named,
        write: command.write.clone(),
        private,
        network: command.network,
    });
    let config::CommandLimits {
        memory,
        processes,
        file_size,
        open_files,
    } = command.limits;
    Terms {
        limits: GuestLimits {
            memory: Some(memory),
            processes: Some(processes),
            file_size: Some(file_size),
            open_files: Some(open_files),
        },
        confinement,
        user,
    }
}

/// Runs the command to its end, or to the end of its time.
pub(in crate::dispatch) async fn run(
    command: &config::Command,
    start: ReadyCommand,
    guests: &Guests,
    means: &mut AttemptResources<'_>,
) -> AttemptResult {
    let output = || OutputCapture::new(command.max_output, means.parked);
    let (mut out, mut err) = (output(), output());
    let started = started(command, &start, guests).await;
    let mut guest = match started {
        Ok(guest) => guest,
        Err(error) => {
            let nothing = CapturedOutput::default();
            return AttemptResult {
                exchange: Some(exchange(&start.argv, None, &nothing, &nothing)),
                ..unstarted(command, &error).into()
            }
            .struck(&start.secrets);
        }
    };
    let end = supervise(&mut guest, command, &mut out, &mut err).await;
    let done = matches!(end, ProcessEnd::Exit(status) if status.success());
    let files = if done { left(&start, command.max_files).await } else { 0 };
    means
        .for_result(files.saturating_add(out.len()).saturating_add(err.len()))
        .await;
    let (out, err) = (out.written(), err.written());
    let exchange = Some(exchange(&start.argv, Some(&end), &out, &err));
    let (folder, max_files) = (start.folder, command.max_files);
    let owner = start.user.map_or_else(|| geteuid().as_raw(), |user| user.id);
    let taken = spawn_blocking(move || {
        // No more than there is room for.
        let files = if files > max_files {
            Err(out::OutputError::Large(max_files))
        } else if done {
            out::take(folder.path(), files, owner)
        } else {
            Ok(out::CollectedOutput::default())
        };
        let closed = folder.close();
        if let Err(error) = &closed {
            tracing::warn!(%error, "a command's folder could not be removed; the next start tries again");
        }
        (files, closed.is_ok())
    });
    let mut answer = Answer {
        text: out.text(),
        ..Answer::default()
    };
    let taken = match taken.await {
        Ok((taken, is_removed)) => {
            // The next guest of this warden could look into a folder that is still there.
            if is_removed {
                guests.ended(guest);
            }
            taken
        }
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // Only a runtime that is torn down refuses; then nothing is committed, and the next start runs the job again.
        Err(_torn_down) => std::future::pending().await,
    };
    match taken {
        Ok(taken) => {
            answer.files = taken.files;
            if !taken.left.is_empty() {
                let left = taken.left.join(", ");
                answer.mark(Reason::BadAnswer, &format!("out/ has what is not sent: {left}"));
                answer.note(&format!("Not everything of the result could be sent: {left}."));
            }
        }
        // The command did its work: what it left costs the files, never the job.
        Err(untaken) => {
            answer.mark(Reason::BadAnswer, &untaken.to_string());
            answer.note(&untaken.note());
        }
    }
    let words = last_words(&err.end(), command.confine);
    let outcome = match not_run(command, &end, &err.end()).await {
        Some(why) => later(Reason::Spawn, why),
        None => outcome(&end, command.timeout, answer, &words),
    };
    AttemptResult {
        raw: out.bytes().clone(),
        exchange,
        ..outcome.into()
    }
    .struck(&start.secrets)
}

/// Why the command was not run at all, though a process of it ended: what it is run by says so by its exit code (126 and 127 of `env` and of
/// shells), or complains of the file that it should run. That is the operator's to mend, as if nothing could have been started.
async fn not_run(command: &config::Command, end: &ProcessEnd, said: &str) -> Option<String> {
    let code = match end {
        ProcessEnd::Exit(status) => status.code().filter(|code| ![0, TRY_AGAIN].contains(code))?,
        ProcessEnd::Timeout | ProcessEnd::Over(_) | ProcessEnd::Lost(_) => return None,
    };
    let (command, said) = (command.clone(), said.to_owned());
    let look = move || {
        let unfit = [126, 127].contains(&code).then(|| startable::looked_at(&command).err());
        let (cause, cure) = unfit.flatten().or_else(|| startable::unread(&command, &said))?;
        Some(format!("{cause}; {cure}"))
    };
    spawn_blocking(look).await.ok().flatten()
}

/// Bytes of the files that a command left, or one more than may be.
async fn left(start: &ReadyCommand, max: u64) -> u64 {
    let path = start.folder.path().to_owned();
    // Whoever can't be asked is asked again when its files are taken.
    let size = spawn_blocking(move || out::size(&path)).await;
    size.unwrap_or_default().min(max.saturating_add(1))
}

/// The end of what it complained of; and where that may come from its limits, that it has some: the system does not say so. Pure.
fn last_words(said: &str, confined: bool) -> String {
    const LIMITS: &str = "it may read and write its work folder, and what `read` and `write` in [command] list";
    let refused = ["permission denied", "eacces"];
    let lower = said.to_lowercase();
    match confined && refused.iter().any(|word| lower.contains(word)) {
        true => format!("{said}; {LIMITS}"),
        false => said.to_owned(),
    }
}

/// What a command's end means. Pure.
fn outcome(end: &ProcessEnd, limit: Duration, answer: Answer, last_words: &str) -> Outcome {
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
        ProcessEnd::Exit(status) => match (status.code(), status.signal()) {
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
        ProcessEnd::Timeout => failed(
            Reason::Timeout,
            format!("the command ran longer than {limit:?} and was ended"),
        ),
        ProcessEnd::Over(over) => {
            let (what, key) = match over {
                LimitExceeded::Processes => ("processes and threads", "processes"),
                LimitExceeded::Memory => ("memory", "memory"),
            };
            failed(
                Reason::Signal(9),
                format!("the command had more {what} than {key} in [command] allows, and was killed"),
            )
        }
        ProcessEnd::Lost(error) => later(Reason::Local, format!("the command's end could not be seen: {error}")),
    }
}

/// A program that isn't there or may not be run is the operator's to mend, as is a machine without room for a process: its mails wait.
fn unstarted(command: &config::Command, error: &StartError) -> Outcome {
    let program = command.argv.first().map_or("", String::as_str);
    let detail = format!("{program} could not be started: {error}");
    match error {
        StartError::Program(found) | StartError::Warden(found) if net::is_ours(found) => {
            let cure = "this machine has no more open files, processes or memory for Mailjob: raise its limits";
            later(Reason::Local, format!("{detail}; {cure}"))
        }
        // What a mail gives has its own limits ([`fit_together`]): beyond them it is what is written in the file, or this machine.
        StartError::TooMuch => {
            let cure = "shorten argv and env in [command], or raise the limit of the stack for Mailjob (ulimit -s)";
            later(Reason::Spawn, format!("{detail}; {cure}"))
        }
        StartError::Program(found) => {
            let is_there = guest::located(program).is_ok_and(|path| path.exists());
            let cure = match found.kind() {
                io::ErrorKind::NotFound if is_there => {
                    "; the file is there, but not what its first line (#!) names: install that interpreter, or correct the line (a line end of \
                     Windows counts as a part of the name)"
                }
                io::ErrorKind::NotFound => "; check argv in [command]: mailjob doctor looks for it as run does",
                io::ErrorKind::PermissionDenied => {
                    "; let the user that it runs as execute it, and name what it is run by (the first line of a script), where that is no \
                     program of the system, in read of [command]"
                }
                _ if found.raw_os_error() == Some(Errno::NOEXEC.raw_os_error()) => {
                    "; it is no program of this machine: a script needs a first line such as #!/bin/sh"
                }
                _ => "",
            };
            later(Reason::Spawn, format!("{detail}{cure}"))
        }
        StartError::Warden(_) | StartError::Unconfined => later(Reason::Spawn, detail),
    }
}

/// What is remembered of a process.
fn exchange(argv: &[String], end: Option<&ProcessEnd>, out: &CapturedOutput, err: &CapturedOutput) -> Exchange {
    let status = match end {
        Some(ProcessEnd::Exit(status)) => Some(status),
        Some(ProcessEnd::Timeout | ProcessEnd::Over(_) | ProcessEnd::Lost(_)) | None => None,
    };
    Exchange::Command {
        argv: history::argv(argv),
        exit: status.and_then(|status| status.code()),
        signal: status.and_then(|status| status.signal()),
        stdout: TruncatedText::tail(out.bytes()),
        stderr: TruncatedText::tail(err.bytes()),
    }
}

async fn started(command: &config::Command, start: &ReadyCommand, guests: &Guests) -> Result<Guest, StartError> {
    let (program, arguments) = start
        .argv
        .split_first()
        .ok_or(StartError::Program(io::ErrorKind::NotFound.into()))?;
    let program = guest::located(program).map_err(|error| {
        StartError::Program(
            error
                .raw_os_error()
                .map_or_else(not_found, io::Error::from_raw_os_error),
        )
    })?;
    let order = SpawnRequest {
        arguments: arguments.iter().map(OsString::from).collect(),
        environment: start.environment.clone(),
        folder: Some(start.folder.path().to_owned()),
        program,
    };
    let terms = terms(command, &order.program, start.user, guests.private(&secret::files()));
    guests.start(&Arc::new(terms), &order).await
}

fn not_found() -> io::Error {
    io::ErrorKind::NotFound.into()
}

#[cfg(test)]
mod tests;
