//! Where mail comes from, and which is meant.

use super::{Given, Key, Section, Shape};

pub(super) const SECTIONS: &[Section] = &[
    Section {
        name: "",
        about: "",
        off: false,
        open: None,
        keys: &[
            Key::usual("description", Shape::Prose, "\"\"", "for people"),
            Key::usual("concurrency", Shape::Count(1, 1000), "8", "jobs of this endpoint that run at once"),
        ],
    },
    Section {
        name: "mailbox",
        about: "",
        off: false,
        open: None,
        keys: &[
            Key::new(
                "account",
                Shape::Either(&[Shape::Text, Shape::Elsewhere]),
                Given::OneOf(
                    "\"contoso\"",
                    &[(
                        "{ user = \"…\", password = { file = \"…\" }, imap = { host = \"…\" } }",
                        "or one of its own: all keys of [accounts.NAME]",
                    )],
                ),
                "a name from mailjob.toml",
            ),
            Key::never("user", Shape::Text, &[(
                "\"shared@contoso.example\"",
                "another mailbox under the account's sign-in, such as a shared one; its replies come from there",
            )]),
            Key::never("auth", Shape::Elsewhere, &[(
                "{ password = { file = \"…\" } }",
                "this endpoint signs in its own way: all keys of [accounts.NAME] that say how",
            )]),
            Key::never("protocol", Shape::Word(&["imap", "pop3"]), &[(
                "\"imap\"",
                "imap or pop3; imap when nothing is written and the account has a server for it",
            )]),
            Key::usual("name", Shape::Text, "\"INBOX\"", "in Unicode; POP3 knows no other"),
            Key::usual(
                "watch",
                Shape::Word(&["idle"]),
                "\"idle\"",
                "the server tells; a server without IDLE is asked each time that look has passed",
            )
            .below(NOTICED)
            .by_pop3("")
            .unless(&["every", "cron"]),
            Key::usual(
                "look",
                Shape::Duration("10s", "9m"),
                "\"3m\"",
                "with idle: the longest time between two looks at the mailbox",
            )
            .by_pop3("")
            .unless(&["every", "cron"]),
            Key::never("every", Shape::Duration("1s", "1d"), &[("\"30s\"", "the mailbox is looked at in this interval")])
                .by_pop3("\"1m\"")
                .unless(&["cron"]),
            Key::never("cron", Shape::Text, &[(
                "\"*/5 8-18 * * MON-FRI\"",
                "or at these times: minute, hour, day, month, weekday; with seconds in front if there are six",
            )]),
            Key::never("timezone", Shape::Text, &[("\"UTC\"", "of the cron pattern")]),
        ],
    },
    Section {
        name: "when",
        about: "Which mail is meant: all that is named must hold. Text or a list of which one must match; * and ? are wildcards, case does
not count. Without this table every mail is meant. What is not meant is ignored and stays in the mailbox.",
        off: false,
        open: None,
        keys: &[
            Key::never("from", GLOBS, &[("[\"*@supplier.example\"]", "an address of From")]),
            Key::never("to", GLOBS, &[("[\"invoices@*\", \"billing@*\"]", "an address of To or Cc")]),
            Key::never("subject", GLOBS, &[("\"*invoice*\"", "")]),
            Key::never("attachments", GLOBS, &[(
                "[\"*.pdf\"]",
                "the name of an attachment; only attachments that match are handed on",
            )]),
            Key::never("not_attachments", GLOBS, &[("[\"signature.*\"]", "attachments that are left out")]),
            Key::never("min_size", Shape::Size("0B", "1024GiB"), &[("\"1KiB\"", "of the raw mail")]),
            Key::never("max_size", Shape::Size("0B", "1024GiB"), &[("\"20MiB\"", "of the raw mail")]),
        ],
    },
];

const GLOBS: Shape = Shape::OneOrMore(&Shape::Text);

const NOTICED: &str = "\
How new mail is noticed, one of three. POP3 servers never tell: there it is every or cron, and every = \"1m\" when nothing is
written.";
