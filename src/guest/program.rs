//! Where a program is, and what keeps it from being started.

use std::{
    env,
    ffi::OsStr,
    fmt, fs,
    io::{self, Read as _},
    os::unix::{
        ffi::OsStrExt as _,
        fs::{MetadataExt as _, PermissionsExt as _},
    },
    path::{Path, PathBuf},
};

use rustix::fs::{Access, AtFlags, CWD, accessat};

use super::user::User;

/// Bytes of a script's first line that Linux reads.
const FIRST_LINE: u64 = 256;

/// The program's path: as written when it has a slash, else from our own `PATH`.
///
/// # Errors
/// When no folder of `PATH` has it.
pub fn located(program: &str) -> io::Result<PathBuf> {
    if program.contains('/') {
        return Ok(program.into());
    }
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders)
        .map(|folder| folder.join(program))
        .find(|path| path.is_absolute() && runs(path))
        .ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// Whether this is a program that somebody may run.
#[must_use]
pub fn runs(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// What runs a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interpreter {
    /// Its path.
    pub path: PathBuf,
    /// Whether `env` looks for it in `PATH`, and takes the next one of its name where it may not run the first.
    pub is_searched: bool,
}

/// Why a program can't be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unstartable {
    /// It is not there, or we can't see it.
    Missing(PathBuf, io::ErrorKind),
    /// It is a folder or a device.
    NoFile(PathBuf),
    /// Nobody may execute it.
    NotExecutable(PathBuf),
    /// Who would run it may not execute it, or not pass a folder above.
    Forbidden(PathBuf),
    /// Its lines end as Windows ends them, so its interpreter's name has a character too many.
    WindowsLines(PathBuf),
    /// It is neither a program nor a text that says what runs it.
    NoFirstLine(PathBuf),
    /// What should run it is not there.
    NoInterpreter(PathBuf, String),
}

impl fmt::Display for Unstartable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(path, io::ErrorKind::PermissionDenied) => {
                write!(f, "{} can't be seen by the user that runs it", path.display())
            }
            Self::Missing(path, _) => write!(f, "there is no program {}", path.display()),
            Self::NoFile(path) => write!(f, "{} is no file", path.display()),
            Self::NotExecutable(path) => write!(f, "{} is not executable", path.display()),
            Self::Forbidden(path) => write!(f, "{} may not be executed by the user that runs it", path.display()),
            Self::WindowsLines(path) => write!(f, "{} has line ends of Windows (CR LF)", path.display()),
            Self::NoFirstLine(path) => {
                write!(
                    f,
                    "{} is no program, and its first line does not say what runs it",
                    path.display()
                )
            }
            Self::NoInterpreter(path, by) => {
                write!(
                    f,
                    "{} is run by {by}, as its first line says, and that is not there",
                    path.display()
                )
            }
        }
    }
}

impl Unstartable {
    /// What to do about it.
    #[must_use]
    pub fn cure(&self) -> String {
        match self {
            Self::Missing(_, io::ErrorKind::PermissionDenied) => {
                "let that user pass each folder above it (chmod o+x)".to_owned()
            }
            Self::Missing(..) => {
                "write the path of a program that is there; a relative one starts at the folder of the file that names it".to_owned()
            }
            Self::NoFile(_) => "write the path of a program".to_owned(),
            Self::NotExecutable(path) => format!("run chmod +x {}", path.display()),
            Self::Forbidden(_) => {
                "let that user execute it, and pass each folder above it (chmod o+rx), or write another user".to_owned()
            }
            Self::WindowsLines(path) => format!("save it with line ends of Unix (LF): sed -i 's/\\r$//' {}", path.display()),
            Self::NoFirstLine(_) => {
                "begin it with the line #!/bin/sh, #!/usr/bin/env python3 or the like, or write what runs it first in argv".to_owned()
            }
            Self::NoInterpreter(_, by) => format!("install {by}, or mend that line"),
        }
    }
}

/// Looks whether a program could be started by this user, or by us, and says what runs it where that is not itself. Starts nothing; blocks.
///
/// # Errors
/// When it could not.
pub fn startable(path: &Path, user: Option<User>) -> Result<Option<Interpreter>, Unstartable> {
    let found = fs::metadata(path).map_err(|error| Unstartable::Missing(path.to_owned(), error.kind()))?;
    if !found.is_file() {
        return Err(Unstartable::NoFile(path.to_owned()));
    }
    if !runs(path) {
        return Err(Unstartable::NotExecutable(path.to_owned()));
    }
    let may = match user {
        None => accessat(CWD, path, Access::EXEC_OK, AtFlags::EACCESS).is_ok(),
        Some(user) => may_run(path, user),
    };
    if !may {
        return Err(Unstartable::Forbidden(path.to_owned()));
    }
    let mut begin = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(FIRST_LINE).read_to_end(&mut begin));
    // A program may be executable and not readable for us; then nothing is known of its first line.
    if read.is_err() || begin.starts_with(b"\x7fELF") {
        return Ok(None);
    }
    interpreter(path, &begin)
}

/// What the first line of a script names.
fn interpreter(path: &Path, begin: &[u8]) -> Result<Option<Interpreter>, Unstartable> {
    let Some(line) = begin.strip_prefix(b"#!") else {
        // Other formats of programs have zeros at their beginning.
        return match begin.contains(&0) {
            true => Ok(None),
            false => Err(Unstartable::NoFirstLine(path.to_owned())),
        };
    };
    let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if line.ends_with(b"\r") {
        return Err(Unstartable::WindowsLines(path.to_owned()));
    }
    let mut words = line.split(|byte| b" \t".contains(byte)).filter(|word| !word.is_empty());
    let by = words.next().unwrap_or_default();
    let by = PathBuf::from(OsStr::from_bytes(by));
    let missing = |by: &str| Err(Unstartable::NoInterpreter(path.to_owned(), by.to_owned()));
    if !runs(&by) {
        return missing(&by.to_string_lossy());
    }
    let is_env = by.file_name() == Some(OsStr::new("env"));
    match env_runs(words).filter(|_| is_env) {
        Some(name) => match located(name) {
            Ok(path) if runs(&path) => Ok(Some(Interpreter {
                path,
                is_searched: true,
            })),
            _ => missing(name),
        },
        None => Ok(Some(Interpreter {
            path: by,
            is_searched: false,
        })),
    }
}

/// The program that `env` starts by these words behind its name: what is neither an option nor a variable.
fn env_runs<'a>(words: impl Iterator<Item = &'a [u8]>) -> Option<&'a str> {
    let mut words = words.filter_map(|word| std::str::from_utf8(word).ok());
    while let Some(word) = words.next() {
        match word {
            "-u" | "--unset" | "-C" | "--chdir" => drop(words.next()),
            "-S" | "--split-string" => {}
            _ => match word.strip_prefix("-S").or(word.strip_prefix("--split-string=")) {
                Some(name) => return Some(name),
                None if word.starts_with('-') || word.contains('=') => {}
                None => return Some(word),
            },
        }
    }
    None
}

/// Whether a user may execute a file, by its mode and those of the folders above. Lists of access (ACL) may say more; where there may be
/// one, that is believed.
fn may_run(path: &Path, user: User) -> bool {
    let Ok(real) = path.canonicalize() else { return false };
    real.ancestors().all(|step| {
        step.metadata().is_ok_and(|found| {
            let shift = match () {
                () if found.uid() == user.id => 6,
                () if found.gid() == user.group => 3,
                () => 0,
            };
            found.mode() >> shift & 1 == 1 || has_list(step)
        })
    })
}

fn has_list(path: &Path) -> bool {
    let mut nothing: [u8; 0] = [];
    rustix::fs::getxattr(path, "system.posix_acl_access", &mut nothing).is_ok_and(|size| size > 0)
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;

    use super::*;

    fn script(folder: &Path, text: &[u8], mode: u32) -> PathBuf {
        let path = folder.join("script");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn what_keeps_a_program_from_being_started_is_said() {
        let folder = tempfile::tempdir().unwrap();
        for (text, mode, said) in [
            (&b"#!/bin/sh\n"[..], 0o755, "Some(\"/bin/sh\")"),
            (b"#! /bin/sh -e\n", 0o755, "Some(\"/bin/sh\")"),
            (b"#!/bin/sh\r\n", 0o755, "line ends of Windows"),
            (b"#!/bin/sh\n", 0o644, "is not executable"),
            (b"echo hello\n", 0o755, "its first line does not say what runs it"),
            (b"", 0o755, "its first line does not say what runs it"),
            (b"#!/no/such/interpreter\n", 0o755, "is run by /no/such/interpreter"),
            (
                b"#!/usr/bin/env no-such-language\n",
                0o755,
                "is run by no-such-language",
            ),
            (b"#!/usr/bin/env -S x -u\n", 0o755, "is run by x"),
            (b"#!/usr/bin/env -Sno-such -u\n", 0o755, "is run by no-such"),
            (b"#!/usr/bin/env -S -i LANG=C no-such -u\n", 0o755, "is run by no-such"),
            (b"#!/usr/bin/env -S -u LANG sh -e\n", 0o755, "/sh\")"),
            (b"#!/usr/bin/env\n", 0o755, "Some(\"/usr/bin/env\")"),
        ] {
            let path = script(folder.path(), text, mode);
            let found = startable(&path, None)
                .map_or_else(|error| error.to_string(), |by| format!("{:?}", by.map(|by| by.path)));
            assert!(found.contains(said), "{}: {found}", String::from_utf8_lossy(text));
        }
        let missing = startable(&folder.path().join("nothing"), None).unwrap_err();
        assert!(missing.to_string().starts_with("there is no program"), "{missing}");
        assert_eq!(
            startable(folder.path(), None),
            Err(Unstartable::NoFile(folder.path().to_owned()))
        );
        assert_eq!(startable(&env::current_exe().unwrap(), None), Ok(None));
    }

    #[test]
    fn another_user_may_not_run_what_modes_forbid() {
        let folder = tempfile::tempdir().unwrap();
        let stranger = User {
            id: 54_321,
            group: 54_321,
        };
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let path = script(folder.path(), b"#!/bin/sh\n", 0o755);
        assert!(startable(&path, Some(stranger)).is_ok());
        fs::set_permissions(&path, Permissions::from_mode(0o700)).unwrap();
        assert!(matches!(
            startable(&path, Some(stranger)),
            Err(Unstartable::Forbidden(_))
        ));
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
        assert!(matches!(
            startable(&path, Some(stranger)),
            Err(Unstartable::Forbidden(_))
        ));
    }
}
