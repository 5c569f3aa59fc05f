//! Signs of life on standard error: at once where they are asked for, else on a terminal and only after a second.

use std::{
    io::{self, IsTerminal},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::message::clean::escaped;

const SECOND: Duration = Duration::from_secs(1);

/// The steps of a command.
#[derive(Debug)]
pub(super) struct Progress {
    verbose: bool,
    terminal: bool,
    step: Mutex<Option<String>>,
}

impl Progress {
    /// Says each step at once if `verbose`.
    pub(super) fn new(verbose: bool) -> Self {
        Self {
            verbose,
            terminal: io::stderr().is_terminal(),
            step: Mutex::new(None),
        }
    }

    /// A step begins.
    pub(super) fn on(&self, step: &str) {
        if self.verbose {
            eprintln!("{} …", escaped(step));
        } else if self.terminal {
            *self.step.lock() = Some(step.to_owned());
        }
    }

    /// Runs `work`; while it lasts, says once a second which step it has come to, if it is another one.
    pub(super) async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        let mut seconds = interval_at(Instant::now() + SECOND, SECOND);
        seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                done = &mut work => return done,
                _ = seconds.tick() => self.say(),
            }
        }
    }

    fn say(&self) {
        let step = self.step.lock().take();
        if let Some(step) = step {
            eprintln!("{} …", escaped(&step));
        }
    }
}
