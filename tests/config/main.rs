//! Configuration as an operator meets it: files in, endpoints and problems out.

mod defaults;
mod files;
mod lost;
mod mistakes;
mod programs;
mod reload;
mod schema;
mod show;
mod tables;

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

use mailjob::config::{
    EndpointName,
    load::{Loaded, Sources, load},
};
use tempfile::TempDir;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/config");

/// A machine with one configuration on it, and nothing else.
struct Machine(TempDir);

impl Machine {
    fn new() -> Self {
        let machine = Self(tempfile::tempdir().unwrap());
        fs::create_dir(machine.path("endpoints.d")).unwrap();
        machine.write("secret.txt", "s3cret\n");
        machine.write("endpoints.d/secret.txt", "s3cret\n");
        machine.write("client.pem", "-----BEGIN CERTIFICATE-----\n");
        machine.write("endpoints.d/client.pem", "-----BEGIN CERTIFICATE-----\n");
        machine.write("endpoints.d/reply.txt", "Booked: {{ mail.subject }}\n");
        machine.write("endpoints.d/torn.html", "<p>\n{% if reason %}\n");
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
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        // Some of these files are secrets.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn sources(&self) -> Sources {
        Sources {
            endpoints: self.path("endpoints.d"),
            config: Some(self.path("mailjob.toml")),
        }
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }

    /// Writes an endpoint that watches a mailbox of the account `plain`.
    fn endpoint(&self, name: &str, mailbox: &str) {
        self.write(&format!("endpoints.d/{name}.toml"), &endpoint(mailbox));
    }

    fn load(&self) -> Loaded {
        load(&self.sources())
    }
}

fn endpoint(mailbox: &str) -> String {
    format!("[mailbox]\naccount = \"plain\"\nname = \"{mailbox}\"\n[webhook]\nurl = \"https://erp.example/\"\n")
}

fn name(name: &str) -> EndpointName {
    EndpointName::new(name).unwrap()
}

/// The problems of one file, one a line, as if it were in the working directory.
fn told(machine: &Machine, loaded: &Loaded, place: &str) -> String {
    let file = machine.path(place);
    let of_file = loaded.problems.iter().filter(|problem| problem.file == file);
    let folder = format!("{}/", file.parent().unwrap().display());
    of_file
        .map(|problem| format!("{problem}\n").replace(&folder, ""))
        .collect()
}
