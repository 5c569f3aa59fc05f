//! TLS as it is set up: whom we trust (the system's roots, the web's where the system has none, and an operator's CA file on top), and what
//! proves us.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        ResolvesClientCert, Resumption, WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
    sign::CertifiedKey,
};
use rustls_platform_verifier::Verifier;
use sha2::{Digest as _, Sha256};

use super::{ConnectError, trust::TrustRoots};
use crate::{
    config::{ClientCertificate, TlsFiles},
    secret::ExposeSecret,
};

/// The largest CA file that is read, in bytes.
const MAX_CA_FILE: u64 = 4 * 1024 * 1024;

/// Verifiers already made, by CA file and its content: reading the system's roots takes milliseconds and hundreds of kilobytes, and a
/// thousand mailboxes share them. A rotated CA file has other content and so makes a new one.
static TRUSTED: LazyLock<Mutex<HashMap<Option<PathBuf>, CachedTrust>>> = LazyLock::new(Mutex::default);

/// Keys already read, by certificate and the content of both files.
static PROVEN: LazyLock<Mutex<HashMap<ClientCertificate, Proven>>> = LazyLock::new(Mutex::default);

#[derive(Clone)]
struct CachedTrust {
    pem: Vec<u8>,
    verifier: Arc<dyn ServerCertVerifier>,
    /// For connections without a client's certificate.
    config: Arc<ClientConfig>,
}

#[derive(Clone)]
struct Proven {
    print: [u8; 32],
    key: Arc<CertifiedKey>,
}

/// TLS settings that trust the system's roots and, on top, the certificates of `ca_file` (PEM); files are read anew at each call.
///
/// # Errors
/// When a file can't be read, is over 4 MiB, or doesn't hold what it must.
pub fn config<'a>(files: impl Into<TlsFiles<'a>>) -> Result<Arc<ClientConfig>, ConnectError> {
    let files = files.into();
    let trusted = trusted(files.ca_file)?;
    let Some(client) = files.client else {
        return Ok(trusted.config);
    };
    let key = FixedCertificate(proven(client)?);
    Ok(Arc::new(with_verifier(trusted.verifier, Some(Arc::new(key)))?))
}

/// [`config`] for who must not wait for a disk: files are read on a thread that may.
///
/// # Errors
/// The same.
pub async fn config_aside(files: TlsFiles<'_>) -> Result<Arc<ClientConfig>, ConnectError> {
    if files == TlsFiles::default() {
        return config(files);
    }
    let (ca_file, client) = (files.ca_file.map(Path::to_owned), files.client.cloned());
    let read = move || {
        config(TlsFiles {
            ca_file: ca_file.as_deref(),
            client: client.as_ref(),
        })
    };
    let gone = |error: tokio::task::JoinError| rustls::Error::General(error.to_string());
    tokio::task::spawn_blocking(read).await.map_err(gone)?
}

/// [`config`] for who makes many connections: for each of them the files are read anew, so that a rotated one counts at once.
///
/// # Errors
/// When a file can't be used now. Later that fails the connection.
pub fn following(files: TlsFiles<'_>) -> Result<ClientConfig, ConnectError> {
    let verifier: Arc<dyn ServerCertVerifier> = match files.ca_file {
        None => trusted(None)?.verifier,
        Some(ca_file) => Arc::new(ReloadingVerifier {
            ca_file: ca_file.to_owned(),
            first: trusted(Some(ca_file))?.verifier,
        }),
    };
    let key: Option<Arc<dyn ResolvesClientCert>> = match files.client {
        None => None,
        Some(client) => {
            proven(client)?;
            Some(Arc::new(Rotating(client.clone())))
        }
    };
    let mut config = with_verifier(verifier, key)?;
    if files != TlsFiles::default() {
        // A session that is resumed is not verified again, and proves nothing anew.
        config.resumption = Resumption::disabled();
    }
    Ok(config)
}

fn trusted(ca_file: Option<&Path>) -> Result<CachedTrust, ConnectError> {
    let pem = ca_file.map(read).transpose()?.unwrap_or_default();
    let key = ca_file.map(Path::to_owned);
    let mut made = TRUSTED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = made.get(&key).filter(|known| known.pem == pem) {
        return Ok(known.clone());
    }
    let named = ca_file.map_or(Ok(Vec::new()), |path| certificates(path, &pem))?;
    let verifier: Arc<dyn ServerCertVerifier> = Arc::new(TrustRoots {
        roots: by_roots(Arc::new(ring::default_provider()), named.clone())?,
        named,
    });
    let config = Arc::new(with_verifier(verifier.clone(), None)?);
    let new = CachedTrust { pem, verifier, config };
    made.insert(key, new.clone());
    Ok(new)
}

/// The certificate and key as their files hold them now.
fn proven(client: &ClientCertificate) -> Result<Arc<CertifiedKey>, ConnectError> {
    let failed = |what: String| ConnectError::Client {
        path: client.cert.clone(),
        what,
    };
    let pem = read(&client.cert)?;
    let secret = client.key.read().map_err(|error| failed(error.to_string()))?;
    let mut print = Sha256::new();
    print.update((pem.len() as u64).to_be_bytes());
    print.update(&pem);
    print.update(secret.expose_secret());
    let print: [u8; 32] = print.finalize().into();
    let mut read = PROVEN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = read.get(client).filter(|known| known.print == print) {
        return Ok(known.key.clone());
    }
    let chain = certificates(&client.cert, &pem)?;
    let key = PrivateKeyDer::from_pem_slice(secret.expose_secret().as_bytes())
        .map_err(|_| failed("has a key that is not PEM, or locked by a password".to_owned()))?;
    let key = CertifiedKey::from_der(chain, key, &ring::default_provider())
        .map_err(|error| failed(format!("does not go with its key: {error}")))?;
    let key = Arc::new(key);
    let new = Proven {
        print,
        key: key.clone(),
    };
    read.insert(client.clone(), new);
    Ok(key)
}

/// Installs ring as the process's provider of cryptography, for libraries that ask for the process's one.
pub fn install_provider() {
    // A second call finds one installed, which is as good.
    drop(ring::default_provider().install_default());
}

fn with_verifier(
    verifier: Arc<dyn ServerCertVerifier>,
    key: Option<Arc<dyn ResolvesClientCert>>,
) -> Result<ClientConfig, ConnectError> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    Ok(match key {
        Some(key) => builder.with_client_cert_resolver(key),
        None => builder.with_no_client_auth(),
    })
}

fn by_roots(
    provider: Arc<CryptoProvider>,
    extra: Vec<CertificateDer<'static>>,
) -> Result<Arc<dyn ServerCertVerifier>, ConnectError> {
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

/// One certificate, whatever the server says of those it takes.
#[derive(Debug)]
struct FixedCertificate(Arc<CertifiedKey>);

impl ResolvesClientCert for FixedCertificate {
    fn resolve(&self, _hints: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// The certificate that the files hold at that moment.
#[derive(Debug)]
struct Rotating(ClientCertificate);

impl ResolvesClientCert for Rotating {
    fn resolve(&self, _hints: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        proven(&self.0)
            .inspect_err(|error| tracing::error!(%error, "a server wants a client's certificate, and it can't be used"))
            .ok()
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// Verifies with the roots that the CA file has at that moment.
#[derive(Debug)]
struct ReloadingVerifier {
    ca_file: PathBuf,
    /// For what has nothing to do with roots.
    first: Arc<dyn ServerCertVerifier>,
}

impl ServerCertVerifier for ReloadingVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let trusted = trusted(Some(&self.ca_file)).map_err(|error| rustls::Error::General(error.to_string()))?;
        trusted
            .verifier
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

fn read(path: &Path) -> Result<Vec<u8>, ConnectError> {
    let failed = |what: String| ConnectError::CaFile {
        path: path.to_owned(),
        what,
    };
    let meta = std::fs::metadata(path).map_err(|e| failed(e.to_string()))?;
    if !meta.is_file() {
        // Reading a pipe would wait for a writer.
        return Err(failed("is not a file".into()));
    }
    if meta.len() > MAX_CA_FILE {
        return Err(failed("is over 4 MiB".into()));
    }
    std::fs::read(path).map_err(|e| failed(e.to_string()))
}

fn certificates(path: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, ConnectError> {
    let failed = |what: String| ConnectError::CaFile {
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
