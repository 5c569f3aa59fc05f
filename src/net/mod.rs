//! The way out: TCP that notices a dead peer, TLS that verifies, HTTP that stays out of private networks, all of it by a proxy where there is one.
//!
//! Nothing here reads or writes mail. Every call ends within the deadline that it was given. There is no way to switch
//! verification off.

mod connects;
mod cure;
pub mod exchange;
mod handshake;
pub mod http;
mod ours;
pub mod proxy;
mod reach;
mod silence;
mod status_line;
pub mod tls;
mod trust;
mod wire;

use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, timeout},
};

use crate::config::{Server, TlsFiles};

pub use connects::{ConnectTurn, Connects};
pub use cure::{tls_cure, with_cure};
pub use handshake::{FirstWords, Handshake};
pub use ours::is_ours;
pub use proxy::{ProxyError, Traffic, Via};
pub use silence::heard;
pub use tls::config as tls_config;

/// Why a connection could not be had.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The name has no address.
    #[error("{host} can't be resolved: {source}; check the host name and this machine's DNS")]
    Resolve {
        /// The name.
        host: String,
        /// What the resolver said.
        #[source]
        source: io::Error,
    },
    /// No address answered.
    #[error("{host}:{port} can't be reached: {source}")]
    Connect {
        /// The name.
        host: String,
        /// The port.
        port: u16,
        /// The last address's failure.
        #[source]
        source: io::Error,
    },
    /// TLS failed: a certificate that isn't trusted or not for this name, or no TLS at all on that port.
    #[error("TLS with {host} failed: {}", cure::said(source))]
    Tls {
        /// The name.
        host: String,
        /// What TLS said.
        #[source]
        source: io::Error,
    },
    /// The host is no name that a certificate could be for.
    #[error("{0:?} is neither a host name nor an IP address")]
    Name(String),
    /// It took longer than allowed.
    #[error("{host}:{port} did not answer within {} s", .after.as_secs())]
    Timeout {
        /// The name.
        host: String,
        /// The port.
        port: u16,
        /// The deadline.
        after: Duration,
    },
    /// It was to speak first, and speaks TLS from the first byte.
    #[error("{host}:{port} does not begin without TLS: it waits for TLS from the first byte")]
    WaitsForTls {
        /// The name.
        host: String,
        /// The port.
        port: u16,
    },
    /// The CA file can't be read or holds no certificate.
    #[error("CA file {}: {what}", .path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The client's certificate can't be used.
    #[error("client certificate {}: {what}", .path.display())]
    Client {
        /// The certificate's file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The proxy on the way does not lead there.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// TLS can't be set up at all.
    #[error("TLS can't be set up: {0}")]
    Setup(#[from] rustls::Error),
    /// The HTTP client can't be built.
    #[error("the HTTP client can't be set up: {0}")]
    Http(#[from] reqwest::Error),
}

/// A byte stream under TLS.
#[derive(Debug)]
pub struct Stream(Box<tokio_rustls::client::TlsStream<TcpStream>>);

impl Stream {
    /// The connection below.
    #[must_use]
    pub fn socket(&self) -> &TcpStream {
        self.0.get_ref().0
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf).map_err(cure::in_words)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// Connects and starts TLS with the first byte.
///
/// # Errors
/// When the server can't be reached or verified within `deadline`.
pub async fn connect<'a>(
    server: &Server,
    files: impl Into<TlsFiles<'a>>,
    deadline: Duration,
) -> Result<Stream, ConnectError> {
    let (files, begun) = (files.into(), Instant::now());
    let socket = tcp(server, deadline).await?;
    let left = deadline.saturating_sub(begun.elapsed());
    let secured = timeout(left, secured(socket, server, files)).await;
    secured.unwrap_or_else(|_| Err(late(server, deadline)))
}

/// Connects to a mail server without TLS, for one that starts it by STARTTLS; [`upgrade`] must follow.
///
/// # Errors
/// When the server can't be reached within `deadline`.
pub async fn tcp(server: &Server, deadline: Duration) -> Result<TcpStream, ConnectError> {
    match via(Traffic::Mail, server)? {
        Some(via) => through(&via, Traffic::Mail, server, deadline).await,
        None => within(server, deadline, reach::reach(server)).await,
    }
}

/// The proxy on the way to a server, where there is one.
///
/// # Errors
/// When a variable names one that can't be used.
pub fn via(traffic: Traffic, server: &Server) -> Result<Option<Arc<Via>>, ConnectError> {
    Ok(proxy::routes().via(traffic, &server.host, server.port)?)
}

/// Connects by a proxy.
///
/// # Errors
/// When it does not lead to the server within `deadline`.
pub async fn through(
    via: &Via,
    traffic: Traffic,
    server: &Server,
    deadline: Duration,
) -> Result<TcpStream, ConnectError> {
    Ok(proxy::open(via, traffic, server, deadline).await?)
}

/// The first step of [`tcp`] without a proxy: the server's addresses.
///
/// # Errors
/// When the name has none, or none is known within `deadline`.
pub async fn resolve(server: &Server, deadline: Duration) -> Result<Vec<SocketAddr>, ConnectError> {
    within(server, deadline, reach::resolve(server)).await
}

/// The second step: a connection to one of these addresses.
///
/// # Errors
/// When none of them can be reached within `deadline`.
pub async fn dial(server: &Server, addresses: Vec<SocketAddr>, deadline: Duration) -> Result<TcpStream, ConnectError> {
    within(server, deadline, reach::dial(server, addresses)).await
}

/// Starts TLS on a connection: with its first byte, or once the server has agreed to it.
///
/// # Errors
/// When the server can't be verified within `deadline`.
pub async fn upgrade<'a>(
    socket: TcpStream,
    server: &Server,
    files: impl Into<TlsFiles<'a>>,
    deadline: Duration,
) -> Result<Stream, ConnectError> {
    within(server, deadline, secured(socket, server, files.into())).await
}

/// The same as an HTTP client does it: HTTP/1.1 is offered and nothing else.
///
/// # Errors
/// When the server can't be verified within `deadline`, or speaks another HTTP only.
pub async fn upgrade_http(
    socket: TcpStream,
    server: &Server,
    files: TlsFiles<'_>,
    deadline: Duration,
) -> Result<Stream, ConnectError> {
    within(server, deadline, async {
        let mut config = tls::config_aside(files).await?.as_ref().clone();
        config.alpn_protocols = vec![http::ALPN.to_vec()];
        secure(socket, server, Arc::new(config)).await
    })
    .await
}

async fn within<T>(
    server: &Server,
    after: Duration,
    work: impl Future<Output = Result<T, ConnectError>>,
) -> Result<T, ConnectError> {
    timeout(after, work).await.unwrap_or_else(|_| Err(late(server, after)))
}

fn late(server: &Server, after: Duration) -> ConnectError {
    ConnectError::Timeout {
        host: server.host.clone(),
        port: server.port,
        after,
    }
}

async fn secured(socket: TcpStream, server: &Server, files: TlsFiles<'_>) -> Result<Stream, ConnectError> {
    secure(socket, server, tls::config_aside(files).await?).await
}

async fn secure(socket: TcpStream, server: &Server, config: Arc<ClientConfig>) -> Result<Stream, ConnectError> {
    let name = ServerName::try_from(server.host.clone()).map_err(|_| ConnectError::Name(server.host.clone()))?;
    let connector = tokio_rustls::TlsConnector::from(config);
    let stream = connector
        .connect(name, socket)
        .await
        .map_err(|source| ConnectError::Tls {
            host: server.host.clone(),
            source,
        })?;
    Ok(Stream(Box::new(stream)))
}

#[cfg(test)]
#[path = "net_tests.rs"]
mod tests;
#[cfg(test)]
mod tls_tests;
