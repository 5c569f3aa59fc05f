//! Whose mail is accepted, and how much of it.

use super::{Key, Section, Shape};

pub(super) const SECTIONS: &[Section] = &[
    Section::new("senders", SENDERS_ABOUT, SENDERS),
    Section::new(
        "rates",
        RATES_ABOUT,
        &[
            Key::usual("jobs", Shape::Rate, "false", "that begin"),
            Key::usual("jobs_per_sender", Shape::Rate, "false", "of one sender that begin"),
            Key::usual("replies", Shape::Rate, "\"1000/h\"", ""),
            Key::usual(
                "replies_per_recipient",
                Shape::Rate,
                "\"60/h\"",
                "over all endpoints that send by the account; ann+x is ann",
            ),
            Key::usual(
                "replies_in_thread",
                Shape::Rate,
                "\"3/h\"",
                "to one address whose mails answer ours: so two machines come to an end; accepted answers to a [conversation] don't count",
            ),
        ],
    ),
];

const SENDERS_ABOUT: &str = "\
Whose mail is accepted, of what is meant. Without allow, deny and require anybody's. What is refused is ignored, never answered, and
has an end of its own in [settle]. A mail whose From can be read in two ways is of nobody: it is refused where anything is asked of
senders, and no sender is ever answered by it.";

const SENDERS: &[Key] = &[
    Key::never(
        "allow",
        Shape::OneOrMore(&Shape::Text),
        &[(
            "[\"ann@a.example\", \"b.example\", \"*.c.example\"]",
            "an address; a domain (or *@ and it), not what is below it; all that is below a domain",
        )],
    ),
    Key::never(
        "deny",
        Shape::OneOrMore(&Shape::Text),
        &[("[\"noisy@b.example\"]", "the same; wins over allow")],
    ),
    Key::usual(
        "require",
        Shape::Word(&["none", "dmarc", "dkim", "spf"]),
        "\"none\"",
        "dmarc, dkim or spf: what must have passed for From's domain; dkim and spf of a domain above it count too",
    ),
    Key::never("trust", Shape::OneOrMore(&Shape::Text), &[("\"microsoft\"", "")]).below(TRUST),
    Key::usual(
        "verify",
        Shape::Flag,
        "false",
        "whether mailjob verifies DKIM and DMARC itself, by DNS, where the results above don't suffice; SPF can't be done again",
    ),
    Key::usual(
        "dns_timeout",
        Shape::Duration("10ms", "5m"),
        "\"10s\"",
        "of one mail's questions to DNS; no answer means another attempt",
    ),
];

const TRUST: &str = "\
Whose Authentication-Results are believed: microsoft, google, nobody, or a list of names of servers that write them and remove
forged ones (RFC 8601). Only the topmost counts. When nothing is written: the provider's own, else nobody's.";

const RATES_ABOUT: &str = "\
How much there may be in any span of a second, minute, hour or day (\"20/h\"), or false. Jobs that are too many wait for their turn and
are not lost; replies that are too many are not sent. A limit per recipient holds for addresses that a mail named, not for yours: more
than a person asks for by hand, and little enough that nobody is flooded in whose name others write.";
