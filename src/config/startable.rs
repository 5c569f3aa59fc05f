//! Whether a command could be started here: the one look at that, so that what is called good starts. Nothing is started.
//!
//! A command starts in a work folder of its own and reads, where it is confined, only what is granted. Granted beside the system's own files
//! are the folder of its program and the files that its arguments name.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use super::{Command, meant::nearest, presence::Startable, problem::Fault};
use crate::guest::{self, Interpreter, Unstartable, User, confine};

/// Entries of a folder that are looked through for a name that may be meant.
const LOOKED_THROUGH: usize = 10_000;

/// What a command gets to read without being told so by `read`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandReads {
    /// With all that is in them.
    pub folders: Vec<PathBuf>,
    /// Files by themselves, also in the folder of the configuration.
    pub named: Vec<PathBuf>,
}

/// What a command needs to read whose program is this. Blocks.
#[must_use]
pub fn needed(command: &Command, program: &Path) -> CommandReads {
    let arguments = command.argv.iter().skip(1).filter_map(|argument| absolute(argument));
    let listed = command.read.iter().map(PathBuf::as_path);
    let files = arguments.chain(listed).filter(|path| path.is_file());
    CommandReads {
        folders: beside(program),
        named: [program].into_iter().chain(files).map(Path::to_owned).collect(),
    }
}

/// The absolute path that an argument is, or that stands behind the `=` of an option.
fn absolute(argument: &str) -> Option<&Path> {
    let value = match argument.starts_with('-') {
        true => argument.split_once('=')?.1,
        false => argument,
    };
    Some(Path::new(value)).filter(|path| path.is_absolute())
}

/// What a program finds beside itself: its folder, but of one that everybody uses, such as `/tmp` or a home, only the program.
fn beside(program: &Path) -> Vec<PathBuf> {
    let Ok(program) = program.canonicalize() else {
        return Vec::new();
    };
    let folder = program.parent().filter(|folder| {
        let is_home = env::var_os("HOME").is_some_and(|home| Path::new(&home) == *folder);
        folder.components().count() > 2 && !is_home && folder.parent() != Some(Path::new("/home"))
    });
    vec![folder.map_or_else(|| program.clone(), Path::to_owned)]
}

/// The program of a command, if it could be started.
///
/// # Errors
/// What keeps it from that, and what to do.
pub fn looked_at(command: &Command) -> Result<PathBuf, (String, String)> {
    let user = command.user.as_deref().map(User::find).transpose();
    // A user who is not there is told of by itself.
    let user = user.unwrap_or_default();
    program(command, user).map_err(|fault| (fault.cause, fault.cure))
}

/// That a file is not there which an argument names and of which a command that failed complained, such as the script that an interpreter
/// should run; cause and cure. Blocks.
#[must_use]
pub fn unread(command: &Command, said: &str) -> Option<(String, String)> {
    let arguments = command.argv.iter().skip(1).filter_map(|argument| absolute(argument));
    let mut complained_of = arguments.filter(|path| path.to_str().is_some_and(|path| said.contains(path)));
    let missing = complained_of.find(|path| matches!(path.try_exists(), Ok(false)))?;
    Some((
        format!("there is no {}, which argv in [command] names", missing.display()),
        "put it there, or correct argv".to_owned(),
    ))
}

fn program(command: &Command, user: Option<User>) -> Result<PathBuf, Fault> {
    let written = command.argv.first().map_or("", String::as_str);
    let path = guest::located(written).map_err(|_: io::Error| {
        let (cause, cure) = several(written).unwrap_or_else(|| {
            (
                format!("no program {written} in PATH"),
                "install it, or write its whole path, or ./ in front of one beside this file".to_owned(),
            )
        });
        Fault::new(cause, cure)
    })?;
    let wrong = |why: Unstartable| {
        if let (Unstartable::Missing(..), Some((cause, cure))) = (&why, several(written)) {
            return Fault::new(cause, cure);
        }
        let home = written.contains("/~/");
        let cure = match (home, alike(&path)) {
            (true, _) => "write the whole path: ~ is a shell's word for a home, and there is none".to_owned(),
            (false, Some(name)) if matches!(why, Unstartable::Missing(..)) => {
                format!("did you mean \"{name}\", in the same folder?")
            }
            (false, _) => why.cure(),
        };
        Fault::new(why.to_string(), cure)
    };
    let by = guest::startable(&path, user).map_err(wrong)?;
    if command.confine {
        confined(command, &path, by.as_ref())?;
    }
    Ok(path)
}

impl Startable for Command {
    fn look(&self) -> Option<(String, String)> {
        looked_at(self).err()
    }

    fn look_beside(&self, folder: &Path) -> Option<(String, String)> {
        comes_with(self, folder).err()
    }
}

/// Whether a program that lies in this folder is fit to be started, whoever does that where; of any other nothing is known.
///
/// # Errors
/// What is wrong with it, and what to do.
fn comes_with(command: &Command, folder: &Path) -> Result<(), (String, String)> {
    let path = Path::new(command.argv.first().map_or("", String::as_str));
    let folder = std::path::absolute(folder.join("x")).unwrap_or_default();
    if !folder.parent().is_some_and(|folder| path.starts_with(folder)) {
        return Ok(());
    }
    match guest::startable(path, None) {
        Ok(_) | Err(Unstartable::NoInterpreter(..) | Unstartable::Forbidden(_)) => Ok(()),
        Err(why @ Unstartable::Missing(..)) => Err(several(&path.to_string_lossy()).unwrap_or_else(|| {
            let alike = alike(path).map(|name| format!("did you mean \"{name}\", in the same folder?"));
            (why.to_string(), alike.unwrap_or_else(|| why.cure()))
        })),
        Err(why) => Err((why.to_string(), why.cure())),
    }
}

/// A file beside a program that is not there, with nearly its name.
fn alike(program: &Path) -> Option<String> {
    let name = program.file_name()?.to_str()?;
    let beside = fs::read_dir(program.parent()?).ok()?.take(LOOKED_THROUGH);
    let names: Vec<_> = beside
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|other| other != name)
        .collect();
    nearest(name, names.iter().map(String::as_str)).map(str::to_owned)
}

/// That a program that is not there looks like one with its arguments behind it, and how to write those.
fn several(written: &str) -> Option<(String, String)> {
    let (program, arguments) = written.split_once(char::is_whitespace)?;
    if !arguments.trim_start().starts_with(['-', '/', '.']) && guest::startable(Path::new(program), None).is_err() {
        return None;
    }
    let name = Path::new(program).file_name()?.to_string_lossy();
    let (name, first) = (name.as_ref(), arguments.split_whitespace().next()?);
    Some((
        format!("there is no program of the name \"{name} {arguments}\", and no shell to take it apart"),
        format!("write program and arguments each by itself: [\"…{name}\", \"{first}\", …]"),
    ))
}

/// What runs a program has to be readable for it, and so has what it only leads to.
fn confined(command: &Command, program: &Path, by: Option<&Interpreter>) -> Result<(), Fault> {
    let needed = needed(command, program);
    let lists = [&command.read, &command.write, &needed.folders, &needed.named];
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let may_read = |path: &Path| {
        let path = real(path);
        confine::is_of_system(&path)
            || lists
                .into_iter()
                .flatten()
                .any(|granted| path.starts_with(real(granted)))
    };
    // Version managers (pyenv, rbenv, asdf) put scripts there that look for the program below the folder above.
    if let Some(manager) = program
        .parent()
        .filter(|folder| folder.ends_with("shims"))
        .and_then(Path::parent)
        && !may_read(manager)
    {
        return Err(Fault::new(
            format!(
                "{} only leads to a program below {}, which the command may not read",
                program.display(),
                manager.display()
            ),
            format!(
                "write the whole path of the program itself, or read = [\"{}\"] in [command]",
                manager.display()
            ),
        ));
    }
    let Some(by) = by else { return Ok(()) };
    let others = || {
        let folders = env::var_os("PATH").unwrap_or_default();
        let name = by.path.file_name().unwrap_or_default().to_owned();
        let mut paths = env::split_paths(&folders)
            .map(|folder| folder.join(&name))
            .filter(|path| guest::runs(path));
        paths.any(|path| may_read(&path))
    };
    if may_read(&by.path) || by.is_searched && others() {
        return Ok(());
    }
    let folder = by.path.parent().unwrap_or(&by.path);
    // Beside these lies what a language needs.
    let is_inner = folder.ends_with("bin") || folder.ends_with("shims");
    let folder = folder.parent().filter(|_| is_inner).unwrap_or(folder);
    Err(Fault::new(
        format!(
            "{} is run by {}, which the command may not read",
            program.display(),
            by.path.display()
        ),
        format!("write read = [\"{}\"] in [command]", folder.display()),
    ))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn script(folder: &Path, name: &str, text: &str) -> PathBuf {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn command(argv: &[&str]) -> Command {
        Command::new(argv.iter().map(|&argument| argument.to_owned()).collect())
    }

    #[test]
    fn what_is_named_may_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let handle = script(folder.path(), "handle.py", "x");
        let path = handle.to_str().unwrap();
        let option = format!("--script={path}");
        for argument in [path, &option] {
            let needed = needed(
                &command(&["/usr/bin/python3", "-u", argument, "/no/such/file", "x.py"]),
                Path::new("/usr/bin/python3"),
            );
            assert_eq!(needed.named, [PathBuf::from("/usr/bin/python3"), handle.clone()]);
        }
    }

    #[test]
    fn what_runs_a_script_has_to_be_readable() {
        let folder = tempfile::tempdir().unwrap();
        let bin = folder.path().join("language/bin");
        fs::create_dir_all(&bin).unwrap();
        fs::copy("/bin/sh", bin.join("lang")).unwrap();
        let text = format!("#!{}\n", bin.join("lang").display());
        let other = folder.path().join("scripts");
        fs::create_dir(&other).unwrap();
        let path = script(&other, "handle", &text);
        let mut command = command(&[path.to_str().unwrap()]);
        let (cause, cure) = looked_at(&command).unwrap_err();
        assert!(cause.contains("which the command may not read"), "{cause}");
        assert_eq!(
            cure,
            format!(
                "write read = [\"{}\"] in [command]",
                folder.path().join("language").display()
            )
        );
        command.read = vec![folder.path().join("language")];
        assert_eq!(looked_at(&command), Ok(path.clone()));
        command.read.clear();
        command.confine = false;
        assert_eq!(looked_at(&command), Ok(path));
    }

    #[test]
    fn a_program_that_only_leads_to_another_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let shims = folder.path().join("manager/shims");
        fs::create_dir_all(&shims).unwrap();
        let path = script(&shims, "language", "#!/bin/sh\n");
        let mut command = command(&[path.to_str().unwrap(), "./x"]);
        let (cause, cure) = looked_at(&command).unwrap_err();
        assert!(cause.contains("only leads to a program below"), "{cause}");
        assert!(cure.contains("write the whole path of the program itself"), "{cure}");
        command.read = vec![folder.path().join("manager")];
        assert_eq!(looked_at(&command), Ok(path));
    }

    #[test]
    fn programs_are_looked_for_as_run_does() {
        assert!(looked_at(&command(&["true"])).unwrap().is_absolute());
        assert!(looked_at(&command(&["/bin/true"])).is_ok());
        for (wrong, cause) in [
            ("no-such-program", "no program no-such-program in PATH"),
            ("/no/such/program", "there is no program /no/such/program"),
            ("/etc/passwd", "/etc/passwd is not executable"),
            ("/", "/ is no file"),
        ] {
            assert_eq!(looked_at(&command(&[wrong])).unwrap_err().0, cause);
        }
    }
}
