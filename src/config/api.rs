//! Who may use the API. Types only; `check` reads them.

use crate::secret::SecretRef;

/// What lets a request in to `/api/v1`. It answers where `/livez` does ([`super::Service::health`]).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Api {
    /// Coming from this machine, where the listener's address is a loopback one; elsewhere nothing does. The default.
    #[default]
    Loopback,
    /// This token, wherever the request comes from. It is read at each request, so that a rotated file counts at once.
    Token(SecretRef),
    /// Nothing: `[api]` can't be read.
    Closed,
}
