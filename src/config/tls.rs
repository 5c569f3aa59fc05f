//! What TLS is made with, beside the system's roots. Types only; `check` reads them.

use std::path::{Path, PathBuf};

use super::{Account, Webhook};
use crate::secret::SecretRef;

/// What proves us to a server that asks for a client's certificate. Both files are read anew for each connection.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientCertificate {
    /// PEM file of the certificate, with its chain.
    pub cert: PathBuf,
    /// Its key, PEM.
    pub key: SecretRef,
}

/// What TLS is made with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TlsFiles<'a> {
    /// PEM file of further trusted roots, or of servers' own certificates.
    pub ca_file: Option<&'a Path>,
    /// What proves us.
    pub client: Option<&'a ClientCertificate>,
}

impl<'a> From<Option<&'a Path>> for TlsFiles<'a> {
    fn from(ca_file: Option<&'a Path>) -> Self {
        Self { ca_file, client: None }
    }
}

impl Account {
    /// What TLS with its servers is made with.
    #[must_use]
    pub fn tls(&self) -> TlsFiles<'_> {
        TlsFiles {
            ca_file: self.ca_file.as_deref(),
            client: self.client.as_ref(),
        }
    }
}

impl Webhook {
    /// What TLS with its server is made with.
    #[must_use]
    pub fn tls(&self) -> TlsFiles<'_> {
        TlsFiles {
            ca_file: self.ca_file.as_deref(),
            client: self.client.as_ref(),
        }
    }
}
