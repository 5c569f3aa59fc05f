//! The world's own certificate authority, and the certificate of its servers, made on the spot.

use std::{io, sync::Arc};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio_rustls::TlsAcceptor;

/// Who the servers are. The authority's key is gone once the certificate is made: it can sign nothing else.
pub(super) struct Identity {
    /// What a client has to trust, in PEM.
    pub(super) authority: String,
    pub(super) acceptor: TlsAcceptor,
}

impl Identity {
    /// A new one.
    pub(super) fn draw() -> io::Result<Self> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params
            .distinguished_name
            .push(DnType::CommonName, "Mailjob demo authority");
        let authority = KeyPair::generate().and_then(|key| CertifiedIssuer::self_signed(params, key));
        let authority = authority.map_err(io::Error::other)?;

        let key = KeyPair::generate().map_err(io::Error::other)?;
        let mut params =
            CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()]).map_err(io::Error::other)?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.distinguished_name.push(DnType::CommonName, "localhost");
        let certificate = params.signed_by(&key, &authority).map_err(io::Error::other)?;

        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .map_err(io::Error::other)?;
        Ok(Self {
            authority: authority.pem(),
            acceptor: TlsAcceptor::from(Arc::new(config)),
        })
    }
}
