//! What can be read of a `mailjob.toml` that can't be used: enough for commands to find the ledger and the process that runs.

use std::{env, fs::File, io::Read as _, path::Path, thread};

use super::{
    Service,
    check::{self, Shared},
    load::{Loaded, Sources},
};

/// Bytes that are read of it.
const MOST: u64 = 1 << 20;

/// The variable that names the ledger where the file can't.
const LEDGER: &str = "MAILJOB_LEDGER";

/// The keys that matter.
const KEYS: [&str; 3] = ["ledger", "key", "health"];

/// The service's settings: those that can be used, else as much of them as can be read, and a word on standard error that it is so.
#[must_use]
pub fn of(sources: &Sources, loaded: &Loaded) -> Service {
    let service = quietly(sources, loaded);
    if loaded.is_shared_broken() {
        eprintln!(
            "mailjob.toml is broken (mailjob check shows where); going on with the ledger {}",
            service.ledger.display()
        );
    }
    service
}

/// The same without a word.
#[must_use]
pub fn quietly(sources: &Sources, loaded: &Loaded) -> Service {
    let file = sources.config.as_deref();
    let is_cut_off = || file.and_then(read).is_some_and(|text| text.trim().is_empty());
    match (&loaded.service, loaded.is_shared_broken() || is_cut_off()) {
        (Some(service), false) => service.clone(),
        (Some(right), true) => Service {
            ledger: self::service(sources).ledger,
            ..right.clone()
        },
        (None, _) => self::service(sources),
    }
}

/// As much of the settings as can be read.
#[must_use]
fn service(sources: &Sources) -> Service {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let file = sources.config.as_deref();
    let text = file.and_then(read);
    let mut service = match (file, text) {
        (Some(file), Some(text)) => readable(file, &text, cores),
        _ => Service::on(cores),
    };
    if let Some(ledger) = env::var_os(LEDGER).filter(|_| service.ledger == Service::on(cores).ledger) {
        service.ledger = ledger.into();
    }
    service
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
        let Some(said) = said.and_then(|Shared { service, .. }| service.value.filter(|_| service.problems.is_empty()))
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
