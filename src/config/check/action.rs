//! The action of an endpoint: one, of whatever kind. Each kind reads its own table.

use super::inputs::NamedInputs;
use crate::config::{Action, table::Table};

/// Exactly one; all that stand there are read, so that all their faults are told. Defaults of an action that the file does not have make it
/// none.
pub(super) fn action(top: &mut Table<'_>, inputs: &NamedInputs) -> Option<Action> {
    let mut given = Vec::new();
    for kind in Action::KINDS {
        given.extend(top.own(kind.name).map(|value| (kind, value)));
    }
    let read: Vec<_> = given
        .iter()
        .map(|(kind, value)| value.clone().table(|table| (kind.read)(table, inputs)))
        .collect();
    match given.as_slice() {
        [] => {
            let examples: Vec<_> = Action::KINDS.iter().filter_map(|kind| kind.example).collect();
            top.lacks(
                "the endpoint has no action",
                format!("write {}", examples.join(", or ")),
            );
            None
        }
        [_] => read.into_iter().next().flatten(),
        [(first, _), others @ ..] => {
            for (_, value) in others {
                value.wrong::<()>(
                    format!("stands beside [{}]; an endpoint has one action", first.name),
                    "remove one of the two",
                );
            }
            None
        }
    }
}
