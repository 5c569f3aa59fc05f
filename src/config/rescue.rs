//! What can be known of `[service]` where `mailjob.toml` can't be used: enough to find the ledger, its key, and the process that runs.
//!
//! The last good version is in the ledger, but where that is the file alone says. A small file beside it, the signpost, says so too, where
//! our user may write it; it is asked where `mailjob.toml` sets nothing or is gone. Where nobody knows, a start is refused in words: a
//! ledger that is made in another place would have all work done anew.

use std::{
    env,
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    thread,
};

use super::{
    LedgerAddress, Service,
    check::{self, ServiceFile},
    files,
    load::{Loaded, Sources},
};
use crate::secret::SecretRef;

/// Bytes that are read of it.
const MOST: u64 = 1 << 20;

/// The variable that names the ledger where the file can't.
const LEDGER: &str = "MAILJOB_LEDGER";

/// The keys that matter.
const KEYS: [&str; 3] = ["ledger", "key", "health"];

/// Why `mailjob.toml` can't say what it said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lapse {
    /// Something is wrong with it.
    Broken,
    /// It is empty, or has comments only.
    Silent,
    /// It is gone, and the signpost says that it was there.
    Gone,
}

impl Lapse {
    /// Whether there is one.
    #[must_use]
    pub fn of(sources: &Sources, loaded: &Loaded) -> Option<Self> {
        let text = sources.config.as_deref().and_then(read);
        match (&sources.config, text) {
            (None, _) => signpost(sources).exists().then_some(Self::Gone),
            (Some(_), Some(text)) if !files::says_anything(&text) => Some(Self::Silent),
            (Some(_), _) => loaded.is_shared_broken().then_some(Self::Broken),
        }
    }

    /// What is wrong, and what to do about it.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Broken => "mailjob.toml has problems (mailjob check shows them)".to_owned(),
            Self::Silent => format!("mailjob.toml {}; {}", files::SAYS_NOTHING, files::TO_SAY),
            Self::Gone => format!("mailjob.toml is gone, and was in use before; {}", files::TO_SAY),
        }
    }
}

/// The service's settings: those that can be used, else as much of them as can be read, and a word on standard error that it is so.
#[must_use]
pub fn of(sources: &Sources, loaded: &Loaded) -> Service {
    let service = quietly(sources, loaded);
    if let Some(lapse) = Lapse::of(sources, loaded) {
        let words = match &sources.config {
            // As in a pod for repairs, which has only the ledger.
            Some(path) if lapse == Lapse::Broken && !path.exists() => format!("there is no {}", path.display()),
            _ => lapse.words(),
        };
        // Where nobody can be told, it goes on all the same.
        drop(writeln!(
            io::stderr(),
            "{words}; going on with the ledger {}",
            service.ledger
        ));
    }
    service
}

/// The same without a word.
#[must_use]
pub fn quietly(sources: &Sources, loaded: &Loaded) -> Service {
    match (&loaded.service, Lapse::of(sources, loaded)) {
        (Some(service), None) => service.clone(),
        // A table that is spelt wrong leaves the defaults of all that stands in it.
        (Some(right), Some(Lapse::Broken)) => over(right.clone(), service(sources)),
        (Some(_), Some(Lapse::Silent | Lapse::Gone)) | (None, _) => service(sources),
    }
}

/// What is said, and where that is nothing, what was. Pure.
fn over(said: Service, before: Service) -> Service {
    let usual = Service::on(1);
    Service {
        ledger: if said.ledger == usual.ledger {
            before.ledger
        } else {
            said.ledger
        },
        key: said.key.clone().or(before.key),
        health: if said.health == usual.health {
            before.health
        } else {
            said.health
        },
        ..said
    }
}

/// As much of the settings as can be read.
fn service(sources: &Sources) -> Service {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let from = |file: &Path| Some(readable(file, &read(file)?, cores));
    let usual = Service::on(cores);
    let said = sources
        .config
        .as_deref()
        .and_then(from)
        .unwrap_or_else(|| usual.clone());
    let is_told = said.ledger != usual.ledger;
    let before = from(&signpost(sources)).filter(|_| !is_told);
    let service = match before {
        None => said,
        Some(before) => over(said, before),
    };
    let is_usual = service.ledger == usual.ledger && sources.config.is_some();
    match env::var_os(LEDGER).filter(|_| is_usual) {
        Some(ledger) => Service {
            ledger: LedgerAddress::file(ledger),
            ..service
        },
        None => service,
    }
}

/// The file beside `mailjob.toml` that says where its ledger is.
#[must_use]
pub fn signpost(sources: &Sources) -> PathBuf {
    let config = sources.config.as_deref().unwrap_or(Path::new(Sources::USUAL));
    let name = config.file_name().unwrap_or_default().to_string_lossy();
    config.with_file_name(format!(".{name}.ledger"))
}

/// What it says of these settings; nothing where they are found without it, or can't be written so. It holds no secret.
#[must_use]
pub fn directions(service: &Service) -> Option<String> {
    let text = |text: &str| toml::Value::String(text.to_owned()).to_string();
    // It lies elsewhere than what these are relative to.
    let quoted = |path: &Path| Some(text(std::path::absolute(path).ok()?.to_str()?));
    let usual = Service::on(1);
    if service.ledger == usual.ledger && service.key.is_none() {
        return None;
    }
    let key = match &service.key {
        None => String::new(),
        Some(SecretRef::File(file)) => format!("key = {{ file = {} }}\n", quoted(file)?),
        Some(SecretRef::Env(name)) => format!("key = {{ env = {} }}\n", text(name)),
    };
    let health = match service.health {
        None => "health = false\n".to_owned(),
        Some(address) => format!("health = \"{address}\"\n"),
    };
    let ledger = quoted(service.ledger.base())?;
    Some(format!(
        "# Written by mailjob run: where the ledger is, should mailjob.toml be emptied or lost. Change mailjob.toml, not this.\n\
         [service]\nledger = {ledger}\n{key}{health}"
    ))
}

/// The lines of `[service]` that are right on their own. TOML is written in lines, so one that is broken spoils no other. Pure.
fn readable(file: &Path, text: &str, cores: usize) -> Service {
    let mut service = Service::on(cores);
    let mut table = String::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            table = line.split('#').next().unwrap_or_default().trim().to_owned();
            continue;
        }
        let key = match table.as_str() {
            "[service]" => line,
            "" => line.strip_prefix("service.").unwrap_or_default(),
            _ => continue,
        };
        let name = key.split('=').next().unwrap_or_default().trim();
        if !KEYS.contains(&name) {
            continue;
        }
        let alone = format!("[service]\n{key}\n");
        let read = check::shared(file, &alone, cores);
        let said = read.value.filter(|_| read.problems.is_empty());
        let Some(said) =
            said.and_then(|ServiceFile { service, .. }| service.value.filter(|_| service.problems.is_empty()))
        else {
            continue;
        };
        match name {
            "ledger" => service.ledger = said.ledger,
            "key" => service.key = said.key,
            _ => service.health = said.health,
        }
    }
    service
}

/// The text, whatever it is written in; letters that are none are passed over.
fn read(file: &Path) -> Option<String> {
    // Anything but a file could block for ever.
    fs::metadata(file).ok().filter(fs::Metadata::is_file)?;
    let mut bytes = Vec::new();
    File::open(file)
        .and_then(|file| file.take(MOST).read_to_end(&mut bytes))
        .ok()?;
    let wide = |unit: fn([u8; 2]) -> u16| {
        let units: Vec<_> = bytes
            .chunks_exact(2)
            .filter_map(|pair| Some(unit(pair.try_into().ok()?)))
            .collect();
        String::from_utf16_lossy(&units)
    };
    Some(
        match bytes.as_slice() {
            [0xff, 0xfe, ..] => wide(u16::from_le_bytes),
            [0xfe, 0xff, ..] => wide(u16::from_be_bytes),
            _ => String::from_utf8_lossy(&bytes).into_owned(),
        }
        .trim_start_matches('\u{feff}')
        .to_owned(),
    )
}

#[cfg(test)]
#[path = "rescue_tests.rs"]
mod tests;
