//! HTTP to the servers that an operator names: no redirects. What leads into a private network is told here.

use std::{net::SocketAddr, time::Duration};

use bytes::{Bytes, BytesMut};
use reqwest::{Client, Response, Url, redirect::Policy};

use super::{ConnectError, Traffic, proxy, reach::Lookup, through, tls, via};
pub use crate::address::is_private_literal;
use crate::{
    address::is_private,
    config::{Server, Tls, TlsFiles},
};

/// What we speak, and say so in the handshake: who speaks HTTP/2 only says so in turn.
pub(super) const ALPN: &[u8] = b"http/1.1";

/// A client for servers that the operator names, in private networks too. It trusts the system's roots and those of `ca_file`, and proves
/// itself where that is asked, by the files as they are at each connection.
///
/// Connecting ends after 10 s; the whole exchange is the caller's to bound.
///
/// # Errors
/// When a file is unusable.
pub fn client<'a>(files: impl Into<TlsFiles<'a>>) -> Result<Client, ConnectError> {
    tls::install_provider();
    let mut tls = tls::following(files.into())?;
    tls.alpn_protocols = vec![ALPN.to_vec()];
    let builder = Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(Policy::none())
        .dns_resolver(Lookup)
        .proxy(proxy::of_client())
        .http1_only()
        .http1_max_headers(MAX_HEADERS)
        .http1_allow_obsolete_multiline_headers_in_responses(true)
        .http1_allow_spaces_after_header_name_in_responses(true)
        .http1_ignore_invalid_headers_in_responses(true)
        .tcp_nodelay(true)
        .connect_timeout(CONNECT)
        .pool_idle_timeout(Duration::from_secs(30));
    Ok(builder.build()?)
}

/// How long a connection may take.
pub(super) const CONNECT: Duration = Duration::from_secs(10);

/// Header fields of an answer at most. hyper's own limit is 100 (2026-11). For each answer it fills room for as many as there may be, 64 bytes a field:
/// for 4,096 that takes 22 µs. Of an answer with more the status counts.
pub(super) const MAX_HEADERS: usize = 2_048;

/// What is left of a body, or nothing when that is more than `most` bytes.
///
/// # Errors
/// When the connection fails on the way.
pub async fn body(answer: &mut Response, most: u64) -> Result<Option<Bytes>, reqwest::Error> {
    let mut body = BytesMut::new();
    while let Some(piece) = answer.chunk().await? {
        if (body.len() + piece.len()) as u64 > most {
            return Ok(None);
        }
        body.extend_from_slice(&piece);
    }
    Ok(Some(body.freeze()))
}

/// What the proxy on the way to this URL's server says when it is asked again, where it does not lead there.
pub async fn refused_on_the_way(url: &Url) -> Option<ConnectError> {
    let server = server(url)?;
    let traffic = Traffic::of(url);
    match via(traffic, &server) {
        Ok(via) => through(&*via?, traffic, &server, CONNECT).await.err(),
        Err(error) => Some(error),
    }
}

/// The server that a URL names.
pub(super) fn server(url: &Url) -> Option<Server> {
    let host = url.host_str()?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    Some(Server {
        host: bare.unwrap_or(host).to_owned(),
        port: url.port_or_known_default()?,
        tls: Tls::Implicit,
    })
}

/// A name has private addresses only, and the operator did not allow those.
#[derive(Debug, thiserror::Error)]
#[error("{0} is in a private network; set allow_private_network = true if that is meant")]
pub struct PrivateNetwork(pub String);

/// Those of a name's addresses that are public.
///
/// # Errors
/// When there is none.
pub fn public(name: &str, mut addresses: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, PrivateNetwork> {
    addresses.retain(|address| !is_private(address.ip()));
    if addresses.is_empty() {
        return Err(PrivateNetwork(name.to_owned()));
    }
    Ok(addresses)
}
