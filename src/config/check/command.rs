//! A command: the program, its arguments, its environment.

use std::{path::PathBuf, sync::Arc, time::Duration};

use toml::de::DeValue;

use super::{
    DAY, INSTANT, MINUTE, SECOND, did_you_mean, foreign,
    inputs::NamedInputs,
    webhook::{self, HeaderValue, setting},
};
use crate::config::{
    Input, InputSource, Literal, Shape,
    braces::{TextPiece, pieces},
    declare::{implied, keys, must, never, usual, usual_as},
    key::{Allowed, Section},
    kind::{Bytes, Flag, Number, Time},
    presence::Need,
    sheet::PlacedValue,
    table::Table,
    value::{list, not_a_home, one_or_more, prose, text, variable},
};

keys! {
    /// A process, started without a shell.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Command: Default in "command" "\
No shell. With [inputs], {NAME} in an argument is an input and {{ a brace; a list stands alone and becomes several arguments; what would
begin with - only because of the mail is refused." reads(inputs: &NamedInputs) {
        argv: Vec<String> = Allowed::list(Allowed::Prose, MOST) => |value| arguments(value, inputs),
            must("write argv = [\"program\", \"argument\"]", "[\"/usr/local/bin/import\", \"--quiet\"]"),
            "a path, from this file on where it is relative, or a name to be found in PATH; and arguments: ./ and ../ are beside this file, any other relative one is in the work folder. What arguments name by a whole path may be read";
        pass_env: Vec<String> = Allowed::list(Allowed::Text, MOST) => list(variable),
            usual_as(["PATH", "LANG", "TZ"].map(str::to_owned).to_vec(), "[\"PATH\", \"LANG\", \"TZ\"]"),
            "variables of mailjob's own environment that it gets; others it does not get. HOME and TMPDIR are its work folder, if they are not set here or in env";
        env: Vec<(String, HeaderValue)> = Allowed::Elsewhere => |value| value.table(|table| env(table, inputs)),
            implied(""), "variables that are set", apart();
        timeout: Duration = Time(INSTANT..=DAY), usual(5 * MINUTE), "then TERM to the process group";
        grace: Duration = Time(Duration::ZERO..=10 * MINUTE), usual(5 * SECOND), "then KILL to all that it started";
        max_output: u64 = Bytes(0..=64 << 20), usual(1 << 20), "kept of each of stdout and stderr";
        max_files: u64 = Bytes(0..=1 << 30), usual(20 << 20),
            "of all files in out/ together; of more none goes back, and sender and operator are told";
        /// Linux takes less than 128 KiB.
        max_input: u64 = Bytes(1 << 10..=120 << 10), usual(64 << 10),
            "of each input among the arguments and in the environment; all together 1MiB";
        confine: bool = Flag, usual(true),
            "it reads and writes only its work folder, programs and settings of the system (/usr, /etc, …), what lies beside its program, and this:",
            below("\
Never, whatever is listed: ledger, key, secrets, endpoint files, mailjob.toml and the work folders of other jobs. By Landlock (Linux 5.13);
where the kernel has none, mailjob says so at the start and in doctor. Programs with set-user-ID (sudo, sendmail) need confine = false.");
        read: Vec<PathBuf> = Allowed::list(Allowed::Text, MOST) => list(granted), implied("[]"),
            "further files and folders that it may read, and programs there that it may start";
        write: Vec<PathBuf> = Allowed::list(Allowed::Text, MOST) => list(granted), implied("[]"),
            "further files and folders that it may read and write";
        network: bool = Flag, usual(true), "whether it may open and accept TCP connections; false needs confine and Linux 6.7";
        user: Option<String> = Allowed::Text => user, never("\"mailjob-guest\""),
            "who it runs as, by name or number; only where mailjob runs as root";
    }
    and limits: CommandLimits, "How much it may take."
}

keys! {
    /// How much a command may take.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct CommandLimits: Default in "command" "" {
        memory: u64 = Bytes(64 << 20..=1 << 40), usual(2 << 30), "of all its processes together; one that has more is killed";
        processes: u64 = Number(1..=100_000), usual(512), "processes and threads, all together; one that has more is killed";
        file_size: u64 = Bytes(1 << 10..=1 << 40), usual(1 << 30), "of each file that it writes";
        open_files: u64 = Number(16..=1_000_000), usual(1024), "of each of its processes";
    }
}

/// Entries of a list at most.
const MOST: usize = 4096;

impl Command {
    /// A command of which nothing but program and arguments is written.
    #[must_use]
    pub fn new(argv: Vec<String>) -> Self {
        Self {
            argv,
            ..Self::default()
        }
    }
}

/// The variables as the reference shows them.
pub(in crate::config) fn env_section() -> Section {
    let samples = "#[command.env]
#MODE = \"strict\" # text as written, or the place of a secret
#DATABASE_URL = { file = \"/run/secrets/database-url\" }";
    Section::open("command.env", "", Allowed::setting(), samples)
}

/// Reads `[command]`, and whether what it says goes together.
pub(in crate::config) fn command(table: &mut Table<'_>, inputs: &NamedInputs) -> Option<Command> {
    let command = Command::read(table, inputs);
    let is_off = |value: PlacedValue<'_>| matches!(value.raw, DeValue::Boolean(false));
    if table.value("confine").is_some_and(is_off) && table.value("network").is_some_and(is_off) {
        table.lacks(
            "`command.confine` is false, so network = false can't be held",
            "remove confine = false, or network = false",
        );
    }
    let program = table.value("argv").and_then(|argv| argv.items().into_iter().next());
    if let (Some(command), Some(program)) = (&command, program) {
        program.need(Need::Program(Arc::new(command.clone())));
    }
    command
}

/// The program and its arguments, and whether what they name is known.
fn arguments(value: PlacedValue<'_>, inputs: &NamedInputs) -> Option<Vec<String>> {
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
}

/// A file or folder that is there.
fn granted(value: PlacedValue<'_>) -> Option<PathBuf> {
    let written = text(value.clone())?;
    not_a_home(&value, &written)?;
    let path: PathBuf = value.whole_folder().join(written).components().collect();
    value.need(Need::Granted(path.clone(), value.whole_folder()));
    Some(path)
}

/// A user of this machine, by name or number.
fn user(value: PlacedValue<'_>) -> Option<String> {
    let name = text(value.clone())?;
    value.need(Need::User(name.clone()));
    Some(name)
}

/// The program and its arguments. A program with a `/` is a path that starts at the file's folder.
fn argv(value: PlacedValue<'_>) -> Option<Vec<String>> {
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
pub(super) fn from_here(value: &PlacedValue<'_>, path: &str) -> Option<String> {
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
fn resolve(value: &PlacedValue<'_>, argument: &mut String) -> Option<()> {
    let (option, path) = match argument.split_once('=') {
        Some((option, path)) if option.starts_with('-') => (Some(option), path),
        _ => (None, argument.as_str()),
    };
    // What an input makes a path of is known only when there is one.
    if path.contains(['{', '}']) {
        return Some(());
    }
    not_a_home(value, path)?;
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
fn unfilled(argument: &PlacedValue<'_>, inputs: &NamedInputs) {
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
fn placeholders(argument: &PlacedValue<'_>, inputs: &NamedInputs) {
    let DeValue::String(text) = argument.raw else { return };
    let Ok(pieces) = pieces(text) else {
        argument.wrong::<()>(
            "has a brace without its partner",
            "where there are [inputs], write {name} for an input and {{ or }} for a brace",
        );
        return;
    };
    for piece in &pieces {
        let TextPiece::Name(name) = piece else { continue };
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
        InputSource::Attachments(files) => match files.shape {
            Shape::One => false,
            Shape::List => true,
            Shape::Map => return Some(("is a map of files", "write as = \"list\", or read message.json")),
        },
        InputSource::Match(found, _) if found.group.is_none() => {
            return Some(("is all groups of a pattern", "write group = \"…\" in the input"));
        }
        InputSource::Field(field, _) => field.is_list(),
        InputSource::Value(value) => matches!(value, Literal::List(_)),
        InputSource::Match(..) | InputSource::Plus(_) => false,
    };
    (list && !whole).then_some(("is a list", "write it as an argument by itself; it becomes several"))
}

/// Any text but NUL, which no argument can hold.
fn argument(value: PlacedValue<'_>) -> Option<String> {
    let text = prose(value.clone())?;
    if text.contains('\0') {
        return value.wrong("has a NUL character", "write it without");
    }
    Some(text)
}

fn env(table: &mut Table<'_>, inputs: &NamedInputs) -> Option<Vec<(String, HeaderValue)>> {
    let variables = table.entries().into_iter().map(|(name, value)| {
        if name.is_empty() || name.contains(['=', '\0']) {
            return value.wrong("is not a valid name of a variable", "use letters, digits and _");
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
