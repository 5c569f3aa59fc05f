//! A small IMAP server over TLS that announces a mail at once and notes when. Dovecot waits half a second before each push, so a
//! client's own share can't be seen there.
//!
//! It holds one mailbox and knows the commands of a careful client, strictly in order; whatever else comes is answered BAD.

use std::{
    fs,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use mailjob_testbed::Tls;
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::pushed::{Mailbox, Reply};

/// A running server.
#[derive(Debug)]
pub(crate) struct Pushing {
    /// Its port, with implicit TLS.
    pub(crate) port: u16,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    mailbox: Mutex<Mailbox>,
    /// Mails so far: changes wake the session that is in IDLE.
    pushed: watch::Sender<usize>,
    /// Whether a session is in IDLE.
    idle: watch::Sender<bool>,
    /// When the latest mail was announced.
    announced: Mutex<Option<Instant>>,
}

impl Pushing {
    /// Starts it.
    pub(crate) async fn start(tls: &Tls) -> Result<Self> {
        let acceptor = acceptor(tls)?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared {
            mailbox: Mutex::default(),
            pushed: watch::Sender::new(0),
            idle: watch::Sender::new(false),
            announced: Mutex::default(),
        });
        let of_task = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (acceptor, shared) = (acceptor.clone(), Arc::clone(&of_task));
                tokio::spawn(async move {
                    if let Err(error) = serve(&acceptor, socket, &shared).await {
                        eprintln!("the pushing server: {error:#}");
                    }
                });
            }
        });
        Ok(Self { port, shared, task })
    }

    /// Waits until a client has been in IDLE for a while: nothing else is going on.
    pub(crate) async fn await_idle(&self) -> Result<()> {
        let mut idle = self.shared.idle.subscribe();
        let settled = async {
            loop {
                idle.wait_for(|idle| *idle).await?;
                let left = timeout(Duration::from_millis(50), idle.wait_for(|idle| !*idle)).await;
                if left.is_err() {
                    return anyhow::Ok(());
                }
            }
        };
        timeout(Duration::from_secs(30), settled)
            .await
            .context("no client stays in IDLE")?
    }

    /// Puts a mail into the mailbox and has it announced.
    pub(crate) fn push(&self, mail: Vec<u8>) {
        lock(&self.shared.mailbox).add(mail);
        self.shared.pushed.send_modify(|mails| *mails += 1);
    }

    /// When the latest mail was announced.
    pub(crate) fn announced(&self) -> Result<Instant> {
        lock(&self.shared.announced).context("nothing was announced")
    }
}

impl Drop for Pushing {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Session = BufReader<TlsStream<TcpStream>>;

async fn serve(acceptor: &TlsAcceptor, socket: TcpStream, shared: &Shared) -> Result<()> {
    socket.set_nodelay(true)?;
    let mut session = BufReader::new(acceptor.accept(socket).await?);
    session
        .write_all(b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR IDLE UIDPLUS MOVE] ready\r\n")
        .await?;
    session.flush().await?;
    let mut line = String::new();
    loop {
        line.clear();
        // A client that leaves without a word (rustls calls it an unexpected end) is no news here.
        if session.read_line(&mut line).await.unwrap_or(0) == 0 {
            return Ok(());
        }
        let (tag, command) = line.trim_end().split_once(' ').context("a command without a tag")?;
        if command.eq_ignore_ascii_case("IDLE") {
            idle(&mut session, shared).await?;
            session.write_all(format!("{tag} OK done\r\n").as_bytes()).await?;
        } else {
            let Reply { bytes, last } = lock(&shared.mailbox).answer(tag, command);
            session.write_all(&bytes).await?;
            if last {
                session.shutdown().await?;
                return Ok(());
            }
        }
        session.flush().await?;
    }
}

async fn idle(session: &mut Session, shared: &Shared) -> Result<()> {
    session.write_all(b"+ idling\r\n").await?;
    let mut pushed = shared.pushed.subscribe();
    announce(session, shared).await?;
    shared.idle.send_replace(true);
    let mut line = String::new();
    loop {
        tokio::select! {
            read = session.read_line(&mut line) => {
                shared.idle.send_replace(false);
                ensure!(read.unwrap_or(0) == 0 || line.trim_end().eq_ignore_ascii_case("DONE"), "{line:?} in IDLE");
                return Ok(());
            }
            _ = pushed.changed() => announce(session, shared).await?,
        }
    }
}

async fn announce(session: &mut Session, shared: &Shared) -> Result<()> {
    let news = lock(&shared.mailbox).news();
    if let Some(news) = news {
        *lock(&shared.announced) = Some(Instant::now());
        session.write_all(&news).await?;
    }
    Ok(session.flush().await?)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn acceptor(tls: &Tls) -> Result<TlsAcceptor> {
    let certificates = CertificateDer::pem_slice_iter(&fs::read(&tls.cert)?).collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_slice(&fs::read(&tls.key)?)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(TlsAcceptor::from(Arc::new(
        config.with_no_client_auth().with_single_cert(certificates, key)?,
    )))
}
