//! The action of an endpoint: one, of whatever kind.

use super::{command::command, inputs::Named, webhook::webhook};
use crate::config::{Action, table::Table};

type Read = fn(&mut Table<'_>, &Named) -> Option<Action>;

/// How the table of each kind is read.
const READERS: &[(&str, Read)] = &[
    ("webhook", |table, inputs| webhook(table, inputs).map(Action::Webhook)),
    ("command", |table, inputs| command(table, inputs).map(Action::Command)),
];

/// Exactly one; all that stand there are read, so that all their faults are told. Defaults of an action that the file does not have make it
/// none.
pub(super) fn action(top: &mut Table<'_>, inputs: &Named) -> Option<Action> {
    let mut given = Vec::new();
    for (name, read) in READERS {
        if let Some(value) = top.own(name) {
            given.push((*name, value, read));
        }
    }
    let read: Vec<_> = given
        .iter()
        .map(|(_, value, read)| value.clone().table(|table| read(table, inputs)))
        .collect();
    match given.as_slice() {
        [] => {
            let examples: Vec<_> = Action::KINDS.iter().map(|kind| kind.example).collect();
            top.lacks(
                "the endpoint has no action",
                format!("write {}", examples.join(", or ")),
            );
            None
        }
        [_] => read.into_iter().next().flatten(),
        [(first, ..), others @ ..] => {
            for (_, value, _) in others {
                value.wrong::<()>(
                    format!("stands beside [{first}]; an endpoint has one action"),
                    "remove one of the two",
                );
            }
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_action_can_be_read() {
        let read: Vec<_> = READERS.iter().map(|(name, _)| *name).collect();
        let kinds: Vec<_> = Action::KINDS.iter().map(|kind| kind.name).collect();
        assert_eq!(read, kinds);
    }
}
