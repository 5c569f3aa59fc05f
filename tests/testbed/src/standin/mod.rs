//! Stand-ins for servers whose peculiarities no real server here shows: Microsoft's and Google's, as seen in the field.
//!
//! Each plays one script, given by a quirk whose source is named with it, on a free port of 127.0.0.1 with the world's
//! certificate. It lets in whoever says something well-formed, and keeps all that the clients said, secrets included.

pub mod echo;
mod entra;
mod imap;
mod odd;
mod pop3;
mod sasl;
mod smtp;
mod wire;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::Result;
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use tokio::{
    net::TcpListener,
    task::{JoinHandle, JoinSet},
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

use self::wire::Wire;
pub use self::{
    entra::EntraError,
    imap::{ImapQuirk, start as imap},
    odd::{OddQuirk, odd_mail, start as odd},
    pop3::{Pop3, Pop3Quirk},
    smtp::{SmtpQuirk, start as smtp},
};
use crate::{mailjob::Start, tls::Tls};

/// No session of a test is longer.
const SESSION: Duration = Duration::from_secs(120);

/// What the clients said, line by line; `\n` ends no line.
pub(crate) type Said = Arc<Mutex<Vec<String>>>;

/// A running stand-in; it stops when dropped, and every session with it.
#[derive(Debug)]
pub struct Standin {
    /// The port of 127.0.0.1.
    pub port: u16,
    said: Said,
    sessions: Arc<AtomicUsize>,
    server: JoinHandle<()>,
}

impl Standin {
    /// Runs `session` for each client.
    async fn start<S>(
        tls: &Tls,
        start: Start,
        session: impl Fn(Wire) -> S + Clone + Send + Sync + 'static,
    ) -> Result<Self>
    where
        S: Future<Output = Result<()>> + Send + 'static,
    {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let (said, sessions) = (Said::default(), Arc::<AtomicUsize>::default());
        let acceptor = acceptor(tls)?;
        let (record, counter) = (said.clone(), sessions.clone());
        let wire = move |stream| Wire::new(stream, acceptor.clone(), record.clone());
        let server = tokio::spawn(async move {
            let mut running = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::Relaxed);
                let (wire, session) = (wire(stream), session.clone());
                // What goes wrong in a session is the client's to notice.
                running.spawn(timeout(SESSION, async move { session(open(wire, start).await?).await }));
            }
        });
        Ok(Self {
            port,
            said,
            sessions,
            server,
        })
    }

    /// Every line that a client sent so far, in order, secrets included.
    #[must_use]
    pub fn said(&self) -> Vec<String> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many connections came.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.sessions.load(Ordering::Relaxed)
    }
}

impl Drop for Standin {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn open(wire: Wire, start: Start) -> Result<Wire> {
    if start == Start::Implicit {
        return wire.secure().await;
    }
    Ok(wire)
}

fn acceptor(tls: &Tls) -> Result<TlsAcceptor> {
    let certificate = CertificateDer::from_pem_file(&tls.cert)?;
    let key = PrivateKeyDer::from_pem_file(&tls.key)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let config = config.with_no_client_auth().with_single_cert(vec![certificate], key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
