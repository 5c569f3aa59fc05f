//! The files themselves: which there are, and what is in them.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
    time::SystemTime,
};

use toml::de::DeTable;

use super::{
    EndpointName, Problem,
    file_name::{self, EndpointFile},
    problem::Fault,
    sources::Sources,
};

/// What to do where the user that runs us may not read.
const READABLE: &str = "let the user that runs mailjob read it, and pass each folder above it (chown, chmod)";

/// The largest file that is read, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// An endpoint's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ListedFile {
    pub(super) path: PathBuf,
    /// Whether an endpoint can't be called so: its mails wait, as where a file can't be used.
    pub(super) is_misnamed: bool,
}

/// The endpoint files of a folder, by name.
pub(super) fn list(sources: &Sources, problems: &mut Vec<Problem>) -> Option<BTreeMap<EndpointName, ListedFile>> {
    let folder = sources.endpoints.as_path();
    let names: io::Result<Vec<_>> =
        fs::read_dir(folder).and_then(|entries| entries.map(|entry| Ok(entry?.file_name())).collect());
    let names = match names {
        Ok(names) => names,
        Err(error) => {
            let cause = format!("the folder of endpoints can't be listed: {error}");
            let cure = match error.kind() {
                io::ErrorKind::PermissionDenied => READABLE,
                io::ErrorKind::NotFound if is_within(folder) => {
                    "this command stands in a folder of that name: go to the one above (cd ..), or name it with --endpoints"
                }
                _ => "make it (mkdir endpoints.d), or name another with --endpoints or MAILJOB_ENDPOINTS",
            };
            let fault = Fault::new(cause, cure);
            problems.push(Problem::of(folder, fault));
            return None;
        }
    };
    let is_config = |name: &OsString| {
        let config = sources.config.as_deref();
        config.is_some_and(|config| is_same(&folder.join(name), config))
    };
    let files = file_name::endpoints(names.into_iter().filter(|name| !is_config(name)));
    let listed = |(endpoint, file): (EndpointName, EndpointFile)| {
        let listed = ListedFile {
            path: folder.join(file.name),
            is_misnamed: file.is_misnamed,
        };
        (endpoint, listed)
    };
    Some(files.into_iter().map(listed).collect())
}

/// What is odd about the names of files that may be meant as endpoints, and about a `mailjob.toml` of this text. What editors leave behind
/// is not.
pub(super) fn hints(sources: &Sources, shared: Option<&str>) -> Vec<String> {
    let names = fs::read_dir(&sources.endpoints).into_iter().flatten().flatten();
    let mut hints = file_name::hints(names.map(|entry| entry.file_name()));
    let silent = shared.filter(|text| !says_anything(text));
    hints.extend(silent.map(|_| format!("mailjob.toml {SAYS_NOTHING}, and a first start refuses that; {TO_SAY}")));
    hints
}

/// Whether a file sets anything. One that is empty, or has comments only, was cut off rather than meant.
pub(super) fn says_anything(text: &str) -> bool {
    // What is no TOML says something, and is told of elsewhere.
    DeTable::parse(text).map_or(true, |root| !root.get_ref().is_empty())
}

/// A `mailjob.toml` without a word was cut off: it would silently take the ledger and the accounts from all that runs.
pub(super) fn not_empty(text: String) -> Result<String, Fault> {
    match says_anything(&text) {
        false => Err(Fault::new(SAYS_NOTHING, TO_SAY)),
        true => Ok(text),
    }
}

/// What is wrong with a `mailjob.toml` that is not there any more.
pub(super) fn gone() -> Fault {
    Fault::new("is gone, and was in use before", TO_SAY)
}

/// What is wrong with a `mailjob.toml` that sets nothing.
pub(super) const SAYS_NOTHING: &str = "is empty: it sets nothing";
/// What to do about that.
pub(super) const TO_SAY: &str =
    "put it back; if all settings are to have their defaults, write the line [service] into it and nothing else";

/// What is wrong with a file that somebody is still writing.
pub(super) fn unfinished() -> Fault {
    Fault::new(
        "is still being written",
        "nothing: it counts once its writer has closed it",
    )
}

/// What is seen of a file without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileMeta {
    size: u64,
    changed: Option<SystemTime>,
}

/// What is seen of each file.
pub(super) type FileMetas = BTreeMap<PathBuf, FileMeta>;

/// What is seen of all files.
pub(super) fn prints(sources: &Sources) -> FileMetas {
    let folder = &sources.endpoints;
    let files = entries(folder).into_iter().map(|name| folder.join(name));
    let print = |file: PathBuf| {
        let meta = fs::metadata(&file).ok()?;
        let print = FileMeta {
            size: meta.len(),
            changed: meta.modified().ok(),
        };
        Some((file, print))
    };
    files.chain(sources.config.clone()).filter_map(print).collect()
}

/// The files that are there and are not what they were.
pub(super) fn changed<'a>(before: &FileMetas, now: &'a FileMetas) -> Vec<&'a Path> {
    let differs = |(file, print): &(&PathBuf, &FileMeta)| before.get(*file) != Some(*print);
    now.iter().filter(differs).map(|(file, _)| file.as_path()).collect()
}

/// The names of a folder that endpoint files may have; none where it can't be listed.
pub(super) fn entries(folder: &Path) -> Vec<OsString> {
    let names = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = names.map(|entry| entry.file_name());
    names.filter(|name| file_name::is_meant(name)).collect()
}

/// Whether two paths lead to one file: a ConfigMap with everything in it is one folder.
fn is_same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| fs::canonicalize(path).ok();
    one.file_name() == other.file_name() && (one == other || real(one).is_some_and(|one| real(other) == Some(one)))
}

/// Whether a folder that is looked for here is the one in which the command was started.
fn is_within(folder: &Path) -> bool {
    let here = std::env::current_dir().unwrap_or_default();
    folder.components().count() == 1 && here.file_name() == folder.file_name()
}

/// The text of a file, without the byte order mark that some editors write.
pub(super) fn read_text(file: &Path) -> Result<String, Fault> {
    let unreadable = |error: io::Error| {
        let cure = match error.kind() {
            io::ErrorKind::PermissionDenied => READABLE,
            io::ErrorKind::NotFound => {
                "make it, or name another (--config, --endpoints); a link has to lead to a file that is there"
            }
            _ => "mend or remove it",
        };
        Fault::new(format!("can't be read: {error}"), cure)
    };
    // Links are followed. Anything but a file could block for ever.
    let meta = fs::metadata(file).map_err(unreadable)?;
    if !meta.is_file() {
        let is_toml = file.extension().is_some_and(|end| end == "toml");
        let cure = match is_toml {
            true => "remove it, or give it a name that doesn't end in .toml",
            false => "name a file in its place, such as mailjob.toml",
        };
        return Err(Fault::new("is not a file", cure));
    }
    let mut bytes = Vec::new();
    File::open(file)
        .and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes))
        .map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(Fault::new(
            "is over 1 MiB",
            "a configuration is far smaller; is this the right file?",
        ));
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(Fault::new("is in UTF-16", "save it as UTF-8"));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Fault::new(format!("is not UTF-8 (byte {at})"), "save it as UTF-8")
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}
