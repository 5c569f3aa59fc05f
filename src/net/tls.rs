//! Whom we trust: the system's roots, the web's where the system has none, and an operator's CA file on top.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        Resumption, WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use rustls_platform_verifier::Verifier;

use super::Error;

/// The largest CA file that is read, in bytes.
const MAX_CA_FILE: u64 = 4 * 1024 * 1024;

/// Settings already made, by CA file and its content: reading the system's roots takes milliseconds and hundreds of
/// kilobytes, and a thousand mailboxes share them. A rotated CA file has other content and so makes new ones.
static MADE: LazyLock<Mutex<HashMap<Option<PathBuf>, Made>>> = LazyLock::new(Mutex::default);

#[derive(Clone)]
struct Made {
    pem: Vec<u8>,
    config: Arc<ClientConfig>,
    verifier: Arc<dyn ServerCertVerifier>,
}

/// TLS settings that trust the system's roots and, on top, the certificates of `ca_file` (PEM), read anew at each call.
///
/// # Errors
/// When the CA file can't be read, is over 4 MiB, or holds no certificate.
pub fn config(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, Error> {
    Ok(made(ca_file)?.config)
}

/// The same for one who makes many connections: for each of them `ca_file` is read anew, so that a rotated one counts at once.
///
/// # Errors
/// When the CA file can't be used now. Later that fails the connection.
pub fn following(ca_file: &Path) -> Result<ClientConfig, Error> {
    let follower = Follower {
        ca_file: ca_file.to_owned(),
        first: made(Some(ca_file))?.verifier,
    };
    let provider: Arc<CryptoProvider> = Arc::new(ring::default_provider());
    let mut config = with_verifier(provider, Arc::new(follower))?;
    // A session that is resumed is not verified again.
    config.resumption = Resumption::disabled();
    Ok(config)
}

fn made(ca_file: Option<&Path>) -> Result<Made, Error> {
    let pem = ca_file.map(read).transpose()?.unwrap_or_default();
    let key = ca_file.map(Path::to_owned);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = made.get(&key).filter(|known| known.pem == pem) {
        return Ok(known.clone());
    }
    let extra = ca_file.map_or(Ok(Vec::new()), |path| certificates(path, &pem))?;
    let provider: Arc<CryptoProvider> = Arc::new(ring::default_provider());
    let verifier = verifier(provider.clone(), extra)?;
    let config = Arc::new(with_verifier(provider, verifier.clone())?);
    let new = Made { pem, config, verifier };
    made.insert(key, new.clone());
    Ok(new)
}

/// Installs ring as the process's provider of cryptography, for libraries that ask for the process's one.
pub fn install_provider() {
    // A second call finds one installed, which is as good.
    drop(ring::default_provider().install_default());
}

fn with_verifier(provider: Arc<CryptoProvider>, verifier: Arc<dyn ServerCertVerifier>) -> Result<ClientConfig, Error> {
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
    Ok(builder.with_no_client_auth())
}

fn verifier(
    provider: Arc<CryptoProvider>,
    extra: Vec<CertificateDer<'static>>,
) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    if let Ok(verifier) = Verifier::new_with_extra_roots(extra.clone(), provider.clone()) {
        return Ok(Arc::new(verifier));
    }
    // A container image without CA certificates: the platform verifier can't be made.
    let mut roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    roots.add_parsable_certificates(extra);
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
    let verifier: Arc<dyn ServerCertVerifier> = verifier.map_err(|error| rustls::Error::General(error.to_string()))?;
    Ok(verifier)
}

/// Verifies with the roots that the CA file has at that moment.
#[derive(Debug)]
struct Follower {
    ca_file: PathBuf,
    /// For what has nothing to do with roots.
    first: Arc<dyn ServerCertVerifier>,
}

impl ServerCertVerifier for Follower {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let made = made(Some(&self.ca_file)).map_err(|error| rustls::Error::General(error.to_string()))?;
        made.verifier
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.first.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.first.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.first.supported_verify_schemes()
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let failed = |what: String| Error::CaFile {
        path: path.to_owned(),
        what,
    };
    let size = std::fs::metadata(path).map_err(|e| failed(e.to_string()))?.len();
    if size > MAX_CA_FILE {
        return Err(failed("is over 4 MiB".into()));
    }
    std::fs::read(path).map_err(|e| failed(e.to_string()))
}

fn certificates(path: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
    let failed = |what: String| Error::CaFile {
        path: path.to_owned(),
        what,
    };
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = found.map_err(|e| failed(format!("is not PEM: {e:?}")))?;
    if found.is_empty() {
        return Err(failed("holds no certificate".into()));
    }
    Ok(found)
}
