//! Which files of the folder are meant as endpoints, by their names alone: the one place that says so. Pure.
//!
//! A file `NAME.toml` with a legal name is an endpoint. One that looks like an endpoint and can't be one by its name (`my orders.toml`,
//! `Hook.toml`, `x.TOML`, `orders.toml.txt`) is a broken endpoint: somebody meant its mails for it, so they wait. Whatever ends in anything
//! else is none, and neither is what editors leave behind: a name that begins with a dot, `#` or `~`, or ends in `~`, `.bak`, `.swp`.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
};

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use super::{EndpointName, place::visible, problem::Fault};

/// The longest name of an endpoint.
const LONGEST: usize = 63;
/// Hex digits that tell two files apart which would have one name.
const DIGITS: usize = 8;
/// Endings that files have which may be meant as endpoints.
const ALIKE: [&str; 6] = ["tml", "tom", "txt", "yaml", "yml", "json"];

/// What the name of a file says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum FileName {
    /// An endpoint.
    Endpoint(EndpointName),
    /// It looks like an endpoint, and would be this one, if its name were right; or it is a copy of that one, where there is one.
    Misnamed { near: EndpointName, may_be_copy: bool },
    /// Nothing that concerns us.
    Other,
}

/// A file that is meant as an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EndpointFile {
    pub(super) name: OsString,
    /// Whether an endpoint can't be called so.
    pub(super) is_misnamed: bool,
}

/// Whether a file that is called so may be meant as an endpoint.
pub(super) fn is_meant(name: &OsStr) -> bool {
    of(name) != FileName::Other
}

fn of(name: &OsStr) -> FileName {
    let name = name.to_string_lossy();
    if name.starts_with(['.', '#', '~']) {
        return FileName::Other;
    }
    let lower = name.to_ascii_lowercase();
    // Notepad writes `.txt` behind the name that was given.
    let bare = lower.strip_suffix(".txt").unwrap_or(&lower);
    let Some(stem) = bare.strip_suffix(".toml") else {
        return FileName::Other;
    };
    match EndpointName::new(stem).filter(|_| *name == format!("{stem}.toml")) {
        Some(name) => FileName::Endpoint(name),
        None => FileName::Misnamed {
            near: near(stem),
            may_be_copy: bare != lower,
        },
    }
}

/// The legal name that is next to one. A file that was an endpoint and got another ending, or capitals, is still that endpoint.
fn near(stem: &str) -> EndpointName {
    let legal = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    let mut name = String::new();
    for c in stem.chars().map(|c| legal(c.to_ascii_lowercase())) {
        if c != '-' || !name.ends_with('-') {
            name.push(c);
        }
    }
    let name = name.trim_start_matches(['-', '_']).trim_end_matches('-');
    let name: String = name.chars().take(LONGEST).collect();
    EndpointName::new(&name).unwrap_or_else(EndpointName::of_nothing)
}

/// The endpoints of these files. A name that is taken gets digits of its own, which do not depend on the other files.
pub(super) fn endpoints(names: impl IntoIterator<Item = OsString>) -> BTreeMap<EndpointName, EndpointFile> {
    let mut names: Vec<_> = names.into_iter().collect();
    names.sort();
    let (mut files, mut misnamed) = (BTreeMap::new(), Vec::new());
    for name in names {
        match of(&name) {
            FileName::Endpoint(endpoint) => {
                let is_misnamed = false;
                files.insert(endpoint, EndpointFile { name, is_misnamed });
            }
            FileName::Misnamed { near, may_be_copy } => misnamed.push((may_be_copy, name, near)),
            FileName::Other => {}
        }
    }
    misnamed.sort();
    for (may_be_copy, name, near) in misnamed {
        let is_taken = files.contains_key(&near);
        if is_taken && may_be_copy {
            continue;
        }
        let endpoint = if is_taken { apart(&near, &name) } else { near };
        let is_misnamed = true;
        files.insert(endpoint, EndpointFile { name, is_misnamed });
    }
    files
}

/// Another name near one, of this file alone.
fn apart(near: &EndpointName, file: &OsStr) -> EndpointName {
    let digest = Sha256::digest(file.as_encoded_bytes());
    let mut digits = HEXLOWER.encode(&digest);
    digits.truncate(DIGITS);
    let stem: String = near.as_str().chars().take(LONGEST - DIGITS - 1).collect();
    EndpointName::new(&format!("{stem}-{digits}")).unwrap_or_else(EndpointName::of_nothing)
}

/// What is wrong with a file that looks like an endpoint.
pub(super) fn fault(file: &OsStr, endpoint: &EndpointName) -> Fault {
    let file = shown(file);
    Fault::new(
        format!(
            "\"{file}\" can't be the name of an endpoint's file: it counts as a file of \"{endpoint}\" that can't be used"
        ),
        format!(
            "rename it, perhaps to {endpoint}.toml (a to z, 0 to 9, - and _, beginning with a letter or digit, 63 characters at most), or remove it; enabled = false switches an endpoint off"
        ),
    )
}

/// What is odd about the names of files that may be meant as endpoints and don't count as such.
pub(super) fn hints(names: impl IntoIterator<Item = OsString>) -> Vec<String> {
    let names: Vec<_> = names.into_iter().collect();
    let counted = endpoints(names.iter().cloned());
    let counts = |name: &OsString| counted.values().any(|file| file.name == *name);
    let odd = names.iter().filter(|name| !counts(name) && is_alike(name));
    let mut hints: Vec<_> = odd
        .map(|name| format!("{} is not read: the names of endpoint files end in .toml", shown(name)))
        .collect();
    hints.sort();
    hints
}

fn is_alike(name: &OsStr) -> bool {
    let name = name.to_string_lossy().to_ascii_lowercase();
    let Some((stem, ending)) = name.rsplit_once('.').filter(|_| !name.starts_with(['.', '#', '~'])) else {
        return false;
    };
    // A text beside endpoints may be anything, but for a copy of one.
    ALIKE.contains(&ending) && (ending != "txt" || stem.ends_with(".toml"))
}

fn shown(name: &OsStr) -> String {
    name.to_string_lossy().chars().take(200).map(visible).collect()
}

#[cfg(test)]
#[path = "file_name_tests.rs"]
mod tests;
