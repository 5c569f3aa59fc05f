//! Opens the ledger at a start, also on a disk that is full.

use std::{net::TcpListener, time::Duration};

use tokio_util::sync::CancellationToken;
use tracing::error;

use super::Fatal;
use crate::{
    config::Service,
    http,
    ledger::{self, Clock, Store},
    metrics::{Metrics, Picture},
};

/// How often a ledger is tried to be opened whose disk is full.
const ROOM_LOOK: Duration = Duration::from_secs(5);

/// Opens the ledger. Where its disk is full that is waited for, and said to who asks: to end would mend nothing.
pub(super) async fn when_there_is_room(service: &Service, metrics: &Metrics) -> Result<Store, Fatal> {
    let mut waiting = None;
    let mut tries = 0_u64;
    loop {
        let opening = ledger::open(&service.ledger, Clock::system(), metrics.commits.clone());
        let full = match opening.await {
            Err(full @ ledger::Error::Full(_)) => full,
            opened => {
                if let Some((stopped, Some(serving))) = waiting {
                    let (stopped, serving): (CancellationToken, http::Serving) = (stopped, serving);
                    stopped.cancel();
                    serving.ended().await;
                }
                return Ok(opened?);
            }
        };
        tries = tries.saturating_add(1);
        // The same line each few seconds would hide all others.
        if tries.is_power_of_two() {
            error!(ledger = %service.ledger, tries, "{full}; trying again every {} s", ROOM_LOOK.as_secs());
        }
        if waiting.is_none() {
            let stopped = CancellationToken::new();
            let serving = service.health.and_then(|address| {
                let listener = TcpListener::bind(address).ok()?;
                let pages = http::waiting(full.to_string(), metrics.clone(), disk_of(service, metrics));
                http::start(listener, pages, stopped.clone()).ok()
            });
            waiting = Some((stopped, serving));
        }
        tokio::time::sleep(ROOM_LOOK).await;
    }
}

/// Measures the ledger's disk.
fn disk_of(service: &Service, metrics: &Metrics) -> impl Fn() + Clone + Send + Sync + 'static + use<> {
    let (address, metrics) = (service.ledger.clone(), metrics.clone());
    move || {
        let now = ledger::space(&address);
        metrics.board.show(Picture {
            ledger_size: now.size,
            ledger_free: now.free,
            ..Picture::default()
        });
    }
}
