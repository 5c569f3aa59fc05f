//! A mail as an answer: its bytes as they are, never to be shown by a browser as a page.

use std::convert::Infallible;

use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, header::CONTENT_DISPOSITION},
    response::Response,
};
use futures_util::stream;
use schemars::SchemaGenerator;
use serde_json::{Value, json};
use tokio::sync::OwnedSemaphorePermit;

use super::operation::{ApiResponse, typed};

/// Bytes that are handed to the connection at a time.
const PIECE: usize = 64 << 10;

/// A mail, and its place in memory until the last of it was handed to the connection.
pub(super) struct MailDownload {
    name: String,
    bytes: Bytes,
    room: Option<OwnedSemaphorePermit>,
}

impl MailDownload {
    /// A mail under the name of a file.
    pub(super) fn new(name: String, bytes: Bytes, room: Option<OwnedSemaphorePermit>) -> Self {
        Self { name, bytes, room }
    }
}

impl ApiResponse for MailDownload {
    fn document(_: &mut SchemaGenerator) -> (&'static str, Value) {
        (
            "message/rfc822",
            json!({ "type": "string", "contentMediaType": "message/rfc822" }),
        )
    }

    fn respond(self) -> Response {
        let (bytes, room) = (self.bytes, self.room);
        let pieces = stream::unfold((bytes, room), |(mut bytes, room)| async move {
            if bytes.is_empty() {
                return None;
            }
            let piece = bytes.split_to(PIECE.min(bytes.len()));
            Some((Ok::<_, Infallible>(piece), (bytes, room)))
        });
        let mut response = typed(Body::from_stream(pieces), "message/rfc822");
        let value = format!("attachment; filename=\"{}\"", self.name);
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(CONTENT_DISPOSITION, value);
        }
        response
    }
}
