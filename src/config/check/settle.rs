//! What becomes of a mail in its mailbox.

use crate::config::{
    Mailbox, Place, ReadBy, Settle, SettleAction,
    declare::{implied, keys},
    key::Allowed,
    kind::WordOrTable,
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
        done: Option<SettleAction> = FATES => |value| end(value, mailbox), implied("{ move = \"Processed\" }"), "", by_pop3("\"delete\"");
        failed: Option<SettleAction> = FATES => |value| end(value, mailbox), implied("{ move = \"Failed\" }"), "", by_pop3("\"keep\"");
        ignored: Option<SettleAction> = FATES => |value| end(value, mailbox), implied("\"keep\""), "mails that no endpoint of the mailbox wants";
        refused: Option<SettleAction> = FATES => |value| end(value, mailbox), implied("\"keep\""), "of mails that [senders] refuses";
    }
}

const FATES: WordOrTable<SettleAction> = WordOrTable {
    words: &[
        ("keep", SettleAction::Keep),
        ("mark", SettleAction::Mark),
        ("flag", SettleAction::Flag),
        ("delete", SettleAction::Delete),
    ],
    keys: &[("move", Allowed::Text)],
    forms: "\"keep\", \"mark\", \"flag\", \"delete\" or { move = \"…\" }",
};

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
    let fate = FATES.read(value.clone(), |_, value| target(value, mailbox).map(SettleAction::Move));
    possible(fate?, &value, mailbox)
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

fn target(value: PlacedValue<'_>, mailbox: Option<&Mailbox>) -> Option<String> {
    let target = text(value.clone())?;
    if mailbox.is_some_and(|watched| same_mailbox(&target, &watched.name)) {
        return value.wrong("is the mailbox that is watched", "write another mailbox, or \"keep\"");
    }
    Some(target)
}
