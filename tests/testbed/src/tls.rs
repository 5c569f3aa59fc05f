//! The world's own certificate authority, and one server certificate for `localhost`, 127.0.0.1 and [`FAR`].

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Result;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};

/// The name of this machine behind a proxy: nobody else can resolve it.
pub const FAR: &str = "far.mailjob.test";

/// PEM files of one authority.
#[derive(Debug)]
pub struct Tls {
    /// The authority's certificate: what a client has to trust.
    pub ca: PathBuf,
    /// The server's certificate.
    pub cert: PathBuf,
    /// The server's key.
    pub key: PathBuf,
}

impl Tls {
    /// Makes an authority and a server certificate in `dir`.
    ///
    /// # Errors
    /// When a file can't be written.
    pub fn new(dir: &Path) -> Result<Self> {
        fs::create_dir_all(dir)?;
        let authority = CertifiedIssuer::self_signed(authority(), KeyPair::generate()?)?;
        let key = KeyPair::generate()?;
        let cert = server()?.signed_by(&key, &authority)?;
        let write = |name: &str, pem: String| {
            let path = dir.join(name);
            fs::write(&path, pem).map(|()| path)
        };
        Ok(Self {
            ca: write("ca.pem", authority.pem())?,
            cert: write("server.pem", cert.pem())?,
            key: write("server.key", key.serialize_pem())?,
        })
    }
}

/// PEM files of one certificate and its key.
#[derive(Debug)]
pub struct Pair {
    /// The certificate, and its chain where it has one.
    pub cert: PathBuf,
    /// The key.
    pub key: PathBuf,
}

impl Pair {
    /// A certificate that is signed by itself and calls itself an authority, as `openssl req -x509` makes it and Proton Mail Bridge.
    /// Without names it has its subject alone.
    ///
    /// # Errors
    /// When a file can't be written.
    pub fn self_signed(dir: &Path, subject: &str, names: &[&str]) -> Result<Self> {
        let mut params = CertificateParams::new(names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, subject);
        let key = KeyPair::generate()?;
        let cert = params.self_signed(&key)?;
        Self::written(dir, &cert.pem(), &key.serialize_pem())
    }

    /// The same, whose time is over.
    ///
    /// # Errors
    /// When a file can't be written.
    pub fn expired(dir: &Path, name: &str) -> Result<Self> {
        let mut params = CertificateParams::new([name.to_owned()])?;
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
        let key = KeyPair::generate()?;
        let cert = params.self_signed(&key)?;
        Self::written(dir, &cert.pem(), &key.serialize_pem())
    }

    /// A server's or client's certificate by an intermediate authority, with or without that in its chain, and the root's file.
    ///
    /// # Errors
    /// When a file can't be written.
    pub fn by_intermediate(dir: &Path, with_chain: bool) -> Result<(Self, PathBuf)> {
        fs::create_dir_all(dir)?;
        let root = CertifiedIssuer::self_signed(authority(), KeyPair::generate()?)?;
        let mut between = authority();
        between.distinguished_name = rcgen::DistinguishedName::new();
        between
            .distinguished_name
            .push(DnType::CommonName, "Mailjob testbed intermediate");
        let between = CertifiedIssuer::signed_by(between, KeyPair::generate()?, &root)?;
        let key = KeyPair::generate()?;
        let mut params = server()?;
        params.extended_key_usages.push(ExtendedKeyUsagePurpose::ClientAuth);
        let cert = params.signed_by(&key, &between)?;
        let chain = if with_chain { between.pem() } else { String::new() };
        let ca = dir.join("root.pem");
        fs::write(&ca, root.pem())?;
        let pair = Self::written(dir, &format!("{}{chain}", cert.pem()), &key.serialize_pem())?;
        Ok((pair, ca))
    }

    fn written(dir: &Path, cert: &str, key: &str) -> Result<Self> {
        fs::create_dir_all(dir)?;
        let pair = Self {
            cert: dir.join("pair.pem"),
            key: dir.join("pair.key"),
        };
        fs::write(&pair.cert, cert)?;
        fs::write(&pair.key, key)?;
        // A key that others can read is none.
        fs::set_permissions(&pair.key, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        Ok(pair)
    }
}

fn authority() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name.push(DnType::CommonName, "Mailjob testbed CA");
    params
}

fn server() -> Result<CertificateParams> {
    let mut params = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned(), FAR.to_owned()])?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.distinguished_name.push(DnType::CommonName, "localhost");
    Ok(params)
}
