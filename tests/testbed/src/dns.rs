//! A DNS server that knows the records of a test and nothing else: dnsmasq in the foreground.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use anyhow::Result;
use tokio::net::TcpStream;

use crate::{process::Process, world::World};

/// A DNS server on loopback for the domain `example` and all below it.
#[derive(Debug)]
pub struct Dns {
    address: SocketAddr,
    log: PathBuf,
    process: Option<Process>,
}

impl Dns {
    /// A server that isn't started yet, on a port of the world's.
    #[must_use]
    pub fn new(world: &World) -> Self {
        Self {
            address: (Ipv4Addr::LOCALHOST, world.ports.next()).into(),
            log: world.dir().join("dns.log"),
            process: None,
        }
    }

    /// Where it answers.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Starts it with TXT records: names and texts, which have no commas.
    ///
    /// # Errors
    /// When it doesn't answer; the error holds its log.
    pub async fn start(&mut self, texts: &[(&str, &str)]) -> Result<()> {
        let port = format!("--port={}", self.address.port());
        let fixed = [
            "dnsmasq",
            "--keep-in-foreground",
            "--log-facility=-",
            "--conf-file=/dev/null",
            "--no-resolv",
            "--no-hosts",
            "--pid-file=",
            "--user=root",
            "--bind-interfaces",
            "--listen-address=127.0.0.1",
            "--local=/example/",
            &port,
        ];
        let texts: Vec<_> = texts
            .iter()
            .map(|(name, text)| format!("--txt-record={name},{text}"))
            .collect();
        let argv: Vec<_> = fixed.into_iter().chain(texts.iter().map(String::as_str)).collect();
        let mut process = Process::start(&argv, &[], &self.log)?;
        let address = self.address;
        process
            .await_ready("dnsmasq", async || TcpStream::connect(address).await.is_ok())
            .await?;
        self.process = Some(process);
        Ok(())
    }
}
