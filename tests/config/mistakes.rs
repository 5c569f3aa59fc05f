//! Sixty mistakes that people make, and what each is told: wrong, where, and what to write. Read `mistakes.txt` as one who has just made them.

use std::{fmt::Write as _, fs, os::unix::fs::PermissionsExt};

use mailjob::config::load::load;

use crate::{DATA, Machine};

const SHARED: &str = "[accounts.office]\nuser = \"orders@example.com\"\npassword = { file = \"secret.txt\" }\n\
     imap = { host = \"imap.example.com\" }\nsmtp = { host = \"smtp.example.com\" }\n";
const MAILBOX: &str = "[mailbox]\naccount = \"office\"\n";
const HOOK: &str = "[webhook]\nurl = \"https://erp.example/\"\n";

/// Where a mistake is made.
enum In {
    /// In an endpoint's file, whole.
    Endpoint(&'static str),
    /// In what stands behind a mailbox in one.
    Part(&'static str),
    /// In `mailjob.toml`, whole.
    Shared(&'static str),
    /// By another file of the folder.
    File(&'static str, &'static str),
}

use In::{Endpoint, File, Part, Shared};

const HOOKED: &str = "\n[webhook]\nurl = \"https://erp.example/\"\n";

/// What is wrong, and how somebody wrote it.
const MISTAKES: &[(&str, In)] = &[
    // TOML itself.
    (
        "a table without ]",
        Endpoint("[mailbox\naccount = \"office\"\n[webhook]\nurl = \"https://erp.example/\"\n"),
    ),
    (
        "a list without ]",
        Part("[when]\nfrom = [\"*@a.example\"\nattachments = [\"*.pdf\"]\n"),
    ),
    (
        "a text without its quote",
        Endpoint("[mailbox]\naccount = \"office\n[webhook]\nurl = \"https://erp.example/\"\n"),
    ),
    (
        "no quotes",
        Endpoint("[mailbox]\naccount = office\n[webhook]\nurl = \"https://erp.example/\"\n"),
    ),
    (
        "quotes of a word processor",
        Endpoint("[mailbox]\naccount = “office”\n[webhook]\nurl = \"https://erp.example/\"\n"),
    ),
    ("YAML", Endpoint("mailbox:\n  account: office\n")),
    (
        "a pattern between double quotes",
        Part("[inputs]\nnumber = { match = \"(?<n>\\d+)\", in = \"subject\" }\n"),
    ),
    (
        "a table twice",
        Part("[reply]\nto = \"sender\"\n\n[when]\nfrom = \"*@a.example\"\n\n[reply]\ntext = \"done\"\n"),
    ),
    (
        "an account twice",
        Shared("[accounts.office]\nuser = \"a@a.example\"\n\n[accounts.office]\nuser = \"b@b.example\"\n"),
    ),
    (
        "a key twice",
        Endpoint("[mailbox]\naccount = \"office\"\nname = \"A\"\nname = \"B\"\n"),
    ),
    (
        "marks of a merge",
        Part("<<<<<<< HEAD\n[reply]\n=======\n>>>>>>> theirs\n"),
    ),
    (
        "a comment of another language",
        Endpoint("// orders\n[mailbox]\naccount = \"office\"\n"),
    ),
    ("True", Endpoint("enabled = True\n[mailbox]\naccount = \"office\"\n")),
    // Keys and values.
    ("a letter missing", Part("[when]\nattachment = [\"*.pdf\"]\n")),
    ("another word for it", Part("[reply]\nrecipient = \"sender\"\n")),
    ("another word for a table", Part("[filter]\nfrom = \"*@a.example\"\n")),
    (
        "folder for name",
        Endpoint("[mailbox]\naccount = \"office\"\nfolder = \"Orders\"\n\n[webhook]\nurl = \"https://erp.example/\"\n"),
    ),
    (
        "a key outside of its table",
        Endpoint("account = \"office\"\nurl = \"https://erp.example/\"\n"),
    ),
    ("nothing like it", Part("[reply]\nfrobnicate = 1\n")),
    (
        "a text for a number",
        Endpoint("concurrency = \"4\"\n[mailbox]\naccount = \"office\"\n\n[webhook]\nurl = \"https://erp.example/\"\n"),
    ),
    ("a number for a duration", Part("[retry]\nwaits = [30]\n")),
    ("a size without unit", Part("[when]\nmax_size = 5000\n")),
    (
        "an account that is not there",
        Endpoint("[mailbox]\naccount = \"ofice\"\n\n[webhook]\nurl = \"https://erp.example/\"\n"),
    ),
    (
        "no account",
        Endpoint("[mailbox]\nname = \"INBOX\"\n\n[webhook]\nurl = \"https://erp.example/\"\n"),
    ),
    ("no action", Endpoint("[mailbox]\naccount = \"office\"\n")),
    ("two actions", Part("[command]\nargv = [\"/bin/true\"]\n")),
    ("an empty file", Endpoint("")),
    // Patterns.
    (
        "a class of characters",
        Part("[when]\nattachments = [\"*.[pP][dD][fF]\"]\n"),
    ),
    ("braces", Part("[when]\nattachments = [\"*.{pdf,doc}\"]\n")),
    ("a list in one text", Part("[when]\nattachments = \"*.pdf;*.doc\"\n")),
    ("an extension", Part("[when]\nattachments = \"pdf\"\n")),
    (
        "a media type for a name",
        Part("[when]\nattachments = \"application/pdf\"\n"),
    ),
    ("a word for a subject", Part("[when]\nsubject = \"invoice\"\n")),
    ("a regular expression", Part("[when]\nsubject = \".*invoice.*\"\n")),
    ("a domain for an address", Part("[when]\nfrom = \"example.test\"\n")),
    ("a name for an address", Part("[when]\nto = \"orders\"\n")),
    (
        "a name and an address",
        Part("[when]\nfrom = \"Ann <ann@a.example>\"\n"),
    ),
    (
        "a whole plus-address",
        Part("[when]\nplus = \"orders+tickets@example.com\"\n"),
    ),
    (
        "what stands before the plus, too",
        Part("[when]\nplus = \"orders+tickets\"\n"),
    ),
    ("everybody allowed", Part("[senders]\nallow = \"*\"\n")),
    (
        "a part of an address allowed",
        Part("[senders]\nallow = [\"ann\", \"ann@*\"]\n"),
    ),
    // Times.
    (
        "a cron of Quartz",
        Endpoint(
            "[mailbox]\naccount = \"office\"\ncron = \"0 0 6 ? * 2-6\"\n\n[webhook]\nurl = \"https://erp.example/\"\n",
        ),
    ),
    (
        "a cron with four fields",
        Endpoint(
            "[mailbox]\naccount = \"office\"\ncron = \"*/5 * * *\"\n\n[webhook]\nurl = \"https://erp.example/\"\n",
        ),
    ),
    (
        "an hour that there is not",
        Endpoint(
            "[mailbox]\naccount = \"office\"\ncron = \"0 24 * * *\"\n\n[webhook]\nurl = \"https://erp.example/\"\n",
        ),
    ),
    (
        "a zone",
        Endpoint(
            "[mailbox]\naccount = \"office\"\ncron = \"0 6 * * *\"\ntimezone = \"Berlin\"\n\n[webhook]\nurl = \"https://erp.example/\"\n",
        ),
    ),
    // What would be filled in elsewhere.
    (
        "AEM's subject in an argument",
        Endpoint("[mailbox]\naccount = \"office\"\n[command]\nargv = [\"/bin/echo\", \"%SUBJECT%\"]\n"),
    ),
    (
        "a shell's variable",
        Endpoint("[mailbox]\naccount = \"office\"\n[command]\nargv = [\"/bin/echo\", \"$SUBJECT\"]\n"),
    ),
    (
        "an input that is not there",
        Endpoint("[mailbox]\naccount = \"office\"\n[command]\nargv = [\"/bin/echo\", \"{subject}\"]\n"),
    ),
    (
        "an input in a URL",
        Endpoint("[mailbox]\naccount = \"office\"\n[webhook]\nurl = \"https://erp.example/{subject}\"\n"),
    ),
    (
        "a value that there is not",
        Part("[reply]\ntext = \"{{ mial.subject }}\"\n"),
    ),
    (
        "a template that is not closed",
        Part("[reply]\ntext = \"{{ mail.subject }\"\n"),
    ),
    (
        "look-ahead",
        Part("[inputs]\nnumber = { match = 'INV-(?=x)(?<n>.)', in = \"subject\", group = \"n\" }\n"),
    ),
    // Programs.
    (
        "a command as one text",
        Endpoint("[mailbox]\naccount = \"office\"\n[command]\nargv = \"convert in out\"\n"),
    ),
    (
        "a pipe",
        Endpoint("[mailbox]\naccount = \"office\"\n[command]\nargv = [\"/bin/cat\", \"message.eml\", \"|\", \"wc\"]\n"),
    ),
    (
        "a program that is not there",
        Endpoint("[mailbox]\naccount = \"office\"\n[command]\nargv = [\"./convrt.sh\"]\n"),
    ),
    (
        "a script that is not executable",
        Endpoint("[mailbox]\naccount = \"office\"\n[command]\nargv = [\"./plain.sh\"]\n"),
    ),
    (
        "a script of Windows",
        Endpoint("[mailbox]\naccount = \"office\"\n[command]\nargv = [\"./windows.sh\"]\n"),
    ),
    (
        "a script beside the file",
        Endpoint("[mailbox]\naccount = \"office\"\n[command]\nargv = [\"/bin/sh\", \"plain.sh\"]\n"),
    ),
    (
        "a home",
        Endpoint("[mailbox]\naccount = \"office\"\n[command]\nargv = [\"~/convert.sh\"]\n"),
    ),
    (
        "program and argument in one text",
        Endpoint("[mailbox]\naccount = \"office\"\n[command]\nargv = [\"./fast.sh --fast\"]\n"),
    ),
    (
        "a program of the system and its argument in one text",
        Endpoint("[mailbox]\naccount = \"office\"\n[command]\nargv = [\"sh -c\", \"true\"]\n"),
    ),
    (
        "an argument in a home",
        Endpoint("[mailbox]\naccount = \"office\"\n[command]\nargv = [\"/bin/cat\", \"~/notes.txt\"]\n"),
    ),
    // Secrets and servers.
    (
        "a password written out",
        Shared(
            "[accounts.office]\nuser = \"a@a.example\"\npassword = \"hunter2\"\nimap = { host = \"imap.example.com\" }\n",
        ),
    ),
    (
        "a secret that is not there",
        Shared(
            "[accounts.office]\nuser = \"a@a.example\"\npassword = { file = \"pasword\" }\nimap = { host = \"imap.example.com\" }\n",
        ),
    ),
    (
        "a variable that is not set",
        Shared(
            "[accounts.office]\nuser = \"a@a.example\"\npassword = { env = \"MAILJOB_OFFICE_PW\" }\nimap = { host = \"imap.example.com\" }\n",
        ),
    ),
    (
        "a secret with a blank behind it",
        Shared(
            "[accounts.office]\nuser = \"a@a.example\"\npassword = { file = \"blank.txt\" }\nimap = { host = \"imap.example.com\" }\n",
        ),
    ),
    (
        "a secret of an editor",
        Shared(
            "[accounts.office]\nuser = \"a@a.example\"\npassword = { file = \"bom.txt\" }\nimap = { host = \"imap.example.com\" }\n",
        ),
    ),
    (
        "a secret that all can read",
        Shared(
            "[accounts.office]\nuser = \"a@a.example\"\npassword = { file = \"open.txt\" }\nimap = { host = \"imap.example.com\" }\n",
        ),
    ),
    (
        "a key that can't sign",
        Endpoint(
            "[mailbox]\naccount = \"office\"\n[webhook]\nurl = \"https://erp.example/\"\nsecret = { file = \"secret.txt\" }\n",
        ),
    ),
    (
        "a port in a host",
        Shared(
            "[accounts.office]\nuser = \"a@a.example\"\npassword = { file = \"secret.txt\" }\nimap = { host = \"imap.example.com:993\" }\n",
        ),
    ),
    (
        "a user in a URL",
        Endpoint("[mailbox]\naccount = \"office\"\n[webhook]\nurl = \"https://ann:hunter2@erp.example/\"\n"),
    ),
    (
        "a private address",
        Endpoint("[mailbox]\naccount = \"office\"\n[webhook]\nurl = \"http://127.0.0.1:8080/\"\n"),
    ),
    (
        "a secret of two lines",
        Shared(
            "[accounts.office]\nuser = \"a@a.example\"\npassword = { file = \"two.txt\" }\nimap = { host = \"imap.example.com\" }\n",
        ),
    ),
    (
        "a secret in a home",
        Shared(
            "[accounts.office]\nuser = \"a@a.example\"\npassword = { file = \"~/password\" }\nimap = { host = \"imap.example.com\" }\n",
        ),
    ),
    // Replies.
    (
        "a part of a value that there is not",
        Part("[reply]\ntext = \"Dear {{ mail.from.nmae }}\"\n"),
    ),
    (
        "a part of each of a list that there is not",
        Part("[reply]\ntext = \"{% for file in answer.files %}{{ file.nmae }}{% endfor %}\"\n"),
    ),
    (
        "a list as if it were one",
        Part("[reply]\ntext = \"You wrote to {{ mail.to.address }}\"\n"),
    ),
    (
        "the mailbox itself",
        Part("[reply]\nto = [\"sender\", \"orders@example.com\"]\n"),
    ),
    // Tables in the wrong file.
    (
        "a table of mailjob.toml",
        Part("[operator]\nto = \"ops@example.com\"\n"),
    ),
    (
        "a table of endpoints",
        Shared(
            "[accounts.office]\nuser = \"a@a.example\"\npassword = { file = \"secret.txt\" }\nimap = { host = \"imap.example.com\" }\n\n[webhook]\nurl = \"https://erp.example/\"\n",
        ),
    ),
    (
        "a value that no mail to the operator has",
        Shared(
            "[accounts.office]\nuser = \"a@a.example\"\npassword = { file = \"secret.txt\" }\nimap = { host = \"imap.example.com\" }\nsmtp = { host = \"smtp.example.com\" }\n\n[operator]\nto = \"ops@a.example\"\naccount = \"office\"\ntext = \"{% for item in news %}{{ item.word }}{% endfor %}\"\n",
        ),
    ),
    // Keys in the wrong table, and weak forms of a server.
    (
        "a key of a webhook behind its headers",
        Part("[webhook.headers]\nX-Tenant = \"a\"\nallow_private_network = true\n"),
    ),
    (
        "a key of a webhook as if it were a header field",
        Part("[webhook.headers]\nX-Tenant = \"a\"\ntimeout = \"30s\"\n"),
    ),
    ("a time-out of the reply", Part("[reply]\ntimeout = \"30s\"\n")),
    (
        "a key of a mailbox among the conditions",
        Part("[when]\nfrom = \"*@a.example\"\nevery = \"1m\"\n"),
    ),
    ("a table of an action by itself", Part("[headers]\nX-Tenant = \"a\"\n")),
    (
        "a key of an endpoint behind a table",
        Part("[when]\nfrom = \"*@a.example\"\nconcurrency = 2\n"),
    ),
    (
        "a key of an account in a mailbox",
        Endpoint(
            "[mailbox]\naccount = \"office\"\nimap = { host = \"imap.example.com\" }\n\n[webhook]\nurl = \"https://erp.example/\"\n",
        ),
    ),
    (
        "an account among endpoints",
        Part("[accounts.office]\nuser = \"a@a.example\"\n"),
    ),
    ("an input without its table", Part("[order]\nfield = \"subject\"\n")),
    ("one input in place of several", Part("[inputs]\nfield = \"subject\"\n")),
    (
        "a variable that is a key",
        Endpoint(
            "[mailbox]\naccount = \"office\"\n[command]\nargv = [\"/bin/true\"]\n[command.env]\ntimeout = \"30s\"\n",
        ),
    ),
    (
        "an account without accounts",
        Shared(
            "[office]\nuser = \"a@a.example\"\npassword = { file = \"secret.txt\" }\nimap = { host = \"imap.example.com\" }\n",
        ),
    ),
    (
        "an account as accounts",
        Shared(
            "[accounts]\nuser = \"a@a.example\"\npassword = { file = \"secret.txt\" }\nimap = { host = \"imap.example.com\" }\n",
        ),
    ),
    (
        "a key of the service without its table",
        Shared(
            "drain = \"5s\"\n[accounts.office]\nuser = \"a@a.example\"\npassword = { file = \"secret.txt\" }\nimap = { host = \"imap.example.com\" }\n",
        ),
    ),
    (
        "a key of a server in its account",
        Shared(
            "[accounts.office]\nuser = \"a@a.example\"\npassword = { file = \"secret.txt\" }\nimap = { host = \"imap.example.com\" }\nport = 993\n",
        ),
    ),
    (
        "a server as text",
        Shared(
            "[accounts.office]\nuser = \"a@a.example\"\npassword = { file = \"secret.txt\" }\nimap = \"imap.example.com\"\n",
        ),
    ),
    (
        "a URL for a host",
        Shared(
            "[accounts.office]\nuser = \"a@a.example\"\npassword = { file = \"secret.txt\" }\nimap = { host = \"imaps://imap.example.com:31043/\" }\n",
        ),
    ),
    (
        "a port in quotes",
        Shared(
            "[accounts.office]\nuser = \"a@a.example\"\npassword = { file = \"secret.txt\" }\nimap = { host = \"imap.example.com\", port = \"31043\" }\n",
        ),
    ),
    (
        "ports swapped",
        Shared(
            "[accounts.office]\nuser = \"a@a.example\"\npassword = { file = \"secret.txt\" }\nimap = { host = \"imap.example.com\", port = 465 }\nsmtp = { host = \"smtp.example.com\", port = 993 }\n",
        ),
    ),
    (
        "TLS from the first byte at the port of STARTTLS",
        Shared(
            "[accounts.office]\nuser = \"a@a.example\"\npassword = { file = \"secret.txt\" }\nimap = { host = \"imap.example.com\", port = 143, tls = \"implicit\" }\n",
        ),
    ),
    (
        "several values that there are not",
        Part("[reply]\ntext = \"{{ mial.subject }} {{ mail.form }} {{ anser.text }} {{ zzzzzz }}\"\n"),
    ),
    (
        "a program with a letter too few",
        Endpoint("[mailbox]\naccount = \"office\"\n[command]\nargv = [\"./fst.sh\"]\n"),
    ),
    // Names of files.
    ("a name with a blank", File("My Endpoint.toml", HOOKED)),
    ("capitals", File("Orders.TOML", HOOKED)),
    ("what Notepad adds", File("orders.toml.txt", HOOKED)),
    ("another ending", File("orders.tml", HOOKED)),
    ("YAML by its name", File("orders.yaml", HOOKED)),
];

/// A machine with all that mistakes are made with.
fn machine() -> Machine {
    let machine = Machine::new();
    machine.write("mailjob.toml", SHARED);
    machine.write("bom.txt", "\u{feff}hunter2\n");
    machine.write("blank.txt", "hunter2 \n");
    machine.write("open.txt", "hunter2\n");
    fs::set_permissions(machine.path("open.txt"), fs::Permissions::from_mode(0o644)).unwrap();
    machine.write("two.txt", "hunter2\nhunter2\n");
    machine.write("endpoints.d/plain.sh", "#!/bin/sh\n");
    machine.write("endpoints.d/fast.sh", "#!/bin/sh\n");
    fs::set_permissions(machine.path("endpoints.d/fast.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    machine.write("endpoints.d/windows.sh", "#!/bin/sh\r\n");
    fs::set_permissions(
        machine.path("endpoints.d/windows.sh"),
        fs::Permissions::from_mode(0o755),
    )
    .unwrap();
    machine
}

/// What `mailjob check` says of it, as if it were in the working directory.
fn told(mistake: &In) -> String {
    let machine = machine();
    let endpoint = |text: &str| machine.write("endpoints.d/orders.toml", text);
    match mistake {
        Endpoint(text) => endpoint(text),
        Part(text) => endpoint(&format!("{MAILBOX}{HOOK}\n{text}")),
        Shared(text) => {
            machine.write("mailjob.toml", text);
            endpoint(&format!("{MAILBOX}{HOOK}"));
        }
        File(name, text) => machine.write(&format!("endpoints.d/{name}"), &format!("{MAILBOX}{text}")),
    }
    let loaded = load(&machine.sources());
    let problems = loaded.told().map(mailjob::config::Problem::render);
    let hints = loaded.hints.iter().map(|hint| format!("note: {hint}\n"));
    let all: String = problems.chain(hints).collect();
    let root = machine.path("");
    all.replace(root.to_str().unwrap(), "")
}

/// With `BLESS=1` the table is written anew: read it then.
#[test]
fn a_mistake_is_told_with_place_cause_and_cure() {
    let mut table = String::new();
    for (what, mistake) in MISTAKES {
        let told = told(mistake);
        assert!(!told.is_empty(), "{what}: nothing is said");
        assert!(!told.contains("hunter2"), "{what}: {told}");
        writeln!(table, "## {what}\n{told}").unwrap();
    }
    assert!(MISTAKES.len() >= 60);
    let file = format!("{DATA}/mistakes.txt");
    if std::env::var_os("BLESS").is_some() {
        fs::write(&file, &table).unwrap();
    }
    assert_eq!(table, fs::read_to_string(&file).unwrap_or_default());
}

/// One slip is one problem, and what is wrong in one file is not told of another.
#[test]
fn one_mistake_is_one_problem() {
    for (what, mistake) in MISTAKES {
        let told = told(mistake);
        let count = told.matches("\n      = ").count();
        let several = matches!(
            *what,
            "an empty file"
                | "a key outside of its table"
                | "a part of an address allowed"
                | "an account without accounts"
                | "an account as accounts"
                | "ports swapped"
        );
        assert!(several || count <= 1, "{what}: {told}");
    }
}
