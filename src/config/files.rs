//! The files themselves: which there are, and what is in them.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::{EndpointName, Problem, check, load::Sources, place::visible, problem::Fault};

/// The largest file that is read, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// The endpoint files of a folder, by name. Names that start with a dot are not ours: editors, and the links behind a
/// Kubernetes ConfigMap (`..data`).
pub(super) fn list(sources: &Sources, problems: &mut Vec<Problem>) -> Option<BTreeMap<EndpointName, PathBuf>> {
    let folder = sources.endpoints.as_path();
    let names: io::Result<Vec<_>> =
        fs::read_dir(folder).and_then(|entries| entries.map(|entry| Ok(entry?.file_name())).collect());
    let names = match names {
        Ok(names) => names,
        Err(error) => {
            let cause = format!("the folder of endpoints can't be listed: {error}");
            let fault = Fault::new(cause, "make it, or name another with --endpoints");
            problems.push(Problem::of(folder, fault));
            return None;
        }
    };
    let mut files = BTreeMap::new();
    for name in names {
        let file = folder.join(&name);
        let name = name.to_string_lossy();
        let Some(stem) = name.strip_suffix(".toml").filter(|_| !name.starts_with('.')) else {
            continue;
        };
        if sources.config.as_deref().is_some_and(|config| is_same(&file, config)) {
            continue;
        }
        match EndpointName::new(stem) {
            Some(name) => drop(files.insert(name, file)),
            None => problems.push(Problem::of(&file, check::name_fault(stem))),
        }
    }
    Some(files)
}

/// What is odd about the names of files that may be meant as endpoints. What editors leave behind is not.
pub(super) fn hints(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut hints: Vec<_> = names
        .filter_map(|entry| hint(&entry.file_name().to_string_lossy()))
        .collect();
    hints.sort();
    hints
}

/// The words of one. Pure.
fn hint(name: &str) -> Option<String> {
    const MEANT: [&str; 7] = ["toml", "tml", "tom", "txt", "yaml", "yml", "json"];
    let lower = name.to_lowercase();
    let (stem, ending) = lower.rsplit_once('.')?;
    let is_ours = name.ends_with(".toml") || name.starts_with('.');
    // A text beside endpoints may be anything, but for one that was an endpoint.
    let is_meant = MEANT.contains(&ending) && (ending != "txt" || stem.ends_with(".toml"));
    (!is_ours && is_meant).then(|| {
        let name: String = name.chars().take(200).map(visible).collect();
        format!("{name} is not read: the names of endpoint files end in .toml")
    })
}

/// A `mailjob.toml` without a word was cut off: it would silently take the ledger and the accounts from all that runs.
pub(super) fn not_empty(text: String) -> Result<String, Fault> {
    match text.trim().is_empty() {
        true => Err(Fault::new(
            "is empty",
            "write the settings, or remove the file: then all of them have their defaults",
        )),
        false => Ok(text),
    }
}

/// What is wrong with a file that somebody is still writing.
pub(super) fn unfinished() -> Fault {
    Fault::new(
        "is still being written",
        "nothing: it counts once its writer has closed it",
    )
}

/// What is seen of a file without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Print {
    size: u64,
    changed: Option<SystemTime>,
}

/// What is seen of each file.
pub(super) type Prints = BTreeMap<PathBuf, Print>;

/// What is seen of all files.
pub(super) fn prints(sources: &Sources) -> Prints {
    let folder = &sources.endpoints;
    let files = entries(folder).into_iter().map(|name| folder.join(name));
    let print = |file: PathBuf| {
        let meta = fs::metadata(&file).ok()?;
        let print = Print {
            size: meta.len(),
            changed: meta.modified().ok(),
        };
        Some((file, print))
    };
    files.chain(sources.config.clone()).filter_map(print).collect()
}

/// The files that are there and are not what they were.
pub(super) fn changed<'a>(before: &Prints, now: &'a Prints) -> Vec<&'a Path> {
    let differs = |(file, print): &(&PathBuf, &Print)| before.get(*file) != Some(*print);
    now.iter().filter(differs).map(|(file, _)| file.as_path()).collect()
}

/// The names of a folder that endpoint files may have; none where it can't be listed.
pub(super) fn entries(folder: &Path) -> Vec<OsString> {
    let names = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_ours = |name: &OsString| {
        name.to_str()
            .is_some_and(|name| name.ends_with(".toml") && !name.starts_with('.'))
    };
    names.map(|entry| entry.file_name()).filter(is_ours).collect()
}

/// Whether two paths lead to one file: a ConfigMap with everything in it is one folder.
fn is_same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| fs::canonicalize(path).ok();
    one.file_name() == other.file_name() && (one == other || real(one).is_some_and(|one| real(other) == Some(one)))
}

/// The text of a file, without the byte order mark that some editors write.
pub(super) fn read_text(file: &Path) -> Result<String, Fault> {
    let unreadable = |error: io::Error| Fault::new(format!("can't be read: {error}"), "mend or remove it");
    // Links are followed. Anything but a file could block for ever.
    let meta = fs::metadata(file).map_err(unreadable)?;
    if !meta.is_file() {
        return Err(Fault::new(
            "is not a file",
            "remove it, or give it a name that doesn't end in .toml",
        ));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_may_be_meant_as_an_endpoint_is_told_of() {
        for name in [
            "orders.TOML",
            "x.toml.txt",
            "base.yaml",
            "a.yml",
            "b.tml",
            "c.Toml",
            "d.json",
        ] {
            assert!(hint(name).is_some_and(|words| words.starts_with(name)), "{name}");
        }
        for name in [
            "orders.toml",
            ".orders.TOML",
            "orders.toml~",
            "orders.toml.bak",
            "orders.toml.swp",
            "README",
            "notes.txt",
            "reply.html",
            "orders.toml.example",
        ] {
            assert_eq!(hint(name), None, "{name}");
        }
    }
}
