//! An operation: what is done for a request, and what the document says of it. Both come from the types of its handler.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{RawPathParams, RawQuery, State, rejection::RawPathParamsRejection},
    http::{HeaderMap, HeaderValue, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::{self, MethodRouter},
};
use futures_util::StreamExt as _;
use schemars::{JsonSchema, SchemaGenerator};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use tokio::time::timeout;

use crate::message::clean::json_line;

use super::{
    Api, MAX_BODY, READING,
    parameters::{NoParameters, QueryParameters, pairs, schema_of},
    problem::{ApiProblem, ProblemKind},
};

/// What an operation answers when all is well.
pub(super) trait ApiResponse: Send + 'static {
    /// Its media type and schema.
    fn document(schemas: &mut SchemaGenerator) -> (&'static str, Value);

    /// The answer itself.
    fn respond(self) -> Response;
}

/// A JSON document.
pub(super) struct Json<T>(pub(super) T);

impl<T: Serialize + JsonSchema + Send + 'static> ApiResponse for Json<T> {
    fn document(schemas: &mut SchemaGenerator) -> (&'static str, Value) {
        ("application/json", schemas.subschema_for::<T>().to_value())
    }

    fn respond(self) -> Response {
        match json_line(&self.0) {
            Ok(text) => typed(Body::from(text), "application/json"),
            Err(error) => {
                ApiProblem::new(ProblemKind::Internal, error.to_string(), "see the log of mailjob run").into_response()
            }
        }
    }
}

/// An answer of this media type.
pub(super) fn typed(body: Body, media_type: &'static str) -> Response {
    let mut response = Response::new(body);
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// One operation of the API.
pub(super) struct Operation {
    /// `get` or `post`.
    pub(super) method: &'static str,
    /// Its path below `/api/v1`.
    pub(super) path: &'static str,
    /// Its name, for programs.
    pub(super) id: &'static str,
    /// What it does.
    pub(super) about: &'static str,
    /// What may go wrong with it.
    pub(super) problems: Vec<ProblemKind>,
    /// What it is asked with.
    pub(super) parameters: Vec<Value>,
    /// The schema of its body.
    pub(super) body: Option<Value>,
    /// The media type and schema of its answer.
    pub(super) answer: fn(&mut SchemaGenerator) -> (&'static str, Value),
    /// What does it.
    pub(super) handler: MethodRouter<Api>,
}

/// What may go wrong with everything.
const ALWAYS: [ProblemKind; 5] = [
    ProblemKind::BadRequest,
    ProblemKind::Unauthorized,
    ProblemKind::Forbidden,
    ProblemKind::Internal,
    ProblemKind::Unavailable,
];

impl Operation {
    /// One that changes nothing.
    pub(super) fn get<P, Q, A, F, H>(path: &'static str, id: &'static str, about: &'static str, work: H) -> Self
    where
        P: DeserializeOwned + JsonSchema + Send,
        Q: DeserializeOwned + JsonSchema + Send,
        A: ApiResponse,
        F: Future<Output = Result<A, ApiProblem>> + Send,
        H: Fn(Api, P, Q) -> F + Clone + Send + Sync + 'static,
    {
        let (places, wanted) = (
            Arc::new(QueryParameters::of::<P>()),
            Arc::new(QueryParameters::of::<Q>()),
        );
        let parameters = [places.document("path"), wanted.document("query")].concat();
        let handler = move |State(api): State<Api>, path: Path, RawQuery(query): RawQuery| {
            let (places, wanted, work) = (places.clone(), wanted.clone(), work.clone());
            async move {
                let answer = async {
                    let place: P = read_path(&places, path)?;
                    let query = wanted.read(pairs(query.as_deref().unwrap_or_default()));
                    work(api, place, query.map_err(unreadable)?).await
                };
                answer
                    .await
                    .map_or_else(ApiProblem::into_response, ApiResponse::respond)
            }
        };
        Self {
            method: "get",
            path,
            id,
            about,
            problems: ALWAYS.into(),
            parameters,
            body: None,
            answer: A::document,
            handler: routing::get(handler),
        }
        .with_place()
    }

    /// One that changes something; its body is a JSON object.
    pub(super) fn post<P, B, A, F, H>(path: &'static str, id: &'static str, about: &'static str, work: H) -> Self
    where
        P: DeserializeOwned + JsonSchema + Send,
        B: DeserializeOwned + JsonSchema + Send,
        A: ApiResponse,
        F: Future<Output = Result<A, ApiProblem>> + Send,
        H: Fn(Api, P, B) -> F + Clone + Send + Sync + 'static,
    {
        let places = Arc::new(QueryParameters::of::<P>());
        let parameters = places.document("path");
        let handler = move |State(api): State<Api>, path: Path, query: RawQuery, headers: HeaderMap, body: Body| {
            let (places, work) = (places.clone(), work.clone());
            async move {
                let answer = async {
                    let place: P = read_path(&places, path)?;
                    let query = query.0.unwrap_or_default();
                    let NoParameters {} = QueryParameters::of::<NoParameters>()
                        .read(pairs(&query))
                        .map_err(unreadable)?;
                    let body = read_body(&headers, body).await?;
                    work(api, place, read_object(&body)?).await
                };
                answer
                    .await
                    .map_or_else(ApiProblem::into_response, ApiResponse::respond)
            }
        };
        Self {
            method: "post",
            path,
            id,
            about,
            problems: [
                &ALWAYS[..],
                &[ProblemKind::Slow, ProblemKind::TooLarge, ProblemKind::MediaType],
            ]
            .concat(),
            parameters,
            body: Some(schema_of::<B>().to_value()),
            answer: A::document,
            handler: routing::post(handler),
        }
        .with_place()
    }

    /// What else may go wrong with it.
    pub(super) fn may(mut self, kind: ProblemKind) -> Self {
        self.problems.push(kind);
        self
    }

    fn with_place(self) -> Self {
        match self.path.contains('{') {
            true => self.may(ProblemKind::NotFound),
            false => self,
        }
    }

    /// What the document says of it.
    pub(super) fn document(&self, schemas: &mut SchemaGenerator) -> Value {
        let (media_type, schema) = (self.answer)(schemas);
        let done = json!({ "description": "Done", "content": { media_type: { "schema": schema } } });
        let problems = self.problems.iter().map(|kind| {
            let (status, name, _) = kind.of();
            let response = json!({ "$ref": format!("#/components/responses/{name}") });
            (status.as_str().to_owned(), response)
        });
        let responses: Map<_, _> = problems.chain([("200".to_owned(), done)]).collect();
        let told = [
            ("operationId", json!(self.id)),
            ("summary", json!(self.about)),
            ("parameters", json!(self.parameters)),
            ("responses", Value::Object(responses)),
        ];
        let body = self.body.as_ref().map(|schema| {
            let content = json!({ "application/json": { "schema": schema } });
            ("requestBody", json!({ "required": true, "content": content }))
        });
        let told = told.into_iter().chain(body);
        Value::Object(told.map(|(name, value)| (name.to_owned(), value)).collect())
    }
}

type Path = Result<RawPathParams, RawPathParamsRejection>;

fn read_path<P: DeserializeOwned>(known: &QueryParameters, path: Path) -> Result<P, ApiProblem> {
    let path = path.map_err(|error| unreadable(error.to_string()))?;
    let pairs = path.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    known.read(pairs).map_err(unreadable)
}

fn unreadable(why: String) -> ApiProblem {
    ApiProblem::new(
        ProblemKind::BadRequest,
        why,
        "see /api/v1/openapi.json for what may be asked",
    )
}

async fn read_body(headers: &HeaderMap, body: Body) -> Result<Vec<u8>, ApiProblem> {
    let said = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = said.and_then(|said| said.split(';').next()).unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(ApiProblem::new(
            ProblemKind::MediaType,
            "The Content-Type is not application/json.",
            "send a JSON object, {} where nothing else is to be said, with Content-Type: application/json",
        ));
    }
    timeout(READING, whole(body)).await.unwrap_or_else(|_| {
        let why = format!("The body did not come within {} s.", READING.as_secs());
        Err(ApiProblem::new(ProblemKind::Slow, why, "send it at once"))
    })
}

/// An object alone: serde would take a list for one as well, field by field.
fn read_object<B: DeserializeOwned>(body: &[u8]) -> Result<B, ApiProblem> {
    let read = serde_json::from_slice::<Map<_, _>>(body);
    let read = read.and_then(|object| {
        let mut object = Value::Object(object);
        whole_numbers(&mut object);
        serde_json::from_value(object)
    });
    read.map_err(|error| unreadable(format!("body: {error}")))
}

/// 7.0 is an integer for JSON Schema, and so for our document (draft 2020-12, 6.1.1), but none for serde.
fn whole_numbers(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(whole_numbers),
        Value::Object(fields) => fields.values_mut().for_each(whole_numbers),
        Value::Number(number) if number.is_f64() => {
            let float = number.as_f64().filter(|float| float.fract() == 0.0);
            if let Some(whole) = float.and_then(|float| format!("{float:.0}").parse::<u64>().ok()) {
                *value = whole.into();
            }
        }
        _ => {}
    }
}

async fn whole(body: Body) -> Result<Vec<u8>, ApiProblem> {
    let mut pieces = body.into_data_stream();
    let mut whole = Vec::new();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|error| unreadable(format!("the body broke off: {error}")))?;
        if whole.len() + piece.len() > MAX_BODY {
            let why = format!("The body has more than {MAX_BODY} bytes.");
            return Err(ApiProblem::new(ProblemKind::TooLarge, why, "send less"));
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_without_a_fraction_is_whole_however_it_is_written() {
        let read = |text: &str| {
            read_object::<Map<String, Value>>(text.as_bytes())
                .map(Value::Object)
                .ok()
        };
        assert_eq!(
            read(r#"{"a": [1.0, 2e3, 7, 0.0]}"#),
            Some(json!({"a": [1, 2000, 7, 0]}))
        );
        let odd = r#"{"a": {"b": [1.5, -2.0, 1e40]}}"#;
        assert_eq!(read(odd), Some(json!({"a": {"b": [1.5, -2.0, 1e40]}})));
        assert_eq!(read("[1.0]"), None);
    }
}
