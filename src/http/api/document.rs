//! The OpenAPI document: what the operations say of themselves. Pure.

use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::{
    ROOT,
    operation::Operation,
    problem::{self, ApiProblem},
};

/// The document (OpenAPI 3.1).
pub(super) fn document(operations: &[Operation]) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut schemas = settings.for_serialize().into_generator();
    let mut paths = BTreeMap::<String, Map<String, Value>>::new();
    let mut responses = Map::new();
    let problem = schemas.subschema_for::<ApiProblem>().to_value();
    for operation in operations {
        let path = paths.entry(format!("{ROOT}{}", operation.path)).or_default();
        path.insert(operation.method.to_owned(), operation.document(&mut schemas));
        for kind in &operation.problems {
            let (_, name, title) = kind.of();
            let content = json!({ problem::MEDIA_TYPE: { "schema": problem } });
            responses.insert(name.to_owned(), json!({ "description": title, "content": content }));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Mailjob",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "See and steer a running Mailjob. Within v1 it only grows: answers may have further fields.",
        },
        "paths": paths,
        "security": [{ "token": [] }],
        "components": {
            "schemas": schemas.take_definitions(true),
            "responses": responses,
            "securitySchemes": { "token": scheme() },
        },
    })
}

fn scheme() -> Value {
    json!({ "type": "http", "scheme": "bearer", "description": "The token that [api] in mailjob.toml names, or on its own machine that in mailjob.token beside the ledger." })
}
