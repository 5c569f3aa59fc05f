//! A webhook's other end, and one exchange with it.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, Uri},
    response::{IntoResponse, Response},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::mpsc,
};

use super::{MAIL, with_work};
use crate::{
    budget::{Holding, Memory},
    config,
    dispatch::{
        AttemptResult,
        action::webhook::{prepare, send},
        room::AttemptResources,
    },
    job::{Answer, Outcome, Reason},
    net::exchange::HttpClient,
};

/// A server on a free port that notes what it is sent and answers as it is told.
pub(in crate::dispatch) struct Receiver {
    pub(in crate::dispatch) url: String,
    pub(in crate::dispatch) seen: mpsc::Receiver<(Uri, HeaderMap, Bytes)>,
}

pub(in crate::dispatch) type Script = Arc<dyn Fn() -> Response + Send + Sync>;

impl Receiver {
    pub(in crate::dispatch) async fn answering<A: IntoResponse>(
        answer: impl Fn() -> A + Send + Sync + 'static,
    ) -> Self {
        let script: Script = Arc::new(move || answer().into_response());
        let (note, seen) = mpsc::channel(16);
        let handle = |State((script, note)): State<(Script, mpsc::Sender<_>)>,
                      uri: Uri,
                      headers: HeaderMap,
                      body: Bytes| async move {
            note.send((uri, headers, body)).await.unwrap();
            script()
        };
        let app = Router::new()
            .fallback(handle)
            .layer(DefaultBodyLimit::disable())
            .with_state((script, note));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, seen }
    }
}

/// A server that is no HTTP server: it reads the request, says `words`, and keeps or closes the connection.
pub(in crate::dispatch) async fn raw_server(words: impl AsRef<[u8]> + Send + 'static, keeps: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut peer, _)) = listener.accept().await {
            let mut request = vec![0; 100_000];
            drop(peer.read(&mut request).await);
            drop(peer.write_all(words.as_ref()).await);
            open.extend(keeps.then_some(peer));
        }
    });
    url
}

pub(in crate::dispatch) fn webhook(url: &str) -> config::Webhook {
    config::Webhook {
        timeout: Duration::from_secs(60),
        max_answer: 1 << 20,
        allow_private_network: true,
        ..config::Webhook::new(url.to_owned())
    }
}

pub(in crate::dispatch) async fn posted_mail(webhook: &config::Webhook, mail: impl Into<Bytes>) -> AttemptResult {
    let client = HttpClient::new(None, webhook.allow_private_network).unwrap();
    posted_by(&client, webhook, mail).await
}

pub(in crate::dispatch) async fn posted_by(
    client: &HttpClient,
    webhook: &config::Webhook,
    mail: impl Into<Bytes>,
) -> AttemptResult {
    let config = webhook.clone();
    let request = with_work(mail, move |work| prepare(&config, work).unwrap()).await;
    let memory = Memory::new(0);
    let mut holding = Holding::new(&memory.work);
    let request = request.parked(&memory.parked).unwrap();
    send(
        client,
        webhook,
        request,
        false,
        &mut AttemptResources::new(&memory, &mut holding, 0),
    )
    .await
}

pub(in crate::dispatch) async fn posted(webhook: &config::Webhook) -> Outcome {
    posted_mail(webhook, MAIL).await.outcome
}

pub(in crate::dispatch) fn reason(outcome: &Outcome) -> (&'static str, Reason) {
    match outcome {
        Outcome::Retry { reason, .. } => ("retry", *reason),
        Outcome::Failed { reason, .. } => ("failed", *reason),
        Outcome::Done(Answer { flaw: Some(flaw), .. }) => ("done", flaw.reason),
        other => panic!("{other:?}"),
    }
}
