//! The API: see and steer what runs, below `/api/v1`, on the listener of `/livez`.
//!
//! `access` says who is let in. Every operation is in `operations`, of which both the routes and the OpenAPI document are made.

mod access;
mod backlog;
mod document;
mod endpoints;
mod events;
mod job_name;
mod jobs;
mod letter;
mod operation;
mod parameters;
mod problem;
mod replies;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    extract::{ConnectInfo, Request, State},
    http::{
        HeaderValue, Method,
        header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS},
    },
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
};
use serde_json::Value;
use tokio::sync::{Semaphore, watch};

use crate::{
    config::{self, Config, load::Sources},
    ledger::{JobTable, ReplyTable},
    secret::SecretRef,
};

pub use self::{
    access::OwnToken,
    endpoints::{EndpointAction, EndpointList, EndpointRow, EndpointState, FileProblem, ResumeResult, Settings},
    jobs::{JobMatches, SteerRequest, SteerResponse},
    problem::{ApiProblem, MEDIA_TYPE},
    replies::{AcceptResult, ReplyList, RetryRequest, RetryState},
};
use self::{
    access::{AccessControl, Caller},
    operation::{Json, Operation},
    parameters::NoParameters,
    problem::ProblemKind,
};

/// Where the API begins.
pub const ROOT: &str = "/api/v1";

/// Bytes of a request's body at most.
const MAX_BODY: usize = 64 << 10;

/// How long a body may take to come.
const READING: Duration = Duration::from_secs(10);

/// How long an answer may take to begin.
const ANSWERING: Duration = Duration::from_secs(30);

/// Requests that are answered at once; who comes later waits.
const AT_ONCE: usize = 16;

/// What runs now, as the configuration has it.
#[derive(Debug, Clone)]
pub struct RunningConfig {
    /// What runs.
    pub config: Config,
    /// All that is wrong with the files.
    pub problems: Vec<config::Problem>,
}

/// Mails that are handed out at once: each is in memory as a whole.
const LETTERS: usize = 2;

/// Room for mails that are handed out.
#[must_use]
pub fn letters() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(LETTERS))
}

impl RunningConfig {
    /// What runs with this configuration.
    #[must_use]
    pub fn of(config: &Config, problems: &[config::Problem]) -> Self {
        Self {
            config: config.clone(),
            problems: problems.to_vec(),
        }
    }
}

/// What the operations work with.
#[derive(Clone)]
pub struct Api {
    /// Where it answers.
    pub listener: SocketAddr,
    /// Where the files of the configuration are.
    pub sources: Arc<Sources>,
    /// What runs now.
    pub running: watch::Receiver<Arc<RunningConfig>>,
    /// The replies.
    pub replies: Arc<dyn ReplyTable>,
    /// The jobs, pauses and events.
    pub jobs: Arc<dyn JobTable>,
    /// Room for mails that are handed out; [`letters`] makes it.
    pub letters: Arc<Semaphore>,
    /// By what programs of our own user are known.
    pub own: OwnToken,
}

/// Everything that can be asked for.
fn operations() -> Vec<Operation> {
    let own = Operation::get::<NoParameters, NoParameters, _, _, _>(
        "/openapi.json",
        "openapi",
        "This document.",
        |_, _, _| async move { Ok(Json(openapi())) },
    );
    let rooms = [
        vec![own],
        endpoints::operations(),
        backlog::operations(),
        jobs::operations(),
        replies::operations(),
        events::operations(),
    ];
    rooms.into_iter().flatten().collect()
}

/// The OpenAPI document.
#[must_use]
pub fn openapi() -> Value {
    document::document(&operations())
}

/// The routes below [`ROOT`].
pub fn routes(api: Api) -> Router {
    let guard = Guard::new(&api);
    let mut routes = Router::new();
    for operation in operations() {
        routes = routes.route(operation.path, operation.handler);
    }
    let routes = routes
        .fallback(|| async { ApiProblem::missing("There is no such path.", "/api/v1/openapi.json") })
        .method_not_allowed_fallback(|method: Method| async move {
            let why = format!("{method} means nothing here.");
            ApiProblem::new(
                ProblemKind::MethodNotAllowed,
                why,
                "the Allow field names the methods that do",
            )
        })
        .layer(middleware::from_fn_with_state(guard, guarded))
        .with_state(api);
    Router::new().nest(ROOT, routes)
}

/// Lets in to these routes whom the API lets in.
pub fn guard(routes: Router, api: &Api) -> Router {
    routes.layer(middleware::from_fn_with_state(Guard::new(api), guarded))
}

/// Lets in who may, and only so many at once.
#[derive(Clone)]
struct Guard {
    listener: SocketAddr,
    own: OwnToken,
    running: watch::Receiver<Arc<RunningConfig>>,
    places: Arc<Semaphore>,
    /// Why the token can't be had, as it was said last.
    said: Arc<Mutex<String>>,
}

impl Guard {
    fn new(api: &Api) -> Self {
        Self {
            listener: api.listener,
            own: api.own.clone(),
            running: api.running.clone(),
            places: Arc::new(Semaphore::new(AT_ONCE)),
            said: Arc::default(),
        }
    }

    async fn answer(&self, request: Request, next: Next) -> Result<Response, ApiProblem> {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let caller = Caller::of(peer.map(|peer| peer.0.ip()), request.uri(), request.headers());
        access::judge(&self.door().await, &caller)?;
        let answering = async {
            // The semaphore is never closed.
            let _place = self.places.acquire().await;
            next.run(request).await
        };
        tokio::time::timeout(ANSWERING, answering).await.map_err(|_| {
            let why = format!("No answer within {} s.", ANSWERING.as_secs());
            ApiProblem::new(ProblemKind::Unavailable, why, "ask for less, or later")
        })
    }

    /// The door as it is now. A configured token is read from its file.
    async fn door(&self) -> AccessControl {
        let api = self.running.borrow().config.api.clone();
        let (own, listener) = (self.own.clone(), self.listener);
        let door = match api {
            config::ApiAccess::Loopback | config::ApiAccess::Closed => {
                AccessControl::of(own, &api, listener, SecretRef::read)
            }
            config::ApiAccess::Token(_) => {
                let reading = {
                    let own = own.clone();
                    tokio::task::spawn_blocking(move || AccessControl::of(own, &api, listener, SecretRef::read))
                };
                reading
                    .await
                    .unwrap_or_else(|error| AccessControl::unusable(own, error.to_string()))
            }
        };
        let why = door.trouble().unwrap_or_default();
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        // Once, not for each who knocks.
        if *said != why {
            why.clone_into(&mut said);
            if !why.is_empty() {
                tracing::error!(why, "the API's token can't be used, so nobody is let in by it");
            }
        }
        drop(said);
        door
    }
}

async fn guarded(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let mut response = guard
        .answer(request, next)
        .await
        .unwrap_or_else(ApiProblem::into_response);
    // Nobody but who asked, and nothing but what it says it is.
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

#[cfg(test)]
#[path = "api_tests.rs"]
mod tests;
