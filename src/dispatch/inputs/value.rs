//! What an input came to, and its forms: JSON, and texts for arguments, variables and forms. Pure.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::config::Literal;

/// What an input came to. Files are named by their safe names.
#[derive(Debug, Clone, PartialEq)]
pub enum InputValue {
    /// Text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(f64),
    /// true or false.
    Boolean(bool),
    /// A list of one of the above.
    List(Vec<InputValue>),
    /// What the groups of a pattern found.
    Groups(BTreeMap<String, Option<String>>),
    /// A file.
    File(String),
    /// Files.
    Files(Vec<String>),
    /// Files by the names that their sender gave them.
    Map(BTreeMap<String, String>),
}

impl InputValue {
    /// In the payload.
    #[must_use]
    pub fn json(&self) -> Json {
        match self {
            Self::Text(text) => json!(text),
            Self::Integer(number) => json!(number),
            Self::Number(number) => json!(number),
            Self::Boolean(flag) => json!(flag),
            Self::List(items) => items.iter().map(Self::json).collect(),
            Self::Groups(groups) => json!(groups),
            Self::File(name) => json!(name),
            Self::Files(names) => json!(names),
            Self::Map(names) => json!(names),
        }
    }

    /// Each of its items as text; of a file what `file` makes of its name.
    pub fn texts(&self, file: &dyn Fn(&str) -> String) -> Vec<String> {
        match self {
            Self::Text(text) => vec![text.clone()],
            Self::Integer(number) => vec![number.to_string()],
            Self::Number(number) => vec![number.to_string()],
            Self::Boolean(flag) => vec![flag.to_string()],
            Self::List(items) => items.iter().flat_map(|item| item.texts(file)).collect(),
            Self::Groups(_) => vec![self.json().to_string()],
            Self::File(name) => vec![file(name)],
            Self::Files(names) => names.iter().map(|name| file(name)).collect(),
            Self::Map(names) => names.values().map(|name| file(name)).collect(),
        }
    }

    /// The safe names of its files; `None` when it has nothing to do with files.
    pub(in crate::dispatch) fn files(&self) -> Option<Vec<&str>> {
        match self {
            Self::File(name) => Some(vec![name]),
            Self::Files(names) => Some(names.iter().map(String::as_str).collect()),
            Self::Map(names) => Some(names.values().map(String::as_str).collect()),
            Self::Text(_) | Self::Integer(_) | Self::Number(_) | Self::Boolean(_) | Self::List(_) | Self::Groups(_) => {
                None
            }
        }
    }
}

impl From<&Literal> for InputValue {
    fn from(literal: &Literal) -> Self {
        match literal {
            Literal::Text(text) => Self::Text(text.clone()),
            Literal::Integer(number) => Self::Integer(*number),
            Literal::Number(number) => Self::Number(*number),
            Literal::Boolean(flag) => Self::Boolean(*flag),
            Literal::List(items) => Self::List(items.iter().map(Self::from).collect()),
        }
    }
}
