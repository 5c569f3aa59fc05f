//! The arguments of a command, with inputs in place of the names in braces. Pure.
//!
//! An argument stays one argument, whatever is in an input; only a list that stands alone becomes several. What would be an option
//! only because of what a mail says is refused, and so is what no process can be given: NUL, and very long texts.

use std::ffi::OsString;

use crate::{
    config::{
        Command,
        braces::{TextPiece, pieces},
    },
    dispatch::inputs::{InputValue, ResolvedInput, Unmet},
};

/// Bytes of all inputs together: Linux takes 2 MiB of arguments and variables.
const ALL: usize = 1 << 20;
/// Bytes of what is not inputs: what the operator wrote, and our own variables.
const OURS: usize = 256 << 10;
/// Bytes of one argument or variable, with its end: Linux takes 32 pages.
const ONE: usize = 128 << 10;

/// The program and its arguments; of a file `path` makes its path out of its safe name.
///
/// # Errors
/// When an input can't be an argument.
pub(in crate::dispatch) fn arguments(
    command: &Command,
    inputs: &[ResolvedInput],
    path: impl Fn(&str) -> String,
) -> Result<Vec<String>, Unmet> {
    if inputs.is_empty() {
        return Ok(command.argv.clone());
    }
    let mut arguments: Vec<String> = command.argv.first().cloned().into_iter().collect();
    let mut room = ALL;
    for template in command.argv.iter().skip(1) {
        // The configuration was checked: there are no unpaired braces and no unknown names.
        let pieces = pieces(template).unwrap_or_else(|_| vec![TextPiece::Text(template.clone())]);
        let mut parts = Vec::with_capacity(pieces.len());
        for piece in &pieces {
            parts.push(match piece {
                TextPiece::Text(text) => ArgumentPart::Ours(text.clone()),
                TextPiece::Name(name) => part(name, inputs, command.max_input, &path)?,
            });
        }
        for argument in joined(parts)? {
            room = room
                .checked_sub(argument.len())
                .ok_or_else(|| Unmet::new("all inputs", None, "are too long together"))?;
            arguments.push(argument);
        }
    }
    Ok(arguments)
}

/// Whether the kernel takes these arguments and variables: of each one, and of all together.
///
/// # Errors
/// When they are too long.
pub(in crate::dispatch) fn fit_together(argv: &[String], environment: &[(OsString, OsString)]) -> Result<(), Unmet> {
    // Each also costs a pointer; a variable has its name, a = and an end.
    let arguments = argv.iter().map(|argument| argument.len() + 9);
    let variables = environment.iter().map(|(name, value)| name.len() + value.len() + 10);
    let sizes = || arguments.clone().chain(variables.clone());
    if sizes().any(|size| size > ONE) || sizes().sum::<usize>() > ALL + OURS {
        return Err(Unmet::new("all inputs", None, "are too long together"));
    }
    Ok(())
}

/// A piece of an argument.
enum ArgumentPart<'a> {
    /// Written by the operator or made by us.
    Ours(String),
    /// From a mail, and the input.
    Theirs(&'a ResolvedInput, String),
    /// Several arguments, and the input where they are from a mail.
    Several(Option<&'a ResolvedInput>, Vec<String>),
}

fn part<'a>(
    name: &str,
    inputs: &'a [ResolvedInput],
    max: u64,
    path: &dyn Fn(&str) -> String,
) -> Result<ArgumentPart<'a>, Unmet> {
    let Some((given, value)) = inputs
        .iter()
        .find(|given| given.name == name)
        .and_then(|given| Some((given, given.value.as_ref()?)))
    else {
        return Ok(ArgumentPart::Ours(String::new()));
    };
    let mut texts = fit(given, value.texts(path), max)?;
    let ours = given.ours || value.files().is_some();
    let single = (!is_list(value)).then(|| texts.pop()).flatten();
    Ok(match (single, ours) {
        (Some(text), true) => ArgumentPart::Ours(text),
        (Some(text), false) => ArgumentPart::Theirs(given, text),
        (None, ours) => ArgumentPart::Several((!ours).then_some(given), texts),
    })
}

fn is_list(value: &InputValue) -> bool {
    match value {
        InputValue::List(_) | InputValue::Files(_) | InputValue::Map(_) => true,
        InputValue::Text(_)
        | InputValue::Integer(_)
        | InputValue::Number(_)
        | InputValue::Boolean(_)
        | InputValue::Groups(_)
        | InputValue::File(_) => false,
    }
}

/// Texts that a process can be given.
///
/// # Errors
/// When one has a NUL, or they are too long.
pub(in crate::dispatch) fn fit(given: &ResolvedInput, texts: Vec<String>, max: u64) -> Result<Vec<String>, Unmet> {
    let size: usize = texts.iter().map(String::len).sum();
    if size as u64 > max {
        return Err(unmet(given, &format!("is too long: {size} bytes, {max} at most")));
    }
    if texts.iter().any(|text| text.contains('\0')) {
        return Err(unmet(given, "has a character that can't be used"));
    }
    Ok(texts)
}

fn unmet(given: &ResolvedInput, what: &str) -> Unmet {
    Unmet::new(&given.name, given.label.as_deref(), what)
}

fn joined(parts: Vec<ArgumentPart<'_>>) -> Result<Vec<String>, Unmet> {
    let option = |given: &ResolvedInput| unmet(given, "begins with -, and would be taken for an option");
    let (mut argument, mut theirs) = (String::new(), None);
    for part in parts {
        match part {
            ArgumentPart::Several(given, texts) => {
                if let Some(given) = given.filter(|_| texts.iter().any(|text| text.starts_with('-'))) {
                    return Err(option(given));
                }
                return Ok(texts);
            }
            ArgumentPart::Ours(text) => argument.push_str(&text),
            ArgumentPart::Theirs(given, text) => {
                if argument.is_empty() {
                    theirs = Some(given);
                }
                argument.push_str(&text);
            }
        }
    }
    match theirs.filter(|_| argument.starts_with('-')) {
        Some(given) => Err(option(given)),
        None => Ok(vec![argument]),
    }
}

#[cfg(test)]
#[path = "argv_tests.rs"]
mod tests;
