//! Whom we trust: the system's roots, the web's where the system has none, and an operator's CA file on top.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, pem::PemObject},
};
use rustls_platform_verifier::Verifier;

use super::Error;

/// The largest CA file that is read, in bytes.
const MAX_CA_FILE: u64 = 4 * 1024 * 1024;

/// Settings already made, by CA file and its content: reading the system's roots takes milliseconds and hundreds of
/// kilobytes, and a thousand mailboxes share them. A rotated CA file has other content and so makes new ones.
static MADE: LazyLock<Mutex<HashMap<Option<PathBuf>, Made>>> = LazyLock::new(Mutex::default);

struct Made {
    pem: Vec<u8>,
    config: Arc<ClientConfig>,
}

/// TLS settings that trust the system's roots and, on top, the certificates of `ca_file` (PEM), read anew at each call.
///
/// # Errors
/// When the CA file can't be read, is over 4 MiB, or holds no certificate.
pub fn config(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, Error> {
    let pem = ca_file.map(read).transpose()?.unwrap_or_default();
    let key = ca_file.map(Path::to_owned);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = made.get(&key).filter(|known| known.pem == pem) {
        return Ok(known.config.clone());
    }
    let extra = ca_file.map_or(Ok(Vec::new()), |path| certificates(path, &pem))?;
    let config = Arc::new(build(extra)?);
    made.insert(
        key,
        Made {
            pem,
            config: config.clone(),
        },
    );
    Ok(config)
}

/// Installs ring as the process's provider of cryptography, for libraries that ask for the process's one.
pub fn install_provider() {
    // A second call finds one installed, which is as good.
    drop(ring::default_provider().install_default());
}

fn build(extra: Vec<CertificateDer<'static>>) -> Result<ClientConfig, Error> {
    let provider: Arc<CryptoProvider> = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
    let config = match Verifier::new_with_extra_roots(extra.clone(), provider) {
        Ok(verifier) => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth(),
        // A container image without CA certificates: the platform verifier can't be made.
        Err(_) => {
            let mut roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
            roots.add_parsable_certificates(extra);
            builder.with_root_certificates(roots).with_no_client_auth()
        }
    };
    Ok(config)
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
