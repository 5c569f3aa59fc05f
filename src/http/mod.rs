//! What the process says of itself over HTTP: `/livez`, `/readyz`, `/status` and `/metrics`; and the [`api`], by which it is seen and
//! steered.
//!
//! The first two speak of this process alone. A mailbox, webhook or token that is down never fails them: restarting us would mend none of
//! those. All of it is answered by a thread outside of the loops' runtime.

pub mod api;
mod heartbeat;
mod places;
mod sampler;
mod spare;
mod thread;

use std::sync::Arc;

use async_trait::async_trait;
use axum::{
    Router,
    extract::State,
    http::{
        HeaderMap, HeaderName, StatusCode,
        header::{ACCEPT, CONTENT_TYPE},
    },
    routing::get,
};
use bytes::Bytes;
use tokio::time::Duration;
use tokio_util::sync::CancellationToken;

pub use self::{
    heartbeat::Heartbeat,
    sampler::Sampler,
    thread::{Serving, start},
};
use crate::{ledger::Ledger, metrics, status::Status};

/// How long the ledger may take to answer before we are not ready.
const PATIENCE: Duration = Duration::from_secs(2);

/// Who knows how everything stands.
#[async_trait]
pub trait StatusSource: Send + Sync + 'static {
    /// Everything, as it is now.
    async fn status(&self) -> Status;
    /// Brings the metrics of how things stand up to date.
    async fn measure(&self);
    /// Whether the endpoints of the configuration were started.
    fn started(&self) -> bool;
}

/// What the pages need.
#[derive(Clone)]
pub struct HttpState {
    /// The ledger.
    pub ledger: Arc<dyn Ledger>,
    /// How everything stands.
    pub board: Arc<dyn StatusSource>,
    /// Looks at it.
    pub sampler: Sampler,
    /// Beats while the loops' runtime runs.
    pub heartbeat: Heartbeat,
    /// Turns `/readyz` to 503.
    pub draining: CancellationToken,
}

/// All that is answered: pages that are open to whoever reaches the address, and those that [`api`] lets in to.
pub fn routes(pages: HttpState, api: api::Api) -> Router {
    let status = Router::new().route("/status", get(status)).with_state(pages.clone());
    Router::new()
        .route("/livez", get(alive))
        .route("/readyz", get(ready))
        .route("/metrics", get(measured))
        .with_state(pages)
        .merge(api::guard(status, &api))
        .merge(api::routes(api))
}

/// What is answered while the ledger can't be opened: the process is alive and not ready, for this reason. `measure` brings up to date what is
/// known of the ledger's disk: an alert is to fire.
pub fn waiting(why: String, metrics: metrics::Metrics, measure: impl Fn() + Clone + Send + Sync + 'static) -> Router {
    let measured = move |headers: HeaderMap| {
        measure();
        let (kind, text) = match accepts_openmetrics(&headers) {
            true => (metrics::MEDIA_TYPE, metrics.encode()),
            false => (metrics::CLASSIC_MEDIA_TYPE, metrics.encode_classic()),
        };
        let text = text.map_err(|_| UNKNOWN);
        async move { text.map(|text| ([(CONTENT_TYPE, kind)], text)) }
    };
    let unready = move || {
        let text = format!("{why}\n");
        async move { (StatusCode::SERVICE_UNAVAILABLE, text) }
    };
    Router::new()
        .route("/livez", get(|| async { "alive\n" }))
        .route("/metrics", get(measured))
        .fallback(unready)
}

type ContentType = [(HeaderName, &'static str); 1];

/// 503 when the loops' runtime does not run.
async fn alive(State(pages): State<HttpState>) -> (StatusCode, String) {
    match pages.heartbeat.late() {
        None => (StatusCode::OK, "alive\n".into()),
        Some(since) => {
            let text = format!("nothing has run for {} s\n", since.as_secs());
            (StatusCode::SERVICE_UNAVAILABLE, text)
        }
    }
}

/// 200 when the configuration was loaded and started, the ledger answers, and nobody asked us to stop.
async fn ready(State(pages): State<HttpState>) -> (StatusCode, String) {
    let unready = |why: String| (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n"));
    if pages.draining.is_cancelled() {
        return unready("draining".into());
    }
    if !pages.board.started() {
        return unready("starting".into());
    }
    match tokio::time::timeout(PATIENCE, pages.ledger.ping()).await {
        Ok(Ok(())) => (StatusCode::OK, "ready\n".into()),
        Ok(Err(error)) => unready(error.to_string()),
        Err(_) => unready("the ledger does not answer".into()),
    }
}

/// Names users and what servers said, so it is for whom the API lets in.
async fn status(State(pages): State<HttpState>) -> Result<(ContentType, Bytes), (StatusCode, &'static str)> {
    let sample = pages.sampler.sample().await.ok_or(UNKNOWN)?;
    Ok(([(CONTENT_TYPE, "application/json")], sample.status.clone()))
}

async fn measured(
    State(pages): State<HttpState>,
    headers: HeaderMap,
) -> Result<(ContentType, Bytes), (StatusCode, &'static str)> {
    let sample = pages.sampler.sample().await.ok_or(UNKNOWN)?;
    Ok(if accepts_openmetrics(&headers) {
        ([(CONTENT_TYPE, metrics::MEDIA_TYPE)], sample.open.clone())
    } else {
        ([(CONTENT_TYPE, metrics::CLASSIC_MEDIA_TYPE)], sample.classic.clone())
    })
}

fn accepts_openmetrics(headers: &HeaderMap) -> bool {
    let accepts = |accept: &str| accept.contains("application/openmetrics-text");
    let mut all = headers.get_all(ACCEPT).iter();
    all.any(|accept| accept.to_str().is_ok_and(accepts))
}

/// A look hangs.
const UNKNOWN: (StatusCode, &str) = (
    StatusCode::SERVICE_UNAVAILABLE,
    "how things stand has not been known for a minute: the ledger's disk may hang; see the log\n",
);

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "door_tests.rs"]
mod door_tests;
