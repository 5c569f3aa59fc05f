//! What TLS is made with, beside the system's roots.

use std::path::{Path, PathBuf};

use toml::de::DeValue;

use crate::{
    config::{
        declare::{keys, vital},
        key::Allowed,
        kind::Roots,
        presence::Need,
        sheet::PlacedValue,
        value::{path, secret},
    },
    secret::SecretRef,
};

keys! {
    /// What proves us to a server that asks for a client's certificate. Both files are read anew for each connection.
    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    pub struct ClientCertificate in "" "" {
        cert: PathBuf = Roots, vital("write cert = \"client.pem\", with its chain", "\"…\""), "";
        key: SecretRef = Allowed::setting() => key, vital("write key = \"client.key\"", "\"…\""), "";
    }
}

/// A file by its path, or the place of a secret.
fn key(value: PlacedValue<'_>) -> Option<SecretRef> {
    let DeValue::String(_) = value.raw else {
        return secret(value);
    };
    let place = SecretRef::File(path(value.clone())?);
    value.need(Need::Secret(place.clone()));
    Some(place)
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
