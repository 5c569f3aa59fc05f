//! What one attempt needs to start its command: a folder with the mail, arguments, an environment.

use std::{collections::BTreeMap, env, ffi::OsString, io};

use super::{
    argv::{arguments, fit_together},
    environment::{Origin, variables},
    folder,
};
use crate::{
    config,
    dispatch::{inputs::Unmet, later, work::Work},
    guest::{Home, User, UserError, WorkFolder},
    job::{Outcome, Reason},
    secret::{ExposeSecret, Redaction, SecretError},
};

/// A command that is ready to be started.
pub(in crate::dispatch) struct ReadyCommand {
    pub(super) folder: WorkFolder,
    pub(super) argv: Vec<String>,
    pub(super) environment: Vec<(OsString, OsString)>,
    /// What of it is secret.
    pub(super) secrets: Redaction,
    pub(super) user: Option<User>,
}

#[cfg(test)]
impl ReadyCommand {
    pub(in crate::dispatch) fn into_parts(self) -> (WorkFolder, Vec<String>, Vec<(OsString, OsString)>) {
        (self.folder, self.argv, self.environment)
    }
}

/// Why a command could not be made ready.
#[derive(Debug, thiserror::Error)]
pub(in crate::dispatch) enum StartFailure {
    /// A secret for its environment can't be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Its folder could not be made.
    #[error("the command's folder could not be written: {0}")]
    Folder(#[from] folder::FolderError),
    /// It can't be the user that it is to be.
    #[error("{0}; change user in [command]")]
    User(#[from] UserError),
    /// Its folder can't be given to its user.
    #[error("the command's folder could not be given to its user: {0}")]
    Given(io::Error),
    /// An input can't be given to a process.
    #[error("an input can't be given to a process")]
    Input(Unmet),
}

impl From<StartFailure> for Outcome {
    fn from(unready: StartFailure) -> Self {
        let reason = match unready {
            StartFailure::Secret(_) => Reason::Secret,
            StartFailure::Folder(_) | StartFailure::Given(_) => Reason::Local,
            StartFailure::User(_) => Reason::Spawn,
            StartFailure::Input(unmet) => return unmet.into(),
        };
        later(reason, unready.to_string())
    }
}

/// The folder and environment of one attempt. Blocks.
///
/// # Errors
/// When a secret is missing, an input can't be given to a process, or the temporary folder fails.
pub(in crate::dispatch) fn prepare(
    command: &config::Command,
    work: &Work<'_>,
    home: &Home,
) -> Result<ReadyCommand, StartFailure> {
    let user = command.user.as_deref().map(User::find).transpose()?;
    let variables = variables(command, work).map_err(StartFailure::Input)?;
    let mut secrets = BTreeMap::new();
    for (name, origin) in &variables {
        if let Origin::Secret(secret) = origin {
            secrets.insert(name.clone(), secret.read()?);
        }
    }
    let folder = folder::make(work, home)?;
    let attachments = folder.path().join(folder::ATTACHMENTS);
    let path = |name: &str| attachments.join(name).to_string_lossy().into_owned();
    let argv = arguments(command, &work.inputs, path).map_err(StartFailure::Input)?;
    let value = |(name, origin): (String, Origin)| {
        let value = match origin {
            Origin::Ours => env::var_os(&name)?,
            Origin::Text(text) => text.into(),
            Origin::Secret(_) => secrets.get(&name)?.expose_secret().into(),
            Origin::Folder => folder.path().into(),
            Origin::Attachments(names) => names
                .iter()
                .map(|name| path(name))
                .collect::<Vec<_>>()
                .join("\n")
                .into(),
        };
        Some((name.into(), value))
    };
    let environment: Vec<_> = variables.into_iter().filter_map(value).collect();
    fit_together(&argv, &environment).map_err(StartFailure::Input)?;
    let mut handed = Redaction::handed();
    secrets
        .values()
        .for_each(|secret| handed.add_handed(secret.expose_secret()));
    if let Some(user) = user {
        folder.give(user).map_err(StartFailure::Given)?;
    }
    Ok(ReadyCommand {
        folder,
        argv,
        environment,
        secrets: handed,
        user,
    })
}
