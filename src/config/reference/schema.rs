//! The JSON Schema of an endpoint file (draft 7, which editors read for TOML). Pure.

use serde_json::{Map, Value, json};

use super::sections;
use crate::config::{
    Action,
    key::{Allowed, Key, KeyDefault, Section},
};

/// A number and a unit, as `value::duration` reads it.
const DURATION: &str = "^[0-9]+\\s*([mM][sS]|[sSmMhHdD])\\s*$";
/// A number and a unit, as `value::size` reads it.
const SIZE: &str = "^[0-9]+\\s*([kKmMgG][iI]?)?[bB]\\s*$";

/// The JSON Schema of an endpoint file.
#[must_use]
pub fn schema() -> Value {
    let mut root = Map::new();
    for section in sections() {
        insert(&mut root, section);
    }
    let actions = Action::KINDS.iter().map(|kind| json!({ "required": [kind.name] }));
    let actions: Vec<_> = actions.collect();
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Mailjob endpoint",
        "type": "object",
        "properties": root,
        "additionalProperties": false,
        "required": ["mailbox"],
        "oneOf": actions,
    })
}

/// Puts a section at its place: `webhook.headers` into the properties of `webhook`.
fn insert(root: &mut Map<String, Value>, section: &Section) {
    if section.name.is_empty() {
        root.extend(properties(&section.keys));
        return;
    }
    let own_names = |each| json!({ "type": "object", "additionalProperties": each });
    let (name, described) = match (&section.open, section.name.strip_suffix(".*")) {
        (Some(each), _) => (section.name, own_names(shape(each))),
        (None, Some(outer)) => (outer, own_names(table(&section.keys, section.about))),
        (None, None) => (section.name, table(&section.keys, section.about)),
    };
    match name.rsplit_once('.') {
        None => {
            root.insert(name.to_owned(), described);
        }
        Some((outer, name)) => {
            let outer = root.get_mut(outer).and_then(|outer| outer.get_mut("properties"));
            if let Some(Value::Object(properties)) = outer {
                properties.insert(name.to_owned(), described);
            }
        }
    }
}

fn table(keys: &[Key], about: &str) -> Value {
    let must = |key: &&Key| matches!(key.given, KeyDefault::Must(..));
    let required: Vec<_> = keys.iter().filter(must).map(|key| key.name).collect();
    let mut table = json!({ "type": "object", "properties": properties(keys), "additionalProperties": false });
    if let Value::Object(table) = &mut table {
        if !required.is_empty() {
            table.insert("required".to_owned(), json!(required));
        }
        if !about.is_empty() {
            table.insert("description".to_owned(), json!(about.replace('\n', " ")));
        }
    }
    table
}

fn properties(keys: &[Key]) -> Map<String, Value> {
    keys.iter().map(|key| (key.name.to_owned(), described(key))).collect()
}

/// A key with its words and its default, where that is plain JSON.
fn described(key: &Key) -> Value {
    let mut described = shape(&key.allowed);
    let Value::Object(fields) = &mut described else {
        return described;
    };
    let about = match &key.given {
        KeyDefault::Never(shown) => shown.first().map(|(_, about)| *about).filter(|about| !about.is_empty()),
        _ => None,
    };
    let about = about.unwrap_or(key.about);
    if !about.is_empty() {
        fields.insert("description".to_owned(), json!(about));
    }
    if let KeyDefault::Usual(usual) = &key.given
        && let Ok(usual) = toml::from_str::<Map<String, Value>>(&format!("usual = {usual}"))
        && let Some(usual) = usual.get("usual")
    {
        fields.insert("default".to_owned(), usual.clone());
    }
    described
}

fn shape(is: &Allowed) -> Value {
    match is {
        Allowed::Text => json!({ "type": "string", "minLength": 1 }),
        Allowed::Prose => json!({ "type": "string" }),
        Allowed::Flag => json!({ "type": "boolean" }),
        Allowed::Count(min, max) => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Allowed::CountOrAll(min, max) => {
            json!({ "anyOf": [{ "const": -1 }, { "type": "integer", "minimum": min, "maximum": max }] })
        }
        Allowed::Rate => json!({ "anyOf": [{ "const": false }, { "type": "string", "pattern": "^[0-9]+/[smhd]$" }] }),
        Allowed::Plain => json!({ "type": ["string", "number", "boolean"] }),
        Allowed::Duration(..) => json!({ "type": "string", "pattern": DURATION }),
        Allowed::Size(..) => json!({ "type": "string", "pattern": SIZE }),
        Allowed::Word(words) => json!({ "enum": words }),
        Allowed::Secret => secret(),
        Allowed::List(each, most) => json!({ "type": "array", "items": shape(each), "maxItems": most }),
        Allowed::OneOrMore(each) => {
            let list = json!({ "type": "array", "items": shape(each), "minItems": 1 });
            json!({ "anyOf": [shape(each), list] })
        }
        Allowed::Either(shapes) => json!({ "anyOf": shapes.iter().map(shape).collect::<Vec<_>>() }),
        Allowed::Table(keys) => table(keys, ""),
        Allowed::Elsewhere => json!({ "type": "object" }),
    }
}

fn secret() -> Value {
    json!({
        "type": "object",
        "properties": { "file": { "type": "string", "minLength": 1 }, "env": { "type": "string", "minLength": 1 } },
        "additionalProperties": false,
        "minProperties": 1,
        "maxProperties": 1,
        "description": "The place of a secret, never the secret itself.",
    })
}
