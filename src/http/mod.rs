//! What the process says of itself over HTTP: `/livez`, `/readyz` and `/metrics`; and the [`api`], by which it is seen and steered.
//!
//! The first two speak of this process alone. A mailbox, webhook or token that is down never fails them: restarting us would mend none of
//! those.

pub mod api;

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::{HeaderName, StatusCode, header::CONTENT_TYPE},
    routing::get,
};
use tokio::{net::TcpListener, time::Duration};
use tokio_util::sync::CancellationToken;

use self::api::Api;
use crate::{
    ledger::Ledger,
    metrics::{self, Metrics},
};

/// How long the ledger may take to answer before we are not ready.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Clone)]
struct Health {
    ledger: Arc<dyn Ledger>,
    draining: CancellationToken,
}

/// Answers on `listener` until `stop`. `draining` turns `/readyz` to 503.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    ledger: Arc<dyn Ledger>,
    metrics: Metrics,
    api: Api,
    draining: CancellationToken,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let routes = Router::new()
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .with_state(Health { ledger, draining })
        .route("/metrics", get(measured).with_state(metrics))
        .merge(api::routes(api));
    axum::serve(listener, routes)
        .with_graceful_shutdown(stop.cancelled_owned())
        .await
}

async fn ready(State(health): State<Health>) -> (StatusCode, String) {
    if health.draining.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "draining\n".into());
    }
    match tokio::time::timeout(PATIENCE, health.ledger.ping()).await {
        Ok(Ok(())) => (StatusCode::OK, "ready\n".into()),
        Ok(Err(error)) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the ledger does not answer\n".into()),
    }
}

async fn measured(State(metrics): State<Metrics>) -> Result<([(HeaderName, &'static str); 1], String), StatusCode> {
    let text = metrics.encode().map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(([(CONTENT_TYPE, metrics::MEDIA_TYPE)], text))
}
