//! The JSON Schemas of both kinds of files (draft 7, which editors read for TOML). Pure.

use serde_json::{Map, Value, json};

use super::{FileKind, sections};
use crate::config::{
    Action,
    key::{Allowed, InnerTable, Key, KeyDefault, Section},
    rule::Rule,
};

const DRAFT: &str = "http://json-schema.org/draft-07/schema#";
/// A number and a unit, as `value::duration` reads it.
const DURATION: &str = "^[0-9]+\\s*([mM][sS]|[sSmMhHdD])\\s*$";
/// A number and a unit, as `value::size` reads it.
const SIZE: &str = "^[0-9]+\\s*([kKmMgG][iI]?)?[bB]\\s*$";

/// The JSON Schema of a kind of file.
#[must_use]
pub fn schema(file: FileKind) -> Value {
    match file {
        FileKind::Endpoint => {
            let actions = Action::KINDS.iter().map(|kind| json!({ "required": [kind.name] }));
            let actions: Vec<_> = actions.collect();
            let mut endpoint = whole(file, Extent::Whole, "Mailjob endpoint");
            put(&mut endpoint, "$schema", json!(DRAFT));
            put(&mut endpoint, "required", json!(["mailbox"]));
            put(&mut endpoint, "oneOf", json!(actions));
            endpoint
        }
        FileKind::Shared => {
            let mut shared = whole(file, Extent::Whole, "Mailjob: what endpoints share");
            let defaults = whole(FileKind::Endpoint, Extent::Part, "What endpoint files do not say");
            if let Some(Value::Object(tables)) = shared.get_mut("properties") {
                tables.insert("defaults".to_owned(), defaults);
            }
            put(&mut shared, "$schema", json!(DRAFT));
            shared
        }
    }
}

/// How much of a table is there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// All that it must have.
    Whole,
    /// What is not said elsewhere.
    Part,
}

fn whole(file: FileKind, extent: Extent, title: &str) -> Value {
    let mut root = Map::new();
    for section in sections(file) {
        insert(&mut root, section, extent);
    }
    json!({
        "title": title,
        "type": "object",
        "properties": root,
        "additionalProperties": false,
    })
}

fn put(schema: &mut Value, name: &str, value: Value) {
    if let Value::Object(schema) = schema {
        schema.insert(name.to_owned(), value);
    }
}

/// Puts a section at its place: `webhook.headers` into the properties of `webhook`.
fn insert(root: &mut Map<String, Value>, section: &Section, extent: Extent) {
    if section.name.is_empty() {
        root.extend(properties(&section.keys));
        return;
    }
    let own_names = |each| json!({ "type": "object", "additionalProperties": each });
    let (name, described) = match (&section.open, section.name.strip_suffix(".*")) {
        (Some(each), _) => (section.name, own_names(shape(each))),
        (None, Some(outer)) => (
            outer,
            own_names(table(&section.keys, &section.rules, section.about, extent)),
        ),
        (None, None) => (
            section.name,
            table(&section.keys, &section.rules, section.about, extent),
        ),
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

fn table(keys: &[Key], rules: &[Rule], about: &str, extent: Extent) -> Value {
    let must = |key: &&Key| extent == Extent::Whole && matches!(key.given, KeyDefault::Must(..));
    let required: Vec<_> = keys.iter().filter(must).map(|key| key.name).collect();
    let mut table = json!({ "type": "object", "properties": properties(keys), "additionalProperties": false });
    if !required.is_empty() {
        put(&mut table, "required", json!(required));
    }
    let rules: Vec<_> = rules.iter().flat_map(|rule| rule.schema()).collect();
    if !rules.is_empty() && extent == Extent::Whole {
        put(&mut table, "allOf", json!(rules));
    }
    if !about.is_empty() {
        put(&mut table, "description", json!(about.replace('\n', " ")));
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
        Allowed::Table(InnerTable { keys, rules }) => table(keys, rules, "", Extent::Whole),
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
