//! The way to a server: its addresses, and a connection to the first that answers.

use std::{
    io,
    net::{IpAddr, SocketAddr, ToSocketAddrs},
    time::Duration,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use socket2::{SockRef, TcpKeepalive};
use tokio::{net::TcpStream, task::JoinSet, time::timeout};

use super::ConnectError;
use crate::{config::Server, threads::Threads};

/// How long one address may take before the next one is tried beside it (RFC 8305 section 5).
const NEXT_ADDRESS: Duration = Duration::from_millis(250);
/// Unacknowledged data for this long means a dead peer (`TCP_USER_TIMEOUT`).
const USER_TIMEOUT: Duration = Duration::from_secs(60);

/// The system's resolver holds up a thread until it answers, however long that takes: these hold up nobody else.
static LOOKUPS: Threads = Threads::new("lookup", 64);

/// Asks the system's resolver, for an HTTP client.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lookup;

impl Resolve for Lookup {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = lookup(name.as_str(), 0).await?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

async fn lookup(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let host = host.to_owned();
    let looking = LOOKUPS.begin(move || Ok((host.as_str(), port).to_socket_addrs()?.collect()));
    let found = looking.await.map_err(io::Error::other)?.await;
    found.unwrap_or_else(|_| Err(io::Error::other("the resolver panicked")))
}

/// Finds the server's addresses and connects to one.
pub(super) async fn reach(server: &Server) -> Result<TcpStream, ConnectError> {
    let addresses = resolve(server).await?;
    dial(server, addresses).await
}

/// Asks the system's resolver.
pub(super) async fn resolve(server: &Server) -> Result<Vec<SocketAddr>, ConnectError> {
    let found = lookup(&server.host, server.port).await;
    found.map_err(|source| ConnectError::Resolve {
        host: server.host.clone(),
        source,
    })
}

/// Tries these addresses, the next one beside the last where that is slow, and takes the first that answers.
pub(super) async fn dial(server: &Server, addresses: Vec<SocketAddr>) -> Result<TcpStream, ConnectError> {
    let failed = |source| ConnectError::Connect {
        host: server.host.clone(),
        port: server.port,
        source,
    };
    let mut waiting = interleave(addresses).into_iter();
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
pub(super) fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
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
