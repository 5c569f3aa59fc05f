//! What a TLS handshake told, for people.

use chrono::{DateTime, Utc};
use rustls::ProtocolVersion;
use x509_cert::{Certificate, der::Decode as _};

use super::Stream;

/// What a TLS handshake told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handshake {
    /// `TLS 1.2` or `TLS 1.3`.
    pub version: &'static str,
    /// Until when the server's own certificate is good, where that can be read.
    pub certificate_ends: Option<DateTime<Utc>>,
}

impl Stream {
    /// What its handshake told.
    #[must_use]
    pub fn handshake(&self) -> Handshake {
        let (_, connection) = self.0.get_ref();
        let version = match connection.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => "TLS 1.2",
            Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
            _ => "TLS",
        };
        let certificate = connection.peer_certificates().and_then(<[_]>::first);
        Handshake {
            version,
            certificate_ends: certificate.and_then(|certificate| ends(certificate)),
        }
    }
}

fn ends(certificate: &[u8]) -> Option<DateTime<Utc>> {
    let certificate = Certificate::from_der(certificate).ok()?;
    let ends = certificate.tbs_certificate().validity().not_after;
    DateTime::from_timestamp(i64::try_from(ends.to_unix_duration().as_secs()).ok()?, 0)
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::{CertificateDer, pem::PemObject};

    use super::*;

    #[test]
    fn a_certificate_tells_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let authority = mailjob_testbed::Tls::new(folder.path()).unwrap();
        let certificate = CertificateDer::from_pem_file(&authority.cert).unwrap();
        assert!(ends(&certificate).is_some_and(|ends| ends > Utc::now()));
        assert_eq!(ends(b"no certificate"), None);
        assert_eq!(ends(b""), None);
    }
}
