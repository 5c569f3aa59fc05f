//! The listener to which a browser comes back after a sign-in (RFC 8252 section 7.3).
//!
//! It listens on this machine alone and for one sign-in. A request of another sign-in, or a browser's question for an icon, is answered
//! and does not end the wait. Nothing of a request is ever shown on the page.

use std::{io, sync::Arc};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use tokio::{net::TcpListener, sync::mpsc};

use crate::{
    auth::{BrowserSignIn, NotSignedIn},
    secret::Secret,
};

/// What came of a browser's sign-in.
pub(super) type Came = Result<Secret, NotSignedIn>;

/// A listener that waits for its sign-in.
pub(super) struct Loopback {
    listeners: Vec<TcpListener>,
    port: u16,
}

impl Loopback {
    /// Takes a port, any where it is 0, on 127.0.0.1 and, where it can be had too, on ::1: `localhost` may be either.
    pub(super) async fn take(port: u16) -> io::Result<Self> {
        let first = TcpListener::bind(("127.0.0.1", port)).await?;
        let port = first.local_addr()?.port();
        let second = TcpListener::bind(("::1", port)).await;
        Ok(Self {
            listeners: [Some(first), second.ok()].into_iter().flatten().collect(),
            port,
        })
    }

    /// The address to which the browser is sent back. Microsoft compares the path but not the port of `http://localhost`.
    pub(super) fn redirect(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// Listens until dropped; what comes of the sign-in is sent once.
    pub(super) fn listen(self, sign_in: Arc<BrowserSignIn>) -> (Listening, mpsc::Receiver<Came>) {
        let (tell, came) = mpsc::channel(1);
        let app = Router::new().fallback(answer).with_state((sign_in, tell));
        let serve = |listener| {
            let app = app.clone();
            let serving = async move { axum::serve(listener, app).await };
            tokio_util::task::AbortOnDropHandle::new(tokio::spawn(serving))
        };
        let tasks = self.listeners.into_iter().map(serve).collect();
        (Listening { _tasks: tasks }, came)
    }
}

/// Listens for as long as it is kept.
pub(super) struct Listening {
    _tasks: Vec<tokio_util::task::AbortOnDropHandle<io::Result<()>>>,
}

async fn answer(State((sign_in, tell)): State<(Arc<BrowserSignIn>, mpsc::Sender<Came>)>, uri: Uri) -> Response {
    let came = sign_in.code(&uri.to_string());
    let (status, words) = match &came {
        Ok(_) => (
            StatusCode::OK,
            "You are signed in. You can close this window and go back to mailjob.",
        ),
        Err(NotSignedIn::Refused(_)) => (
            StatusCode::OK,
            "The sign-in was refused. You can close this window; mailjob says more.",
        ),
        Err(NotSignedIn::State | NotSignedIn::NoCode) => {
            return page(
                StatusCode::BAD_REQUEST,
                "This is not the sign-in that mailjob waits for.",
            );
        }
    };
    // The second of two answers is told to nobody.
    drop(tell.try_send(came));
    page(status, words)
}

fn page(status: StatusCode, words: &'static str) -> Response {
    let html = format!("<!doctype html><meta charset=\"utf-8\"><title>mailjob</title><p>{words}</p>\n");
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONNECTION, "close"),
    ];
    (status, headers, html).into_response()
}
