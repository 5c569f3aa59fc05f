//! The demo's folder: what an operator would have written, and the secrets beside it.

use std::{
    fs::{self, Permissions},
    io,
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::cast::{BOSS, INVOICES, LISTS, ORDERS};
use crate::{
    config::load::Sources,
    ledger::Address,
    sandbox::{Desk, DeskSignIn, MAIL_SERVER, Sandbox},
};

/// Who may be signed in to, and how.
pub(super) const DESKS: [(&str, DeskSignIn); 3] = [
    (INVOICES, DeskSignIn::Application),
    (LISTS, DeskSignIn::Password),
    (ORDERS, DeskSignIn::RefreshToken),
];

/// The script of lists.toml. It needs the shell and no other program.
const COUNT: &str = r#"#!/bin/sh
# Counts the lines of each attached file. What is printed is the text of the reply; what lies in out/ goes back as a file.
set -eu
for file in attachments/*; do
    lines=0
    while IFS= read -r line || [ -n "$line" ]; do lines=$((lines + 1)); done < "$file"
    echo "${file#attachments/}: $lines lines"
done > out/count.txt
while IFS= read -r line; do echo "$line"; done < out/count.txt
"#;

/// The script of orders.toml.
const DECIDE: &str = r#"#!/bin/sh
# Somebody asks for an order: the boss is asked. The boss has answered: what was decided is said.
set -eu
if [ -z "${MAILJOB_CONVERSATION_JOB:-}" ]; then
    echo "Somebody asks for an order; what it is stands in the subject."
    echo "Please answer yes or no, in the first line."
    exit 0
fi
read -r word rest < reply.txt || true
case "$word" in
    [Yy]es*) echo "Approved: it is ordered." ;;
    [Nn]o*) echo "Refused: nothing is ordered." ;;
    *) echo "neither yes nor no" >&2; exit 1 ;;
esac
"#;

/// An endpoint that is not there yet: to be copied into `endpoints.d`.
const MORE: &str = r#"# Copy this file into endpoints.d, and it works at once: a mail to lists@ with "hello" in its subject is greeted.
description = "Greets whoever says hello"

[mailbox]
account = "lists"
order = 1 # asked before lists.toml

[when]
subject = "*hello*"

[command]
argv = ["/bin/sh", "-c", "echo Hello from an endpoint that was not there a minute ago."]

[reply]
to = "sender"
"#;

/// The folder. It is removed when this is dropped, if it isn't kept.
pub(super) struct DemoFolder {
    dir: TempDir,
}

impl DemoFolder {
    /// Makes it, for its user alone.
    pub(super) fn make(sandbox: &Sandbox) -> io::Result<Self> {
        let dir = tempfile::Builder::new().prefix("mailjob-demo-").tempdir()?;
        let folder = Self { dir };
        for name in ["endpoints.d", "more", "scripts", "secrets"] {
            fs::create_dir(folder.path().join(name))?;
        }
        folder.write("authority.pem", &sandbox.authority)?;
        folder.secret("webhook", sandbox.hook.secret())?;
        for desk in &sandbox.desks {
            folder.secret(desk.name(), &desk.secret)?;
            if desk.sign_in == DeskSignIn::RefreshToken {
                folder.secret(&format!("{}-refresh", desk.name()), &desk.refresh_token)?;
            }
        }
        folder.write("scripts/count.sh", COUNT)?;
        folder.write("scripts/decide.sh", DECIDE)?;
        folder.write("more/hello.toml", MORE)?;
        folder.write("endpoints.d/invoices.toml", &invoices(sandbox.ports.hook))?;
        folder.write("endpoints.d/lists.toml", LISTS_FILE)?;
        folder.write("endpoints.d/orders.toml", &orders())?;
        folder.settings(sandbox)?;
        Ok(folder)
    }

    /// Writes `mailjob.toml`, with a health address that is free now.
    pub(super) fn settings(&self, sandbox: &Sandbox) -> io::Result<()> {
        let health = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let accounts: String = sandbox.desks.iter().map(|desk| account(desk, sandbox)).collect();
        self.write(
            "mailjob.toml",
            &format!(
                "# What endpoints share. The servers are inside of `mailjob demo`, on this machine alone.\n\n[service]\n\
                 ledger = \"mailjob.db\"\nhealth = \"127.0.0.1:{health}\"\ndrain = \"10s\"\n{accounts}"
            ),
        )
    }

    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Where `mailjob run` finds all of it.
    pub(super) fn sources(&self) -> Sources {
        Sources {
            endpoints: self.path().join("endpoints.d"),
            config: Some(self.path().join(Sources::USUAL)),
        }
    }

    pub(super) fn ledger(&self) -> Address {
        Address::file(self.path().join("mailjob.db"))
    }

    pub(super) fn log(&self) -> PathBuf {
        self.path().join("mailjob.log")
    }

    /// Keeps the folder where it is.
    pub(super) fn keep(self) -> PathBuf {
        self.dir.keep()
    }

    /// Removes it, with all that is in it.
    pub(super) fn remove(self) -> io::Result<()> {
        self.dir.close()
    }

    fn write(&self, name: &str, text: &str) -> io::Result<()> {
        fs::write(self.path().join(name), text)
    }

    fn secret(&self, name: &str, value: &str) -> io::Result<()> {
        let file = self.path().join("secrets").join(name);
        fs::write(&file, value)?;
        fs::set_permissions(file, Permissions::from_mode(0o600))
    }
}

fn account(desk: &Desk, sandbox: &Sandbox) -> String {
    let (name, user, ports) = (desk.name(), &desk.user, sandbox.ports);
    let secret = format!("{{ file = \"secrets/{name}\" }}");
    let oauth = format!(
        "\n[accounts.{name}.oauth]\ntoken_url = \"https://127.0.0.1:{}/token\"\nca_file = \"authority.pem\"\nscopes = [\"mail\"]\n",
        ports.tokens
    );
    let client = format!("client_id = \"{name}\"\nclient_secret = {secret}");
    let (words, sign_in, below) = match desk.sign_in {
        DeskSignIn::Password => ("by a password", format!("password = {secret}"), String::new()),
        DeskSignIn::Application => (
            "by OAuth 2.0, as an application",
            format!("{client}\ngrant = \"client_credentials\""),
            oauth,
        ),
        DeskSignIn::RefreshToken => (
            "by OAuth 2.0, with a refresh token",
            format!("{client}\nrefresh_token = {{ file = \"secrets/{name}-refresh\" }}"),
            oauth,
        ),
    };
    format!(
        "\n# Signs in {words}.\n[accounts.{name}]\nuser = \"{user}\"\n{sign_in}\nca_file = \"authority.pem\"\n\
         imap = {{ host = \"127.0.0.1\", port = {} }}\nsmtp = {{ host = \"127.0.0.1\", port = {} }}\n{below}",
        ports.imap, ports.smtp
    )
}

fn invoices(port: u16) -> String {
    format!(
        r#"description = "Invoices to the bookkeeping system"

[mailbox]
account = "invoices"

[when]
attachments = ["*.pdf"]

[webhook]
url = "https://127.0.0.1:{port}/hooks/invoices"
secret = {{ file = "../secrets/webhook" }} # each request is signed
ca_file = "../authority.pem"
allow_private_network = true # it runs on this machine

[retry]
waits = ["1s", "2s", "4s", "8s", "15s", "15s", "15s", "15s", "15s", "15s"]

[reply]
to = "sender"
"#
    )
}

const LISTS_FILE: &str = r#"description = "Counts the lines of lists"

[mailbox]
account = "lists"

[when]
attachments = ["*.csv", "*.txt"]

[command]
argv = ["/bin/sh", "../scripts/count.sh"]

[reply]
to = "sender"
"#;

fn orders() -> String {
    format!(
        r#"description = "Orders that the boss approves by answering a mail"

[mailbox]
account = "orders"

[senders]
trust = ["{MAIL_SERVER}"] # whose word it is that a mail is of whom its From names

[command]
argv = ["/bin/sh", "../scripts/decide.sh"]

[reply]
to = "{BOSS}"

[conversation] # the boss's answer becomes a job, too
expires = "7d"
"#
    )
}
