//! What a configuration needs on this machine: secrets, programs, files of roots. The only look at them before they are used.

use std::{
    fmt, fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{problem::Fault, template::MAX_SOURCE};
use crate::{
    guest::{User, UserError},
    secret::{ExposeSecret as _, SecretRef, read_token, signing},
};

/// The largest file of roots that is read, in bytes.
const MAX_ROOTS: u64 = 1 << 20;

/// What can be started. Cause and cure of why it can't be.
pub(super) trait Startable: fmt::Debug + Send + Sync {
    fn look(&self) -> Option<(String, String)>;
    /// The same where only what comes with the files of this folder is looked at.
    fn look_beside(&self, folder: &Path) -> Option<(String, String)>;
}

/// Something that must be there.
#[derive(Debug, Clone)]
pub(super) enum Need {
    /// A secret that can be read and isn't empty.
    Secret(SecretRef),
    /// That a secret has one line: it is one word of a conversation with a server.
    OneLine(SecretRef),
    /// A secret that webhooks can be signed with.
    SigningKey(SecretRef),
    /// A command that can be started.
    Program(Arc<dyn Startable>),
    /// A file or folder that an argument names.
    Argument(PathBuf),
    /// That an argument does not name a file beside the file that has it: it would be looked for in the command's work folder.
    NotBeside(PathBuf, String),
    /// A PEM file of certificates.
    Roots(PathBuf),
    /// A token that somebody else writes and renews.
    Token(PathBuf),
    /// A file or folder that a command may read or write, and the folder of the file that says so.
    Granted(PathBuf, PathBuf),
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
                Some(Fault::new(error.to_string(), error.cure()))
            }
            Self::OneLine(secret) => {
                // One that can't be read is told of as a secret.
                let read = secret.read().ok()?;
                let text = read.expose_secret();
                let what = match text.contains(['\r', '\n']) {
                    true => "has several lines",
                    false if text.chars().any(char::is_control) => "has a control character",
                    false => return None,
                };
                Some(Fault::new(
                    format!("{} {what}, and can't be sent to a server", named(secret)),
                    "leave nothing in it but the secret, on one line; a line end behind it does not count",
                ))
            }
            Self::SigningKey(secret) => {
                // One that can't be read is told of as a secret.
                let key = secret.read().ok()?;
                signing::key(&key).err()?;
                let cause = format!("{} holds no signing key: that is whsec_ followed by base64", named(secret));
                Some(Fault::new(cause, format!("put there what the receiver has, or {}", signing::CURE)))
            }
            Self::Program(command) => {
                let (cause, cure) = command.look()?;
                Some(Fault::new(cause, cure))
            }
            Self::Argument(path) => (!path.exists()).then(|| {
                let cause = format!("there is no {}", path.display());
                let cure = "mend the path, which starts at the folder of this file; one in the command's work folder is written without ./, such as \"attachments\" or \"out/result.pdf\"";
                Fault::new(cause, cure)
            }),
            Self::NotBeside(folder, argument) => folder.join(argument).is_file().then(|| {
                let cause = format!(
                    "{argument} lies beside this file, but the command starts in a work folder of its own and would look for it there"
                );
                Fault::new(cause, format!("write \"./{argument}\""))
            }),
            Self::Roots(file) => roots_fault(file),
            Self::Template(..) => None,
            Self::Granted(path, _) if !path.exists() => {
                let words = format!("there is no {}", path.display());
                Some(Fault::new(words, "write the path of what is there, or make it"))
            }
            Self::Granted(path, ours) => {
                let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
                (path.is_dir() && real(path) == real(ours)).then(|| {
                    let words = format!("{} is the folder of the configuration, which no command gets", path.display());
                    Fault::new(words, "name the files in it one by one, or a folder of their own for them")
                })
            }
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
        matches!(
            self,
            Self::Secret(_) | Self::OneLine(_) | Self::SigningKey(_) | Self::Token(_) | Self::Roots(_)
        )
    }

    /// What is wrong with it where files are looked at on another machine than that which runs: only what comes with them can be known,
    /// and that are the programs in their folder.
    pub(super) fn fault_elsewhere(&self, file: &Path) -> Option<Fault> {
        match self {
            Self::Argument(_) | Self::NotBeside(..) => self.fault(),
            Self::Program(command) => {
                let (cause, cure) = command.look_beside(file.parent()?)?;
                Some(Fault::new(cause, cure))
            }
            Self::Secret(_)
            | Self::OneLine(_)
            | Self::SigningKey(_)
            | Self::Roots(_)
            | Self::Token(_)
            | Self::Granted(..)
            | Self::User(_)
            | Self::Template(..) => None,
        }
    }

    /// Whether what was read of it would be read again.
    pub(super) fn is_as_it_was(&self) -> bool {
        match self {
            Self::Template(file, was) => template(file) == *was,
            Self::Secret(_)
            | Self::OneLine(_)
            | Self::SigningKey(_)
            | Self::Program(_)
            | Self::Argument(_)
            | Self::NotBeside(..)
            | Self::Roots(_)
            | Self::Token(_)
            | Self::User(_)
            | Self::Granted(..) => true,
        }
    }
}

fn named(secret: &SecretRef) -> String {
    match secret {
        SecretRef::File(path) => format!("secret file {}", path.display()),
        SecretRef::Env(name) => format!("secret variable {name}"),
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

fn roots_fault(file: &Path) -> Option<Fault> {
    let name = file.display();
    match read_roots(file) {
        Err(error) => Some(Fault::new(
            format!("CA file {name}: {error}"),
            "write the path of a PEM file",
        )),
        Ok(pem) if pem.contains("-----BEGIN CERTIFICATE-----") => None,
        Ok(_) => Some(Fault::new(
            format!("CA file {name} holds no certificate"),
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
