//! The receiving end of webhooks: records every request and answers as the test says.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use axum::{
    Router,
    body::{self, Body},
    extract::State,
    http::{HeaderMap, Method, StatusCode},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use tokio::{
    net::TcpListener,
    sync::{oneshot, watch},
};

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Request {
    /// How many came before it.
    pub number: usize,
    /// When its body was complete.
    pub at: Instant,
    /// The method.
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Request {
    /// A header field as text; empty when it isn't there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The body as JSON; null when it isn't.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// What the receiver says to one request.
#[derive(Debug, Clone)]
pub struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Bytes,
    delay: Duration,
}

impl Answer {
    /// An empty answer with this status.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Bytes::new(),
            delay: Duration::ZERO,
        }
    }

    /// 200 with a plain text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::status(200)
            .header("content-type", "text/plain; charset=utf-8")
            .body(text.into())
    }

    /// 200 with JSON.
    #[must_use]
    pub fn json(value: &serde_json::Value) -> Self {
        Self::status(200)
            .header("content-type", "application/json")
            .body(value.to_string())
    }

    /// With this header field too.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With this body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Given only after this time.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}

/// A running receiver; it stops when dropped.
#[derive(Debug)]
pub struct Receiver {
    port: u16,
    seen: watch::Receiver<usize>,
    requests: Arc<Mutex<Vec<Request>>>,
    _running: oneshot::Sender<()>,
}

struct Recorder {
    answer: Box<dyn Fn(&Request) -> Answer + Send + Sync>,
    requests: Arc<Mutex<Vec<Request>>>,
    seen: watch::Sender<usize>,
}

impl Receiver {
    /// Starts on a free port of 127.0.0.1; `answer` decides what each request gets.
    ///
    /// # Errors
    /// When there is no free port.
    pub async fn start(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let requests = Arc::<Mutex<Vec<Request>>>::default();
        let (sender, seen) = watch::channel(0);
        let recorder = Recorder {
            answer: Box::new(answer),
            requests: Arc::clone(&requests),
            seen: sender,
        };
        let router = Router::new().fallback(record).with_state(Arc::new(recorder));
        let (running, stopped) = oneshot::channel::<()>();
        let server = axum::serve(listener, router).with_graceful_shutdown(async { drop(stopped.await) });
        tokio::spawn(server.into_future());
        Ok(Self {
            port,
            seen,
            requests,
            _running: running,
        })
    }

    /// Where it listens, such as `http://127.0.0.1:PORT/hook`.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// All requests so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until at least `count` requests came, and returns all so far.
    ///
    /// # Errors
    /// When fewer came within `patience`.
    pub async fn wait_for(&self, count: usize, patience: Duration) -> Result<Vec<Request>> {
        let mut seen = self.seen.clone();
        let enough = tokio::time::timeout(patience, seen.wait_for(|seen| *seen >= count)).await;
        let requests = self.requests();
        ensure!(
            enough.is_ok(),
            "{} requests came within {patience:?}, not {count}",
            requests.len()
        );
        Ok(requests)
    }
}

async fn record(State(recorder): State<Arc<Recorder>>, request: axum::extract::Request<Body>) -> Response {
    let (parts, content) = request.into_parts();
    let Ok(body) = body::to_bytes(content, usize::MAX).await else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let path = parts.uri.path_and_query().map_or_else(String::new, ToString::to_string);
    let request = {
        let mut requests = recorder.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let number = requests.len();
        let at = Instant::now();
        requests.push(Request {
            number,
            at,
            method: parts.method,
            path,
            headers: parts.headers,
            body,
        });
        requests[number].clone()
    };
    recorder.seen.send_modify(|seen| *seen += 1);
    let answer = (recorder.answer)(&request);
    tokio::time::sleep(answer.delay).await;
    let mut response = (StatusCode::from_u16(answer.status).unwrap_or_default(), answer.body).into_response();
    // What the test wrote stands alone: no content type that nobody asked for.
    response.headers_mut().clear();
    for (name, value) in answer.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<axum::http::HeaderName>(), value.parse()) {
            response.headers_mut().append(name, value);
        }
    }
    response
}
