//! What keys of one table are to one another: of which ways one is meant, and which goes with which. The reader that `declare` makes and the
//! JSON Schema follow it. Pure.

use serde_json::{Value, json};

/// Names of keys.
pub(super) type Names = &'static [&'static str];

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
    /// Whether a key is out of the question beside what else is written.
    pub(super) fn excludes(self, key: &str, is_written: impl Fn(&str) -> bool) -> bool {
        let Self::OneWay(ways, ..) = self else {
            return false;
        };
        let mut others = ways.iter().filter(|way| !way.contains(&key)).copied().flatten();
        ways.iter().any(|way| way.contains(&key)) && others.any(|other| is_written(other))
    }

    /// It in JSON Schema, as what must hold of the table.
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
