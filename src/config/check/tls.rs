//! What proves us by TLS: a certificate and its key.

use toml::de::DeValue;

use crate::{
    config::{
        ClientCertificate,
        presence::Need,
        sheet::PlacedValue,
        value::{path, roots, secret},
    },
    secret::SecretRef,
};

/// Reads `tls = { cert, key }`.
pub(super) fn client_certificate(value: PlacedValue<'_>) -> Option<ClientCertificate> {
    value.table(|table| {
        let cert = table.must("cert", "write cert = \"client.pem\", with its chain", roots);
        let key = table.must("key", "write key = \"client.key\"", key);
        Some(ClientCertificate { cert: cert?, key: key? })
    })
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
