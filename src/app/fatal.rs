//! What ends the program, and with which exit code.

use std::net::SocketAddr;

use crate::{auth, ledger};

/// What ends the program before its time, and with which exit code (sysexits).
#[derive(Debug, thiserror::Error)]
pub enum Fatal {
    /// `mailjob.toml` can't be used; its problems were printed.
    #[error("the configuration can't be used")]
    Config,
    /// `mailjob.toml` is empty or gone, and what it said is not known.
    #[error("{0}")]
    Settings(String),
    /// The ledger can't be opened.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    /// The key of the sign-ins can't be had.
    #[error(transparent)]
    Key(#[from] auth::KeyError),
    /// The health address can't be had.
    #[error(
        "can't listen on the health address {address}: {source}; choose another by [service] health = \"…\", or switch it off with false"
    )]
    Health {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Signals, timers or watches can't be had from the system.
    #[error("this system refuses {what}: {why}")]
    System {
        /// What was asked for.
        what: &'static str,
        /// What the system said.
        why: String,
    },
}

impl Fatal {
    /// The exit code: 78 configuration, 66 no ledger, 74 ledger or address, 70 the rest.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Ledger(ledger::Error::NoLedger { .. }) => 66,
            Self::Config | Self::Settings(_) | Self::Key(auth::KeyError::Read(_) | auth::KeyError::Bad { .. }) => 78,
            Self::Ledger(_) | Self::Key(auth::KeyError::Make { .. }) | Self::Health { .. } => 74,
            Self::System { .. } => 70,
        }
    }
}
