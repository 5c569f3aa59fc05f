//! What is done with a mail, when it is tried again, and what goes back of the result.

use super::{Key, Section, Shape};

/// A webhook.
pub(in crate::config) const WEBHOOK: &[Section] = &[
    Section::new(
        "webhook",
        "What is done with the mail: a webhook or a command.",
        WEBHOOK_KEYS,
    ),
    Section::new(
        "webhook.headers",
        "",
        &[
            Key::usual(
                "X-Tenant",
                SETTING,
                "\"contoso\"",
                "text as written, or the place of a secret; not Host, Content-*, webhook-*, ce-*",
            ),
            Key::usual(
                "Authorization",
                SETTING,
                "{ file = \"/run/secrets/erp\" }",
                "the whole value: Bearer …",
            ),
        ],
    )
    .off()
    .open(&SETTING),
];

/// A command.
pub(in crate::config) const COMMAND: &[Section] = &[
    Section::new("command", COMMAND_ABOUT, COMMAND_KEYS).off(),
    Section::new(
        "command.env",
        "",
        &[
            Key::usual(
                "MODE",
                SETTING,
                "\"strict\"",
                "text as written, or the place of a secret",
            ),
            Key::usual("DATABASE_URL", SETTING, "{ file = \"/run/secrets/database-url\" }", ""),
        ],
    )
    .off()
    .open(&SETTING),
];

/// What becomes of it.
pub(super) const SECTIONS: &[Section] = &[
    Section::new(
        "retry",
        "",
        &[Key::usual(
            "waits",
            Shape::List(&Shape::Duration("10ms", "7d"), 100),
            "[\"5s\", \"1m\", \"5m\", \"30m\", \"2h\", \"5h\", \"10h\"]",
            "between attempts; [] means one attempt",
        )],
    ),
    Section::new("output", OUTPUT_ABOUT, OUTPUT),
];

const WEBHOOK_KEYS: &[Key] = &[
    Key::must(
        "url",
        Shape::Text,
        "\"https://erp.example/hooks/invoice\"",
        "http or https; without user and password",
    ),
    Key::usual(
        "body",
        Shape::Word(&["json", "multipart", "raw", "form"]),
        "\"json\"",
        "",
    )
    .below(BODY),
    Key::never(
        "secret",
        Shape::OneOrMore(&Shape::Secret),
        &[(
            "{ file = \"/run/secrets/invoices-webhook\" }",
            "signs by Standard Webhooks; a list while the key is rotated, each signs",
        )],
    ),
    Key::usual(
        "timeout",
        Shape::Duration("10ms", "1h"),
        "\"30s\"",
        "of the whole exchange",
    ),
    Key::usual(
        "max_answer",
        Shape::Size("1B", "100MiB"),
        "\"10MiB\"",
        "of the answer that is read; of a larger one nothing goes back, and sender and operator are told",
    ),
    Key::usual(
        "allow_private_network",
        Shape::Flag,
        "false",
        "whether the address may be private, loopback or link-local",
    ),
    Key::never(
        "ca_file",
        Shape::Text,
        &[("\"ca.pem\"", "further trusted roots, or the server's own certificate")],
    ),
    Key::never(
        "tls",
        Shape::Table(&[
            Key::must("cert", Shape::Text, "\"…\"", ""),
            Key::must("key", SETTING, "\"…\"", ""),
        ]),
        &[(
            "{ cert = \"client.pem\", key = \"client.key\" }",
            "what proves mailjob to a server that asks for a client's certificate; read anew for each connection",
        )],
    ),
];

const BODY: &str = "\
json: the parsed mail, attachments in base64; multipart: the same with attachments as parts; raw: the mail as it came; form: a field or
a file for each input.";

const COMMAND_ABOUT: &str = "\
No shell. With [inputs], {NAME} in an argument is an input and {{ a brace; a list stands alone and becomes several arguments; what would
begin with - only because of the mail is refused.";

const COMMAND_KEYS: &[Key] = &[
    Key::must(
        "argv",
        Shape::List(&Shape::Prose, 4096),
        "[\"/usr/local/bin/import\", \"--quiet\"]",
        "a path, or a name to be found in PATH, and arguments. What begins with ./ or ../ is a path beside this file; any other relative one is in the work folder. What arguments name by a whole path may be read",
    ),
    Key::usual(
        "pass_env",
        Shape::List(&Shape::Text, 4096),
        "[\"PATH\", \"LANG\", \"TZ\"]",
        "variables of mailjob's own environment that it gets; others it does not get. HOME and TMPDIR are its work folder, if they are not set here or in env",
    ),
    Key::usual(
        "timeout",
        Shape::Duration("10ms", "1d"),
        "\"5m\"",
        "then TERM to the process group",
    ),
    Key::usual("grace", Shape::Duration("0s", "10m"), "\"5s\"", "then KILL to all that it started"),
    Key::usual(
        "max_output",
        Shape::Size("0B", "64MiB"),
        "\"1MiB\"",
        "kept of each of stdout and stderr",
    ),
    Key::usual(
        "max_files",
        Shape::Size("0B", "1GiB"),
        "\"20MiB\"",
        "of all files in out/ together; of more none goes back, and sender and operator are told",
    ),
    Key::usual(
        "max_input",
        Shape::Size("1KiB", "120KiB"),
        "\"64KiB\"",
        "of each input among the arguments and in the environment; all together 1MiB",
    ),
    Key::usual(
        "confine",
        Shape::Flag,
        "true",
        "it reads and writes only its work folder, programs and settings of the system (/usr, /etc, …), what lies beside its program, and this:",
    )
    .below(CONFINE),
    Key::usual("read", PATHS, "[]", "further files and folders that it may read, and programs there that it may start"),
    Key::usual("write", PATHS, "[]", "further files and folders that it may read and write"),
    Key::usual(
        "network",
        Shape::Flag,
        "true",
        "whether it may open and accept TCP connections; false needs confine and Linux 6.7",
    ),
    Key::never(
        "user",
        Shape::Text,
        &[("\"mailjob-guest\"", "who it runs as, by name or number; only where mailjob runs as root")],
    ),
    Key::usual(
        "memory",
        Shape::Size("64MiB", "1024GiB"),
        "\"2GiB\"",
        "of all its processes together; one that has more is killed",
    ),
    Key::usual(
        "processes",
        Shape::Count(1, 100_000),
        "512",
        "processes and threads, all together; one that has more is killed",
    ),
    Key::usual(
        "file_size",
        Shape::Size("1KiB", "1024GiB"),
        "\"1GiB\"",
        "of each file that it writes",
    ),
    Key::usual("open_files", Shape::Count(16, 1_000_000), "1024", "of each of its processes"),
];

const PATHS: Shape = Shape::List(&Shape::Text, 4096);

const CONFINE: &str = "\
Never, whatever is listed: ledger, key, secrets, endpoint files, mailjob.toml and the work folders of other jobs. By Landlock (Linux 5.13);
where the kernel has none, mailjob says so at the start and in doctor. Programs with set-user-ID (sudo, sendmail) need confine = false.";

const OUTPUT_ABOUT: &str = "What goes back of the result. Equal names of files get a number: out.pdf, out_1.pdf.";

const OUTPUT: &[Key] = &[
    Key::never("name", Shape::Text, &[("\"{stem}.{ext}\"", "of each file")]).below(NAME),
    Key::usual(
        "text",
        Shape::Either(&[Shape::Word(&["stdout", "none"]), FILE, JSON]),
        "\"stdout\"",
        "what a command prints or a webhook answers; or none, { file = \"reply.txt\" } of out/, { json = \"/text\" } of the JSON that is said",
    ),
    Key::never(
        "data",
        Shape::Either(&[FILE, JSON]),
        &[("{ json = \"/data\" }", "or { file = \"data.json\" }")],
    )
    .below(DATA),
    Key::usual(
        "max_size",
        Shape::Size("1KiB", "1GiB"),
        "\"20MiB\"",
        "of all files together as they are mailed, in base64",
    ),
    Key::usual("oversize", Shape::Word(&["refuse", "drop", "zip"]), "\"refuse\"", "").below(OVERSIZE),
];

const NAME: &str = "\
{stem} and {ext} of a file's own name (where the action gives none: {source}, and by its media type), {n} its number, {date} on which the
mail was taken (UTC), {job}, {source} the stem of the job's or only attachment, else the subject, else mail.";

const DATA: &str = "\
For templates and for answers to the reply; of a webhook its top-level data when nothing is written; 256KiB at most.";

const OVERSIZE: &str = "\
refuse: no file goes back, and sender and operator are told (the job is done); drop: what has no room is left out and named; zip: all
files as one, refused when that is too large (or four times max_size before).";

const FILE: Shape = Shape::Table(&[Key::must("file", Shape::Text, "\"…\"", "")]);

const JSON: Shape = Shape::Table(&[Key::must("json", Shape::Prose, "\"…\"", "")]);

/// Text, or the place of a secret.
const SETTING: Shape = Shape::Either(&[Shape::Prose, Shape::Secret]);
