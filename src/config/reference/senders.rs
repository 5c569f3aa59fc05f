//! Whose mail is accepted, and how much of it.

use crate::config::key::{Allowed, Key, Section};

pub(super) fn sections() -> Vec<Section> {
    vec![Section::new("senders", SENDERS_ABOUT, senders())]
}

const SENDERS_ABOUT: &str = "\
Whose mail is accepted, of what is meant. Without allow, deny and require anybody's. What is refused is ignored, never answered, and
has an end of its own in [settle]. A mail whose From can be read in two ways is of nobody: it is refused where anything is asked of
senders, and no sender is ever answered by it.";

fn senders() -> Vec<Key> {
    vec![
        Key::never(
            "allow",
            Allowed::one_or_more(Allowed::Text),
            &[(
                "[\"ann@a.example\", \"b.example\", \"*.c.example\"]",
                "an address; a domain (or *@ and it), not what is below it; all that is below a domain",
            )],
        ),
        Key::never(
            "deny",
            Allowed::one_or_more(Allowed::Text),
            &[("[\"noisy@b.example\"]", "the same; wins over allow")],
        ),
        Key::usual(
            "require",
            Allowed::Word(vec!["none", "dmarc", "dkim", "spf"]),
            "\"none\"",
            "dmarc, dkim or spf: what must have passed for From's domain; dkim and spf of a domain above it count too",
        ),
        Key::never("trust", Allowed::one_or_more(Allowed::Text), &[("\"microsoft\"", "")]).below(TRUST),
        Key::usual(
            "verify",
            Allowed::Flag,
            "false",
            "whether mailjob verifies DKIM and DMARC itself, by DNS, where the results above don't suffice; SPF can't be done again",
        ),
        Key::usual(
            "dns_timeout",
            Allowed::Duration("10ms".to_owned(), "5m".to_owned()),
            "\"10s\"",
            "of one mail's questions to DNS; no answer means another attempt",
        ),
    ]
}

const TRUST: &str = "\
Whose Authentication-Results are believed: microsoft, google, nobody, or a list of names of servers that write them and remove
forged ones (RFC 8601). Only the topmost counts. When nothing is written: the provider's own, else nobody's.";
