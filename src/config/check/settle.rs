//! What becomes of a mail in its mailbox.

use toml::de::DeValue;

use crate::config::{
    Mailbox, Place, ReadBy, Settle, SettleAction,
    declare::{implied, keys},
    key::Allowed,
    problem::Fault,
    sheet::PlacedValue,
    table::Table,
    term::Term,
    value::text,
};

keys! {
    /// `[settle]` as it is written.
    pub(in crate::config) struct SettleKeys in "settle" "\
What happens to the mail in its mailbox in the end: keep, mark (as read), flag, delete, or { move = \"…\" } to a mailbox that is
made if it is missing. POP3 can only keep and delete: there it is done = \"delete\", failed = \"keep\" and ignored = \"keep\" when
nothing is written." reads(mailbox: Option<&Mailbox>) {
        done: Option<SettleAction> = fates() => |value| end(value, mailbox), implied("{ move = \"Processed\" }"), "", by_pop3("\"delete\"");
        failed: Option<SettleAction> = fates() => |value| end(value, mailbox), implied("{ move = \"Failed\" }"), "", by_pop3("\"keep\"");
        ignored: Option<SettleAction> = fates() => |value| end(value, mailbox), implied("\"keep\""), "mails that no endpoint of the mailbox wants";
        refused: Option<SettleAction> = fates() => |value| end(value, mailbox), implied("\"keep\""), "of mails that [senders] refuses";
    }
}

fn fates() -> Allowed {
    let words = Allowed::Word(vec!["keep", "mark", "flag", "delete"]);
    Allowed::Either(vec![words, Allowed::only("move", Allowed::Text)])
}

/// Reads `[settle]`; with what is said of mails that nobody wants, which is for all endpoints of the mailbox.
pub(super) fn settle(top: &mut Table<'_>, mailbox: Option<&Mailbox>) -> Option<(Settle, Option<(Term, Place)>)> {
    let protocol = mailbox.map_or(ReadBy::Imap, |mailbox| mailbox.protocol);
    let usual = Settle::usual(protocol);
    match top.value("settle") {
        Some(value) => value.table(|table| {
            let written = SettleKeys::read(table, mailbox)?;
            let settle = Settle {
                done: written
                    .done
                    .unwrap_or_else(|| possible_usual(table, "done", usual.done, mailbox)),
                failed: written
                    .failed
                    .unwrap_or_else(|| possible_usual(table, "failed", usual.failed, mailbox)),
                ignored: written.ignored.unwrap_or(usual.ignored),
                refused: written.refused.unwrap_or(usual.refused),
            };
            let term = |value: PlacedValue<'_>| (Term::Ignored(settle.ignored.clone()), value.place());
            let ignored = table.value("ignored").map(term);
            Some((settle, ignored))
        }),
        None => {
            let done = unwritten("done", &usual.done, mailbox);
            let fault = done.or_else(|| unwritten("failed", &usual.failed, mailbox));
            if let (Some(fault), Some(mailbox)) = (fault, top.value("mailbox")) {
                mailbox.misnamed(fault);
            }
            Some((usual, None))
        }
    }
}

fn end(value: PlacedValue<'_>, mailbox: Option<&Mailbox>) -> Option<SettleAction> {
    fate(value.clone(), mailbox).and_then(|fate| possible(fate, &value, mailbox))
}

/// What is usual, where it can be meant. One that is written and wrong is told of by itself.
fn possible_usual(
    table: &mut Table<'_>,
    key: &'static str,
    usual: SettleAction,
    mailbox: Option<&Mailbox>,
) -> SettleAction {
    if let (None, Some(fault)) = (table.value(key), unwritten(key, &usual, mailbox)) {
        table.lacks(fault.cause, fault.cure);
    }
    usual
}

/// A default that can't be meant: the mailbox that is watched happens to be the one that mails are moved to.
fn unwritten(end: &str, default: &SettleAction, mailbox: Option<&Mailbox>) -> Option<Fault> {
    match (default, mailbox) {
        (SettleAction::Move(target), Some(watched)) if same_mailbox(target, &watched.name) => Some(Fault::new(
            format!("{end}: mails are moved to \"{target}\" when nothing else is written, but that mailbox is watched"),
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
fn possible(fate: SettleAction, value: &PlacedValue<'_>, mailbox: Option<&Mailbox>) -> Option<SettleAction> {
    let what = match (mailbox.map(|mailbox| mailbox.protocol), &fate) {
        (Some(ReadBy::Pop3), SettleAction::Mark) => "marks mails as read",
        (Some(ReadBy::Pop3), SettleAction::Flag) => "flags mails",
        (Some(ReadBy::Pop3), SettleAction::Move(_)) => "moves mails",
        (Some(ReadBy::Imap | ReadBy::Pop3) | None, _) => return Some(fate),
    };
    value.wrong(
        format!("{what}, which POP3 can't"),
        "write \"keep\" or \"delete\", or read the mailbox by IMAP",
    )
}

fn fate(value: PlacedValue<'_>, mailbox: Option<&Mailbox>) -> Option<SettleAction> {
    const CURE: &str = "write \"keep\", \"mark\", \"flag\", \"delete\" or { move = \"…\" }";
    let DeValue::String(word) = value.raw else {
        return value.table(|table| {
            table
                .must("move", CURE, |value| target(value, mailbox))
                .map(SettleAction::Move)
        });
    };
    match word.as_ref() {
        "keep" => Some(SettleAction::Keep),
        "mark" => Some(SettleAction::Mark),
        "flag" => Some(SettleAction::Flag),
        "delete" => Some(SettleAction::Delete),
        other => value.wrong(format!("is \"{other}\""), CURE),
    }
}

fn target(value: PlacedValue<'_>, mailbox: Option<&Mailbox>) -> Option<String> {
    let target = text(value.clone())?;
    if mailbox.is_some_and(|watched| same_mailbox(&target, &watched.name)) {
        return value.wrong("is the mailbox that is watched", "write another mailbox, or \"keep\"");
    }
    Some(target)
}
