//! A command.

use std::{path::PathBuf, time::Duration};

use super::{Action, Describe, HeaderValue, Kind, Remote};
use crate::{
    config::{check, mendable, reference},
    slots,
};

pub(super) const KIND: Kind = Kind {
    name: "command",
    place: "A command: its program, without arguments.",
    example: Some("[command] with argv = [\"…\"]"),
    #[cfg(test)]
    least: "argv = [\"true\"]",
    read: |table, inputs| check::command(table, inputs).map(Action::Command),
    sections: reference::COMMAND,
};

/// A process, started without a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The program (an absolute path, or found in `PATH`) and its arguments, first one at least. Where there are named inputs, the
    /// arguments may name them in braces ([`super::braces`]).
    pub argv: Vec<String>,
    /// Names of environment variables that are passed on. Default `PATH`, `LANG`, `TZ`.
    pub pass_env: Vec<String>,
    /// Variables that are set.
    pub env: Vec<(String, HeaderValue)>,
    /// From start to TERM. Default 5 min.
    pub timeout: Duration,
    /// From TERM to KILL of the group. Default 5 s.
    pub grace: Duration,
    /// Bytes kept of each of stdout and stderr. Default 1 MiB.
    pub max_output: u64,
    /// Bytes of all files in `out/` together. Default 20 MiB.
    pub max_files: u64,
    /// Bytes of each named input among the arguments and in the environment. Default 64 KiB; Linux takes less than 128 KiB.
    pub max_input: u64,
    /// Whether it may read and write only what it is granted. Default yes.
    pub confine: bool,
    /// Files and folders that it may read beside its folder and the system's programs.
    pub read: Vec<PathBuf>,
    /// Files and folders that it may read and write beside its folder.
    pub write: Vec<PathBuf>,
    /// Whether it may open and accept TCP connections. Default yes.
    pub network: bool,
    /// The user that it runs as, by name or number; `None`: who we are.
    pub user: Option<String>,
    /// How much it may take.
    pub limits: CommandLimits,
}

/// How much a command may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandLimits {
    /// Bytes of memory, of all its processes together. Default 2 GiB.
    pub memory: u64,
    /// Processes and their threads, all together. Default 512.
    pub processes: u64,
    /// Bytes of each file that it writes. Default 1 GiB.
    pub file_size: u64,
    /// Open files of each process. Default 1024.
    pub open_files: u64,
}

impl Default for CommandLimits {
    fn default() -> Self {
        Self {
            memory: 2 << 30,
            processes: 512,
            file_size: 1 << 30,
            open_files: 1024,
        }
    }
}

impl Command {
    /// A command of which nothing but program and arguments is written.
    #[must_use]
    pub fn new(argv: Vec<String>) -> Self {
        Self {
            argv,
            pass_env: ["PATH", "LANG", "TZ"].map(str::to_owned).to_vec(),
            env: Vec::new(),
            timeout: Duration::from_secs(5 * 60),
            grace: Duration::from_secs(5),
            max_output: 1 << 20,
            max_files: 20 << 20,
            max_input: 64 << 10,
            confine: true,
            read: Vec::new(),
            write: Vec::new(),
            network: true,
            user: None,
            limits: CommandLimits::default(),
        }
    }
}

impl Describe for Command {
    fn name(&self) -> &'static str {
        "command"
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
        let secrets = self.env.iter().filter_map(|(_, value)| value.file());
        let read = self.read.iter().cloned();
        let files = mendable::of_argv(&self.argv).into_iter();
        files.chain(secrets).chain(read).collect()
    }

    fn slots(&self) -> slots::Kind {
        slots::Kind::Command
    }

    fn answers(&self) -> bool {
        true
    }

    fn remote(&self) -> Option<Remote<'_>> {
        None
    }

    fn confined(&self) -> Option<&[PathBuf]> {
        self.confine.then_some(&self.write)
    }
}
