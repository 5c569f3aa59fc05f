//! A demo from its first to its last moment: the world, the folder, the loops of `mailjob run`, and what is said of them.

use std::{fs, io, path::Path, process::ExitCode, sync::Arc, time::Instant};

use futures_util::FutureExt as _;
use rustix::process::{Signal, getpid, kill_process};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
    task::{JoinHandle, JoinSet},
};
use tokio_util::sync::CancellationToken;

use super::{
    super::log,
    NOT_SO,
    control::ControlSocket,
    folder::{DESKS, DemoFolder},
    once,
    play::{self, Numbers},
    story,
};
use crate::{
    app::{self, Fatal},
    metrics::Metrics,
    sandbox::{Sandbox, SandboxEvent},
};

/// The demo could not begin: `EX_OSERR` of sysexits.
const OS: u8 = 71;
/// What scripts of the demo are run by.
const SHELL: &str = "/bin/sh";
/// How often another health address is tried.
const TRIES: u32 = 3;
/// The lines of the log that are shown where something went wrong.
const LOG_LINES: usize = 40;

/// All that a demo is made of.
struct Stage {
    sandbox: Arc<Sandbox>,
    folder: DemoFolder,
    /// What goes on beside the loops; it ends with this.
    tasks: JoinSet<()>,
    story: Option<JoinHandle<()>>,
    end: CancellationToken,
}

/// Runs a demo from its beginning to its end.
pub(super) async fn begin(once: bool, keep: bool) -> ExitCode {
    let began = Instant::now();
    // From now on a signal ends it in order, with its folder removed.
    let stops = signal(SignalKind::interrupt()).and_then(|interrupt| Ok((interrupt, signal(SignalKind::terminate())?)));
    let set_up = async {
        let (mut interrupt, mut terminate) = stops?;
        let (stage, events) = Stage::set_up().await?;
        let is_stopped = interrupt.recv().now_or_never().is_some() || terminate.recv().now_or_never().is_some();
        Ok::<_, io::Error>((stage, events, is_stopped))
    };
    let (mut stage, events, is_stopped) = match set_up.await {
        Ok(set_up) => set_up,
        Err(error) => {
            eprintln!("the demo can't begin: {error}");
            return ExitCode::from(OS);
        }
    };
    let code = match (is_stopped, once) {
        (true, _) => ExitCode::SUCCESS,
        (false, true) => stage.once(events, began).await,
        (false, false) => stage.live(events).await,
    };
    match stage.leave(keep) {
        Ok(()) => code,
        Err(error) => {
            eprintln!("the demo's folder can't be removed: {error}");
            ExitCode::from(OS)
        }
    }
}

impl Stage {
    async fn set_up() -> io::Result<(Self, mpsc::Receiver<SandboxEvent>)> {
        if !Path::new(SHELL).exists() {
            return Err(io::Error::other(format!(
                "two of its endpoints run scripts, and {SHELL} is not here; in a container, take the image with tools"
            )));
        }
        let (sandbox, events) = Sandbox::start(&DESKS).await?;
        let folder = DemoFolder::make(&sandbox)?;
        log::start_in(&folder.log())?;
        let stage = Self {
            sandbox: Arc::new(sandbox),
            folder,
            tasks: JoinSet::new(),
            story: None,
            end: CancellationToken::new(),
        };
        Ok((stage, events))
    }

    /// Runs Mailjob as `mailjob run` does, until a signal ends it; and has the story told to its end.
    async fn run(&mut self) -> Result<(), Fatal> {
        let ended = self.run_loops().await;
        self.tasks.shutdown().await;
        self.end.cancel();
        if let Some(story) = self.story.take() {
            // It can only have panicked, which was logged.
            drop(story.await);
        }
        ended
    }

    async fn run_loops(&self) -> Result<(), Fatal> {
        let mut tries = 0;
        loop {
            tries += 1;
            match Box::pin(app::run(self.folder.sources(), Metrics::new())).await {
                // Somebody else took the port meanwhile.
                Err(Fatal::Health { .. }) if tries < TRIES && self.folder.settings(&self.sandbox).is_ok() => {}
                end => return end,
            }
        }
    }

    /// Tells what happens, for as long as it does.
    fn tell(&mut self, events: mpsc::Receiver<SandboxEvent>) {
        let story = story::tell(events, self.folder.ledger(), self.end.clone());
        self.story = Some(tokio::spawn(story));
        self.tasks.spawn(async {
            story::nobody_reads().await;
            stop();
        });
    }

    async fn live(&mut self, events: mpsc::Receiver<SandboxEvent>) -> ExitCode {
        let socket = match ControlSocket::open() {
            Ok(socket) => socket,
            Err(error) => {
                eprintln!("the demo can't begin: commands in other terminals could not reach it: {error}");
                return ExitCode::from(OS);
            }
        };
        self.tell(events);
        let numbers = Arc::new(Numbers::default());
        let (sandbox, numbered) = (self.sandbox.clone(), numbers.clone());
        self.tasks
            .spawn(async move { socket.serve(|request| play::act(&sandbox, &numbered, request)).await });
        let (sandbox, words) = (self.sandbox.clone(), introduction(self.folder.path()));
        self.tasks.spawn(async move {
            play::watched(&sandbox.post_office).await;
            println!("{words}");
            play::suppliers(&sandbox.post_office, &numbers).await;
        });
        match self.run().await {
            Ok(()) => ExitCode::SUCCESS,
            Err(fatal) => self.fatal(&fatal),
        }
    }

    async fn once(&mut self, events: mpsc::Receiver<SandboxEvent>, began: Instant) -> ExitCode {
        self.tell(events);
        let sandbox = self.sandbox.clone();
        let play = tokio::spawn(async move {
            let played = once::play(&sandbox).await;
            stop();
            played
        });
        let ended = self.run().await;
        if let Err(fatal) = ended {
            play.abort();
            return self.fatal(&fatal);
        }
        if !play.is_finished() {
            play.abort();
        }
        let Ok((roles, fault)) = play.await else {
            eprintln!("the demo was stopped before its end");
            return ExitCode::from(NOT_SO);
        };
        let mut wrong = once::judge(&self.sandbox, &self.folder.ledger(), &roles).await;
        wrong.extend(fault);
        if wrong.is_empty() {
            let seconds = began.elapsed().as_secs_f32();
            println!("\nEvery mail was handled once, every expected reply arrived once, and no other. {seconds:.1} s.");
            return ExitCode::SUCCESS;
        }
        self.show_log();
        eprintln!("\nWrong:");
        for fault in wrong {
            eprintln!("- {fault}");
        }
        ExitCode::from(NOT_SO)
    }

    fn fatal(&self, fatal: &Fatal) -> ExitCode {
        self.show_log();
        eprintln!("{fatal}");
        ExitCode::from(fatal.exit_code())
    }

    fn show_log(&self) {
        let log = fs::read_to_string(self.folder.log()).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        let last = lines.len().saturating_sub(LOG_LINES);
        eprintln!("\nThe end of Mailjob's log:");
        for line in lines.get(last..).unwrap_or_default() {
            eprintln!("{line}");
        }
    }

    /// Removes the folder or keeps it.
    fn leave(self, keep: bool) -> io::Result<()> {
        if !keep {
            return self.folder.remove();
        }
        let folder = self.folder.keep();
        println!("\nKept: {}\nLook at it:\n{}", folder.display(), environment(&folder));
        println!("  mailjob jobs list\n  mailjob status");
        Ok(())
    }
}

/// Ends Mailjob as an operator would.
fn stop() {
    // It can't fail: we are there.
    kill_process(getpid(), Signal::TERM).ok();
}

/// How other commands are led to the folder.
fn environment(folder: &Path) -> String {
    format!(
        "  export MAILJOB_CONFIG={} MAILJOB_ENDPOINTS={}",
        quoted(&folder.join("mailjob.toml")),
        quoted(&folder.join("endpoints.d"))
    )
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"/._-+@:".contains(&byte));
    match is_plain {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

fn introduction(folder: &Path) -> String {
    let hello = quoted(&folder.join("more/hello.toml"));
    let endpoints = quoted(&folder.join("endpoints.d"));
    format!(
        "Mailjob runs with three endpoints; its mail servers, sign-in and webhook are in this process, and nothing leaves this machine.\n\
         Look at their files in {endpoints}: invoices.toml (a PDF to a webhook),\n\
         lists.toml (a list to a shell script), orders.toml (the boss approves by answering a mail).\n\n\
         In another terminal:\n\
         \x20 mailjob demo mail                    a supplier sends an invoice; --help says what else\n\
         \x20 mailjob demo answer yes              the boss answers the newest question\n\
         \x20 mailjob demo break                   the webhook fails, until: mailjob demo mend\n\
         \x20 cp {hello} {endpoints}\n\
         \x20                                      one more endpoint; try: mailjob demo mail --to lists --subject hello\n\
         {}\n\
         \x20 mailjob status                       and jobs list, jobs show, tail, check, doctor, show invoices, …\n\
         Ctrl-C ends it, and removes the folder.\n",
        environment(folder)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_quoted_for_the_shell() {
        for (path, expected) in [
            ("/tmp/mailjob-demo-a1/x.toml", "/tmp/mailjob-demo-a1/x.toml"),
            ("/tmp/my folder/it's", r"'/tmp/my folder/it'\''s'"),
        ] {
            assert_eq!(quoted(Path::new(path)), expected);
        }
    }
}
