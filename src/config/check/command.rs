//! A command: the program, its arguments, its environment.

use std::{ops::RangeInclusive, path::PathBuf, time::Duration};

use toml::de::DeValue;

use super::{
    DAY, INSTANT, MINUTE, did_you_mean, foreign,
    inputs::Named,
    webhook::{self, setting},
};
use crate::config::{
    Command, CommandLimits, HeaderValue, Input, Literal, Shape, Source,
    braces::{Piece, pieces},
    presence::Need,
    read::Value,
    table::Table,
    value::{count, duration, flag, list, one_or_more, prose, size, text, variable},
};

/// Reads `[command]`.
pub(in crate::config) fn command(table: &mut Table<'_>, inputs: &Named) -> Option<Command> {
    let argv = table.must("argv", "write argv = [\"program\", \"argument\"]", |value| {
        let arguments = value.items();
        let argv = argv(value)?;
        let plain = foreign::plain(argv.iter().map(String::as_str));
        for (index, argument) in arguments.into_iter().enumerate().skip(1) {
            if index < plain {
                unfilled(&argument, inputs);
            }
            // Without inputs braces are braces.
            if !inputs.names.is_empty() {
                placeholders(&argument, inputs);
            }
        }
        Some(argv)
    });
    // Its default argv is never used.
    let usual = Command::new(Vec::new());
    let (confine, network) = (
        table.or("confine", usual.confine, flag),
        table.or("network", usual.network, flag),
    );
    if !confine && !network {
        table.lacks(
            "`command.confine` is false, so network = false can't be held",
            "remove confine = false, or network = false",
        );
    }
    let command = Command {
        pass_env: table.or("pass_env", usual.pass_env, list(variable)),
        env: table.or("env", usual.env, |value| value.table(|table| env(table, inputs))),
        timeout: table.or("timeout", usual.timeout, duration(INSTANT..=DAY)),
        grace: table.or("grace", usual.grace, duration(Duration::ZERO..=10 * MINUTE)),
        max_output: table.or("max_output", usual.max_output, size(0..=64 << 20)),
        max_files: table.or("max_files", usual.max_files, size(0..=1 << 30)),
        max_input: table.or("max_input", usual.max_input, size(1 << 10..=120 << 10)),
        confine,
        read: table.or("read", usual.read, list(granted)),
        write: table.or("write", usual.write, list(granted)),
        network,
        user: table.get("user", user),
        limits: CommandLimits {
            memory: table.or("memory", usual.limits.memory, size(64 << 20..=1 << 40)),
            processes: table.or("processes", usual.limits.processes, number(1..=100_000)),
            file_size: table.or("file_size", usual.limits.file_size, size(1 << 10..=1 << 40)),
            open_files: table.or("open_files", usual.limits.open_files, number(16..=1_000_000)),
        },
        argv: argv?,
    };
    if let Some(program) = table.value("argv").and_then(|argv| argv.items().into_iter().next()) {
        program.need(Need::Program(Box::new(command.clone())));
    }
    Some(command)
}

fn number<'a>(range: RangeInclusive<usize>) -> impl Fn(Value<'a>) -> Option<u64> {
    let count = count(range);
    move |value| count(value).and_then(|number| u64::try_from(number).ok())
}

/// A file or folder that is there.
fn granted(value: Value<'_>) -> Option<PathBuf> {
    let written = text(value.clone())?;
    let path: PathBuf = value.whole_folder().join(written).components().collect();
    value.need(Need::Granted(path.clone(), value.whole_folder()));
    Some(path)
}

/// A user of this machine, by name or number.
fn user(value: Value<'_>) -> Option<String> {
    let name = text(value.clone())?;
    value.need(Need::User(name.clone()));
    Some(name)
}

/// The program and its arguments. A program with a `/` is a path that starts at the file's folder.
fn argv(value: Value<'_>) -> Option<Vec<String>> {
    if let DeValue::String(_) = value.raw {
        let cure = "write a list, each argument by itself: [\"program\", \"argument\"]";
        return value.wrong("is one text, but there is no shell to take it apart", cure);
    }
    let values = value.items();
    let first = values.first().cloned();
    let mut argv = one_or_more(argument)(value)?;
    let (first, program) = (first?, argv.first_mut()?);
    if program.is_empty() {
        return first.wrong("names no program", "write the program first");
    }
    if program.contains('/') {
        *program = from_here(&first, program)?;
    }
    let plain = foreign::plain(argv.iter().map(String::as_str));
    for (value, argument) in values.iter().zip(&mut argv).take(plain).skip(1) {
        resolve(value, argument)?;
    }
    Some(argv)
}

/// A path as it is from anywhere.
pub(super) fn from_here(value: &Value<'_>, path: &str) -> Option<String> {
    let joined = value.whole_folder().join(path);
    let plain: PathBuf = joined.components().collect();
    match plain.to_str() {
        Some(path) => Some(path.to_owned()),
        None => value.wrong("starts at a folder whose name is not UTF-8", "write an absolute path"),
    }
}

/// What a command's work folder has.
const IN_WORK_FOLDER: [&str; 4] = ["attachments", "message.eml", "message.json", "out"];

/// An argument that begins with `./` or `../` is a path beside the file, as the program is; any other one is in the work folder. Behind the
/// `=` of an option it is the same.
fn resolve(value: &Value<'_>, argument: &mut String) -> Option<()> {
    let (option, path) = match argument.split_once('=') {
        Some((option, path)) if option.starts_with('-') => (Some(option), path),
        _ => (None, argument.as_str()),
    };
    // What an input makes a path of is known only when there is one.
    if path.contains(['{', '}']) {
        return Some(());
    }
    let is_here = |begin: &str| path.strip_prefix(begin).is_some_and(|rest| !rest.is_empty());
    if is_here("./") || is_here("../") {
        let path = from_here(value, path)?;
        value.need(Need::Argument(PathBuf::from(&path)));
        *argument = match option {
            Some(option) => format!("{option}={path}"),
            None => path,
        };
    } else if !path.is_empty() && !path.starts_with(['/', '-']) {
        let first = path.split('/').next().unwrap_or_default();
        if !IN_WORK_FOLDER.contains(&first) {
            value.need(Need::NotBeside(value.whole_folder(), path.to_owned()));
        }
    }
    Some(())
}

/// Notes what a shell or another program would fill in or take apart here, where it stays as it is.
fn unfilled(argument: &Value<'_>, inputs: &Named) {
    let DeValue::String(text) = argument.raw else { return };
    if foreign::is_shell_word(text) {
        let cause = format!("has \"{text}\", but there is no shell that would know it");
        let cure = "write a script that does it, or argv = [\"/bin/sh\", \"-c\", \"…\"]; what is printed is the reply's text, what lies in out/ its files";
        argument.wrong::<()>(cause, cure);
        return;
    }
    if text.contains('*') && text.starts_with("attachments/") {
        let cause = format!("has \"{text}\", but there is no shell that would look which files those are");
        let cure = "write \"{files}\" in its place, and [inputs] with files = { attachments = [\"*\"], as = \"list\" }";
        argument.wrong::<()>(cause, cure);
        return;
    }
    let Some(found) = foreign::of_arguments(text) else {
        return;
    };
    // Braces are what names inputs, and are read as such where there are some.
    let is_brace = found.written.starts_with('{');
    if is_brace && !inputs.names.is_empty() {
        return;
    }
    let cure = match (found.written.starts_with('$'), inputs.names.contains(&found.name)) {
        (_, true) => format!("write \"{{{}}}\"", found.name),
        (true, false) if !foreign::is_of_mail(&found) => {
            "write what is meant, or a script that reads its environment: the work folder is its current one, and MAILJOB_… say the rest".to_owned()
        }
        _ => {
            let input = found.as_input();
            let name = input.split(' ').next().unwrap_or_default();
            match found.written == format!("{{{name}}}") {
                true => format!("say what that is: [inputs] with {input}"),
                false => format!("write \"{{{name}}}\", and [inputs] with {input}"),
            }
        }
    };
    let cause = format!("has {}, in place of which nothing is put", found.written);
    argument.wrong::<()>(cause, cure);
}

/// Notes what is wrong with the names in an argument.
fn placeholders(argument: &Value<'_>, inputs: &Named) {
    let DeValue::String(text) = argument.raw else { return };
    let Ok(pieces) = pieces(text) else {
        argument.wrong::<()>(
            "has a brace without its partner",
            "where there are [inputs], write {name} for an input and {{ or }} for a brace",
        );
        return;
    };
    for piece in &pieces {
        let Piece::Name(name) = piece else { continue };
        if !inputs.names.contains(name) {
            let known = || inputs.names.iter().map(String::as_str);
            let cure = did_you_mean(name, known()).unwrap_or_else(|| {
                format!(
                    "known: {}; write {{{{ and }}}} for braces",
                    known().collect::<Vec<_>>().join(", ")
                )
            });
            argument.wrong::<()>(format!("names {{{name}}}, which is no input"), cure);
        } else if let Some(fault) = inputs
            .inputs
            .get(name)
            .and_then(|input| unfit(input, pieces.len() == 1))
        {
            argument.wrong::<()>(format!("names {{{name}}}, which {}", fault.0), fault.1);
        }
    }
}

/// Why an input can't stand in an argument, and what to do; `whole` when there is nothing else in it.
fn unfit(input: &Input, whole: bool) -> Option<(&'static str, &'static str)> {
    let list = match &input.source {
        Source::Attachments(files) => match files.shape {
            Shape::One => false,
            Shape::List => true,
            Shape::Map => return Some(("is a map of files", "write as = \"list\", or read message.json")),
        },
        Source::Match(found, _) if found.group.is_none() => {
            return Some(("is all groups of a pattern", "write group = \"…\" in the input"));
        }
        Source::Field(field, _) => field.is_list(),
        Source::Value(value) => matches!(value, Literal::List(_)),
        Source::Match(..) | Source::Plus(_) => false,
    };
    (list && !whole).then_some(("is a list", "write it as an argument by itself; it becomes several"))
}

/// Any text but NUL, which no argument can hold.
fn argument(value: Value<'_>) -> Option<String> {
    let text = prose(value.clone())?;
    if text.contains('\0') {
        return value.wrong("has a NUL character", "write it without");
    }
    Some(text)
}

fn env(table: &mut Table<'_>, inputs: &Named) -> Option<Vec<(String, HeaderValue)>> {
    let variables = table.entries().into_iter().map(|(name, value)| {
        if name.is_empty() || name.contains(['=', '\0']) {
            return value.wrong("is no name of a variable", "use letters, digits and _");
        }
        match setting(value.clone())? {
            HeaderValue::Plain(text) if text.contains('\0') => value.wrong("has a NUL character", "write it without"),
            HeaderValue::Plain(text) => {
                const CURE: &str =
                    "each of [inputs] is in the environment by itself, as MAILJOB_INPUT_ and its name in capitals";
                webhook::as_it_is(&value, &text, inputs, CURE)?;
                Some((name.to_owned(), HeaderValue::Plain(text)))
            }
            content => Some((name.to_owned(), content)),
        }
    });
    variables.collect::<Vec<_>>().into_iter().collect()
}
