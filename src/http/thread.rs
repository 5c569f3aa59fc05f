//! A thread of its own for what is said over HTTP, so that an answer comes also when the runtime of the loops is stuck.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use axum::Router;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

/// How long answers that are on their way may still take at the end.
const LAST: Duration = Duration::from_secs(2);
/// Threads for what blocks: reading the ledger.
const BLOCKING: usize = 4;

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
    let routes = routes.into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, routes).with_graceful_shutdown(stop.clone().cancelled_owned());
    let late = async {
        stop.cancelled().await;
        tokio::time::sleep(LAST).await;
    };
    tokio::select! {
        served = serving => served,
        () = late => Ok(()),
    }
}
