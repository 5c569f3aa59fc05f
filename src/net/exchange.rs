//! One request to a webhook and its answer, over connections that are kept.
//!
//! It is hyper on a connection of ours, because we must know more than an HTTP library tells: which status an answer began with whose head
//! can't be read, and whether anything was sent at all. A connection belongs to one exchange at a time, so that what is heard on it is the
//! answer to that request and to no other; it goes back only when the body of its answer came whole.
//!
//! No redirects, and no way into a private network unless that is allowed. Where a proxy leads is for who runs it to say.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use futures_util::future::poll_fn;
use hyper::{
    Method, Request, Response, Uri,
    body::{Body as _, Incoming},
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use reqwest::{
    Body, StatusCode, Url,
    header::{ACCEPT, HOST, HeaderMap, HeaderValue, PROXY_AUTHORIZATION},
};
use rustls::ClientConfig;
use tokio::{net::TcpStream, time::sleep};

use super::{
    ConnectError, Traffic, Via,
    http::{ALPN, CONNECT, MAX_HEADERS, PrivateNetwork, public},
    proxy::ProxyTrouble,
    reach, secure, through, tls, via,
    wire::{Duplex, WatchedStream, WireState, lock},
    within,
};
use crate::{
    address::is_private_literal,
    config::{Server, Tls, TlsFiles},
};

/// How long a connection is kept without an exchange.
const IDLE: Duration = Duration::from_secs(30);

/// Sends requests, and keeps the connections that may be used again.
#[derive(Debug, Clone)]
pub struct HttpClient(Arc<HttpClientInner>);

#[derive(Debug)]
struct HttpClientInner {
    tls: Arc<ClientConfig>,
    allow_private: bool,
    /// By the beginning of a URL that they are good for.
    idle: Mutex<HashMap<String, Vec<Connection>>>,
}

/// A connection, of one exchange or of none.
#[derive(Debug)]
struct Connection {
    sender: SendRequest<Body>,
    wire: Arc<Mutex<WireState>>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The URL leads nowhere.
    #[error("the URL is not usable: {0}")]
    Url(String),
    /// It leads where it may not.
    #[error(transparent)]
    PrivateNetwork(#[from] PrivateNetwork),
    /// There is no connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The connection broke, or what came is no HTTP.
    #[error(transparent)]
    Http(#[from] hyper::Error),
}

/// What was heard of an answer so far, also when no more comes.
#[derive(Debug, Default)]
pub struct AnswerProgress(Option<Arc<Mutex<WireState>>>);

impl AnswerProgress {
    /// The status that the answer began with.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        let status = lock(self.0.as_ref()?).status.status()?;
        StatusCode::from_u16(status).ok()
    }
}

/// What is posted.
#[derive(Debug)]
pub enum RequestBody {
    /// Bytes in memory, which can be sent once more where a connection turns out to be closed.
    Bytes(Bytes),
    /// What is read as it is sent.
    Stream(Body),
}

impl RequestBody {
    fn spare(&self) -> Option<Bytes> {
        match self {
            Self::Bytes(bytes) => Some(bytes.clone()),
            Self::Stream(_) => None,
        }
    }
}

/// An answer, whose body is still to be read.
#[derive(Debug)]
pub struct HttpAnswer {
    /// Its status.
    pub status: StatusCode,
    /// Its header fields.
    pub headers: HeaderMap,
    body: Incoming,
    kept: Option<(HttpClient, String, Connection)>,
}

impl HttpClient {
    /// One that trusts the system's roots and those of `ca_file`, and proves itself where that is asked, by the files as they are at each
    /// connection. Names that resolve to private addresses are refused unless `allow_private`, and so are private addresses.
    ///
    /// Connecting ends after 10 s; the whole exchange is the caller's to bound.
    ///
    /// # Errors
    /// When a file is unusable.
    pub fn new<'a>(files: impl Into<TlsFiles<'a>>, allow_private: bool) -> Result<Self, ConnectError> {
        let mut tls = tls::following(files.into())?;
        tls.alpn_protocols = vec![ALPN.to_vec()];
        Ok(Self(Arc::new(HttpClientInner {
            tls: Arc::new(tls),
            allow_private,
            idle: Mutex::default(),
        })))
    }

    /// Posts a body of the length that its header field says. `progress` tells what was heard, however this ends.
    ///
    /// # Errors
    /// When no head of an answer came that can be read.
    pub async fn post(
        &self,
        url: &Url,
        mut headers: HeaderMap,
        content: RequestBody,
        progress: &mut AnswerProgress,
    ) -> Result<HttpAnswer, ExchangeError> {
        let unusable = |what: &str| ExchangeError::Url(what.to_owned());
        let server = server(url).ok_or_else(|| unusable("it has no host or port"))?;
        let origin = url.origin().ascii_serialization();
        if !self.0.allow_private && is_private_literal(url) {
            return Err(PrivateNetwork(server.host).into());
        }
        let target = Uri::try_from(url.as_str()).map_err(|error| unusable(&error.to_string()))?;
        let target = target
            .path_and_query()
            .cloned()
            .ok_or_else(|| unusable("it has no path"))?;
        let host = HeaderValue::try_from(authority(url)).map_err(|error| unusable(&error.to_string()))?;
        headers.insert(HOST, host);
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        let traffic = Traffic::of(url);
        let via = via(traffic, &server)?;
        let forwarder = via.as_ref().filter(|via| via.forwards(traffic));
        let mut target: Uri = target.into();
        if let Some(forwarder) = forwarder {
            target = Uri::try_from(without_fragment(url)).map_err(|error| unusable(&error.to_string()))?;
            let proof = forwarder.authorization();
            let proof = proof.map_err(|error| refused(forwarder, &server, ProxyTrouble::Secret(error)))?;
            headers.extend(proof.map(|proof| (PROXY_AUTHORIZATION, proof)));
        }
        let spare = content.spare();
        let request = |body| {
            let mut request = Request::new(body);
            *request.method_mut() = Method::POST;
            *request.uri_mut() = target.clone();
            *request.headers_mut() = headers.clone();
            request
        };
        let mut next = request(match content {
            RequestBody::Bytes(bytes) => bytes.into(),
            RequestBody::Stream(body) => body,
        });
        loop {
            let (mut connection, is_kept) = match self.kept(&origin) {
                Some(connection) => (connection, true),
                None => (self.connect(&server, traffic, via.as_deref()).await?, false),
            };
            let wire = connection.wire.clone();
            *lock(&wire) = WireState::default();
            *progress = AnswerProgress(Some(wire.clone()));
            let mut failed = match connection.sender.try_send_request(next).await {
                Ok(answer) if answer.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED && forwarder.is_some() => {
                    let trouble = ProxyTrouble::SignIn(answer.status().to_string());
                    return Err(forwarder.map_or_else(|| unusable("no proxy"), |via| refused(via, &server, trouble)));
                }
                Ok(answer) => return Ok(HttpAnswer::new(answer, (self.clone(), origin, connection))),
                Err(failed) => failed,
            };
            // A connection that its server had closed: nothing was asked on it.
            let unsent = is_kept && !lock(&wire).asked;
            let again = || failed.take_message().or_else(|| Some(request(spare.clone()?.into())));
            match unsent.then(again).flatten() {
                Some(unsent) => next = unsent,
                None => return Err(failed.into_error().into()),
            }
        }
    }

    /// One that is kept and may be used. Those that are closed are dropped.
    fn kept(&self, origin: &str) -> Option<Connection> {
        let mut idle = lock(&self.0.idle);
        let connections = idle.get_mut(origin)?;
        connections.retain(|connection| !connection.sender.is_closed());
        let ready = connections.iter().rposition(|connection| connection.sender.is_ready());
        let taken = ready.map(|at| connections.swap_remove(at));
        if connections.is_empty() {
            idle.remove(origin);
        }
        taken
    }

    async fn connect(&self, server: &Server, traffic: Traffic, via: Option<&Via>) -> Result<Connection, ExchangeError> {
        let socket = match via {
            Some(via) => through(via, traffic, server, CONNECT).await?,
            None => within(server, CONNECT, async { Ok(self.dialed(server).await) }).await??,
        };
        let stream: Box<dyn Duplex> = if traffic == Traffic::Https {
            Box::new(within(server, CONNECT, secure(socket, server, self.0.tls.clone())).await?)
        } else {
            Box::new(socket)
        };
        let wire = Arc::<Mutex<WireState>>::default();
        let (sender, mut connection) = http1::Builder::new()
            .max_headers(MAX_HEADERS)
            .allow_obsolete_multiline_headers_in_responses(true)
            .allow_spaces_after_header_name_in_responses(true)
            .ignore_invalid_headers_in_responses(true)
            .handshake(TokioIo::new(WatchedStream::new(stream, wire.clone())))
            .await?;
        let seen = wire.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    // What ends it is told to whoever waits for an answer.
                    _ended = &mut connection => return,
                    () = sleep(IDLE) => {
                        if lock(&seen).idle.is_some_and(|since| since.elapsed() >= IDLE) {
                            return;
                        }
                    }
                }
            }
        });
        Ok(Connection { sender, wire })
    }

    async fn dialed(&self, server: &Server) -> Result<TcpStream, ExchangeError> {
        let mut addresses = reach::resolve(server).await?;
        if !self.0.allow_private {
            addresses = public(&server.host, addresses)?;
        }
        Ok(reach::dial(server, addresses).await?)
    }

    fn keep(&self, origin: String, connection: Connection) {
        lock(&connection.wire).idle = Some(Instant::now());
        lock(&self.0.idle).entry(origin).or_default().push(connection);
    }
}

fn refused(via: &Via, server: &Server, trouble: ProxyTrouble) -> ExchangeError {
    ConnectError::from(via.failed(&server.host, server.port, trouble)).into()
}

/// A URL as a proxy takes it that forwards the request.
fn without_fragment(url: &Url) -> String {
    format!(
        "{}://{}{}{}",
        url.scheme(),
        authority(url),
        url.path(),
        url.query().map_or(String::new(), |query| format!("?{query}"))
    )
}

pub(super) fn server(url: &Url) -> Option<Server> {
    let host = url.host_str()?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    Some(Server {
        host: bare.unwrap_or(host).to_owned(),
        port: url.port_or_known_default()?,
        tls: Tls::Implicit,
    })
}

fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

impl HttpAnswer {
    fn new(answer: Response<Incoming>, kept: (HttpClient, String, Connection)) -> Self {
        let (head, body) = answer.into_parts();
        Self {
            status: head.status,
            headers: head.headers,
            body,
            kept: Some(kept),
        }
    }

    /// All of its body, or nothing when that is more than `most` bytes.
    ///
    /// # Errors
    /// When the connection fails on the way.
    pub async fn body(&mut self, most: u64) -> Result<Option<Bytes>, hyper::Error> {
        let mut whole = BytesMut::new();
        while let Some(piece) = self.piece().await? {
            if (whole.len() + piece.len()) as u64 > most {
                return Ok(None);
            }
            whole.extend_from_slice(&piece);
        }
        Ok(Some(whole.freeze()))
    }

    /// The next piece of its body; `None` after the last.
    ///
    /// # Errors
    /// When the connection fails on the way.
    pub async fn piece(&mut self) -> Result<Option<Bytes>, hyper::Error> {
        while let Some(frame) = poll_fn(|cx| Pin::new(&mut self.body).poll_frame(cx)).await {
            if let Ok(piece) = frame?.into_data() {
                return Ok(Some(piece));
            }
        }
        if let Some((client, origin, connection)) = self.kept.take() {
            client.keep(origin, connection);
        }
        Ok(None)
    }
}

#[cfg(test)]
#[path = "exchange_tests.rs"]
mod tests;
