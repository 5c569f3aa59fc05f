//! A thread of its own for what is said over HTTP, so that an answer comes also when the runtime of the loops is stuck.

use std::{
    io::{self, IoSlice},
    net::{SocketAddr, TcpListener},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{Extension, Router, extract::ConnectInfo};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::oneshot,
    time::Sleep,
};
use tokio_util::sync::CancellationToken;

use super::{places::ConnectionLimit, spare::Spare};

/// How long answers that are on their way may still take at the end.
const LAST: Duration = Duration::from_secs(2);
/// Threads for what blocks: reading the ledger.
const BLOCKING: usize = 4;
/// How long a request's head may take, and how long a connection may say nothing between two requests.
const HEAD: Duration = Duration::from_secs(10);
/// How long nothing may be taken of an answer.
const WRITING: Duration = Duration::from_secs(10);
/// How long a connection may last, whatever is asked on it.
const WHOLE: Duration = Duration::from_secs(300);
/// The pause before a connection is accepted again where that failed.
const AGAIN: Duration = Duration::from_millis(10);
/// Connections at a time.
const CONNECTIONS: usize = 256;

/// A thread that answers.
#[derive(Debug)]
pub struct Serving(oneshot::Receiver<()>);

impl Serving {
    /// Waits until it has ended.
    pub async fn ended(self) {
        // An error is its end too.
        drop(self.0.await);
    }
}

/// Answers on `listener` by `routes`, on a thread with a runtime of its own, until `stop`.
///
/// # Errors
/// When the system refuses the thread or what it needs.
pub fn start(listener: TcpListener, routes: Router, stop: CancellationToken) -> io::Result<Serving> {
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING)
        .build()?;
    let (ended, end) = oneshot::channel();
    let run = move || {
        if let Err(error) = runtime.block_on(answer(listener, routes, stop)) {
            tracing::error!(%error, "nothing is said over HTTP any more");
        }
        runtime.shutdown_background();
        drop(ended);
    };
    std::thread::Builder::new().name("http".into()).spawn(run)?;
    Ok(Serving(end))
}

async fn answer(listener: TcpListener, routes: Router, stop: CancellationToken) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let places = Arc::new(ConnectionLimit::new(CONNECTIONS));
    let open = GracefulShutdown::new();
    let accepting = async {
        let mut spare = Spare::new();
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    serve(stream, peer, &routes, &open, &places);
                    spare.fill();
                }
                // All descriptors are taken: a probe is answered by one that was kept for it, or by that of who has held one longest.
                Err(error) if Spare::is_needed(&error) => {
                    if !spare.give() {
                        places.evict();
                        tokio::time::sleep(AGAIN).await;
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, "a connection could not be accepted");
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    };
    tokio::select! {
        () = accepting => {},
        () = stop.cancelled() => {},
    }
    drop(listener);
    // Who is not done by then is cut off.
    tokio::time::timeout(LAST, open.shutdown()).await.ok();
    Ok(())
}

/// Answers on one connection, beside all others.
fn serve(stream: TcpStream, peer: SocketAddr, routes: &Router, open: &GracefulShutdown, places: &Arc<ConnectionLimit>) {
    let service = TowerToHyperService::new(routes.clone().layer(Extension(ConnectInfo(peer))));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(WriteTimeout::new(stream)), service);
    let connection = open.watch(connection);
    let (places, place) = (places.clone(), places.take(peer.ip().to_canonical()));
    tokio::spawn(async move {
        // Whatever ends it early is the other side's doing.
        tokio::select! {
            _ = tokio::time::timeout(WHOLE, connection) => {},
            () = place.lost.cancelled() => {},
        }
        places.give_back(&place);
    });
}

/// A connection that ends where nothing is taken of what is said for [`WRITING`].
struct WriteTimeout {
    stream: TcpStream,
    stuck: Option<Pin<Box<Sleep>>>,
}

impl WriteTimeout {
    fn new(stream: TcpStream) -> Self {
        Self { stream, stuck: None }
    }

    /// The same, unless it has been waited for too long.
    fn in_time<T>(&mut self, context: &mut Context<'_>, came: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if came.is_ready() {
            self.stuck = None;
            return came;
        }
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(tokio::time::sleep(WRITING)));
        match stuck.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for WriteTimeout {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, into)
    }
}

impl AsyncWrite for WriteTimeout {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, said: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let came = Pin::new(&mut this.stream).poll_write(context, said);
        this.in_time(context, came)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        said: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let came = Pin::new(&mut this.stream).poll_write_vectored(context, said);
        this.in_time(context, came)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let came = Pin::new(&mut this.stream).poll_flush(context);
        this.in_time(context, came)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        time::Instant,
    };

    use super::*;

    /// Something that answers "here", in this runtime, where time flies when nobody has anything to do.
    fn served() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let routes = Router::new().route("/", get(|ConnectInfo(_): ConnectInfo<SocketAddr>| async { "here" }));
        tokio::spawn(answer(listener, routes, CancellationToken::new()));
        address
    }

    /// What comes until the connection ends.
    async fn said(address: SocketAddr, head: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).await.unwrap();
        said
    }

    #[tokio::test(start_paused = true)]
    async fn who_says_nothing_more_is_cut_off() {
        let address = served();
        for (head, answers) in [
            ("GET / HTTP/1.1\r\nHost: ", 0),
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 1),
        ] {
            let begun = Instant::now();
            let said = said(address, head).await;
            assert_eq!(said.matches("here").count(), answers, "{said}");
            assert!((HEAD..HEAD * 2).contains(&begun.elapsed()), "{:?}", begun.elapsed());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_is_cut_off() {
        let address = served();
        let mut stream = TcpStream::connect(address).await.unwrap();
        let begun = Instant::now();
        // Answers fill both sides' buffers, and then nothing is taken any more.
        let asking = async {
            loop {
                if stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.is_err() {
                    break;
                }
            }
        };
        tokio::time::timeout(WHOLE - Duration::from_secs(1), asking)
            .await
            .expect("it ends before all connections do");
        assert!(begun.elapsed() >= WRITING, "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_holds_connections_keeps_nobody_out() {
        let address = served();
        let begun = Instant::now();
        let mut silent = Vec::new();
        for _ in 0..CONNECTIONS + 44 {
            silent.push(TcpStream::connect(address).await.unwrap());
        }
        let said = said(address, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
        assert!(said.ends_with("here"), "{said}");
        assert!(begun.elapsed() < HEAD, "nobody had to leave by himself");
    }
}
