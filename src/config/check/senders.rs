//! Whose mail is accepted, and how many jobs and replies there may be.

use std::time::Duration;

use toml::de::DeValue;

use super::{HOUR, INSTANT, MINUTE, SECOND};
use crate::{
    addr_spec::{normal, normal_domain},
    config::{
        Mailbox, Proof, Provider, Rate, SenderList, Senders, Trust,
        declare::{keys, never, usual},
        key::Allowed,
        kind::{Flag, OneOf, PerTime, Time},
        sheet::PlacedValue,
        table::Table,
        value::{one_or_more, text},
    },
};

/// Reads `[senders]`; without it anybody may.
pub(super) fn senders(top: &mut Table<'_>, mailbox: Option<&Mailbox>) -> Senders {
    let provider = mailbox.map_or(Provider::Other, |mailbox| mailbox.account.provider);
    let usual = Senders::usual(provider);
    top.get("senders", |value| value.table(|table| section(table, &usual)))
        .unwrap_or(usual)
}

keys! {
    /// `[senders]` as it is written.
    pub(in crate::config) struct SenderKeys in "senders" "\
Whose mail is accepted, of what is meant. Without allow, deny and require anybody's. What is refused is ignored, never answered, and
has an end of its own in [settle]. A mail whose From can be read in two ways is of nobody: it is refused where anything is asked of
senders, and no sender is ever answered by it." {
        allow: Vec<SenderList> = Allowed::one_or_more(Allowed::Text) => one_or_more(who),
            never("[\"ann@a.example\", \"b.example\", \"*.c.example\"]"),
            "an address; a domain (or *@ and it), not what is below it; all that is below a domain";
        deny: Vec<SenderList> = Allowed::one_or_more(Allowed::Text) => one_or_more(who), never("[\"noisy@b.example\"]"),
            "the same; wins over allow";
        require: Option<Proof> =
            OneOf(&[("none", None), ("dmarc", Some(Proof::Dmarc)), ("dkim", Some(Proof::Dkim)), ("spf", Some(Proof::Spf))]), usual(None),
            "dmarc, dkim or spf: what must have passed for From's domain; dkim and spf of a domain above it count too";
        trust: Option<Trust> = Allowed::one_or_more(Allowed::Text) => trust, never("\"microsoft\""), "", below("\
Whose Authentication-Results are believed: microsoft, google, nobody, or a list of names of servers that write them and remove
forged ones (RFC 8601). Only the topmost counts. When nothing is written: the provider's own, else nobody's.");
        verify: bool = Flag, usual(false),
            "whether mailjob verifies DKIM and DMARC itself, by DNS, where the results above don't suffice; SPF can't be done again";
        dns_timeout: Duration = Time(INSTANT..=5 * MINUTE), usual(10 * SECOND),
            "of one mail's questions to DNS; no answer means another attempt";
    }
}

fn section(table: &mut Table<'_>, usual: &Senders) -> Option<Senders> {
    let written = SenderKeys::read(table)?;
    let is_flag = |value: PlacedValue<'_>| matches!(value.raw, DeValue::Boolean(_));
    let are_right =
        table.value("verify").is_none_or(is_flag) && (written.trust.is_some() || table.value("trust").is_none());
    let verify = written.verify;
    let senders = Senders {
        allow: written.allow,
        deny: written.deny,
        require: written.require,
        trust: written.trust.unwrap_or_else(|| usual.trust.clone()),
        verify: verify.then_some(written.dns_timeout),
    };
    let believed = senders.trust != Trust::Nobody;
    let (cause, cure) = match senders.require {
        Some(Proof::Spf) if !believed => (
            "can't be shown: who sent it is known only to the server that received it, and nobody's results are believed",
            "write trust = [\"…\"] with the name that your mail server writes into Authentication-Results, or require = \"dkim\" and verify = true",
        ),
        Some(Proof::Dmarc | Proof::Dkim) if !believed && !verify => (
            "can't be shown: nobody's results are believed, and signatures are not verified here",
            "write verify = true, or trust = [\"…\"] with the name that your mail server writes into Authentication-Results",
        ),
        _ => return Some(senders),
    };
    if let Some(value) = table.value("require").filter(|_| are_right) {
        value.wrong::<()>(cause, cure);
    }
    Some(senders)
}

/// `name@domain`, `domain` or `*.domain`; `*@` in front of a domain says the same as without.
fn who(value: PlacedValue<'_>) -> Option<SenderList> {
    let written = text(value.clone())?;
    let domain = written.strip_prefix("*@").unwrap_or(&written);
    let below = domain.strip_prefix("*.");
    let is_open = |text: &str| text.contains(['*', '?']);
    let is_host = |domain: &str| domain.contains('.') || domain != written;
    let who = match below {
        Some(below) if !is_open(below) => normal_domain(below).map(SenderList::Below),
        None if is_open(domain) => None,
        None if domain.contains('@') => normal(domain).map(SenderList::Address),
        None if is_host(domain) => normal_domain(domain).map(SenderList::Domain),
        Some(_) | None => None,
    };
    who.or_else(|| {
        value.wrong(
            format!("is \"{written}\", neither an address nor a domain"),
            meant(&written),
        )
    })
}

/// What somebody should write who wrote this for senders.
fn meant(written: &str) -> String {
    const USUAL: &str =
        "write \"ann@a.example\", \"a.example\" for that domain alone, or \"*.a.example\" for all below it";
    if matches!(written, "*" | "*@*" | "**" | "all" | "any" | "anybody") {
        return "everybody is meant by itself: remove the line".to_owned();
    }
    if let Some((_, inside)) = written.split_once('<') {
        return format!("write the address alone: \"{}\"", inside.trim_end_matches('>').trim());
    }
    let parts = || written.split([',', ';', ' ']).filter(|part| !part.is_empty());
    if parts().count() > 1 && parts().all(|part| part.contains('@') || part.contains('.')) {
        let list: Vec<_> = parts().map(|part| format!("\"{part}\"")).collect();
        return format!("write a list: [{}]", list.join(", "));
    }
    let domain = written.trim_start_matches(['@', '.']);
    match normal_domain(domain) {
        Some(_) if written.starts_with('@') => format!("write \"{domain}\""),
        Some(_) if written.starts_with('.') => format!("write \"*.{domain}\""),
        Some(_) if !written.contains('.') => format!("{USUAL}; a domain without a dot is written \"*@{domain}\""),
        _ if written.contains(['*', '?']) => {
            format!("* stands only for a whole name or for what is below a domain: {USUAL}")
        }
        _ => USUAL.to_owned(),
    }
}

/// `microsoft`, `google`, `nobody`, or the names of servers.
fn trust(value: PlacedValue<'_>) -> Option<Trust> {
    const CURE: &str = "write \"microsoft\", \"google\", \"nobody\", or a list of server names as they stand in Authentication-Results";
    match value.raw {
        DeValue::String(word) => match word.as_ref() {
            "microsoft" => Some(Trust::Microsoft),
            "google" => Some(Trust::Google),
            "nobody" => Some(Trust::Nobody),
            other => value.wrong(format!("is \"{other}\""), CURE),
        },
        _ => one_or_more(server)(value).map(Trust::Servers),
    }
}

fn server(value: PlacedValue<'_>) -> Option<String> {
    let name = text(value.clone())?;
    normal_domain(&name).or_else(|| {
        let cure = match name.trim_start_matches('*').trim_start_matches(['@', '.']) {
            domain if name.starts_with('*') && normal_domain(domain).is_some() => {
                format!("write each server's whole name, such as \"mx.{domain}\": there are no patterns here")
            }
            _ => "write it as \"mx.us.example\", as it stands in Authentication-Results".to_owned(),
        };
        value.wrong(format!("is \"{name}\", no server's name"), cure)
    })
}

keys! {
    /// How many jobs and replies there may be in a time; `None` is no limit. What is usual per recipient is more than a person asks for by
    /// hand, and little enough that nobody is flooded in whose name others write (RFC 3834 section 2).
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Rates: Default in "rates" "\
How much there may be in any span of a second, minute, hour or day (\"20/h\"), or false. Jobs that are too many wait for their turn and
are not lost; replies that are too many are not sent. A limit per recipient holds for addresses that a mail named, not for yours: more
than a person asks for by hand, and little enough that nobody is flooded in whose name others write." {
        jobs: Option<Rate> = PerTime, usual(None), "that begin";
        jobs_per_sender: Option<Rate> = PerTime, usual(None), "of one sender that begin";
        replies: Option<Rate> = PerTime, usual(hourly(1000)), "";
        replies_per_recipient: Option<Rate> = PerTime, usual(hourly(60)), "over all endpoints that send by the account; ann+x is ann";
        replies_in_thread: Option<Rate> = PerTime, usual(hourly(3)),
            "to one address whose mails answer ours: so two machines come to an end; accepted answers to a [conversation] don't count";
    }
}

fn hourly(count: u32) -> Option<Rate> {
    Some(Rate { count, per: HOUR })
}
