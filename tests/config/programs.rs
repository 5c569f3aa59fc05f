//! The program of a command: resolved once, and looked for as `run` does.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use mailjob::{
    config::{
        Action, Command,
        load::{Loaded, Sources, load, load_offline},
        startable,
    },
    secret,
};

use crate::{Machine, name, told};

fn with_command(machine: &Machine, command: &str) -> Loaded {
    let text = format!("[mailbox]\naccount = \"plain\"\n[command]\n{command}\n");
    machine.write("endpoints.d/own.toml", &text);
    machine.load()
}

fn script(machine: &Machine, file: &str) {
    machine.write(file, "#!/bin/sh\n");
    fs::set_permissions(machine.path(file), fs::Permissions::from_mode(0o755)).unwrap();
}

fn command(loaded: &Loaded) -> &Command {
    match &loaded.endpoints[&name("own")].action {
        Action::Command(command) => command,
        _ => panic!("no command"),
    }
}

#[test]
fn what_begins_with_a_dot_is_a_path_beside_the_file() {
    let machine = Machine::new();
    script(&machine, "endpoints.d/convert.sh");
    machine.write("endpoints.d/handle.py", "");
    let argv = "argv = [\"./convert.sh\", \"./handle.py\", \"--script=./handle.py\", \"../secret.txt\", \"out/x.pdf\", \"message.eml\", \".\", \"./\"]";
    let loaded = with_command(&machine, argv);
    assert_eq!(told(&machine, &loaded, "endpoints.d/own.toml"), "");
    let path = |file: &str| machine.path(file).to_str().unwrap().to_owned();
    assert_eq!(
        command(&loaded).argv,
        [
            path("endpoints.d/convert.sh"),
            path("endpoints.d/handle.py"),
            format!("--script={}", path("endpoints.d/handle.py")),
            path("endpoints.d/../secret.txt"),
            "out/x.pdf".to_owned(),
            "message.eml".to_owned(),
            ".".to_owned(),
            "./".to_owned(),
        ]
    );
    assert_eq!(
        startable::looked_at(command(&loaded)),
        Ok(machine.path("endpoints.d/convert.sh"))
    );
}

#[test]
fn a_script_beside_the_file_that_would_not_be_found_is_told() {
    let machine = Machine::new();
    machine.write("endpoints.d/handle.py", "");
    for (argv, cure) in [
        ("argv = [\"/bin/sh\", \"handle.py\"]", "write \"./handle.py\""),
        ("argv = [\"/bin/sh\", \"--script=handle.py\"]", "write \"./handle.py\""),
        ("argv = [\"/bin/sh\", \"./handel.py\"]", "mend the path"),
        ("argv = [\"handle.py\"]", "or ./ in front of one beside this file"),
        (
            "argv = [\"/bin/sh\"]\nread = [\".\"]",
            "name the files in it one by one",
        ),
    ] {
        let loaded = with_command(&machine, argv);
        let told = told(&machine, &loaded, "endpoints.d/own.toml");
        assert!(told.contains(cure) && told.lines().count() == 1, "{argv}: {told}");
    }
    // A shell's own words are no files.
    let loaded = with_command(&machine, "argv = [\"/bin/sh\", \"-c\", \"handle.py\", \"./x\"]");
    assert_eq!(told(&machine, &loaded, "endpoints.d/own.toml"), "");
}

/// The folder of endpoints may be named from where one stands: what comes of it does not depend on that.
#[test]
fn paths_are_the_same_from_anywhere() {
    let folder = tempfile::tempdir_in(".").unwrap();
    let here = PathBuf::from(folder.path().file_name().unwrap());
    let endpoints = here.join("endpoints.d");
    fs::create_dir(&endpoints).unwrap();
    fs::write(endpoints.join("convert.sh"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(endpoints.join("convert.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    let text = "[mailbox]\naccount = { user = \"a\", password = { file = \"secret\" }, imap = { host = \"mail.example.com\" } }\n\
         [command]\nargv = [\"./convert.sh\"]\n";
    fs::write(endpoints.join("own.toml"), text).unwrap();
    fs::write(endpoints.join("secret"), "s3cret").unwrap();
    fs::set_permissions(endpoints.join("secret"), fs::Permissions::from_mode(0o600)).unwrap();
    let loaded = load(&Sources {
        endpoints: endpoints.clone(),
        config: None,
    });
    assert_eq!(loaded.problems, []);
    let program = PathBuf::from(&command(&loaded).argv[0]);
    assert!(program.is_absolute(), "{}", program.display());
    assert_eq!(program, std::path::absolute(&endpoints).unwrap().join("convert.sh"));
    assert!(!program.to_str().unwrap().contains("/./"));
}

/// In a repository there are neither secrets nor the programs of the machine that runs; what lies beside the files is looked at.
#[test]
fn a_repository_is_checked_without_what_is_elsewhere() {
    let machine = Machine::new();
    for secret in [
        "secret.txt",
        "endpoints.d/secret.txt",
        "client.pem",
        "endpoints.d/client.pem",
    ] {
        machine.remove(secret);
    }
    let shared = "[accounts.plain]\nuser = \"orders\"\npassword = { file = \"secret.txt\" }\nimap = { host = \"mail.example.com\" }\n\
         [accounts.env]\nuser = \"orders\"\npassword = { env = \"MAILJOB_NO_SUCH_VARIABLE\" }\nimap = { host = \"mail.example.com\" }\nca_file = \"ca.pem\"\n\
         [service]\nkey = { file = \"key\" }\n[api]\ntoken = { file = \"token\" }\n";
    machine.write("mailjob.toml", shared);
    machine.write(
        "endpoints.d/hook.toml",
        "[mailbox]\naccount = \"env\"\n[webhook]\nurl = \"https://erp.example/\"\nsecret = { file = \"signing\" }\n",
    );
    let argv = "argv = [\"/srv/erp/import\", \"--quiet\"]\nread = [\"/srv/erp\"]\nuser = \"erp-guest\"";
    let text = format!(
        "[mailbox]\naccount = \"plain\"\nname = \"A\"\n[command]\n{argv}\n[command.env]\nTOKEN = {{ env = \"MAILJOB_NO_SUCH_VARIABLE\" }}\n"
    );
    machine.write("endpoints.d/own.toml", &text);
    let loaded = load_offline(&machine.sources());
    assert_eq!(loaded.problems, []);
    assert_eq!(loaded.endpoints.len(), 2);
    // Here, all of it is missed.
    assert!(machine.load().problems.len() > 5);
    let opened = |file: &Path| secret::files().binary_search(&file.to_owned()).is_ok();
    assert!(opened(&machine.path("secret.txt")), "a full check looks for it");

    let fresh = Machine::new();
    fresh.write("mailjob.toml", shared);
    assert_eq!(load_offline(&fresh.sources()).problems, []);
    assert!(
        !opened(&fresh.path("secret.txt")) && !opened(&fresh.path("key")),
        "no secret is opened"
    );

    machine.write("endpoints.d/convert.sh", "#!/bin/sh\n");
    machine.write(
        "endpoints.d/own.toml",
        "[mailbox]\naccount = \"plain\"\n[command]\nargv = [\"./convert.sh\"]\n",
    );
    let told = load_offline(&machine.sources());
    assert!(
        told.problems[0].cause.contains("convert.sh is not executable"),
        "{:?}",
        told.problems
    );
}
