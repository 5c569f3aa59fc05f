//! A client of line protocols that does what it is told and nothing else: for tests of the servers themselves.

use std::{path::Path, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// No answer of a server on loopback takes this long.
const PATIENCE: Duration = Duration::from_secs(120);

/// A connection to a server that speaks in lines.
pub(crate) struct Lines<S>(BufReader<S>);

impl Lines<TcpStream> {
    /// Connects without TLS.
    pub(crate) async fn plain(port: u16) -> Self {
        Self(BufReader::new(TcpStream::connect(("127.0.0.1", port)).await.unwrap()))
    }

    /// Goes on with TLS, after STARTTLS was agreed.
    pub(crate) async fn start_tls(self, ca: &Path) -> Lines<TlsStream<TcpStream>> {
        assert!(self.0.buffer().is_empty(), "the server spoke before TLS");
        Lines::secure(self.0.into_inner(), ca).await
    }
}

impl Lines<TlsStream<TcpStream>> {
    /// Connects with TLS from the first byte.
    pub(crate) async fn tls(port: u16, ca: &Path) -> Self {
        Self::secure(TcpStream::connect(("127.0.0.1", port)).await.unwrap(), ca).await
    }

    async fn secure(stream: TcpStream, ca: &Path) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(ca).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap();
        let config = config.with_root_certificates(roots).with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
            .unwrap();
        Self(BufReader::new(stream))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Lines<S> {
    /// The next line, without its end.
    pub(crate) async fn line(&mut self) -> String {
        let mut line = String::new();
        let read = timeout(PATIENCE, self.0.read_line(&mut line)).await;
        assert!(
            read.expect("the server answers in time").unwrap() > 0,
            "the server closed the connection"
        );
        line.trim_end().to_owned()
    }

    /// All that comes until the server ends or breaks the connection.
    pub(crate) async fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        // Breaking off without a word of TLS is an error here, and an end all the same.
        let read = timeout(PATIENCE, self.0.read_to_end(&mut rest)).await;
        drop(read.expect("the server ends the connection in time"));
        String::from_utf8_lossy(&rest).into_owned()
    }

    /// Sends one line.
    pub(crate) async fn send(&mut self, line: &str) {
        self.0.write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
    }

    /// Sends one line and returns the first answer that starts with one of these.
    pub(crate) async fn ask(&mut self, line: &str, starts: &[&str]) -> String {
        self.send(line).await;
        self.until(starts).await
    }

    /// The first line that starts with one of these.
    pub(crate) async fn until(&mut self, starts: &[&str]) -> String {
        loop {
            let line = self.line().await;
            if starts.iter().any(|start| line.starts_with(start)) {
                return line;
            }
        }
    }
}

/// The initial response of XOAUTH2.
pub(crate) fn xoauth2(user: &str, token: &str) -> String {
    STANDARD.encode(format!("user={user}\x01auth=Bearer {token}\x01\x01"))
}

/// The initial response of OAUTHBEARER (RFC 7628 section 3.1).
pub(crate) fn oauthbearer(user: &str, token: &str) -> String {
    STANDARD.encode(format!("n,a={user},\x01auth=Bearer {token}\x01\x01"))
}
