//! A command: the program, its arguments, its environment.

use std::{path::PathBuf, time::Duration};

use toml::de::DeValue;

use super::{DAY, INSTANT, MINUTE, webhook::setting};
use crate::config::{
    Command, HeaderValue,
    presence::Need,
    read::Value,
    table::Table,
    value::{duration, list, one_or_more, prose, size, variable},
};

/// Reads `[command]`.
pub(super) fn command(table: &mut Table<'_>) -> Option<Command> {
    let argv = table.must("argv", "write argv = [\"program\", \"argument\"]", argv);
    // Its default argv is never used.
    let usual = Command::new(Vec::new());
    Some(Command {
        pass_env: table.or("pass_env", usual.pass_env, list(variable)),
        env: table.or("env", usual.env, |value| value.table(env)),
        timeout: table.or("timeout", usual.timeout, duration(INSTANT..=DAY)),
        grace: table.or("grace", usual.grace, duration(Duration::ZERO..=10 * MINUTE)),
        max_output: table.or("max_output", usual.max_output, size(0..=64 << 20)),
        max_files: table.or("max_files", usual.max_files, size(0..=1 << 30)),
        argv: argv?,
    })
}

/// The program and its arguments. A program with a `/` is a path that starts at the file's folder.
fn argv(value: Value<'_>) -> Option<Vec<String>> {
    if let DeValue::String(_) = value.raw {
        let cure = "write a list, each argument by itself: [\"program\", \"argument\"]";
        return value.wrong("is one text, but there is no shell to take it apart", cure);
    }
    let first = value.items().into_iter().next();
    let mut argv = one_or_more(argument)(value)?;
    let (first, program) = (first?, argv.first_mut()?);
    if program.is_empty() {
        return first.wrong("names no program", "write the program first");
    }
    if program.contains('/') {
        match first.folder().join(&*program).to_str() {
            Some(path) => *program = path.to_owned(),
            None => return first.wrong("starts at a folder whose name is not UTF-8", "write an absolute path"),
        }
    }
    first.need(Need::Program(PathBuf::from(&*program)));
    Some(argv)
}

/// Any text but NUL, which no argument can hold.
fn argument(value: Value<'_>) -> Option<String> {
    let text = prose(value.clone())?;
    if text.contains('\0') {
        return value.wrong("has a NUL character", "write it without");
    }
    Some(text)
}

fn env(table: &mut Table<'_>) -> Option<Vec<(String, HeaderValue)>> {
    let variables = table.entries().into_iter().map(|(name, value)| {
        if name.is_empty() || name.contains(['=', '\0']) {
            return value.wrong("is no name of a variable", "use letters, digits and _");
        }
        match setting(value.clone())? {
            HeaderValue::Plain(text) if text.contains('\0') => value.wrong("has a NUL character", "write it without"),
            content => Some((name.to_owned(), content)),
        }
    });
    variables.collect::<Vec<_>>().into_iter().collect()
}
