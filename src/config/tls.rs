//! What TLS is made with, beside the system's roots. Types only; `check` reads them.

use std::path::{Path, PathBuf};

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
