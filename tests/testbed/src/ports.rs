//! Ports that belong to one world, race-free.
//!
//! Asking the system for "any free port" and handing the number to a server races with everybody else who does so, and with
//! outgoing connections. So a world claims a block of ports below the range that the system gives out: it listens on
//! the block's first port for as long as it lives, and the rest is its own. A world whose process dies loses its claim at once.

use std::{
    net::{Ipv4Addr, TcpListener},
    process,
    sync::atomic::{AtomicU16, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

/// The first port used; the system's own range starts at 32768.
const FIRST: u16 = 20_000;
/// Ports in a block, the claim included.
const BLOCK: u16 = 24;
/// Blocks there are.
const BLOCKS: u16 = 500;

/// A claim on a block of ports of 127.0.0.1.
#[derive(Debug)]
pub(crate) struct Ports {
    _claim: TcpListener,
    next: AtomicU16,
    end: u16,
}

impl Ports {
    /// Claims a block in which every port is free.
    pub(crate) fn claim() -> Result<Self> {
        let start = (process::id() % u32::from(BLOCKS)) as u16;
        (0..BLOCKS)
            .map(|step| FIRST + (start + step) % BLOCKS * BLOCK)
            .find_map(Self::claim_block)
            .context("no block of free ports on 127.0.0.1 between 20000 and 32000")
    }

    fn claim_block(first: u16) -> Option<Self> {
        let claim = bind(first)?;
        let end = first + BLOCK;
        (first + 1..end).all(|port| bind(port).is_some()).then_some(Self {
            _claim: claim,
            next: AtomicU16::new(first + 1),
            end,
        })
    }

    /// The next port of the block.
    ///
    /// # Panics
    /// When the block is used up: a world has a fixed number of servers.
    pub(crate) fn next(&self) -> u16 {
        let port = self.next.fetch_add(1, Ordering::Relaxed);
        assert!(port < self.end, "a world uses at most {} ports", BLOCK - 1);
        port
    }
}

fn bind(port: u16) -> Option<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()
}

/// Waits until nobody listens on these ports any more.
pub(crate) async fn await_free(ports: &[u16]) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !ports.iter().all(|port| bind(*port).is_some()) {
        ensure!(Instant::now() < deadline, "somebody holds one of the ports {ports:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}
