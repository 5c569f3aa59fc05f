//! Whether a mail must not be answered, judged by its header alone (RFC 3834, RFC 5230 section 4.6). Pure.
//!
//! Whoever is in doubt stays silent: a missing reply is a nuisance, a loop is an outage.

use super::{Address, Automatic, LOOP_MARK};
use crate::addr_spec::{is_plain, unquoted};

/// A mail that passed this many servers is going round (Postfix `hopcount_limit`).
const MAX_HOPS: usize = 50;

/// Judges the raw fields of a header, in any order, and the addresses of From.
#[must_use]
pub fn judge<'a>(fields: impl Iterator<Item = (&'a str, &'a [u8])>, from: &[Address]) -> Option<Automatic> {
    let (mut found, mut hops, mut froms) = (None, 0, 0);
    for (name, value) in fields {
        hops += usize::from(name.eq_ignore_ascii_case("Received"));
        froms += usize::from(name.eq_ignore_ascii_case("From"));
        found = strongest(found, of_field(name, value));
    }
    let sender = from.iter().find(|from| is_plain(&unquoted(&from.address)));
    let no_sender = froms != 1 || sender.is_none();
    let role = from.iter().any(|from| is_role(&from.address));
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
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    let value = || String::from_utf8_lossy(value).trim().to_ascii_lowercase();
    let when = |holds: bool, why| holds.then_some(why);
    if is(LOOP_MARK) {
        Some(Automatic::Ourselves)
    } else if is("Return-Path") {
        when(value() == "<>", Automatic::NullSender)
    } else if is("Content-Type") {
        when(keyword(&value()) == "multipart/report", Automatic::Report)
    } else if is("Auto-Submitted") {
        when(keyword(&value()) != "no", Automatic::AutoSubmitted)
    } else if name.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("List-")) {
        when(LIST_FIELDS.into_iter().any(is), Automatic::List)
    } else if is("Precedence") {
        when(
            matches!(keyword(&value()), "bulk" | "junk" | "list"),
            Automatic::Precedence,
        )
    } else if is("X-Auto-Response-Suppress") {
        when(
            value().split(',').any(|wish| SILENCE.contains(&wish.trim())),
            Automatic::AutoResponse,
        )
    } else if is("X-Autoreply") || is("X-Autorespond") {
        when(keyword(&value()) != "no", Automatic::AutoResponse)
    } else if is("Sender") {
        let value = value();
        let address = value.rsplit('<').next().unwrap_or_default();
        when(is_role(address.trim_end_matches('>')), Automatic::RoleSender)
    } else {
        None
    }
}

/// RFC 2369 and RFC 2919.
const LIST_FIELDS: [&str; 7] = [
    "List-Id",
    "List-Help",
    "List-Subscribe",
    "List-Unsubscribe",
    "List-Post",
    "List-Owner",
    "List-Archive",
];

/// Values of Exchange's X-Auto-Response-Suppress that ask for silence; the others only mean receipts.
const SILENCE: [&str; 3] = ["all", "autoreply", "oof"];

/// The first word of a value, without parameters and comments.
fn keyword(value: &str) -> &str {
    value
        .split([';', '(', ' ', '\t', '\r', '\n'])
        .next()
        .unwrap_or_default()
}

/// Addresses behind which nobody reads: RFC 5230 section 4.6, and those who say so themselves.
fn is_role(address: &str) -> bool {
    let local = address
        .rsplit_once('@')
        .map_or(address, |(local, _)| local)
        .to_ascii_lowercase();
    local.starts_with("owner-") || local.ends_with("-request") || ROLES.contains(&local.as_str())
}

const ROLES: [&str; 8] = [
    "mailer-daemon",
    "listserv",
    "majordomo",
    "noreply",
    "no-reply",
    "no_reply",
    "donotreply",
    "do-not-reply",
];

#[cfg(test)]
#[path = "auto_tests.rs"]
mod tests;
