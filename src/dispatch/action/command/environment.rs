//! The environment of a command: which variables, and where each has its value from. Pure, and without a secret.

use std::collections::BTreeMap;

use super::argv::fit;
use crate::{
    config::{self, HeaderValue, Proof},
    dispatch::{
        inputs::{InputValue, Unmet},
        work::Work,
    },
    job::JobScope,
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
    /// The paths of these attachments in the command's folder, one a line.
    Attachments(Vec<String>),
}

/// What the name of a variable with an input begins with.
const INPUT: &str = "MAILJOB_INPUT_";

/// A command's whole environment, each variable once: ours win over configured ones, and those over what is passed on. Reads no
/// secret. Pure.
///
/// # Errors
/// When an input can't be in a variable.
pub(in crate::dispatch) fn variables(
    command: &config::Command,
    work: &Work<'_>,
) -> Result<BTreeMap<String, Origin>, Unmet> {
    let passed = command.pass_env.iter().map(|name| (name.clone(), Origin::Ours));
    let set = command.env.iter().map(|(name, value)| {
        let origin = match value {
            HeaderValue::Plain(value) => Origin::Text(value.clone()),
            HeaderValue::Secret(secret) => Origin::Secret(secret.clone()),
        };
        (name.clone(), origin)
    });
    let sender = work.sender.address.as_ref().ok().cloned();
    let proven = work.sender.proven_by().map_or("", Proof::name);
    let ours = [
        ("MAILJOB_JOB", Origin::Text(work.job.id.to_string())),
        ("MAILJOB_ENDPOINT", Origin::Text(work.endpoint.to_string())),
        ("MAILJOB_ATTEMPT", Origin::Text(work.job.attempt.to_string())),
        ("MAILJOB_SENDER", Origin::Text(sender.unwrap_or_default())),
        ("MAILJOB_SENDER_PROVEN", Origin::Text(proven.to_owned())),
        ("MAILJOB_DIR", Origin::Folder),
    ];
    let ours = ours.into_iter().map(|(name, origin)| (name.to_owned(), origin));
    // A program looks for its settings and puts its temporary files where it may.
    let places = ["HOME", "TMPDIR"].map(|name| (name.to_owned(), Origin::Folder));
    let mut variables: BTreeMap<_, _> = places.into_iter().chain(passed).chain(set).collect();
    variables.extend(inputs(command, work)?);
    variables.extend(ours.chain(part(work)).chain(answered(work)));
    Ok(variables)
}

/// A variable for each input that is there; lists have one item a line.
fn inputs(command: &config::Command, work: &Work<'_>) -> Result<Vec<(String, Origin)>, Unmet> {
    let there = work
        .inputs
        .iter()
        .filter_map(|given| Some((given, given.value.as_ref()?)));
    let variable = |(given, value): (&crate::dispatch::inputs::ResolvedInput, &InputValue)| {
        let origin = match value.files() {
            Some(files) => Origin::Attachments(files.into_iter().map(str::to_owned).collect()),
            None => Origin::Text(fit(given, value.texts(&str::to_owned), command.max_input)?.join("\n")),
        };
        Ok((format!("{INPUT}{}", given.name.to_ascii_uppercase()), origin))
    };
    there.map(variable).collect()
}

/// The job whose reply the mail answers.
fn answered(work: &Work<'_>) -> Option<(String, Origin)> {
    let job = work.answers?.job.to_string();
    Some(("MAILJOB_CONVERSATION_JOB".to_owned(), Origin::Text(job)))
}

/// Which part of a mail the job is of.
fn part(work: &Work<'_>) -> Vec<(String, Origin)> {
    let JobScope::Part(part) = &work.job.share else {
        return Vec::new();
    };
    let told = [
        ("MAILJOB_PART", part.number.to_string()),
        ("MAILJOB_PARTS", part.of.to_string()),
        ("MAILJOB_MAIL_JOB", part.mail_job.to_string()),
    ];
    told.map(|(name, text)| (name.to_owned(), Origin::Text(text))).to_vec()
}
