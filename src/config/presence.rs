//! What a configuration needs on this machine: secrets, programs, files of roots. The only look at them before they are used.

use std::{
    env, fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use super::{problem::Fault, template::MAX_SOURCE};
use crate::{
    guest::{User, UserError},
    secret::{SecretError, SecretRef, read_token},
};

/// The largest file of roots that is read, in bytes.
const MAX_ROOTS: u64 = 1 << 20;

/// Something that must be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Need {
    /// A secret that can be read and isn't empty.
    Secret(SecretRef),
    /// A program: a path, or a name to be found in `PATH`.
    Program(PathBuf),
    /// A PEM file of certificates.
    Roots(PathBuf),
    /// A token that somebody else writes and renews.
    Token(PathBuf),
    /// A file or folder that a command may read or write.
    Granted(PathBuf),
    /// A user that commands run as.
    User(String),
    /// A template, as it was read; what is wrong with it is told where it is named.
    Template(PathBuf, Result<String, String>),
}

impl Need {
    /// What is wrong with it now, if anything.
    pub(super) fn fault(&self) -> Option<Fault> {
        match self {
            Self::Secret(secret) => {
                let error = secret.read().err()?;
                let cure = match (secret, &error) {
                    (_, SecretError::Open { .. }) => "let nobody but the user that runs mailjob read it",
                    (SecretRef::File(_), _) => "put the secret there, readable for the user that runs mailjob",
                    (SecretRef::Env(_), _) => "set the variable for mailjob's process",
                };
                Some(Fault::new(error.to_string(), cure))
            }
            Self::Program(program) => program_fault(program),
            Self::Roots(file) => roots_fault(file),
            Self::Template(..) => None,
            Self::Granted(path) => (!path.exists()).then(|| {
                let words = format!("there is no {}", path.display());
                Fault::new(words, "write the path of what is there, or make it")
            }),
            Self::User(name) => {
                let error = User::find(name).err()?;
                let cure = match error {
                    UserError::Unknown(_) => "make it (useradd --system), or write another",
                    UserError::Right => "leave it out, or start mailjob as root",
                    UserError::Root(_) => "write one who may do less",
                };
                Some(Fault::new(error.to_string(), cure))
            }
            Self::Token(file) => {
                let error = read_token(file).err()?;
                let cure = "mount the service account's token there (a projected volume), readable for the user that runs mailjob";
                Some(Fault::new(error.to_string(), cure))
            }
        }
    }
}

impl Need {
    /// Whether it is a secret, a token or a certificate: what lies beside the configuration, and often with other people.
    pub(super) fn is_secret(&self) -> bool {
        matches!(self, Self::Secret(_) | Self::Token(_) | Self::Roots(_))
    }

    /// Whether what was read of it would be read again.
    pub(super) fn is_as_it_was(&self) -> bool {
        match self {
            Self::Template(file, was) => template(file) == *was,
            Self::Secret(_) | Self::Program(_) | Self::Roots(_) | Self::Token(_) | Self::User(_) | Self::Granted(_) => {
                true
            }
        }
    }
}

/// The source of a template, or why it can't be read; no more of it than a template may have, and a little.
pub(super) fn template(file: &Path) -> Result<String, String> {
    let unreadable = |error: io::Error| error.to_string();
    // Anything but a file could block for ever.
    if !fs::metadata(file).map_err(unreadable)?.is_file() {
        return Err("is not a file".to_owned());
    }
    let most = u64::try_from(MAX_SOURCE).unwrap_or(u64::MAX).saturating_add(1);
    let mut source = String::new();
    let opened = fs::File::open(file).and_then(|file| file.take(most).read_to_string(&mut source));
    opened.map(|_| source).map_err(unreadable)
}

fn program_fault(program: &Path) -> Option<Fault> {
    let name = program.display();
    if program.components().count() > 1 {
        return (!is_program(program)).then(|| {
            Fault::new(
                format!("there is no program {name}"),
                "write the path of a file that is executable here",
            )
        });
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).any(|folder| is_program(&folder.join(program)));
    (!found).then(|| {
        Fault::new(
            format!("no program {name} in PATH"),
            "install it, or write its whole path",
        )
    })
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}

fn roots_fault(file: &Path) -> Option<Fault> {
    let name = file.display();
    match read_roots(file) {
        Err(error) => Some(Fault::new(
            format!("file of roots {name}: {error}"),
            "write the path of a PEM file",
        )),
        Ok(pem) if pem.contains("-----BEGIN CERTIFICATE-----") => None,
        Ok(_) => Some(Fault::new(
            format!("file of roots {name} holds no certificate"),
            "put the certificates there as PEM: -----BEGIN CERTIFICATE----- …",
        )),
    }
}

fn read_roots(file: &Path) -> io::Result<String> {
    let meta = fs::metadata(file)?;
    if !meta.is_file() || meta.len() > MAX_ROOTS {
        return Err(io::Error::other("not a file of at most 1 MiB"));
    }
    fs::read_to_string(file)
}
