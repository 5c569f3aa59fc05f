//! What is done with a mail, and when it is tried again.

use super::{Key, Section, Shape};

pub(super) const SECTIONS: &[Section] = &[
    Section {
        name: "webhook",
        about: "What is done with the mail: a webhook or a command.",
        off: false,
        open: None,
        keys: &[
            Key::must(
                "url",
                Shape::Text,
                "\"https://erp.example/hooks/invoice\"",
                "http or https; without user and password",
            ),
            Key::usual(
                "body",
                Shape::Word(&["json", "multipart", "raw"]),
                "\"json\"",
                "json: the parsed mail, attachments in base64; multipart: the same with attachments as parts; raw: the mail as it came",
            ),
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
                "of the answer that is read",
            ),
            Key::usual(
                "allow_private_network",
                Shape::Flag,
                "false",
                "whether the address may be private, loopback or link-local",
            ),
            Key::never("ca_file", Shape::Text, &[("\"ca.pem\"", "further trusted roots")]),
        ],
    },
    Section {
        name: "webhook.headers",
        about: "",
        off: true,
        open: Some(&SETTING),
        keys: &[
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
    },
    Section {
        name: "command",
        about: "",
        off: true,
        open: None,
        keys: &[
            Key::must(
                "argv",
                Shape::List(&Shape::Prose, 4096),
                "[\"/usr/local/bin/import\", \"--quiet\"]",
                "no shell; a path, or a name to be found in PATH",
            ),
            Key::usual(
                "pass_env",
                Shape::List(&Shape::Text, 4096),
                "[\"PATH\", \"HOME\", \"LANG\", \"TZ\"]",
                "variables of mailjob's own environment that it gets; others it does not get",
            ),
            Key::usual(
                "timeout",
                Shape::Duration("10ms", "1d"),
                "\"5m\"",
                "then TERM to the process group",
            ),
            Key::usual("grace", Shape::Duration("0s", "10m"), "\"5s\"", "then KILL"),
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
                "of all files in out/ together",
            ),
        ],
    },
    Section {
        name: "command.env",
        about: "",
        off: true,
        open: Some(&SETTING),
        keys: &[
            Key::usual(
                "MODE",
                SETTING,
                "\"strict\"",
                "text as written, or the place of a secret",
            ),
            Key::usual("DATABASE_URL", SETTING, "{ file = \"/run/secrets/database-url\" }", ""),
        ],
    },
    Section {
        name: "retry",
        about: "",
        off: false,
        open: None,
        keys: &[Key::usual(
            "waits",
            Shape::List(&Shape::Duration("10ms", "7d"), 100),
            "[\"5s\", \"1m\", \"5m\", \"30m\", \"2h\", \"5h\", \"10h\"]",
            "between attempts; [] means one attempt",
        )],
    },
];

/// Text, or the place of a secret.
const SETTING: Shape = Shape::Either(&[Shape::Prose, Shape::Secret]);
