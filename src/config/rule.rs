//! What keys of one table are to one another: of which ways one is meant, and which goes with which. The reader and the JSON Schema
//! follow it. Pure.

use serde_json::{Value, json};

use super::{
    key::{Allowed, Key},
    sheet::PlacedValue,
    table::Table,
};

/// Names of keys.
type Names = &'static [&'static str];

/// What keys of one table are to one another.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rule {
    /// Of these ways one at most is meant, each written by any of its keys: what is said behind the clash, and what to do.
    OneWay(&'static [Names], &'static str, &'static str),
    /// One of these must be there: what to write.
    Some(Names, &'static str),
    /// These have no use without another one: what to do.
    With(Names, &'static str, &'static str),
}

impl Rule {
    /// Notes what is written against it. `keys` are those of the table.
    pub(super) fn check(self, table: &mut Table<'_>, keys: impl Fn() -> Vec<Key>) {
        match self {
            Self::OneWay(ways, why, cure) => {
                let mut written = ways.iter().filter_map(|way| first(table, way));
                if let (Some((key, one)), Some((_, other))) = (written.next(), written.next()) {
                    let cause = format!("stands beside `{}`{why}", other.path);
                    told(&one, key, &cause, cure, &keys());
                }
            }
            Self::Some(names, cure) => {
                if let (Some(name), None) = (names.first(), first(table, names)) {
                    table.lacks_key(name, cure);
                }
            }
            Self::With(names, other, cure) => {
                let is_lacking = !table.has(other);
                for name in names.iter().filter(|_| is_lacking) {
                    if let Some(value) = table.value(name) {
                        told(&value, name, &format!("has no use without {other}"), cure, &keys());
                    }
                }
            }
        }
    }

    /// The same for JSON Schema, as what must hold of the table.
    pub(super) fn schema(self) -> Vec<Value> {
        match self {
            Self::OneWay(ways, ..) => {
                let pairs = ways.iter().enumerate().flat_map(|(at, way)| {
                    let others = ways.iter().skip(at + 1).copied().flatten();
                    others.flat_map(move |other| way.iter().map(move |one| [one, other]))
                });
                pairs.map(|pair| json!({ "not": { "required": pair } })).collect()
            }
            Self::Some(names, _) => {
                let each = names.iter().map(|name| json!({ "required": [name] }));
                vec![json!({ "anyOf": each.collect::<Vec<_>>() })]
            }
            Self::With(names, other, _) => {
                let each = names.iter().map(|name| json!({ "dependencies": { *name: [other] } }));
                each.collect()
            }
        }
    }
}

/// The first of these that is written.
fn first<'a>(table: &mut Table<'a>, names: Names) -> Option<(&'static str, PlacedValue<'a>)> {
    names.iter().find_map(|name| Some((*name, table.value(name)?)))
}

/// Notes what is wrong with a value. Where a secret's place should stand, the secret itself may stand: it is not shown.
fn told(value: &PlacedValue<'_>, key: &str, cause: &str, cure: &str, keys: &[Key]) {
    let is_secret = |key: &Key| match &key.allowed {
        Allowed::Either(several) => several.iter().any(|one| matches!(one, Allowed::Secret)),
        allowed => matches!(allowed, Allowed::Secret),
    };
    match keys.iter().any(|known| known.name == key && is_secret(known)) {
        true => value.wrong_secret::<()>(cause, cure),
        false => value.wrong::<()>(cause, cure),
    };
}
