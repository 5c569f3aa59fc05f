//! Who hears of the result, what happens to the mail in the end, and what it may cost.

use super::{Key, Section, Shape};

pub(super) const SECTIONS: &[Section] = &[
    Section {
        name: "reply",
        about: "Who hears of the result. Without this table nobody does.",
        off: false,
        open: None,
        keys: &[
            Key::usual("to", Shape::OneOrMore(&Shape::Either(&[Shape::Word(&["sender", "nobody"]), Shape::Address])), "\"sender\"", "sender, nobody, an address, or a list of addresses"),
            Key::never("account", Shape::Text, &[("\"contoso\"", "whose SMTP server and From; the mailbox's own when nothing is written")]),
            Key::usual("success", Shape::Flag, "true", "whether a done job is answered"),
            Key::usual("failure", Shape::Flag, "true", "whether a failed job is answered"),
        ],
    },
    Section {
        name: "settle",
        about: "What happens to the mail in its mailbox in the end: keep, mark (as read), flag, delete, or { move = \"…\" } to a mailbox that is
made if it is missing. POP3 can only keep and delete: there it is done = \"delete\", failed = \"keep\" and ignored = \"keep\" when
nothing is written.",
        off: false,
        open: None,
        keys: &[
            Key::usual("done", FATE, "{ move = \"Processed\" }", "").by_pop3("\"delete\""),
            Key::usual("failed", FATE, "{ move = \"Failed\" }", "").by_pop3("\"keep\""),
            Key::usual("ignored", FATE, "\"keep\"", ""),
        ],
    },
    Section {
        name: "limits",
        about: "What a mail may cost; one that is over is held for a person to look at.",
        off: false,
        open: None,
        keys: &[
            Key::usual("size", Shape::Size("1KiB", "1GiB"), "\"50MiB\"", "of the raw mail"),
            Key::usual("depth", Shape::Count(1, 64), "50", "nesting of parts"),
            Key::usual("parts", Shape::Count(1, 10_000), "1000", ""),
            Key::usual("headers", Shape::Count(1, 100_000), "1000", "header fields of the mail"),
            Key::usual("attachments", Shape::Count(1, 10_000), "200", "that are handed on"),
            Key::usual("time", Shape::Duration("10ms", "5m"), "\"10s\"", "for reading the mail"),
        ],
    },
];

/// An end of a mail.
const FATE: Shape = Shape::Either(&[
    Shape::Word(&["keep", "mark", "flag", "delete"]),
    Shape::Table(&[Key::must("move", Shape::Text, "\"…\"", "")]),
]);
