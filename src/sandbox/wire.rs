//! One client's connection: lines and counted bytes in, bytes out, under TLS; and who accepts them.

use std::{io, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// Connections of a server at a time. More wait until one ends.
pub(super) const SESSIONS: usize = 100;
/// For the handshake.
pub(super) const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long a client may say nothing (RFC 9051 section 5.4), or take nothing of what is said.
const PATIENCE: Duration = Duration::from_secs(30 * 60);
/// The pause before a connection is accepted again where that failed.
const AGAIN: Duration = Duration::from_millis(50);
/// No line of a client is longer.
const LINE: u64 = 64 << 10;

/// What a client's connection is.
pub(super) type ClientStream = TlsStream<TcpStream>;

/// Accepts connections and runs a session for each, until it is dropped.
pub(super) async fn listen<S>(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    session: impl Fn(ServerWire) -> S + Clone + Send + Sync + 'static,
) where
    S: Future<Output = io::Result<()>> + Send + 'static,
{
    accept(listener, acceptor, move |stream| {
        let session = session.clone();
        async move { session(ServerWire::new(stream)).await }
    })
    .await;
}

/// The same for those who need the stream itself.
pub(super) async fn accept<S>(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    session: impl Fn(ClientStream) -> S + Clone + Send + Sync + 'static,
) where
    S: Future<Output = io::Result<()>> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(SESSIONS));
    let mut running = JoinSet::new();
    loop {
        while running.try_join_next().is_some() {}
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = listener.accept().await else {
            sleep(AGAIN).await;
            continue;
        };
        let (acceptor, session) = (acceptor.clone(), session.clone());
        running.spawn(async move {
            // What goes wrong in a session is the client's to notice.
            if let Ok(Ok(stream)) = timeout(HANDSHAKE, acceptor.accept(stream)).await {
                drop(session(stream).await);
            }
            drop(place);
        });
    }
}

/// A connection of lines.
pub(super) struct ServerWire {
    stream: BufReader<ClientStream>,
    /// What has come of a line. It stays when whoever waits for the line does something else.
    begun: Vec<u8>,
}

impl ServerWire {
    fn new(stream: ClientStream) -> Self {
        Self {
            stream: BufReader::new(stream),
            begun: Vec::new(),
        }
    }

    /// The client's next line, without its end. Dropping the future loses nothing.
    pub(super) async fn line(&mut self) -> io::Result<Vec<u8>> {
        while !self.begun.ends_with(b"\n") {
            let left = LINE.saturating_sub(self.begun.len() as u64);
            if left == 0 {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a line without an end"));
            }
            let mut limited = (&mut self.stream).take(left);
            let read = timeout(PATIENCE, limited.read_until(b'\n', &mut self.begun)).await??;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let mut line = std::mem::take(&mut self.begun);
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(line)
    }

    /// So many bytes.
    pub(super) async fn exactly(&mut self, count: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        timeout(PATIENCE, self.stream.read_exact(&mut bytes)).await??;
        Ok(bytes)
    }

    /// Says it.
    pub(super) async fn say(&mut self, bytes: &[u8]) -> io::Result<()> {
        let stream = self.stream.get_mut();
        timeout(PATIENCE, async {
            stream.write_all(bytes).await?;
            stream.flush().await
        })
        .await?
    }

    /// Says the last of it and ends the connection in order.
    pub(super) async fn end(mut self, bytes: &[u8]) -> io::Result<()> {
        self.say(bytes).await?;
        self.stream.get_mut().shutdown().await
    }
}
