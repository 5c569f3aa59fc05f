//! The webhook at the other end: reads each body to its end, keeps nothing, answers 200, and remembers when.

use std::{
    collections::HashSet,
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use axum::{
    Router,
    body::{Body, HttpBody},
    extract::{Request, State},
    routing::post,
};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle, time::timeout};

/// A running sink.
#[derive(Debug)]
pub struct Sink {
    /// Where it listens.
    pub url: String,
    seen: Arc<Seen>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Seen {
    ids: Mutex<HashSet<String>>,
    answered: watch::Sender<Answered>,
}

/// What was answered so far.
#[derive(Debug, Clone, Copy)]
pub struct Answered {
    /// Different ids (`webhook-id`): a second delivery of the same mail does not count.
    pub mails: usize,
    /// All requests.
    pub posts: usize,
    /// Bytes of all bodies.
    pub bytes: usize,
    /// When the latest one that counts was answered.
    pub last: Instant,
}

impl Sink {
    /// Starts one.
    ///
    /// # Errors
    /// When it can't listen.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/hook", listener.local_addr()?);
        let nothing = Answered {
            mails: 0,
            posts: 0,
            bytes: 0,
            last: Instant::now(),
        };
        let seen = Arc::new(Seen {
            ids: Mutex::default(),
            answered: watch::Sender::new(nothing),
        });
        let router = Router::new().route("/hook", post(answer)).with_state(Arc::clone(&seen));
        let task = tokio::spawn(async move {
            axum::serve(
                axum::serve::ListenerExt::tap_io(listener, |io| drop(io.set_nodelay(true))),
                router,
            )
            .await
            .ok();
        });
        Ok(Self { url, seen, task })
    }

    /// Waits until so many mails were answered.
    ///
    /// # Errors
    /// When none came for a minute.
    pub async fn wait_for(&self, mails: usize) -> Result<Answered> {
        let mut answered = self.seen.answered.subscribe();
        loop {
            let now = *answered.borrow_and_update();
            if now.mails >= mails {
                return Ok(now);
            }
            if timeout(Duration::from_secs(60), answered.changed()).await.is_err() {
                bail!("{} of {mails} mails were posted, then none for a minute", now.mails);
            }
        }
    }

    /// What was answered so far.
    #[must_use]
    pub fn answered(&self) -> Answered {
        *self.seen.answered.borrow()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(State(seen): State<Arc<Seen>>, request: Request) -> &'static str {
    let (head, body) = request.into_parts();
    let bytes = drain(body).await;
    let id = head
        .headers
        .get("webhook-id")
        .map_or(String::new(), |id| String::from_utf8_lossy(id.as_bytes()).into_owned());
    let new = seen.ids.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
    seen.answered.send_modify(|answered| {
        answered.posts += 1;
        answered.bytes += bytes;
        if new {
            answered.mails += 1;
            answered.last = Instant::now();
        }
    });
    "ok"
}

async fn drain(mut body: Body) -> usize {
    let mut bytes = 0;
    while let Some(Ok(frame)) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        bytes += frame.data_ref().map_or(0, |data| data.len());
    }
    bytes
}
