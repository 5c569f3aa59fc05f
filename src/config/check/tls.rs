//! What proves us by TLS: a certificate and its key.

use std::path::PathBuf;

use toml::de::DeValue;

use crate::{
    config::{
        ClientCertificate,
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
    /// What proves us by TLS, as it is written.
    struct CertificateKeys in "" "" {
        cert: PathBuf = Roots, vital("write cert = \"client.pem\", with its chain", "\"…\""), "";
        key: SecretRef = Allowed::setting() => key, vital("write key = \"client.key\"", "\"…\""), "";
    }
}

/// A table that names a certificate and its key.
pub(super) fn certificate_allowed() -> Allowed {
    Allowed::Table(CertificateKeys::section().keys)
}

/// Reads `tls = { cert, key }`.
pub(super) fn client_certificate(value: PlacedValue<'_>) -> Option<ClientCertificate> {
    let CertificateKeys { cert, key } = value.table(CertificateKeys::read)?;
    Some(ClientCertificate { cert, key })
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
