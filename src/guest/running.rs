//! A guest while it runs, as we see it.

use std::{io, os::unix::process::ExitStatusExt, process::ExitStatus, sync::Arc};

use rustix::process::{Pid, getpid};
use tokio::{io::AsyncWriteExt, net::unix::pipe, task::spawn_blocking};

use super::{
    frame::{self, Note},
    kin,
    line::Warden,
    warden,
};

/// What a guest had too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitExceeded {
    /// Processes and threads.
    Processes,
    /// Memory of all its processes together.
    Memory,
}

pub(super) fn unexpected(note: Note) -> io::Error {
    io::Error::other(format!("it said {note:?}"))
}

/// A guest that was started. Dropped, it is killed with all that descends from it.
#[derive(Debug)]
pub struct Guest {
    warden: Warden,
    /// What it prints; taken by whoever reads it.
    pub stdout: Option<pipe::Receiver>,
    /// What it complains of.
    pub stderr: Option<pipe::Receiver>,
    status: Option<ExitStatus>,
    over: Option<LimitExceeded>,
    is_gone: bool,
}

impl Guest {
    pub(super) fn new(warden: Warden, stdout: pipe::Receiver, stderr: pipe::Receiver) -> Self {
        Self {
            warden,
            stdout: Some(stdout),
            stderr: Some(stderr),
            status: None,
            over: None,
            is_gone: false,
        }
    }

    /// Its warden, if nothing of the guest is left.
    pub(super) fn into_warden(self) -> Option<Warden> {
        self.is_gone.then_some(self.warden)
    }

    /// Waits for its end: what it had too much of, or how it ended. What it left behind may still run. May be dropped at any time.
    ///
    /// # Errors
    /// When its warden is gone, and so nobody knows.
    pub async fn wait(&mut self) -> io::Result<Result<ExitStatus, LimitExceeded>> {
        loop {
            if let Some(status) = self.status {
                return Ok(self.over.map_or(Ok(status), Err));
            }
            self.hear().await?;
        }
    }

    /// Waits until nothing of it is left. May be dropped at any time.
    ///
    /// # Errors
    /// When its warden is gone; what it left is ours then, and is killed.
    pub async fn gone(&mut self) -> io::Result<()> {
        while !self.is_gone {
            self.hear().await?;
        }
        Ok(())
    }

    async fn hear(&mut self) -> io::Result<()> {
        let note = self.warden.note().await;
        self.know(note).await
    }

    async fn know(&mut self, note: io::Result<Note>) -> io::Result<()> {
        match note {
            Ok(Note::Exited(status)) => self.status = Some(ExitStatus::from_raw(status)),
            Ok(Note::TooMany) => self.over = Some(LimitExceeded::Processes),
            Ok(Note::TooLarge) => self.over = Some(LimitExceeded::Memory),
            Ok(Note::Gone) => self.is_gone = true,
            Ok(note) => return Err(unexpected(note)),
            Err(error) => {
                // What it guarded becomes ours when it is dead, not when it closes its socket.
                let _status = self.warden.process.wait().await;
                bury_strays(self.warden.spared.clone()).await;
                return Err(error);
            }
        }
        Ok(())
    }

    /// Asks it, and its process group, to end.
    pub async fn ask(&mut self) {
        self.say(frame::TERM).await;
    }

    /// Kills it and all that descends from it.
    pub async fn kill(&mut self) {
        while let Some(note) = self.warden.heard() {
            let _known = self.know(note).await;
        }
        if !self.is_gone {
            self.say(frame::KILL).await;
        }
    }

    async fn say(&mut self, word: u8) {
        // One that does not hear is dead, which is noticed where its end is waited for.
        let _heard = self.warden.socket.write_all(&[word]).await;
    }
}

/// Kills what became ours because its warden died: children of ours that are no wardens.
async fn bury_strays(spared: Arc<Vec<Pid>>) {
    let buried = spawn_blocking(move || {
        let ours = |child: &Pid| spared.contains(child) || warden::is_warden(*child);
        let strays = kin::children(getpid()).into_iter().filter(|child| !ours(child));
        for stray in strays.collect::<Vec<Pid>>() {
            kin::end_child(stray);
            let _status = rustix::process::waitpid(Some(stray), rustix::process::WaitOptions::empty());
            tracing::warn!(pid = %stray, "a process that a command left behind was killed");
        }
    });
    drop(buried.await);
}
