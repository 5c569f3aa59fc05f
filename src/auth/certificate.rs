//! A client's certificate: its bytes and the day on which it ends. Never reads a key, and judges no signature.

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use sha2::{Digest as _, Sha256};
use x509_cert::{Certificate as X509, der::Decode as _};

/// The largest file that is read, in bytes: a certificate with its whole chain is far smaller.
const MOST: u64 = 1 << 20;

/// A certificate, as its file holds it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Its DER bytes.
    pub der: Vec<u8>,
    /// The last moment of its validity (RFC 5280 section 4.1.2.5).
    pub ends: DateTime<Utc>,
}

/// Why a certificate can't be read.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The file is missing or can't be read.
    #[error("certificate {path} can't be read: {source}; write the path of a PEM file")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// It holds no certificate that could be used.
    #[error("certificate {path} {what}")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it and what to put there.
        what: &'static str,
    },
}

/// Reads the first certificate of a PEM file: where there is a chain, that is the client's own. Blocks.
///
/// # Errors
/// When the file can't be read, is over 1 MiB, or its first certificate is none.
pub fn read(path: &Path) -> Result<Certificate, CertificateError> {
    let failed = |source| CertificateError::Read {
        path: path.to_owned(),
        source,
    };
    let unusable = |what| CertificateError::Unusable {
        path: path.to_owned(),
        what,
    };
    let file = File::open(path).map_err(failed)?;
    if !file.metadata().map_err(failed)?.is_file() {
        // Reading a pipe would wait for a writer.
        return Err(unusable("is not a file; write the path of a PEM file"));
    }
    let mut pem = Vec::new();
    file.take(MOST + 1).read_to_end(&mut pem).map_err(failed)?;
    if pem.len() as u64 > MOST {
        return Err(unusable("is over 1 MiB; put the client's certificate there alone"));
    }
    let der = CertificateDer::from_pem_slice(&pem)
        .map_err(|_| unusable("holds no PEM certificate: put -----BEGIN CERTIFICATE----- … there"))?;
    let ends =
        ends(&der).ok_or_else(|| unusable("holds something that is no X.509 certificate; export it anew as PEM"))?;
    Ok(Certificate {
        der: der.to_vec(),
        ends,
    })
}

/// SHA-256 of a certificate's DER bytes, which names it in a JWT's header as `x5t#S256` (RFC 7515 section 4.1.8).
#[must_use]
pub fn thumbprint(der: &[u8]) -> [u8; 32] {
    Sha256::digest(der).into()
}

fn ends(der: &[u8]) -> Option<DateTime<Utc>> {
    let certificate = X509::from_der(der).ok()?;
    let not_after = certificate.tbs_certificate().validity().not_after;
    let seconds = i64::try_from(not_after.to_unix_duration().as_secs()).ok()?;
    DateTime::from_timestamp(seconds, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A P-256 certificate made for this test by `openssl ca -selfsign -enddate 20300228120000Z`; nobody has its key.
    const PEM: &str = include_str!("../../tests/data/certificate.pem");

    fn read_text(text: &str) -> Result<Certificate, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("client.pem");
        std::fs::write(&path, text).unwrap();
        read(&path).map_err(|error| error.to_string().replace(&format!("{}/", folder.path().display()), ""))
    }

    #[test]
    fn the_end_and_the_thumbprint_are_those_that_openssl_tells() {
        let certificate = read_text(PEM).unwrap();
        assert_eq!(certificate.ends.to_rfc3339(), "2030-02-28T12:00:00+00:00");
        let hex: String = thumbprint(&certificate.der)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(hex, "8bee6b893279d03ff4d9246f2fa9683847a723d461f65536d1534be165eac4ba");
    }

    #[test]
    fn of_a_chain_the_first_one_counts_and_a_key_beside_it_is_passed_over() {
        let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        let other = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let chain = format!("Bag Attributes\n{key}{PEM}{other}");
        assert_eq!(read_text(&chain), read_text(PEM));
    }

    #[test]
    fn what_is_wrong_is_said_with_the_cure() {
        let cut: String = PEM
            .lines()
            .filter(|line| !line.starts_with("MIIB"))
            .map(|line| format!("{line}\n"))
            .collect();
        for (text, said) in [
            (
                "",
                "certificate client.pem holds no PEM certificate: put -----BEGIN CERTIFICATE----- … there",
            ),
            (
                "-----BEGIN CERTIFICATE-----\nMIIB",
                "certificate client.pem holds no PEM certificate: put -----BEGIN CERTIFICATE----- … there",
            ),
            (
                &cut,
                "certificate client.pem holds something that is no X.509 certificate; export it anew as PEM",
            ),
            (
                &"x".repeat((1 << 20) + 1),
                "certificate client.pem is over 1 MiB; put the client's certificate there alone",
            ),
        ] {
            assert_eq!(read_text(text).unwrap_err(), said);
        }
        let missing = read(Path::new("/no/such/client.pem")).unwrap_err().to_string();
        assert!(
            missing.starts_with("certificate /no/such/client.pem can't be read: "),
            "{missing}"
        );
        let folder = read(Path::new("/")).unwrap_err().to_string();
        assert_eq!(folder, "certificate / is not a file; write the path of a PEM file");
    }
}
