//! What `mailjob show` tells of the settings that endpoints share.

use std::{fs, process::Command};

use mailjob::config::effective_shared;

use crate::Machine;

const SAID: &str = "\
[service]
commands = 3
[api]
token = { file = \"secret.txt\" }
[accounts.cloud]
provider = \"microsoft\"
user = \"invoices@contoso.example\"
client_id = \"an-id\"
smtp = { port = 2525 }
[accounts.plain]
user = \"orders\"
client_id = \"mailjob\"
client_secret = { file = \"secret.txt\" }
imap = { host = \"mail.example.com\" }
[accounts.plain.oauth]
issuer = \"https://login.example/?key=canary\"
";

fn shown(text: &str) -> Result<String, String> {
    let machine = Machine::new();
    machine.write("mailjob.toml", text);
    effective_shared(&machine.sources(), &machine.load()).map_err(|problems| format!("{problems:?}"))
}

#[test]
fn each_shared_setting_stands_beside_its_origin() {
    let text = shown(SAID).unwrap();
    for line in [
        "[service]",
        "ledger = \"mailjob.db\" # default",
        "commands = 3 # mailjob.toml:2",
        "mails = { age = \"7d\", size = \"4GiB\" } # default",
        "token = { file = \"secret.txt\" } # mailjob.toml:4",
        "[accounts.cloud]",
        "provider = \"microsoft\" # mailjob.toml:6",
        "imap = { host = \"outlook.office365.com\", port = 993, tls = \"implicit\" } # default of the provider",
        "smtp = { host = \"smtp.office365.com\", port = 2525, tls = \"implicit\" } # mailjob.toml:9",
        "pace = \"30/m\" # default of the provider",
        "from = \"invoices@contoso.example\" # the user",
        "[accounts.plain]",
        "imap = { host = \"mail.example.com\", port = 993, tls = \"implicit\" } # mailjob.toml:14",
        "oauth = { issuer = \"https://login.example/?***\" } # mailjob.toml:15",
    ] {
        assert!(text.lines().any(|shown| shown == line), "{line}:\n{text}");
    }
    let jobs = text.lines().find(|line| line.starts_with("jobs = ")).unwrap();
    assert!(
        jobs.ends_with(" # default, by the cores; and one for each endpoint"),
        "{jobs}"
    );
    for absent in ["canary", "s3cret", "[operator]", "[net]", "[defaults]"] {
        assert!(!text.contains(absent), "{absent}:\n{text}");
    }
}

#[test]
fn nothing_is_shown_of_a_file_that_holds_a_secret() {
    let wrong = SAID.replace(
        "client_secret = { file = \"secret.txt\" }",
        "client_secret = \"canary\"",
    );
    let why = shown(&wrong).unwrap_err();
    assert!(why.contains("holds a secret") && !why.contains("canary"), "{why}");
}

#[test]
fn what_is_shown_without_an_endpoint_is_what_all_share() {
    let machine = Machine::new();
    machine.write("mailjob.toml", SAID);
    let show = || {
        Command::new(env!("CARGO_BIN_EXE_mailjob"))
            .args(["show", "--config"])
            .arg(machine.path("mailjob.toml"))
            .arg("--endpoints")
            .arg(machine.path("endpoints.d"))
            .output()
            .unwrap()
    };
    let run = show();
    assert!(run.status.success(), "{run:?}");
    assert!(String::from_utf8_lossy(&run.stdout).contains("commands = 3 # mailjob.toml:2"));
    fs::write(machine.path("mailjob.toml"), "[service]\nport = 5\n").unwrap();
    let run = show();
    assert_eq!(run.status.code(), Some(78));
    assert!(run.stdout.is_empty() && String::from_utf8_lossy(&run.stderr).contains("unknown key `service.port`"));
}
