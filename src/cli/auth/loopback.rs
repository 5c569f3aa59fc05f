//! The listener to which a browser comes back after a sign-in (RFC 8252 section 7.3).
//!
//! It listens on this machine alone and for one sign-in. A request of another sign-in, or a browser's question for an icon, is answered
//! and does not end the wait. Nothing of a request is ever shown on the page.

use std::{io, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use futures_util::future::join_all;
use tokio::{net::TcpListener, sync::mpsc, time::timeout};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::{
    auth::{BrowserSignIn, NotSignedIn},
    secret::Secret,
};

/// How long a browser may take for the last page. It may also hold connections on which it asks nothing.
const FAREWELL: Duration = Duration::from_secs(2);

/// What came of a browser's sign-in.
pub(super) type LoopbackResult = Result<Secret, NotSignedIn>;

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
    pub(super) fn listen(self, sign_in: Arc<BrowserSignIn>) -> (Listening, mpsc::Receiver<LoopbackResult>) {
        let (tell, came) = mpsc::channel(1);
        let app = Router::new().fallback(answer).with_state((sign_in, tell));
        let end = CancellationToken::new();
        let serve = |listener| {
            let serving = axum::serve(listener, app.clone()).with_graceful_shutdown(end.clone().cancelled_owned());
            AbortOnDropHandle::new(tokio::spawn(async { serving.await }))
        };
        let tasks = self.listeners.into_iter().map(serve).collect();
        (Listening { end, tasks }, came)
    }
}

/// Listens for as long as it is kept.
pub(super) struct Listening {
    end: CancellationToken,
    tasks: Vec<AbortOnDropHandle<io::Result<()>>>,
}

impl Listening {
    /// Ends, after the answers that are under way: the person should see the last page.
    pub(super) async fn end(self) {
        self.end.cancel();
        drop(timeout(FAREWELL, join_all(self.tasks)).await);
    }
}

async fn answer(
    State((sign_in, tell)): State<(Arc<BrowserSignIn>, mpsc::Sender<LoopbackResult>)>,
    uri: Uri,
) -> Response {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_this_machine_is_listened_to() {
        let loopback = Loopback::take(0).await.unwrap();
        assert_eq!(loopback.redirect(), format!("http://localhost:{}", loopback.port));
        for listener in &loopback.listeners {
            let address = listener.local_addr().unwrap();
            assert!(address.ip().is_loopback(), "{address}");
            assert_eq!(address.port(), loopback.port);
        }
    }
}
