//! What the process says of itself over HTTP: `/livez`, `/readyz`, `/status` and `/metrics`; and the [`api`], by which it is seen and
//! steered.
//!
//! The first two speak of this process alone. A mailbox, webhook or token that is down never fails them: restarting us would mend none of
//! those. All of it is answered by a thread outside of the loops' runtime.

pub mod api;
mod heartbeat;
mod thread;

use std::{net::SocketAddr, sync::Arc};

use async_trait::async_trait;
use axum::{
    Router,
    extract::{ConnectInfo, State},
    http::{
        HeaderMap, HeaderName, StatusCode,
        header::{ACCEPT, CONTENT_TYPE},
    },
    routing::get,
};
use tokio::time::Duration;
use tokio_util::sync::CancellationToken;

pub use self::{
    heartbeat::Heartbeat,
    thread::{Serving, start},
};
use crate::{
    ledger::Ledger,
    metrics::{self, Metrics},
    status::Status,
};

/// How long the ledger may take to answer before we are not ready.
const PATIENCE: Duration = Duration::from_secs(2);

/// Who knows how everything stands.
#[async_trait]
pub trait Board: Send + Sync + 'static {
    /// Everything, as it is now.
    async fn status(&self) -> Status;
    /// Brings the metrics of how things stand up to date.
    async fn measure(&self);
    /// Whether the endpoints of the configuration were started.
    fn started(&self) -> bool;
}

/// What the pages need.
#[derive(Clone)]
pub struct Pages {
    /// The ledger.
    pub ledger: Arc<dyn Ledger>,
    /// The metrics.
    pub metrics: Metrics,
    /// How everything stands.
    pub board: Arc<dyn Board>,
    /// Beats while the loops' runtime runs.
    pub heartbeat: Heartbeat,
    /// Turns `/readyz` to 503.
    pub draining: CancellationToken,
}

/// The routes of the pages.
pub fn pages(pages: Pages) -> Router {
    Router::new()
        .route("/livez", get(alive))
        .route("/readyz", get(ready))
        .route("/status", get(status))
        .route("/metrics", get(measured))
        .with_state(pages)
}

type Text = [(HeaderName, &'static str); 1];

/// 503 when the loops' runtime does not run.
async fn alive(State(pages): State<Pages>) -> (StatusCode, String) {
    match pages.heartbeat.late() {
        None => (StatusCode::OK, "alive\n".into()),
        Some(since) => {
            let text = format!("nothing has run for {} s\n", since.as_secs());
            (StatusCode::SERVICE_UNAVAILABLE, text)
        }
    }
}

/// 200 when the configuration was loaded and started, the ledger answers, and nobody asked us to stop.
async fn ready(State(pages): State<Pages>) -> (StatusCode, String) {
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

/// Names users and what servers said, so it is for whoever is on this machine, or in this pod; not for a browser that was led here by a
/// name of somebody else's.
async fn status(
    State(pages): State<Pages>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Result<(Text, String), (StatusCode, &'static str)> {
    let host = headers.get("host").and_then(|host| host.to_str().ok());
    if !peer.ip().to_canonical().is_loopback() || !host.is_none_or(is_address) {
        return Err((
            StatusCode::FORBIDDEN,
            "only for this machine: run mailjob status there\n",
        ));
    }
    let status = pages.board.status().await;
    let text = serde_json::to_string_pretty(&status).unwrap_or_default();
    Ok(([(CONTENT_TYPE, "application/json")], text + "\n"))
}

/// Whether a Host field names an address, or this machine.
fn is_address(host: &str) -> bool {
    host.parse::<SocketAddr>().is_ok()
        || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok()
        || host == "localhost"
        || host
            .strip_prefix("localhost:")
            .is_some_and(|port| port.parse::<u16>().is_ok())
}

async fn measured(State(pages): State<Pages>, headers: HeaderMap) -> Result<(Text, String), StatusCode> {
    pages.board.measure().await;
    let text = pages.metrics.encode().map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let accepts = |accept: &str| accept.contains("application/openmetrics-text");
    let openmetrics = headers
        .get_all(ACCEPT)
        .iter()
        .any(|accept| accept.to_str().is_ok_and(accepts));
    Ok(if openmetrics {
        ([(CONTENT_TYPE, metrics::MEDIA_TYPE)], text)
    } else {
        ([(CONTENT_TYPE, metrics::CLASSIC_MEDIA_TYPE)], metrics::classic(&text))
    })
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
