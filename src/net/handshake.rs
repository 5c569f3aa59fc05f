//! What a TLS handshake told, for people.

use std::time::Duration;

use chrono::{DateTime, Utc};
use rustls::ProtocolVersion;
use tokio::{io::AsyncReadExt as _, time::timeout};

use super::{Stream, tls_cure, trust::ends};

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

/// What a server says of itself once the handshake is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstWords {
    /// It waits for us, or says what it should.
    Fine,
    /// It speaks HTTP/2, though that was not offered.
    Http2,
    /// It ends the connection: what to do about it, where TLS said why.
    Ends(Option<&'static str>),
}

impl Stream {
    /// Listens for a moment: with TLS 1.3 a server says only now that it wants a client's certificate.
    pub async fn first_words(&mut self, patience: Duration) -> FirstWords {
        let mut said = [0; 9];
        match timeout(patience, self.read(&mut said)).await {
            Err(_elapsed) => FirstWords::Fine,
            Ok(Err(error)) => FirstWords::Ends(tls_cure(&error)),
            Ok(Ok(0)) => FirstWords::Ends(None),
            // RFC 9113 section 3.4: a server begins with a SETTINGS frame (type 4 on stream 0).
            Ok(Ok(_)) if matches!(said, [0, _, _, 4, _, 0, 0, 0, 0]) => FirstWords::Http2,
            Ok(Ok(_)) => FirstWords::Fine,
        }
    }
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
