//! Whether a server is who it says it is: by the roots, or because an operator named its own certificate.
//!
//! A certificate in `ca_file` that is the server's own, byte for byte, is trusted as it is, whatever it says of itself: one that
//! `openssl req -x509` makes calls itself an authority (Proton Mail Bridge's too, 2026-11), and no chain leads from it to a root. It is
//! trusted for its time and its names only, for an operator may name the certificates of several servers; one without any alternative
//! name is of the one in its subject, where `openssl` puts it.

use std::{fmt, sync::Arc};

use chrono::{DateTime, Utc};
use rustls::{
    CertificateError, DigitallySignedStruct, OtherError, SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};
use x509_cert::{Certificate, der::Decode as _};

/// Characters kept of a name in a certificate.
const MAX_NAME: usize = 200;

/// Verifies by roots, and knows the certificates that an operator named.
#[derive(Debug)]
pub(super) struct TrustRoots {
    pub(super) roots: Arc<dyn ServerCertVerifier>,
    /// Those in `ca_file`.
    pub(super) named: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for TrustRoots {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.named.iter().any(|named| **named == **end_entity) {
            return by_itself(end_entity, server_name, now);
        }
        let verified = self
            .roots
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        verified.map_err(|error| {
            let untrusted = Untrusted::of(end_entity, intermediates, !self.named.is_empty());
            match error {
                rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => untrusted.into(),
                // "CA used as end entity": it signs itself.
                rustls::Error::InvalidCertificate(CertificateError::Other(_)) if untrusted.gap == Gap::SelfSigned => {
                    untrusted.into()
                }
                error => error,
            }
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.roots.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.roots.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.roots.supported_verify_schemes()
    }
}

/// A certificate that the operator named: its time and its name are left to look at.
fn by_itself(
    certificate: &CertificateDer<'_>,
    server_name: &ServerName<'_>,
    now: UnixTime,
) -> Result<ServerCertVerified, rustls::Error> {
    let read = Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding)?;
    let validity = read.tbs_certificate().validity();
    if now.as_secs() < validity.not_before.to_unix_duration().as_secs() {
        return Err(CertificateError::NotValidYet.into());
    }
    if now.as_secs() > validity.not_after.to_unix_duration().as_secs() {
        return Err(CertificateError::Expired.into());
    }
    let named = verify_server_name(&ParsedCertificate::try_from(certificate)?, server_name);
    match named {
        Err(rustls::Error::InvalidCertificate(CertificateError::NotValidForNameContext { presented, .. }))
            if presented.is_empty() && is_subject(&read, server_name) => {}
        named => named?,
    }
    Ok(ServerCertVerified::assertion())
}

fn is_subject(certificate: &Certificate, server_name: &ServerName<'_>) -> bool {
    let name = certificate.tbs_certificate().subject().common_name().ok().flatten();
    name.is_some_and(|name| name.value().eq_ignore_ascii_case(&server_name.to_str()))
}

/// Why no chain leads to a root.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gap {
    /// The server's own certificate signs itself.
    SelfSigned,
    /// The server sent nothing but its own.
    NothingBetween,
    /// Nobody knows the last one's issuer.
    Unknown,
}

/// A certificate whose issuer nobody knows, in words.
#[derive(Clone)]
pub(super) struct Untrusted {
    gap: Gap,
    subject: String,
    issuer: String,
    /// Whether certificates were named in `ca_file`, and are others.
    has_others: bool,
}

impl std::error::Error for Untrusted {}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, issuer, .. } = self;
        match self.gap {
            Gap::SelfSigned => write!(f, "its certificate is signed by itself ({subject})"),
            Gap::NothingBetween => write!(
                f,
                "the issuer of its certificate, {issuer}, is not known, and the server sends no certificate of it (an intermediate is missing)"
            ),
            Gap::Unknown => write!(f, "the issuer of its certificates, {issuer}, is not known"),
        }
    }
}

/// rustls shows what it does not know by `Debug`.
impl fmt::Debug for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Untrusted {
    fn of(end_entity: &CertificateDer<'_>, intermediates: &[CertificateDer<'_>], has_others: bool) -> Self {
        let (subject, issuer) = names(end_entity);
        let last = intermediates
            .last()
            .map_or_else(|| issuer.clone(), |last| names(last).1);
        let gap = match intermediates {
            _ if subject == issuer => Gap::SelfSigned,
            [] => Gap::NothingBetween,
            [..] => Gap::Unknown,
        };
        Self {
            gap,
            subject,
            issuer: last,
            has_others,
        }
    }

    /// What to do about it.
    pub(super) fn cure(&self) -> &'static str {
        match (self.gap, self.has_others) {
            (Gap::SelfSigned, true) => {
                "ca_file holds other certificates than the one that the server shows: put that one there (openssl s_client -connect HOST:PORT shows it); else somebody may sit in between"
            }
            (Gap::SelfSigned, false) => {
                "if that certificate is your server's own, save it as a PEM file and name it in ca_file; else somebody may sit in between"
            }
            (Gap::NothingBetween, _) => {
                "have the server's administrator install the whole chain (fullchain.pem), or put the issuer's certificate into ca_file"
            }
            (Gap::Unknown, true) => {
                "ca_file holds other certificates than that issuer's: put that one there; else somebody may sit in between"
            }
            (Gap::Unknown, false) => {
                "if the server's CA is your own, name its certificate in ca_file; else somebody may sit in between"
            }
        }
    }
}

impl From<Untrusted> for rustls::Error {
    fn from(untrusted: Untrusted) -> Self {
        CertificateError::Other(OtherError(Arc::new(untrusted))).into()
    }
}

/// Subject and issuer.
fn names(certificate: &CertificateDer<'_>) -> (String, String) {
    let shown = |name: String| -> String {
        let name: String = name.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect();
        if name.is_empty() {
            "without a name".to_owned()
        } else {
            name
        }
    };
    match Certificate::from_der(certificate) {
        Ok(read) => {
            let read = read.tbs_certificate();
            (shown(read.subject().to_string()), shown(read.issuer().to_string()))
        }
        Err(_) => ("one that can't be read".to_owned(), "one that can't be read".to_owned()),
    }
}

/// Until when a certificate is good, where that can be read.
pub(super) fn ends(certificate: &[u8]) -> Option<DateTime<Utc>> {
    let certificate = Certificate::from_der(certificate).ok()?;
    let ends = certificate.tbs_certificate().validity().not_after;
    DateTime::from_timestamp(i64::try_from(ends.to_unix_duration().as_secs()).ok()?, 0)
}
