//! Where mail comes from, and which is meant.

use crate::config::key::{Allowed, Given, Key, Section};

pub(super) fn sections() -> Vec<Section> {
    vec![
        Section::new(
            "",
            "",
            vec![
                Key::usual("description", Allowed::Prose, "\"\"", "for people"),
                Key::usual(
                    "enabled",
                    Allowed::Flag,
                    "true",
                    "false: its file is checked, but it does not run and its jobs wait",
                ),
                Key::usual(
                    "concurrency",
                    Allowed::Count(1, 1000),
                    "8",
                    "jobs of this endpoint that run at once",
                ),
            ],
        ),
        Section::new("mailbox", "", mailbox()),
        Section::new("when", WHEN_ABOUT, when()),
    ]
}

fn mailbox() -> Vec<Key> {
    vec![
    Key::of(
        "account",
        Allowed::Either(vec![Allowed::Text, Allowed::Elsewhere]),
        Given::Must("\"contoso\"",
            &[(
                "{ user = \"…\", password = { file = \"…\" }, imap = { host = \"…\" } }",
                "or one of its own: all keys of [accounts.NAME]",
            )],
        ),
        "a name from mailjob.toml",
    ),
    Key::never(
        "user",
        Allowed::Text,
        &[(
            "\"shared@contoso.example\"",
            "another mailbox under the account's sign-in, such as a shared one; its replies come from there",
        )],
    ),
    Key::never(
        "auth",
        Allowed::Elsewhere,
        &[(
            "{ password = { file = \"…\" } }",
            "this endpoint signs in its own way: all keys of [accounts.NAME] that say how",
        )],
    ),
    Key::never(
        "protocol",
        Allowed::Word(vec!["imap", "pop3"]),
        &[(
            "\"imap\"",
            "imap or pop3; imap when nothing is written and the account has a server for it",
        )],
    ),
    Key::usual("name", Allowed::Text, "\"INBOX\"", "in Unicode; POP3 knows no other"),
    Key::usual(
        "watch",
        Allowed::Word(vec!["idle"]),
        "\"idle\"",
        "the server tells; a server without IDLE is looked at every 10 s",
    )
    .below(NOTICED)
    .by_pop3("")
    .unless(&["every", "cron"]),
    Key::usual(
        "look",
        Allowed::Duration("10s".to_owned(), "9m".to_owned()),
        "\"3m\"",
        "with idle: the longest time between two looks at the mailbox",
    )
    .by_pop3("")
    .unless(&["every", "cron"]),
    Key::never(
        "every",
        Allowed::Duration("1s".to_owned(), "1d".to_owned()),
        &[("\"30s\"", "the mailbox is looked at in this interval")],
    )
    .by_pop3("\"10s\"")
    .unless(&["cron"]),
    Key::never(
        "cron",
        Allowed::Text,
        &[(
            "\"*/5 8-18 * * MON-FRI\"",
            "or at these times: minute, hour, day, month, weekday; with seconds in front if there are six",
        )],
    ),
    Key::never("timezone", Allowed::Text, &[("\"UTC\"", "of the cron pattern")]),
    Key::usual(
        "batch",
        Allowed::CountOrAll(1, 10_000),
        "-1",
        "mails that a look takes at most; the rest waits for the next look; with idle that follows at once",
    ),
    Key::usual(
        "repeat",
        Allowed::CountOrAll(1, 1_000_000_000),
        "-1",
        "looks after which the mailbox is left alone until the next start",
    ),
    Key::usual(
        "start_delay",
        Allowed::Duration("0s".to_owned(), "1d".to_owned()),
        "\"0s\"",
        "before the first look after a start",
    ),
    Key::never(
        "backlog",
        Allowed::Either(vec![
            Allowed::Word(vec!["skip", "process"]),
            Allowed::Table(vec![Key::must("since", Allowed::Text, "\"7d\"", "")]),
        ]),
        &[
            ("\"skip\"", "as if nothing were written"),
            ("\"process\"", "take them all"),
            (
                "{ since = \"7d\" }",
                "take those that came in the last seven days; or since a day, \"2026-11-01\", or a time, \"2026-11-01T08:00:00Z\"",
            ),
        ],
    )
    .below(BACKLOG),
    Key::usual("match", Allowed::Word(vec!["first", "all"]), "\"first\"", "or all").below(SEVERAL),
    Key::usual("order", Allowed::Count(0, 1_000_000), "100", "the lowest comes first"),
]
}

const NOTICED: &str = "\
How new mail is noticed, one of three. POP3 servers never tell: there it is every or cron. When nothing is written every = \"10s\", and
every = \"1m\" at Microsoft and Google, who limit sign-ins.";

const BACKLOG: &str = "\
Mails that lie in the mailbox when it is looked at for the first time ever: they are left there, untouched, and mailjob status says
how many; mailjob backlog list shows them, mailjob backlog take has them taken, and so does process, also when it is written later.
When nothing is written and the ledger is new although the mailbox that done or failed mails are moved to has mails, a ledger was lost:
nothing is taken until one of these is written, or mailjob backlog skip or take says which.";

const SEVERAL: &str = "\
Several endpoints may watch one mailbox, over one connection. With match = \"first\" a mail is for the first one whose [when] it meets,
in the order of these numbers, of equal ones by name; with \"all\" each whose [when] it meets does its own job. A mail that was taken
before an endpoint was added is not for that one. When a file is removed, those of its mails that wait go on to the next endpoint.
All of these settings but order, and [settle] ignored, belong to the mailbox: what one file does not write is as another writes it,
and two that write different things are told so.";

const WHEN_ABOUT: &str = "\
Which mail is meant: all that is named must hold. Text or a list of which one must match; * and ? are wildcards, case does
not count. Without this table every mail is meant. What is not meant goes on to the next endpoint of the mailbox, if there is one;
what nobody wants is ignored and stays in the mailbox.";

fn when() -> Vec<Key> {
    vec![
        Key::never("from", globs(), &[("[\"*@supplier.example\"]", "an address of From")]),
        Key::never(
            "to",
            globs(),
            &[("[\"invoices@*\", \"billing@*\"]", "an address of To or Cc")],
        ),
        Key::never(
            "plus",
            globs(),
            &[(
                "[\"tickets\", \"bug-*\"]",
                "the detail of the mailbox's own address to which it was sent: support+tickets@contoso.example",
            )],
        ),
        Key::never(
            "subject",
            globs(),
            &[(
                "\"*invoice*\"",
                "one word alone is written \"=word\" where it is the whole subject",
            )],
        ),
        Key::never(
            "attachments",
            globs(),
            &[(
                "[\"*.pdf\"]",
                "the name of an attachment; only attachments that match are handed on",
            )],
        ),
        Key::never(
            "not_attachments",
            globs(),
            &[("[\"signature.*\"]", "attachments that are left out")],
        ),
        Key::never(
            "min_size",
            Allowed::Size("0B".to_owned(), "1024GiB".to_owned()),
            &[("\"1KiB\"", "of the raw mail")],
        ),
        Key::never(
            "max_size",
            Allowed::Size("0B".to_owned(), "1024GiB".to_owned()),
            &[("\"20MiB\"", "of the raw mail")],
        ),
        Key::usual(
            "automatic",
            Allowed::Word(vec!["allow", "skip", "only"]),
            "\"allow\"",
            "mails that no person wrote: bounces, lists, notices, out-of-office answers; none of them is answered",
        ),
        Key::usual(
            "encrypted",
            Allowed::Word(vec!["refuse", "allow"]),
            "\"refuse\"",
            "a mail that is encrypted (S/MIME, PGP): refuse: its job fails, and its sender is asked to send it plain; allow",
        ),
        Key::usual(
            "conversation",
            Allowed::Word(vec!["any", "required", "none"]),
            "\"any\"",
            "whether it answers a reply of ours: any; required: only answers that count; none: only other mails",
        ),
        Key::never(
            "answers_to",
            globs(),
            &[(
                "[\"requests\"]",
                "only answers that count, to replies of these endpoints",
            )],
        ),
    ]
}

fn globs() -> Allowed {
    Allowed::one_or_more(Allowed::Text)
}
