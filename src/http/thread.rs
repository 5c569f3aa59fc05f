//! A thread of its own for what is said over HTTP, so that an answer comes also when the runtime of the loops is stuck.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use axum::{Extension, Router, extract::ConnectInfo, serve::Listener};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
};
use tokio_util::sync::CancellationToken;

/// How long answers that are on their way may still take at the end.
const LAST: Duration = Duration::from_secs(2);
/// Threads for what blocks: reading the ledger.
const BLOCKING: usize = 4;
/// How long a request's head may take, and how long a connection may say nothing between two requests.
const HEAD: Duration = Duration::from_secs(10);
/// Connections at a time. Who comes after them waits until one ends, at most [`HEAD`] when they are silent.
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
    let mut listener = tokio::net::TcpListener::from_std(listener)?;
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let open = GracefulShutdown::new();
    let accepting = async {
        while let Ok(place) = room.clone().acquire_owned().await {
            let (stream, peer) = Listener::accept(&mut listener).await;
            serve(stream, peer, &routes, &open, place);
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
fn serve(stream: TcpStream, peer: SocketAddr, routes: &Router, open: &GracefulShutdown, place: OwnedSemaphorePermit) {
    let service = TowerToHyperService::new(routes.clone().layer(Extension(ConnectInfo(peer))));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let connection = open.watch(connection);
    tokio::spawn(async move {
        // Whatever ends it early is the other side's doing.
        connection.await.ok();
        drop(place);
    });
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
    async fn silent_connections_make_room_for_others() {
        let address = served();
        let begun = Instant::now();
        let mut silent = Vec::new();
        for _ in 0..CONNECTIONS {
            silent.push(TcpStream::connect(address).await.unwrap());
        }
        let said = said(address, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
        assert!(said.ends_with("here"), "{said}");
        assert!(begun.elapsed() >= HEAD, "there is room for {CONNECTIONS} only");
    }
}
