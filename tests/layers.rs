//! The rooms of `src/` and their ranks: a room imports only rooms of a lower rank. See `src/README.md`.

#[path = "layers/circles.rs"]
mod circles;
#[path = "layers/modules.rs"]
mod modules;
#[path = "layers/names.rs"]
mod names;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Rooms by rank, lowest first. A room may import rooms of lower ranks only, never its neighbours.
const RANKS: [&[&str]; 9] = [
    &[
        "secret",
        "address",
        "addr_spec",
        "backoff",
        "budget",
        "causes",
        "clean",
        "deadline",
        "guest",
        "metrics",
        "plural",
        "prints",
        "retry_after",
        "slots",
        "status",
        "threads",
    ],
    &["config"],
    &["refusal", "net"],
    &["message", "auth"],
    &["job"],
    &["ledger"],
    &["watch", "dispatch", "reply", "http"],
    &["app", "doctor", "rehearse", "post", "sandbox"],
    &["cli", "main", "lib"],
];

fn rank(room: &str) -> Option<usize> {
    RANKS.iter().position(|rooms| rooms.contains(&room))
}

#[test]
fn no_room_imports_upward_or_sideways() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&source, &mut files);
    assert!(
        files.len() >= 40,
        "found only {} files below {}",
        files.len(),
        source.display()
    );
    let mut wrong = Vec::new();
    for file in files {
        let place = file.strip_prefix(&source).unwrap();
        let first = place.components().next().unwrap().as_os_str().to_str().unwrap();
        let room = first.strip_suffix(".rs").unwrap_or(first);
        let Some(own) = rank(room) else {
            wrong.push(format!("{}: the room `{room}` has no rank", place.display()));
            continue;
        };
        for imported in imports(&fs::read_to_string(&file).unwrap()) {
            let allowed = imported == room || rank(&imported).is_some_and(|other| other < own);
            if !allowed {
                wrong.push(format!("{}: `{room}` may not import `{imported}`", place.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Whoever is not the ledger opens it by its address, and sees no engine and no file.
#[test]
fn only_the_ledger_knows_its_engine() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&source, &mut files);
    let mut wrong = Vec::new();
    for file in files {
        let place = file.strip_prefix(&source).unwrap();
        // Where the address is a type; and where the engine is at home.
        if place.starts_with("ledger") || place == Path::new("config/ledger_address.rs") || is_test(place) {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let product = text.split("#[cfg(test)]").next().unwrap_or_default();
        for word in ["sqlite::", "rusqlite", "engine_file", "-wal"] {
            if code(product).contains(word) {
                wrong.push(format!("{} names {word}", place.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Whoever opens a file can hold it in mind. Where a file of the product says which tests it has does not count.
#[test]
fn no_file_has_more_than_400_lines() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&source, &mut files);
    let lines = |file: &PathBuf| {
        let text = fs::read_to_string(file).unwrap();
        let tests = text.find("\n#[cfg(test)]\n#[path").unwrap_or(text.len());
        text[..tests].lines().count()
    };
    let long: Vec<_> = files.iter().filter(|file| lines(file) > 400).collect();
    assert!(long.is_empty(), "divide them by concept: {long:#?}");
}

/// A file of tests or of a world that tests are made in.
fn is_test(place: &Path) -> bool {
    let name = place.file_stem().unwrap().to_str().unwrap();
    let is_named = ["tests", "_world", "fakes", "memory"]
        .iter()
        .any(|end| name.ends_with(end));
    is_named || place.components().any(|part| part.as_os_str() == "tests")
}

#[test]
fn imports_are_found_in_every_form() {
    let text = "use crate::watch::run;\nuse crate::{\n  config::{Endpoint, Limits},\n  job::JobId, net,\n};\n// crate::comment\nlet x = crate::ledger::open();";
    let found: Vec<_> = imports(text).into_iter().collect();
    assert_eq!(found, ["config", "job", "ledger", "net", "watch"]);
}

fn rust_files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(path);
        }
    }
}

/// A file without its comments.
fn code(text: &str) -> String {
    let lines = text.lines();
    lines
        .map(|line| line.split("//").next().unwrap_or("").to_owned() + "\n")
        .collect()
}

/// The rooms that a file names by `crate::room` or inside `use crate::{…}`.
fn imports(text: &str) -> BTreeSet<String> {
    let code = code(text);
    let mut rooms = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => rooms.extend(first_names(group)),
            None => {
                rooms.insert(name(rest));
            }
        }
    }
    // Macros and items of the crate root are no rooms.
    rooms.retain(|room| room.chars().next().is_some_and(char::is_lowercase));
    rooms
}

/// The first path segment of each entry at the top level of a `{…}` group.
fn first_names(group: &str) -> Vec<String> {
    let (mut depth, mut names, mut fresh) = (1, Vec::new(), true);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => fresh = true,
            c if fresh && depth == 1 && (c.is_alphabetic() || c == '_') => {
                names.push(name(&group[at..]));
                fresh = false;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    names
}

fn name(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}
