//! What is done with a mail, when it is tried again, and what goes back of the result.

use crate::config::check::Retry;
use crate::config::key::{Allowed, Key, Section};

pub(super) fn sections() -> Vec<Section> {
    vec![
        Section::new(
            "webhook",
            "What is done with the mail: a webhook or a command.",
            webhook(),
        ),
        Section::new(
            "webhook.headers",
            "",
            vec![
                Key::usual(
                    "X-Tenant",
                    setting(),
                    "\"contoso\"",
                    "text as written, or the place of a secret; not Host, Content-*, webhook-*, ce-*",
                ),
                Key::usual(
                    "Authorization",
                    setting(),
                    "{ file = \"/run/secrets/erp\" }",
                    "the whole value: Bearer …",
                ),
            ],
        )
        .off()
        .opened(setting()),
        Section::new("command", COMMAND_ABOUT, command()).off(),
        Section::new(
            "command.env",
            "",
            vec![
                Key::usual(
                    "MODE",
                    setting(),
                    "\"strict\"",
                    "text as written, or the place of a secret",
                ),
                Key::usual(
                    "DATABASE_URL",
                    setting(),
                    "{ file = \"/run/secrets/database-url\" }",
                    "",
                ),
            ],
        )
        .off()
        .opened(setting()),
        Retry::section(),
        Section::new("output", OUTPUT_ABOUT, output()),
    ]
}

fn webhook() -> Vec<Key> {
    vec![
        Key::must(
            "url",
            Allowed::Text,
            "\"https://erp.example/hooks/invoice\"",
            "http or https; without user and password",
        ),
        Key::usual(
            "body",
            Allowed::Word(vec!["json", "multipart", "raw", "form"]),
            "\"json\"",
            "",
        )
        .below(BODY),
        Key::never(
            "secret",
            Allowed::one_or_more(Allowed::Secret),
            &[(
                "{ file = \"/run/secrets/invoices-webhook\" }",
                "signs by Standard Webhooks; a list while the key is rotated, each signs",
            )],
        ),
        Key::usual(
            "timeout",
            Allowed::Duration("10ms".to_owned(), "1h".to_owned()),
            "\"30s\"",
            "of the whole exchange",
        ),
        Key::usual(
            "max_answer",
            Allowed::Size("1B".to_owned(), "100MiB".to_owned()),
            "\"10MiB\"",
            "of the answer that is read; of a larger one nothing goes back, and sender and operator are told",
        ),
        Key::usual(
            "allow_private_network",
            Allowed::Flag,
            "false",
            "whether the address may be private, loopback or link-local",
        ),
        Key::never(
            "ca_file",
            Allowed::Text,
            &[("\"ca.pem\"", "further trusted roots, or the server's own certificate")],
        ),
        Key::never(
            "tls",
            Allowed::Table(vec![
                Key::must("cert", Allowed::Text, "\"…\"", ""),
                Key::must("key", setting(), "\"…\"", ""),
            ]),
            &[(
                "{ cert = \"client.pem\", key = \"client.key\" }",
                "what proves mailjob to a server that asks for a client's certificate; read anew for each connection",
            )],
        ),
    ]
}

const BODY: &str = "\
json: the parsed mail, attachments in base64; multipart: the same with attachments as parts; raw: the mail as it came; form: a field or
a file for each input.";

const COMMAND_ABOUT: &str = "\
No shell. With [inputs], {NAME} in an argument is an input and {{ a brace; a list stands alone and becomes several arguments; what would
begin with - only because of the mail is refused.";

fn command() -> Vec<Key> {
    vec![
    Key::must(
        "argv",
        Allowed::list(Allowed::Prose, 4096),
        "[\"/usr/local/bin/import\", \"--quiet\"]",
        "a path, or a name to be found in PATH, and arguments. What begins with ./ or ../ is a path beside this file; any other relative one is in the work folder. What arguments name by a whole path may be read",
    ),
    Key::usual(
        "pass_env",
        Allowed::list(Allowed::Text, 4096),
        "[\"PATH\", \"LANG\", \"TZ\"]",
        "variables of mailjob's own environment that it gets; others it does not get. HOME and TMPDIR are its work folder, if they are not set here or in env",
    ),
    Key::usual(
        "timeout",
        Allowed::Duration("10ms".to_owned(), "1d".to_owned()),
        "\"5m\"",
        "then TERM to the process group",
    ),
    Key::usual("grace", Allowed::Duration("0s".to_owned(), "10m".to_owned()), "\"5s\"", "then KILL to all that it started"),
    Key::usual(
        "max_output",
        Allowed::Size("0B".to_owned(), "64MiB".to_owned()),
        "\"1MiB\"",
        "kept of each of stdout and stderr",
    ),
    Key::usual(
        "max_files",
        Allowed::Size("0B".to_owned(), "1GiB".to_owned()),
        "\"20MiB\"",
        "of all files in out/ together; of more none goes back, and sender and operator are told",
    ),
    Key::usual(
        "max_input",
        Allowed::Size("1KiB".to_owned(), "120KiB".to_owned()),
        "\"64KiB\"",
        "of each input among the arguments and in the environment; all together 1MiB",
    ),
    Key::usual(
        "confine",
        Allowed::Flag,
        "true",
        "it reads and writes only its work folder, programs and settings of the system (/usr, /etc, …), what lies beside its program, and this:",
    )
    .below(CONFINE),
    Key::usual("read", paths(), "[]", "further files and folders that it may read, and programs there that it may start"),
    Key::usual("write", paths(), "[]", "further files and folders that it may read and write"),
    Key::usual(
        "network",
        Allowed::Flag,
        "true",
        "whether it may open and accept TCP connections; false needs confine and Linux 6.7",
    ),
    Key::never(
        "user",
        Allowed::Text,
        &[("\"mailjob-guest\"", "who it runs as, by name or number; only where mailjob runs as root")],
    ),
    Key::usual(
        "memory",
        Allowed::Size("64MiB".to_owned(), "1024GiB".to_owned()),
        "\"2GiB\"",
        "of all its processes together; one that has more is killed",
    ),
    Key::usual(
        "processes",
        Allowed::Count(1, 100_000),
        "512",
        "processes and threads, all together; one that has more is killed",
    ),
    Key::usual(
        "file_size",
        Allowed::Size("1KiB".to_owned(), "1024GiB".to_owned()),
        "\"1GiB\"",
        "of each file that it writes",
    ),
    Key::usual("open_files", Allowed::Count(16, 1_000_000), "1024", "of each of its processes"),
]
}

fn paths() -> Allowed {
    Allowed::list(Allowed::Text, 4096)
}

const CONFINE: &str = "\
Never, whatever is listed: ledger, key, secrets, endpoint files, mailjob.toml and the work folders of other jobs. By Landlock (Linux 5.13);
where the kernel has none, mailjob says so at the start and in doctor. Programs with set-user-ID (sudo, sendmail) need confine = false.";

const OUTPUT_ABOUT: &str = "What goes back of the result. Equal names of files get a number: out.pdf, out_1.pdf.";

fn output() -> Vec<Key> {
    vec![
        Key::never("name", Allowed::Text, &[("\"{stem}.{ext}\"", "of each file")]).below(NAME),
        Key::usual(
            "text",
            Allowed::Either(vec![Allowed::Word(vec!["stdout", "none"]), file(), json()]),
            "\"stdout\"",
            "what a command prints or a webhook answers; or none, { file = \"reply.txt\" } of out/, { json = \"/text\" } of the json() that is said",
        ),
        Key::never(
            "data",
            Allowed::Either(vec![file(), json()]),
            &[("{ json = \"/data\" }", "or { file = \"data.json\" }")],
        )
        .below(DATA),
        Key::usual(
            "max_size",
            Allowed::Size("1KiB".to_owned(), "1GiB".to_owned()),
            "\"20MiB\"",
            "of all files together as they are mailed, in base64",
        ),
        Key::usual(
            "oversize",
            Allowed::Word(vec!["refuse", "drop", "zip"]),
            "\"refuse\"",
            "",
        )
        .below(OVERSIZE),
    ]
}

const NAME: &str = "\
{stem} and {ext} of a file's own name (where the action gives none: {source}, and by its media type), {n} its number, {date} on which the
mail was taken (UTC), {job}, {source} the stem of the job's or only attachment, else the subject, else mail.";

const DATA: &str = "\
For templates and for answers to the reply; of a webhook its top-level data when nothing is written; 256KiB at most.";

const OVERSIZE: &str = "\
refuse: no file goes back, and sender and operator are told (the job is done); drop: what has no room is left out and named; zip: all
files as one, refused when that is too large (or four times max_size before).";

fn file() -> Allowed {
    Allowed::Table(vec![Key::must("file", Allowed::Text, "\"…\"", "")])
}

fn json() -> Allowed {
    Allowed::Table(vec![Key::must("json", Allowed::Prose, "\"…\"", "")])
}

/// Text, or the place of a secret.
fn setting() -> Allowed {
    Allowed::Either(vec![Allowed::Prose, Allowed::Secret])
}
