//! `mailjob ledger backup`.

use std::{
    env,
    fs::File,
    io::{self, IsTerminal as _, Write},
    os::fd::AsFd as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use super::{failed, findings, service};
use crate::{
    auth,
    cli::progress::Progress,
    config::{Service, load::Sources},
    ledger::{self, Address, Error, Inspection},
    secret::SecretRef,
};

/// `EX_USAGE` of sysexits.
const USAGE: u8 = 64;

/// Names of standard output: a copy goes there in a stream.
const STREAM: [&str; 4] = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];

/// Copies the ledger.
pub(super) async fn backup(sources: Sources, to: PathBuf, json: bool) -> ExitCode {
    let service = match service(&sources).await {
        Ok(service) => service,
        Err(code) => return code,
    };
    let is_stream = STREAM.iter().any(|name| to == Path::new(name));
    if is_stream && io::stdout().is_terminal() {
        eprintln!("standard output is a terminal: write mailjob ledger backup - >FILE");
        return ExitCode::from(USAGE);
    }
    let progress = Progress::new(false);
    let tell = |step| match step {
        ledger::Copying::Elsewhere => eprintln!("{}", findings::step(step)),
        step => progress.on(&findings::step(step)),
    };
    let copied = match is_stream {
        true => progress.during(stream(&service.ledger, tell)).await,
        false => progress.during(ledger::backup(&service.ledger, &to, tell)).await,
    };
    match copied {
        Ok(found) => {
            let key = key(&service);
            let text = match json {
                true => findings::json(&to.display(), &found, Some(&key)),
                false => format!("{}{}\n", findings::people(&to.display(), &found), findings::key(&key)),
            };
            // The copy is there, whoever hears of it.
            match is_stream {
                true => io::stderr().write_all(text.as_bytes()).ok(),
                false => io::stdout().write_all(text.as_bytes()).ok(),
            };
            ExitCode::from(u8::from(!found.findings.is_empty()))
        }
        Err(error) => failed(&error),
    }
}

/// Copies it to standard output. On its way it lies in a file beside the ledger, or where `TMPDIR` says: a usual temporary folder may be
/// in memory, or too small.
async fn stream(at: &Address, tell: impl Fn(ledger::Copying) + Send) -> Result<Inspection, Error> {
    let folder = env::var_os("TMPDIR")
        .filter(|folder| !folder.is_empty())
        .map(PathBuf::from);
    let said = |error: io::Error| Error::Engine(format!("standard output: {error}"));
    let out = io::stdout().as_fd().try_clone_to_owned().map_err(said)?;
    ledger::backup_into(at, folder, Durable(File::from(out)), tell).await
}

/// A stream that is on the disk when it was flushed, where it is a file.
struct Durable(File);

impl Write for Durable {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.0.metadata()?.is_file() {
            true => self.0.sync_all(),
            false => Ok(()),
        }
    }
}

/// Where the key is that is not in the copy.
fn key(service: &Service) -> String {
    let file = |path: &Path| path.display().to_string();
    match &service.key {
        None => match auth::key::beside(service.ledger.base()) {
            path if path.exists() => file(&path),
            path => format!(
                "{} is not there, so it is where `key` in [service] says",
                path.display()
            ),
        },
        Some(SecretRef::File(path)) => file(path),
        Some(SecretRef::Env(name)) => format!("${name}"),
    }
}
