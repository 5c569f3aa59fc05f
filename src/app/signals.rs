//! Signals as futures: TERM and INT ask for a drain, a second one cuts it short, HUP asks for a look at the configuration.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that ask us to stop.
pub(super) struct StopSignals {
    term: Signal,
    int: Signal,
}

impl StopSignals {
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            int: signal(SignalKind::interrupt())?,
        })
    }

    /// The next one's name.
    pub(super) async fn asked(&mut self) -> &'static str {
        tokio::select! {
            _ = self.term.recv() => "SIGTERM",
            _ = self.int.recv() => "SIGINT",
        }
    }
}

/// The signal that asks for a look at the configuration.
pub(super) fn hangup() -> std::io::Result<Signal> {
    signal(SignalKind::hangup())
}
