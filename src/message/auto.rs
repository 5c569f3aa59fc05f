//! Whether a mail must not be answered, judged by its header alone (RFC 3834, RFC 5230 section 4.6). Pure.
//!
//! Whoever is in doubt stays silent: a missing reply is a nuisance, a loop is an outage.

use super::{
    Address, Automatic, LOOP_MARK, charset::CharsetHints, clean::lossy, encoded_words, repair::INSTEAD_OF_REPORT,
};
use crate::addr_spec::{is_plain, unquoted};

/// A mail that passed this many servers is going round (Postfix `hopcount_limit`).
const MAX_HOPS: usize = 50;

/// Judges the raw fields of a header, in any order, and the addresses of From.
#[must_use]
pub fn judge<'a>(fields: impl Iterator<Item = (&'a str, &'a [u8])>, from: &[Address]) -> Option<Automatic> {
    let (mut found, mut hops, mut froms, mut bounces) = (None, 0, 0, false);
    for (name, value) in fields {
        hops += usize::from(name.eq_ignore_ascii_case("Received"));
        froms += usize::from(name.eq_ignore_ascii_case("From"));
        bounces |= name.eq_ignore_ascii_case("Subject") && is_bounce(value);
        found = strongest(found, of_field(name, value));
    }
    let sender = from.iter().find(|from| is_plain(&unquoted(&from.address)));
    let no_sender = froms != 1 || sender.is_none();
    let role = from
        .iter()
        .any(|from| is_role(&from.address) || bounces && is_postmaster(&from.address));
    [
        role.then_some(Automatic::RoleSender),
        (hops >= MAX_HOPS).then_some(Automatic::Hops),
        no_sender.then_some(Automatic::NoSender),
    ]
    .into_iter()
    .fold(found, strongest)
}

fn strongest(a: Option<Automatic>, b: Option<Automatic>) -> Option<Automatic> {
    a.into_iter().chain(b).min()
}

/// What one field proves.
fn of_field(name: &str, value: &[u8]) -> Option<Automatic> {
    let name = name.to_ascii_lowercase();
    let value = || lossy(value).trim().to_ascii_lowercase();
    let when = |holds: bool, why| holds.then_some(why);
    match name.as_str() {
        "return-path" => when(is_null_sender(&value()), Automatic::NullSender),
        "content-type" => {
            let value = value();
            let is_report = REPORTS.contains(&keyword(&value)) || value.contains(INSTEAD_OF_REPORT);
            when(is_report, Automatic::Report)
        }
        "auto-submitted" => when(keyword(&value()) != "no", Automatic::AutoSubmitted),
        "precedence" | "x-precedence" => when(PRECEDENCES.contains(&keyword(&value())), Automatic::Precedence),
        "x-auto-response-suppress" => {
            let value = value();
            let mut wishes = value.split([',', ';', ' ', '\t', '\r', '\n']);
            when(wishes.any(|wish| SILENCE.contains(&wish)), Automatic::AutoResponse)
        }
        "x-post-messageclass" => when(value().contains("autoresponder"), Automatic::AutoResponse),
        "delivered-to" => when(keyword(&value()) == "autoresponder", Automatic::AutoResponse),
        "sender" => {
            let value = value();
            let address = value.rsplit('<').next().unwrap_or_default();
            when(is_role(address.trim_end_matches('>')), Automatic::RoleSender)
        }
        _ if name.eq_ignore_ascii_case(LOOP_MARK) => Some(Automatic::Ourselves),
        _ if LIST_FIELDS.contains(&name.as_str()) => Some(Automatic::List),
        _ if BOUNCE_FIELDS.contains(&name.as_str()) => Some(Automatic::Report),
        _ if MACHINE_FIELDS.contains(&name.as_str()) || is_of_machine(&name) => when(
            !matches!(keyword(&value()), "no" | "false" | "0"),
            Automatic::AutoResponse,
        ),
        _ => None,
    }
}

/// An empty Return-Path, or what delivery agents write for it: Postfix's pipe(8) has `MAILER-DAEMON`, with a domain or without.
fn is_null_sender(value: &str) -> bool {
    let path: String = value
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '<' | '>' | '"'))
        .collect();
    path.is_empty() || plain_local(&path) == "mailerdaemon"
}

/// A mail that tells what became of another (RFC 6522, RFC 3464, RFC 8098).
const REPORTS: [&str; 4] = [
    "multipart/report",
    "message/delivery-status",
    "message/disposition-notification",
    "message/global-delivery-status",
];

/// Values of Precedence that no person writes. `auto_reply` is that of vacation programs.
const PRECEDENCES: [&str; 6] = ["bulk", "junk", "list", "auto_reply", "auto-reply", "autoreply"];

/// Fields of lists and of those who send to many: RFC 2369, RFC 2919, RFC 8058; ezmlm, Mailman, Google Groups, and the feedback loops of
/// bulk senders.
const LIST_FIELDS: [&str; 15] = [
    "list-id",
    "list-help",
    "list-subscribe",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "list-post",
    "list-owner",
    "list-archive",
    "mailing-list",
    "x-mailing-list",
    "x-beenthere",
    "x-mailman-version",
    "x-google-group-id",
    "x-listserver",
    "feedback-id",
];

/// Fields of bounces: Exim and Gmail; Exchange.
const BOUNCE_FIELDS: [&str; 2] = ["x-failed-recipients", "x-ms-exchange-message-is-ndr"];

/// Fields by which answering machines and senders of notices are known, each of at least one that does not write Auto-Submitted.
const MACHINE_FIELDS: [&str; 17] = [
    "x-autoreply",
    "x-auto-reply",
    "x-autoreply-from",
    "x-autorespond",
    "x-autoresponder",
    "x-autoresponse",
    "x-auto-response",
    "x-mail-autoreply",
    "x-autogenerated",
    "x-auto-generated",
    "x-autogenerated-message",
    "x-fc-machinegenerated",
    "x-loop",
    "x-ms-exchange-inbox-rules-loop",
    "x-ms-exchange-generated-message-source",
    "x-ms-exchange-parent-message-id",
    "x-away-notification",
];

/// Whether a field's name says by itself that an answering machine wrote it: there are as many of these as there are programs.
fn is_of_machine(name: &str) -> bool {
    const WORDS: [&str; 5] = ["autoreply", "autorespon", "autogenerated", "outofoffice", "vacation"];
    name.starts_with("x-") && {
        let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        WORDS.iter().any(|word| letters.contains(word))
    }
}

/// Values of Exchange's X-Auto-Response-Suppress that ask for silence; the others only mean receipts. -1 is all of them.
const SILENCE: [&str; 4] = ["all", "autoreply", "oof", "-1"];

/// Whether a subject is one of a bounce.
pub(super) fn is_bounce(subject: &[u8]) -> bool {
    const WORDS: [&str; 33] = [
        "undeliver",
        "not delivered",
        "delivery fail",
        "delivery has failed",
        "delivery status",
        "delivery notification",
        "delivery delayed",
        "delivery problem",
        "mail delivery",
        "returned mail",
        "failure notice",
        "non-delivery",
        "nondeliverable",
        "unzustellbar",
        // As Exchange and others write it for those who read another language.
        "non remis",
        "échec de la remise",
        "no se puede entregar",
        "no entregado",
        "non recapitabile",
        "mancata consegna",
        "não entregue",
        "onbestelbaar",
        "olevererbart",
        "kan ikke leveres",
        "toimittaminen epäonnistui",
        "nie można dostarczyć",
        "nedoručiteln",
        "не доставлено",
        "не удается доставить",
        "配信不能",
        "未送達",
        "退信",
        "無法傳遞",
    ];
    let subject = encoded_words::text(subject, CharsetHints::default()).to_lowercase();
    WORDS.iter().any(|word| subject.contains(word))
}

/// The first word of a value, without quotes, parameters and comments.
fn keyword(value: &str) -> &str {
    let value = value.trim_start_matches('"');
    value
        .split([';', '(', ' ', '\t', '\r', '\n', '"'])
        .next()
        .unwrap_or_default()
}

/// The part before the `@`, in lower case and without what separates its words.
fn plain_local(address: &str) -> String {
    let local = address.rsplit_once('@').map_or(address, |(local, _)| local);
    let letters = local.chars().filter(|c| !matches!(c, '.' | '-' | '_'));
    letters.flat_map(char::to_lowercase).collect()
}

/// Addresses behind which nobody reads: RFC 5230 section 4.6, those who say so themselves, and return paths that were rewritten (SRS,
/// BATV).
fn is_role(address: &str) -> bool {
    let local = address
        .rsplit_once('@')
        .map_or(address, |(local, _)| local)
        .to_ascii_lowercase();
    let last = local
        .rsplit(['-', '+', '='])
        .next()
        .filter(|last| last.len() < local.len());
    let plain = plain_local(address);
    let begins = |start: &&'static str| {
        plain
            .strip_prefix(*start)
            .is_some_and(|rest| rest.is_empty() || local_ends(&local, rest))
    };
    ROLES.iter().any(begins)
        || local.starts_with("owner-")
        || last.is_some_and(|last| ["request", "owner", "bounces", "bounce", "return", "noreply"].contains(&last))
        || ["srs0", "srs1", "prvs", "btv1"].iter().any(|scheme| local.starts_with(&format!("{scheme}=")))
        // Exchange's own: the address from which it bounces.
        || local.strip_prefix("microsoftexchange").is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Whether what follows a role's name is a word of its own: `noreply-7`, `bounces+ann=a.example`, but not `bouncer`.
fn local_ends(local: &str, rest: &str) -> bool {
    let separated = local
        .char_indices()
        .filter(|(_, c)| matches!(c, '-' | '.' | '_'))
        .any(|(at, _)| {
            let after = local.get(at + 1..).unwrap_or_default();
            after.chars().filter(|c| !matches!(c, '.' | '-' | '_')).eq(rest.chars())
        });
    separated || rest.starts_with(|c: char| matches!(c, '+' | '=') || c.is_ascii_digit())
}

/// Whether an address is nobody's who asks for something: of a machine, a list, all of a company, or whoever answers for a domain
/// (RFC 2142).
pub(super) fn is_nobodys(address: &str) -> bool {
    const DUTIES: [&str; 20] = [
        "postmaster",
        "hostmaster",
        "webmaster",
        "listmaster",
        "abuse",
        "security",
        "noc",
        "usenet",
        "uucp",
        "ftp",
        "www",
        "daemon",
        "subscribe",
        "unsubscribe",
        "all",
        "allstaff",
        "staff",
        "everyone",
        "everybody",
        "allusers",
    ];
    let local = address.rsplit_once('@').map_or(address, |(local, _)| local);
    let mut words = local.split(['-', '.', '_', '+']);
    let leaves = words.any(|word| word.eq_ignore_ascii_case("unsubscribe") || word.eq_ignore_ascii_case("subscribe"));
    // What is behind a `+` is the mailbox's own.
    let user = plain_local(local.split_once('+').map_or(local, |(user, _)| user));
    is_role(address) || leaves || DUTIES.contains(&user.as_str())
}

/// Who writes bounces.
pub(super) fn is_bouncer(address: &str) -> bool {
    is_postmaster(address) || plain_local(address) == "mailerdaemon" || is_role(address)
}

/// `postmaster`: a person may sit there, but not one who writes of what could not be delivered.
fn is_postmaster(address: &str) -> bool {
    plain_local(address) == "postmaster"
}

const ROLES: [&str; 14] = [
    "mailerdaemon",
    "maildaemon",
    "listserv",
    "majordomo",
    "noreply",
    "noreplies",
    "donotreply",
    "dontreply",
    "autoreply",
    "autoresponder",
    "bounce",
    "bounces",
    "nobody",
    "root",
];

#[cfg(test)]
#[path = "auto_tests.rs"]
mod tests;
