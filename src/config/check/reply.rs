//! Who hears of the result, and what becomes of the mail in its mailbox.

use std::sync::Arc;

use toml::de::DeValue;

use super::mailbox::Accounts;
use crate::config::{
    Account, Fate, Mailbox, Protocol, Reply, ReplyTo, Settle,
    problem::Fault,
    read::Value,
    table::Table,
    value::{address, flag, one_or_more, text},
};

/// Reads `[reply]`; without it nobody is answered.
pub(super) fn reply(top: &mut Table<'_>, mailbox: Option<&Mailbox>, accounts: &Accounts) -> Option<Reply> {
    match top.value("reply") {
        Some(value) => value.table(|table| section(table, mailbox, accounts)),
        None => Some(Reply::none()),
    }
}

fn section(table: &mut Table<'_>, mailbox: Option<&Mailbox>, accounts: &Accounts) -> Option<Reply> {
    let to = table.or("to", ReplyTo::Sender, recipient);
    let named = table.get("account", |value| accounts.named(&value));
    let on_success = table.or("success", true, flag);
    let on_failure = table.or("failure", true, flag);
    if to == ReplyTo::Nobody {
        return Some(Reply::none());
    }
    if let (false, false, Some(value)) = (on_success, on_failure, table.value("failure")) {
        value.wrong::<()>(
            "is off like success, so nobody is answered",
            "write to = \"nobody\" if that is meant",
        );
    }
    let watched = || mailbox.map(|mailbox| Arc::clone(&mailbox.account));
    let account = named.or_else(|| watched().filter(|_| table.value("account").is_none()))?;
    can_send(table, &account);
    Some(Reply {
        to,
        account: Some(account),
        on_success,
        on_failure,
    })
}

/// A reply needs a server that takes it and an address that it comes from.
fn can_send(table: &mut Table<'_>, account: &Account) {
    let name = &account.name;
    if account.smtp.is_none() {
        let cause = format!("replies can't be sent: the account \"{name}\" has no SMTP server");
        table.lacks(
            cause,
            "add smtp = { host = \"…\" } to the account, or write to = \"nobody\"",
        );
    }
    if account.from.is_none() {
        let cause = format!("replies have no sender: the user of the account \"{name}\" is no mail address");
        table.lacks(cause, "add from = \"name@domain\" to the account");
    }
}

/// `sender`, `nobody`, an address or a list of addresses.
fn recipient(value: Value<'_>) -> Option<ReplyTo> {
    match value.raw {
        DeValue::String(text) if text == "sender" => Some(ReplyTo::Sender),
        DeValue::String(text) if text == "nobody" => Some(ReplyTo::Nobody),
        DeValue::String(text) if !text.contains('@') => value.wrong(
            format!("is \"{text}\""),
            "write \"sender\", \"nobody\", a mail address or a list of them",
        ),
        _ => one_or_more(address)(value).map(ReplyTo::Addresses),
    }
}

/// Reads `[settle]`.
pub(super) fn settle(top: &mut Table<'_>, mailbox: Option<&Mailbox>) -> Option<Settle> {
    let protocol = mailbox.map_or(Protocol::Imap, |mailbox| mailbox.protocol);
    let default = Settle::usual(protocol);
    let written = top.value("settle");
    match written {
        Some(value) => value.table(|table| {
            Some(Settle {
                done: end(table, "done", default.done, mailbox),
                failed: end(table, "failed", default.failed, mailbox),
                ignored: end(table, "ignored", default.ignored, mailbox),
                refused: end(table, "refused", default.refused, mailbox),
            })
        }),
        None => {
            let done = unwritten("done", &default.done, mailbox);
            let fault = done.or_else(|| unwritten("failed", &default.failed, mailbox));
            if let (Some(fault), Some(mailbox)) = (fault, top.value("mailbox")) {
                mailbox.misnamed(fault);
            }
            Some(default)
        }
    }
}

fn end(table: &mut Table<'_>, key: &'static str, default: Fate, mailbox: Option<&Mailbox>) -> Fate {
    if let Some(value) = table.value(key) {
        let fate = fate(value.clone(), mailbox).and_then(|fate| possible(fate, &value, mailbox));
        return fate.unwrap_or(default);
    }
    if let Some(fault) = unwritten(key, &default, mailbox) {
        table.lacks(fault.cause, fault.cure);
    }
    default
}

/// A default that can't be meant: the mailbox that is watched happens to be the one that mails are moved to.
fn unwritten(end: &str, default: &Fate, mailbox: Option<&Mailbox>) -> Option<Fault> {
    match (default, mailbox) {
        (Fate::Move(target), Some(watched)) if same_mailbox(target, &watched.name) => Some(Fault::new(
            format!("{end} mails are moved to \"{target}\" when nothing else is written, but that mailbox is watched"),
            format!("write [settle] with {end} = \"keep\", or {{ move = \"…\" }} to another mailbox"),
        )),
        _ => None,
    }
}

/// INBOX in any case is the same mailbox (RFC 9051 section 5.1); other names are taken as they are.
pub(in crate::config) fn same_mailbox(one: &str, other: &str) -> bool {
    one == other || (one.eq_ignore_ascii_case("INBOX") && other.eq_ignore_ascii_case("INBOX"))
}

/// A POP3 server can keep a mail or delete it, and knows neither flags nor other mailboxes.
fn possible(fate: Fate, value: &Value<'_>, mailbox: Option<&Mailbox>) -> Option<Fate> {
    let what = match (mailbox.map(|mailbox| mailbox.protocol), &fate) {
        (Some(Protocol::Pop3), Fate::Mark) => "marks mails as read",
        (Some(Protocol::Pop3), Fate::Flag) => "flags mails",
        (Some(Protocol::Pop3), Fate::Move(_)) => "moves mails",
        (Some(Protocol::Imap | Protocol::Pop3 | Protocol::Smtp) | None, _) => return Some(fate),
    };
    value.wrong(
        format!("{what}, which POP3 can't"),
        "write \"keep\" or \"delete\", or read the mailbox by IMAP",
    )
}

fn fate(value: Value<'_>, mailbox: Option<&Mailbox>) -> Option<Fate> {
    const CURE: &str = "write \"keep\", \"mark\", \"flag\", \"delete\" or { move = \"…\" }";
    let DeValue::String(word) = value.raw else {
        return value.table(|table| table.must("move", CURE, |value| target(value, mailbox)).map(Fate::Move));
    };
    match word.as_ref() {
        "keep" => Some(Fate::Keep),
        "mark" => Some(Fate::Mark),
        "flag" => Some(Fate::Flag),
        "delete" => Some(Fate::Delete),
        other => value.wrong(format!("is \"{other}\""), CURE),
    }
}

fn target(value: Value<'_>, mailbox: Option<&Mailbox>) -> Option<String> {
    let target = text(value.clone())?;
    if mailbox.is_some_and(|watched| same_mailbox(&target, &watched.name)) {
        return value.wrong("is the mailbox that is watched", "write another mailbox, or \"keep\"");
    }
    Some(target)
}
