//! What keeps somebody from signing in.

use std::{io, time::Duration};

use crate::{
    app,
    auth::{self, DeviceError, NotSignedIn},
    net,
};

/// Why nobody is signed in.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoginError {
    #[error("there is no account \"{name}\"; {known}")]
    Unknown { name: String, known: String },
    /// There is no ledger, or nothing at all: this is the wrong folder.
    #[error("{0}")]
    NoLedger(String),
    #[error("the port {port} can't be had: {why}; choose another by --port, or sign in by --device or --paste")]
    Port { port: u16, why: io::Error },
    #[error("nobody signed in within {} min; start again", .0.as_secs() / 60)]
    Slow(Duration),
    #[error(transparent)]
    NotSignedIn(#[from] NotSignedIn),
    #[error(transparent)]
    Device(#[from] DeviceError),
    #[error(transparent)]
    Auth(#[from] auth::AuthError),
    #[error(transparent)]
    Store(#[from] app::Fatal),
    #[error(transparent)]
    Net(#[from] net::ConnectError),
}
