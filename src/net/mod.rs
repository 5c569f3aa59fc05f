//! The way out: TCP that notices a dead peer, TLS that verifies, HTTP that stays out of private networks.
//!
//! Nothing here reads or writes mail. Every call ends within the deadline that it was given. There is no way to switch
//! verification off.

pub mod http;
pub mod tls;

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, lookup_host},
    task::JoinSet,
    time::timeout,
};

use crate::config::Server;

pub use tls::config as tls_config;

/// How long one address may take before the next one is tried beside it (RFC 8305 section 5).
const NEXT_ADDRESS: Duration = Duration::from_millis(250);
/// Unacknowledged data for this long means a dead peer (`TCP_USER_TIMEOUT`).
const USER_TIMEOUT: Duration = Duration::from_secs(60);

/// Why a connection could not be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
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
    #[error("TLS with {host} failed: {source}")]
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
    /// The CA file can't be read or holds no certificate.
    #[error("CA file {}: {what}", .path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
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

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
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
pub async fn connect(server: &Server, ca_file: Option<&Path>, deadline: Duration) -> Result<Stream, Error> {
    within(server, deadline, async {
        let socket = reach(server).await?;
        secure(socket, server, ca_file).await
    })
    .await
}

/// Connects without TLS, for a server that starts it by STARTTLS; [`upgrade`] must follow.
///
/// # Errors
/// When the server can't be reached within `deadline`.
pub async fn tcp(server: &Server, deadline: Duration) -> Result<TcpStream, Error> {
    within(server, deadline, reach(server)).await
}

/// Starts TLS on a connection whose server has agreed to it.
///
/// # Errors
/// When the server can't be verified within `deadline`.
pub async fn upgrade(
    socket: TcpStream,
    server: &Server,
    ca_file: Option<&Path>,
    deadline: Duration,
) -> Result<Stream, Error> {
    within(server, deadline, secure(socket, server, ca_file)).await
}

async fn within<T>(server: &Server, after: Duration, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    timeout(after, work).await.unwrap_or_else(|_| {
        Err(Error::Timeout {
            host: server.host.clone(),
            port: server.port,
            after,
        })
    })
}

async fn secure(socket: TcpStream, server: &Server, ca_file: Option<&Path>) -> Result<Stream, Error> {
    let name = ServerName::try_from(server.host.clone()).map_err(|_| Error::Name(server.host.clone()))?;
    let connector = tokio_rustls::TlsConnector::from(tls::config(ca_file)?);
    let stream = connector.connect(name, socket).await.map_err(|source| Error::Tls {
        host: server.host.clone(),
        source,
    })?;
    Ok(Stream(Box::new(stream)))
}

/// Tries the server's addresses, the next one beside the last where that is slow, and takes the first that answers.
async fn reach(server: &Server) -> Result<TcpStream, Error> {
    let failed = |source| Error::Connect {
        host: server.host.clone(),
        port: server.port,
        source,
    };
    let found = lookup_host((server.host.as_str(), server.port)).await;
    let addresses = found.map_err(|source| Error::Resolve {
        host: server.host.clone(),
        source,
    })?;
    let mut waiting = interleave(addresses.collect()).into_iter();
    let mut tries = JoinSet::new();
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    loop {
        if let Some(address) = waiting.next() {
            tries.spawn(TcpStream::connect(address));
        } else if tries.is_empty() {
            return Err(failed(last));
        }
        let patience = if waiting.len() > 0 { NEXT_ADDRESS } else { Duration::MAX };
        match timeout(patience, tries.join_next()).await {
            Ok(Some(Ok(Ok(socket)))) => return watch_over(socket).map_err(failed),
            Ok(Some(Ok(Err(error)))) => last = error,
            Ok(Some(Err(_)) | None) | Err(_) => {}
        }
    }
}

/// Address families in turn, the resolver's first one first (RFC 8305 section 4).
fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let v6_first = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|a| a.is_ipv6() == v6_first);
    let mut second = second.into_iter();
    let mut order: Vec<_> = first
        .into_iter()
        .flat_map(|a| [Some(a), second.next()])
        .flatten()
        .collect();
    order.extend(second);
    order
}

/// Keep-alive below the idle limits of NAT gateways, and an end to unanswered writes: a half-open connection is noticed.
fn watch_over(socket: TcpStream) -> io::Result<TcpStream> {
    socket.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(60))
        .with_interval(Duration::from_secs(15))
        .with_retries(4);
    let reference = SockRef::from(&socket);
    reference.set_tcp_keepalive(&keepalive)?;
    #[cfg(target_os = "linux")]
    reference.set_tcp_user_timeout(Some(USER_TIMEOUT))?;
    Ok(socket)
}

#[cfg(test)]
#[path = "net_tests.rs"]
mod tests;
