//! Where a configuration is.

use std::path::PathBuf;

/// Where a configuration is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sources {
    /// The folder of endpoint files.
    pub endpoints: PathBuf,
    /// `mailjob.toml`; without it the service has its defaults and endpoints bring their own accounts.
    pub config: Option<PathBuf>,
}
