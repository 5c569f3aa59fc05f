//! What others have to know of a command.

use std::path::PathBuf;

use super::describe::{ActionKind, Describe, RemoteAccess};
use crate::{
    config::{
        Command,
        check::{self, env_section},
        mendable,
    },
    slots,
};

pub(super) const KIND: ActionKind<Command> = ActionKind {
    name: "command",
    place: "A command: its program, without arguments.",
    example: Some("[command] with argv = [\"…\"]"),
    #[cfg(test)]
    least: "argv = [\"true\"]",
    read: check::command,
    sections: || vec![Command::section().off(), env_section()],
};

impl Describe for Command {
    fn name(&self) -> &'static str {
        KIND.name
    }

    fn place(&self) -> String {
        self.argv.first().cloned().unwrap_or_default()
    }

    fn summary(&self) -> String {
        self.place()
    }

    fn identity(&self) -> String {
        format!("command 1\n{}", self.argv.join("\n"))
    }

    fn mendable(&self) -> Vec<PathBuf> {
        let secrets = self.env.iter().filter_map(|(_, value)| mendable::of_value(value));
        let read = self.read.iter().cloned();
        let files = mendable::of_argv(&self.argv).into_iter();
        files.chain(secrets).chain(read).collect()
    }

    fn slots(&self) -> slots::SlotKind {
        slots::SlotKind::Command
    }

    fn answers(&self) -> bool {
        true
    }

    fn remote(&self) -> Option<RemoteAccess<'_>> {
        None
    }

    fn confined(&self) -> Option<&[PathBuf]> {
        self.confine.then_some(&self.write)
    }
}
