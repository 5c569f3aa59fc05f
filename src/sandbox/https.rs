//! HTTPS for the token server and the webhook's receiver: a whole request in, a small answer out.

use std::{convert::Infallible, io, sync::Arc, time::Duration};

use axum::body::{Body, to_bytes};
use bytes::Bytes;
use hyper::{
    HeaderMap, Request, Response, StatusCode,
    body::Incoming,
    header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpListener, time::timeout};
use tokio_rustls::TlsAcceptor;

use super::wire::{ClientStream, accept};

/// The body of a request: more than a mail of the largest size in base64.
const BODY: usize = 40 << 20;
/// How long a head may take, and a connection in all.
const HEAD: Duration = Duration::from_secs(30);
const WHOLE: Duration = Duration::from_secs(600);

/// A request as it came.
pub(super) struct HttpAsked {
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl HttpAsked {
    /// A header field; empty where there is none.
    pub(super) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default()
    }
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HttpSaid {
    pub(super) status: u16,
    pub(super) media_type: &'static str,
    pub(super) body: String,
    /// Seconds after which the client may ask again.
    pub(super) retry_after: Option<u16>,
}

impl HttpSaid {
    pub(super) fn text(status: u16, body: impl Into<String>) -> Self {
        Self {
            status,
            media_type: "text/plain; charset=utf-8",
            body: body.into(),
            retry_after: None,
        }
    }

    pub(super) fn json(status: u16, body: &serde_json::Value) -> Self {
        Self {
            media_type: "application/json",
            ..Self::text(status, body.to_string())
        }
    }
}

/// Answers each request.
pub(super) type HttpAnswerer = Arc<dyn Fn(HttpAsked) -> HttpSaid + Send + Sync>;

/// Answers whoever connects, until it is dropped.
pub(super) async fn listen(listener: TcpListener, acceptor: TlsAcceptor, answer: HttpAnswerer) {
    accept(listener, acceptor, move |stream| serve(stream, answer.clone())).await;
}

async fn serve(stream: ClientStream, answer: HttpAnswerer) -> io::Result<()> {
    let service = service_fn(move |request| {
        let answer = answer.clone();
        async move { Ok::<_, Infallible>(respond(request, &answer).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), service);
    timeout(WHOLE, connection).await?.map_err(io::Error::other)
}

async fn respond(request: Request<Incoming>, answer: &HttpAnswerer) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let said = match to_bytes(Body::new(body), BODY).await {
        Ok(body) => answer(HttpAsked {
            path: parts.uri.path().to_owned(),
            headers: parts.headers,
            body,
        }),
        Err(_) => HttpSaid::text(413, "too large"),
    };
    let mut response = Response::new(Body::from(said.body));
    *response.status_mut() = StatusCode::from_u16(said.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(said.media_type));
    if let Some(seconds) = said.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
