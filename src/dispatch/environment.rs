//! The environment of a command: which variables, and where each has its value from. Pure, and without a secret.

use std::collections::BTreeMap;

use super::work::Work;
use crate::{
    config::{self, HeaderValue},
    secret::SecretRef,
};

/// Where a variable of a command's environment has its value from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Our own environment, where it is set there.
    Ours,
    /// This text.
    Text(String),
    /// The secret that is kept there.
    Secret(SecretRef),
    /// The path of the command's folder.
    Folder,
}

/// A command's whole environment, each variable once: ours win over configured ones, and those over what is passed on. Reads no
/// secret. Pure.
pub(super) fn variables(command: &config::Command, work: &Work<'_>) -> BTreeMap<String, Origin> {
    let passed = command.pass_env.iter().map(|name| (name.clone(), Origin::Ours));
    let set = command.env.iter().map(|(name, value)| {
        let origin = match value {
            HeaderValue::Plain(value) => Origin::Text(value.clone()),
            HeaderValue::Secret(secret) => Origin::Secret(secret.clone()),
        };
        (name.clone(), origin)
    });
    let ours = [
        ("MAILJOB_JOB", Origin::Text(work.job.id.to_string())),
        ("MAILJOB_ENDPOINT", Origin::Text(work.endpoint.to_string())),
        ("MAILJOB_ATTEMPT", Origin::Text(work.job.attempt.to_string())),
        ("MAILJOB_DIR", Origin::Folder),
    ];
    let ours = ours.into_iter().map(|(name, origin)| (name.to_owned(), origin));
    let answered = work.answers.map(|answers| {
        let origin = Origin::Text(answers.job.to_string());
        ("MAILJOB_CONVERSATION_JOB".to_owned(), origin)
    });
    passed.chain(set).chain(ours).chain(answered).collect()
}
