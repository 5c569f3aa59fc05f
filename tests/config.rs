//! Configuration as an operator meets it: files in, endpoints and problems out.

use std::{
    fs,
    path::{Path, PathBuf},
};

use mailjob::config::{Loaded, Sources, load};
use tempfile::TempDir;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/config");

/// The files of a folder with this extension.
fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(Path::new(DATA).join(folder)).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|e| e == extension));
    files.sort();
    assert!(!files.is_empty(), "no files in {folder}");
    files
}

/// A machine with one configuration on it, and nothing else.
struct Machine(TempDir);

impl Machine {
    fn new() -> Self {
        let machine = Self(tempfile::tempdir().unwrap());
        fs::create_dir(machine.path("endpoints.d")).unwrap();
        machine.write("secret.txt", "s3cret\n");
        machine.write("endpoints.d/secret.txt", "s3cret\n");
        machine.write(
            "mailjob.toml",
            &fs::read_to_string(format!("{DATA}/mailjob.toml")).unwrap(),
        );
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn sources(&self) -> Sources {
        Sources {
            endpoints: self.path("endpoints.d"),
            config: Some(self.path("mailjob.toml")),
        }
    }

    fn load(&self) -> Loaded {
        load(&self.sources(), None)
    }
}

#[test]
fn what_is_right_is_loaded() {
    for file in files("valid", "toml") {
        let machine = Machine::new();
        let text = fs::read_to_string(&file).unwrap();
        let is_endpoint = !file.file_name().unwrap().to_str().unwrap().starts_with("mailjob");
        machine.write(
            if is_endpoint {
                "endpoints.d/tried.toml"
            } else {
                "mailjob.toml"
            },
            &text,
        );
        let loaded = machine.load();
        let problems: Vec<_> = loaded.problems.iter().map(ToString::to_string).collect();
        println!("{problems:#?} {loaded:#?}");
        assert_eq!(
            loaded.endpoints.len(),
            usize::from(is_endpoint),
            "{}: {problems:#?}",
            file.display()
        );
    }
}
