//! A connection to a server by a proxy: CONNECT, or SOCKS5 with the server's name.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_socks::tcp::Socks5Stream;

use super::{ProxyError, ProxyTrouble, Traffic, Via, authority};
use crate::{
    config::{ProxyKind, Server, Tls},
    net::{ConnectError, reach, status_line},
    secret::ExposeSecret as _,
};

/// Bytes of a proxy's answer to CONNECT at most.
const MAX_HEAD: usize = 16 << 10;

/// A connection by which this server is spoken to, within `deadline`.
pub(in crate::net) async fn open(
    via: &Via,
    traffic: Traffic,
    server: &Server,
    deadline: Duration,
) -> Result<TcpStream, ProxyError> {
    let opened = timeout(deadline, opened(via, traffic, server)).await;
    opened
        .unwrap_or(Err(ProxyTrouble::Silent(deadline)))
        .map_err(|trouble| via.failed(&server.host, server.port, trouble))
}

impl Via {
    /// That it doesn't lead there.
    pub(in crate::net) fn failed(&self, host: &str, port: u16, trouble: ProxyTrouble) -> ProxyError {
        ProxyError {
            proxy: self.to_string(),
            server: authority(host, port),
            trouble,
        }
    }
}

async fn opened(via: &Via, traffic: Traffic, server: &Server) -> Result<TcpStream, ProxyTrouble> {
    let itself = Server {
        host: via.proxy.host.clone(),
        port: via.proxy.port,
        tls: Tls::Implicit,
    };
    let away = |error: ConnectError| ProxyTrouble::Away(Box::new(error));
    let addresses = reach::resolve(&itself).await.map_err(away)?;
    let socket = reach::dial(&itself, addresses).await.map_err(away)?;
    match via.proxy.kind {
        _ if via.forwards(traffic) => Ok(socket),
        ProxyKind::Http => connect(socket, via, server).await,
        ProxyKind::Socks5 => socks(socket, via, server).await,
    }
}

async fn socks(socket: TcpStream, via: &Via, server: &Server) -> Result<TcpStream, ProxyTrouble> {
    let target = (&*server.host, server.port);
    let stream = match via.sign_in().map_err(ProxyTrouble::Secret)? {
        Some((user, password)) => {
            Socks5Stream::connect_with_password_and_socket(socket, target, &user, password.expose_secret()).await
        }
        None => Socks5Stream::connect_with_socket(socket, target).await,
    };
    Ok(stream.map_err(ProxyTrouble::of_socks)?.into_inner())
}

async fn connect(mut socket: TcpStream, via: &Via, server: &Server) -> Result<TcpStream, ProxyTrouble> {
    let target = authority(&server.host, server.port);
    let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n").into_bytes();
    if let Some(proof) = via.authorization().map_err(ProxyTrouble::Secret)? {
        request.extend_from_slice(b"Proxy-Authorization: ");
        request.extend_from_slice(proof.as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    socket.write_all(&request).await.map_err(ProxyTrouble::Broke)?;
    let head = head(&mut socket).await?;
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    match status_line::status_of(line) {
        Some(200..=299) => Ok(socket),
        Some(status) => Err(ProxyTrouble::of_status(status, &shown(line))),
        None => Err(ProxyTrouble::Foreign("it does not speak HTTP")),
    }
}

/// The head of its answer, and not a byte more: what follows is the server's.
async fn head(socket: &mut TcpStream) -> Result<Vec<u8>, ProxyTrouble> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && !head.ends_with(b"\n\n") {
        // What is no HTTP need not end.
        if head.len() >= MAX_HEAD || (head.len() >= 5 && !head.starts_with(b"HTTP/")) {
            return Err(ProxyTrouble::Foreign("it does not speak HTTP"));
        }
        match socket.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && !head.is_empty() => break,
            Err(error) => return Err(ProxyTrouble::Broke(error)),
        }
    }
    Ok(head)
}

/// Its first line as it may be shown.
fn shown(line: &[u8]) -> String {
    let line = String::from_utf8_lossy(line);
    line.trim().chars().filter(|c| !c.is_control()).take(200).collect()
}
