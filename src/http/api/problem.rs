//! What an answer says that is none: RFC 9457, with a cure.

use std::borrow::Cow;

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ledger::Error, message::clean::json_line};

/// The media type of problems.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Why a request was not done (RFC 9457), and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub struct ApiProblem {
    /// Which problem: fixed, for programs.
    #[serde(rename = "type")]
    #[schemars(extend("format" = "uri"))]
    pub kind: Cow<'static, str>,
    /// The same in words, for people.
    pub title: Cow<'static, str>,
    /// The status of the answer.
    #[schemars(range(min = 400, max = 599))]
    pub status: u16,
    /// What is wrong this time.
    pub detail: String,
    /// What to do.
    pub cure: Cow<'static, str>,
    /// The file of the ledger, said to programs of its own machine that have no token for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ledger: Option<Box<LedgerFile>>,
}

/// The file of a ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct LedgerFile(pub String);

/// The problems there are, with their status, name and title.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProblemKind {
    /// The request can't be read.
    BadRequest,
    /// It has no token, or a wrong one.
    Unauthorized,
    /// It may not come from there.
    Forbidden,
    /// There is no such thing.
    NotFound,
    /// Not by this method.
    MethodNotAllowed,
    /// It took too long to come.
    Slow,
    /// Not as things are.
    Conflict,
    /// The body is too large.
    TooLarge,
    /// The body is no JSON.
    MediaType,
    /// We failed.
    Internal,
    /// Not now.
    Unavailable,
}

impl ProblemKind {
    /// Its status, name and title.
    pub(super) fn of(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::BadRequest => (StatusCode::BAD_REQUEST, "bad-request", "The request can't be read"),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized", "A token is needed"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "forbidden", "Not from there"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found", "There is no such thing"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method", "Not by this method"),
            Self::Slow => (StatusCode::REQUEST_TIMEOUT, "slow", "The request took too long to come"),
            Self::Conflict => (StatusCode::CONFLICT, "conflict", "Not as things are"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The body is too large"),
            Self::MediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type", "The body is no JSON"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "Mailjob failed"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not now"),
        }
    }
}

impl ApiProblem {
    /// A problem.
    pub(super) fn new(kind: ProblemKind, detail: impl Into<String>, cure: impl Into<Cow<'static, str>>) -> Self {
        let (status, name, title) = kind.of();
        Self {
            kind: format!("urn:mailjob:problem:{name}").into(),
            title: title.into(),
            status: status.as_u16(),
            detail: detail.into(),
            cure: cure.into(),
            ledger: None,
        }
    }

    /// There is no such job, reply or endpoint.
    pub(super) fn missing(what: impl Into<String>, list: &'static str) -> Self {
        Self::new(
            ProblemKind::NotFound,
            what,
            format!("GET {list} shows those that there are"),
        )
    }
}

/// What the ledger says.
impl From<Error> for ApiProblem {
    fn from(error: Error) -> Self {
        let said = error.to_string();
        match error {
            Error::Missing(_) => Self::new(ProblemKind::NotFound, said, "ask for what the lists show"),
            Error::Incomplete(_) => Self::new(
                ProblemKind::NotFound,
                said,
                "POST /api/v1/jobs/{job}/retry has it fetched again",
            ),
            Error::Stale(_) | Error::Illegal { .. } => Self::new(ProblemKind::Conflict, said, "look at it again"),
            Error::Full(_) => Self::new(ProblemKind::Unavailable, said, "make room on the ledger's disk"),
            Error::Closed => Self::new(
                ProblemKind::Unavailable,
                said,
                "Mailjob is stopping: ask again after its next start",
            ),
            Error::InUse { .. }
            | Error::Newer { .. }
            | Error::Older { .. }
            | Error::SignInBusy { .. }
            | Error::NoLedger { .. }
            | Error::Unusable { .. }
            | Error::Damaged(_)
            | Error::Unknown(_)
            | Error::Remote(_)
            | Error::Engine(_) => {
                tracing::error!(error = said, "the API could not use the ledger");
                Self::new(ProblemKind::Internal, said, "see the log of mailjob run")
            }
        }
    }
}

impl IntoResponse for ApiProblem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let text = json_line(&self).unwrap_or_default();
        let mut response = Response::new(Body::from(text));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"mailjob\""),
            );
        }
        response
    }
}
