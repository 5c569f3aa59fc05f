//! Parameters of a path and a query, read as their type's schema describes them. Pure.
//!
//! What is unknown, twice there or out of range is told, never passed over: a filter with a slip of the pen must not list everything.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, generate::SchemaSettings};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

/// No parameters.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NoParameters {}

/// The parameters that a type has, by name.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct QueryParameters(BTreeMap<String, Parameter>);

#[derive(Debug, Clone, PartialEq)]
struct Parameter {
    required: bool,
    schema: Value,
}

/// The schema of something that is read, in one piece.
pub(super) fn schema_of<T: JsonSchema>() -> Schema {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    settings.into_generator().into_root_schema_for::<T>()
}

impl QueryParameters {
    /// Those of a type whose fields are texts, numbers, switches, and lists of them.
    pub(super) fn of<T: JsonSchema>() -> Self {
        let schema = schema_of::<T>().to_value();
        let required = |name: &str| {
            let names = schema.get("required").and_then(Value::as_array);
            names.is_some_and(|names| names.iter().any(|each| each == name))
        };
        let properties = schema.get("properties").and_then(Value::as_object);
        let each = properties.into_iter().flatten().map(|(name, schema)| {
            let mut schema = schema.clone();
            never_null(&mut schema);
            let required = required(name);
            (name.clone(), Parameter { required, schema })
        });
        Self(each.collect())
    }

    /// What the document says of them; `place` is `path` or `query`.
    pub(super) fn document(&self, place: &str) -> Vec<Value> {
        let each = self.0.iter().map(|(name, parameter)| {
            let mut schema = parameter.schema.clone();
            let about = schema.as_object_mut().and_then(|schema| schema.remove("description"));
            let about = about.map(|about| ("description".to_owned(), about));
            let told = [
                ("name".to_owned(), json!(name)),
                ("in".to_owned(), json!(place)),
                ("required".to_owned(), json!(parameter.required || place == "path")),
                ("schema".to_owned(), schema),
            ];
            Value::Object(told.into_iter().chain(about).collect())
        });
        each.collect()
    }

    /// The values of a request.
    ///
    /// # Errors
    /// What is wrong with them, in words.
    pub(super) fn read<T: DeserializeOwned>(&self, pairs: impl Iterator<Item = (String, String)>) -> Result<T, String> {
        let mut values = Map::new();
        for (name, text) in pairs {
            let Some(parameter) = self.0.get(&name) else {
                return Err(format!("`{}` is unknown; known here: {}", shown(&name), self.names()));
            };
            let wrong = |why| format!("`{name}` is {}{why}", shown(&text));
            if let Some(item) = parameter.schema.get("items") {
                let value = scalar(&text, item).map_err(wrong)?;
                match values.entry(name).or_insert_with(|| Value::Array(Vec::new())) {
                    Value::Array(list) => list.push(value),
                    other => *other = value,
                }
                continue;
            }
            let value = scalar(&text, &parameter.schema).map_err(wrong)?;
            if values.insert(name.clone(), value).is_some() {
                return Err(format!("`{name}` is there twice; name it once"));
            }
        }
        serde_json::from_value(Value::Object(values)).map_err(|error| error.to_string())
    }

    fn names(&self) -> String {
        let names: Vec<_> = self.0.keys().map(|name| format!("`{name}`")).collect();
        match names {
            names if names.is_empty() => "none".to_owned(),
            names => names.join(", "),
        }
    }
}

/// The pairs of a query.
pub(super) fn pairs(query: &str) -> impl Iterator<Item = (String, String)> {
    form_urlencoded::parse(query.as_bytes()).map(|(name, value)| (name.into_owned(), value.into_owned()))
}

/// One value as its schema wants it.
fn scalar(text: &str, schema: &Value) -> Result<Value, String> {
    match schema.get("type").and_then(Value::as_str) {
        Some("integer") => whole(text, schema),
        Some("boolean") => match text {
            "true" => Ok(true.into()),
            "false" => Ok(false.into()),
            _ => Err("; write true or false".to_owned()),
        },
        _ => {
            let most = schema.get("maxLength").and_then(Value::as_u64);
            match most.filter(|most| text.chars().count() as u64 > *most) {
                Some(most) => Err(format!("; {most} characters at most")),
                None => Ok(text.into()),
            }
        }
    }
}

fn whole(text: &str, schema: &Value) -> Result<Value, String> {
    let bound = |name| schema.get(name).and_then(Value::as_u64);
    let (least, most) = (bound("minimum").unwrap_or(0), bound("maximum").unwrap_or(u64::MAX));
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse::<u64>() {
        Ok(number) if digits && (least..=most).contains(&number) => Ok(number.into()),
        _ => Err(format!("; write a number from {least} to {most}")),
    }
}

/// A parameter that is not there is no null.
fn never_null(schema: &mut Value) {
    let Some(schema) = schema.as_object_mut() else { return };
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = &**types {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    let null = json!({ "type": "null" });
    if let Some(Value::Array(kinds)) = schema.get_mut("anyOf") {
        kinds.retain(|kind| *kind != null);
        if let [Value::Object(only)] = &**kinds {
            let only = only.clone();
            schema.remove("anyOf");
            schema.extend(only.into_iter().filter(|(name, _)| name != "description"));
        }
    }
    if schema.get("default").is_some_and(Value::is_null) {
        schema.remove("default");
    }
}

/// What a stranger wrote, short.
fn shown(text: &str) -> String {
    format!("{:?}", text.chars().take(64).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize, JsonSchema)]
    #[serde(rename_all = "lowercase")]
    enum Colour {
        Red,
        Green,
    }

    #[derive(Debug, PartialEq, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Wanted {
        /// Whose.
        #[schemars(length(max = 3))]
        name: Option<String>,
        #[serde(default)]
        colour: Vec<Colour>,
        only: Option<Colour>,
        #[serde(default = "ten")]
        #[schemars(range(min = 1, max = 100))]
        limit: u32,
        loud: Option<bool>,
    }

    fn ten() -> u32 {
        10
    }

    fn read(query: &str) -> Result<Wanted, String> {
        QueryParameters::of::<Wanted>().read(pairs(query))
    }

    #[test]
    fn what_is_right_is_read() {
        assert_eq!(
            read("name=a%20b&colour=red&colour=green&only=green&limit=100&loud=true"),
            Ok(Wanted {
                name: Some("a b".to_owned()),
                colour: vec![Colour::Red, Colour::Green],
                only: Some(Colour::Green),
                limit: 100,
                loud: Some(true),
            })
        );
        let nothing = read("").unwrap();
        assert_eq!((nothing.name, nothing.limit, nothing.colour), (None, 10, vec![]));
    }

    #[test]
    fn what_is_wrong_is_told_by_name() {
        for (query, said) in [
            (
                "nme=a",
                "`\"nme\"` is unknown; known here: `colour`, `limit`, `loud`, `name`, `only`",
            ),
            ("name=abcd", "`name` is \"abcd\"; 3 characters at most"),
            ("limit=0", "`limit` is \"0\"; write a number from 1 to 100"),
            ("limit=101", "`limit` is \"101\"; write a number from 1 to 100"),
            ("limit=%2B5", "`limit` is \"+5\"; write a number from 1 to 100"),
            ("limit=", "`limit` is \"\"; write a number from 1 to 100"),
            ("limit=5&limit=5", "`limit` is there twice; name it once"),
            ("loud=yes", "`loud` is \"yes\"; write true or false"),
            ("colour=blue", "unknown variant `blue`, expected `red` or `green`"),
            ("only=blue", "unknown variant `blue`, expected `red` or `green`"),
        ] {
            assert_eq!(read(query).unwrap_err(), said, "{query}");
        }
    }

    #[test]
    fn the_document_knows_no_null() {
        let document = QueryParameters::of::<Wanted>().document("query");
        let text = Value::from(document.clone()).to_string();
        assert!(!text.contains("null"), "{text}");
        let name = document.iter().find(|each| each["name"] == "name").unwrap();
        assert_eq!(
            *name,
            json!({ "name": "name", "in": "query", "required": false, "description": "Whose.",
                    "schema": { "type": "string", "maxLength": 3 } })
        );
        let only = document.iter().find(|each| each["name"] == "only").unwrap();
        assert_eq!(only["schema"]["enum"], json!(["red", "green"]));
    }
}
