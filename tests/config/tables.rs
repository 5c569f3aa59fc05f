//! Each file of the test data: what is right is loaded, what is wrong is told.

use std::{
    fs,
    path::{Path, PathBuf},
};

use mailjob::config::load::Loaded;

use crate::{DATA, Machine, told};

/// The files of a folder with this extension.
fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(Path::new(DATA).join(folder)).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|e| e == extension));
    files.sort();
    assert!(!files.is_empty(), "no files in {folder}");
    files
}

/// Loads one file of the test data, as `mailjob.toml` or as the endpoint `tried`.
fn try_file(file: &Path) -> (Machine, Loaded) {
    let machine = Machine::new();
    machine.write(place_of(file), &fs::read_to_string(file).unwrap());
    let loaded = machine.load();
    (machine, loaded)
}

fn place_of(file: &Path) -> &'static str {
    let name = file.file_name().unwrap().to_str().unwrap();
    if name.starts_with("mailjob") {
        "mailjob.toml"
    } else {
        "endpoints.d/tried.toml"
    }
}

#[test]
fn what_is_right_is_loaded_without_a_word() {
    for file in files("valid", "toml") {
        let (machine, loaded) = try_file(&file);
        assert_eq!(told(&machine, &loaded, place_of(&file)), "", "{}", file.display());
        assert!(loaded.service.is_some());
        let runs = !loaded.endpoints.is_empty();
        assert_eq!(runs, place_of(&file) != "mailjob.toml", "{}", file.display());
    }
}

/// Each file in `invalid` has its problems beside it in `.expected`. With `BLESS=1` those are written anew.
#[test]
fn what_is_wrong_is_told_with_place_cause_and_cure() {
    for file in files("invalid", "toml") {
        let (machine, loaded) = try_file(&file);
        let told = told(&machine, &loaded, place_of(&file));
        let expected = file.with_extension("expected");
        if std::env::var_os("BLESS").is_some() {
            fs::write(&expected, &told).unwrap();
        }
        assert!(!told.is_empty(), "{}", file.display());
        assert_eq!(
            told,
            fs::read_to_string(&expected).unwrap_or_default(),
            "{}",
            file.display()
        );
        assert!(!told.contains("hunter2"), "{} shows a secret", file.display());
        let rendered: String = loaded.problems.iter().map(|problem| problem.render()).collect();
        assert!(
            !rendered.contains("hunter2"),
            "{} shows a secret: {rendered}",
            file.display()
        );
        assert!(loaded.endpoints.is_empty(), "{} is used", file.display());
    }
    assert_eq!(files("invalid", "toml").len(), files("invalid", "expected").len());
}
