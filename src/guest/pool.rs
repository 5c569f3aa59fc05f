//! Our side: wardens at hand, and who gets one.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use rustix::process::{Pid, getpid, set_child_subreaper};
use tokio::{net::unix::pipe, sync::OnceCell, task::spawn_blocking};

use super::{
    frame::Note,
    home::{Home, HomeError},
    kin,
    line::Warden,
    running::{Guest, unexpected},
    terms::{Private, SpawnRequest, Terms},
};

/// Wardens that are kept while they have nothing to do.
const IDLE: usize = 8;

/// Why a guest was not started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The program can't be started.
    #[error("{0}")]
    Program(io::Error),
    /// What it is given is more than a process can be given.
    #[error("its arguments and environment are more than a process can be given")]
    TooMuch,
    /// No warden can be started, or it is gone.
    #[error("mailjob could not start itself as the warden of a command (it needs /proc): {0}")]
    Warden(io::Error),
    /// What it may do could not be limited.
    #[error(
        "the kernel refuses to limit what a command may read and write (Landlock); confine = false in [command] starts it without limits"
    )]
    Unconfined,
}

/// Starts guests.
#[derive(Debug, Default)]
pub struct Guests {
    ledger: Option<PathBuf>,
    home: OnceCell<Arc<Home>>,
    idle: Mutex<Vec<Warden>>,
    /// Children that we had before: whoever started us may have started them for us.
    spared: Arc<Vec<Pid>>,
    private: Mutex<Arc<Private>>,
}

impl Guests {
    /// Guests of the process that holds this ledger. What becomes an orphan below us becomes ours, so that we can end it.
    #[must_use]
    pub fn of(ledger: PathBuf) -> Self {
        if let Err(error) = set_child_subreaper(Some(getpid())) {
            tracing::warn!(%error, "what a command leaves behind can't be made ours: this system has no sub-reapers");
        }
        Self {
            ledger: Some(ledger),
            spared: Arc::new(kin::children(getpid())),
            ..Self::default()
        }
    }

    /// Where they live. The first one who asks waits until nothing of an earlier life is left.
    ///
    /// # Errors
    /// When it can't be made ready; asked again, it is tried again.
    pub async fn home(&self) -> Result<Arc<Home>, HomeError> {
        let made = self.home.get_or_try_init(|| async {
            let ledger = self.ledger.clone();
            match spawn_blocking(move || Home::new(ledger.as_deref())).await {
                Ok(home) => home.map(Arc::new),
                Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                // Only a runtime that is torn down refuses.
                Err(_torn_down) => std::future::pending().await,
            }
        });
        made.await.cloned()
    }

    /// From now on, this is ours alone.
    pub fn keep_private(&self, mut private: Private) {
        private.paths.sort();
        *self.private.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(private);
    }

    /// What is ours alone, with the files that were read as secrets so far.
    #[must_use]
    pub fn private(&self, secrets: &[PathBuf]) -> Arc<Private> {
        let mut known = self.private.lock().unwrap_or_else(PoisonError::into_inner);
        if secrets.iter().any(|secret| known.paths.binary_search(secret).is_err()) {
            let fresh = Arc::make_mut(&mut known);
            fresh.paths.extend_from_slice(secrets);
            fresh.paths.sort();
            fresh.paths.dedup();
        }
        known.clone()
    }

    /// Starts a program. Dropping the guest kills all of it.
    ///
    /// # Errors
    /// When it can't be started.
    pub async fn start(&self, terms: &Arc<Terms>, order: &SpawnRequest) -> Result<Guest, StartError> {
        let order = order.encode().ok_or(StartError::TooMuch)?;
        let (stdout, guest_stdout) = pipe().map_err(StartError::Warden)?;
        let (stderr, guest_stderr) = pipe().map_err(StartError::Warden)?;
        let pipes = [guest_stdout.as_fd(), guest_stderr.as_fd()];
        let idle = self.idle(terms);
        let mut warden = match idle {
            Some(warden) => warden,
            None => self.warden(terms).await?,
        };
        warden.send(&order, &pipes).await.map_err(StartError::Warden)?;
        drop((guest_stdout, guest_stderr));
        match warden.note().await.map_err(StartError::Warden)? {
            Note::Started(_) => {}
            Note::Failed(errno) => {
                let error = io::Error::from_raw_os_error(errno);
                // It says `gone` next, and can be asked again.
                if matches!(warden.note().await, Ok(Note::Gone)) {
                    self.give_back(warden);
                }
                return Err(match error.kind() {
                    io::ErrorKind::ArgumentListTooLong => StartError::TooMuch,
                    _ => StartError::Program(error),
                });
            }
            Note::Unconfined => return Err(StartError::Unconfined),
            note => return Err(StartError::Warden(unexpected(note))),
        }
        Ok(Guest::new(warden, stdout, stderr))
    }

    /// A warden of these terms that has nothing to do and is alive.
    fn idle(&self, terms: &Arc<Terms>) -> Option<Warden> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(Warden::is_alive);
        let at = idle.iter().rposition(|warden| warden.terms == *terms)?;
        Some(idle.remove(at))
    }

    async fn warden(&self, terms: &Arc<Terms>) -> Result<Warden, StartError> {
        let home = match self.home.get() {
            Some(home) => home.lock().transpose().map_err(StartError::Warden)?,
            None => None,
        };
        let hello = terms.encode().ok_or(StartError::TooMuch)?;
        let mut warden = Warden::new(terms.clone(), home, self.spared.clone()).map_err(StartError::Warden)?;
        warden.send(&hello, &[]).await.map_err(StartError::Warden)?;
        Ok(warden)
    }

    fn give_back(&self, warden: Warden) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() >= IDLE {
            // The one that was not needed for the longest time.
            idle.remove(0);
        }
        idle.push(warden);
    }

    /// The guest's end: its warden can have another, once the guest's folder is gone; one that lost sight of something can't.
    pub fn ended(&self, guest: Guest) {
        if let Some(warden) = guest.into_warden() {
            self.give_back(warden);
        }
    }
}

fn pipe() -> io::Result<(pipe::Receiver, OwnedFd)> {
    let (reader, writer) = io::pipe()?;
    Ok((pipe::Receiver::from_owned_fd(reader.into())?, writer.into()))
}
