//! Which mail is meant.

use toml::de::DeValue;

use crate::config::{
    Answers, Mailbox,
    declare::{keys, never, usual},
    glob::PatternTarget,
    key::Allowed,
    kind::{Bytes, OneOf},
    sheet::PlacedValue,
    table::Table,
    value::{one_or_more, pattern},
};

keys! {
    /// Which mail is meant; all that is named must hold. Globs know `*` and `?` and ignore case.
    #[derive(Debug, Clone, PartialEq)]
    pub struct Filter: Default in "when" "\
Which mail is meant: all that is named must hold. Text or a list of which one must match; * and ? are wildcards, case does
not count. Without this table every mail is meant. What is not meant goes on to the next endpoint of the mailbox, if there is one;
what nobody wants is ignored and stays in the mailbox." reads(mailbox: Option<&Mailbox>) {
        from: Vec<String> = globs() => like(PatternTarget::Address), never("[\"*@supplier.example\"]"), "an address of From";
        to: Vec<String> = globs() => like(PatternTarget::Address), never("[\"invoices@*\", \"billing@*\"]"), "an address of To or Cc";
        plus: Vec<String> = globs() => like(PatternTarget::Detail), never("[\"tickets\", \"bug-*\"]"),
            "the detail of the mailbox's own address to which it was sent: support+tickets@contoso.example";
        /// The mailbox's own addresses, where `plus` asks for them.
        ours("plus"): Vec<String> = globs() => |_| mailbox.map(Mailbox::addresses), never(""), "its addresses", apart();
        subject: Vec<String> = globs() => like(PatternTarget::Subject), never("\"*invoice*\""),
            "one word alone is written \"=word\" where it is the whole subject";
        attachments: Vec<String> = globs() => like(PatternTarget::FileName), never("[\"*.pdf\"]"),
            "the name of an attachment; only attachments that match are handed on";
        not_attachments: Vec<String> = globs() => like(PatternTarget::FileName), never("[\"signature.*\"]"), "attachments that are left out";
        min_size: Option<u64> = Bytes(0..=1 << 40), never("\"1KiB\""), "of the raw mail";
        max_size: Option<u64> = Bytes(0..=1 << 40), never("\"20MiB\""), "of the raw mail";
        automatic: Machines = OneOf(&[("allow", Machines::Allow), ("skip", Machines::Skip), ("only", Machines::Only)]), usual(Machines::Allow),
            "mails that no person wrote: bounces, lists, notices, out-of-office answers; none of them is answered";
        encrypted: bool = OneOf(&[("refuse", false), ("allow", true)]), usual(false),
            "a mail that is encrypted (S/MIME, PGP): refuse: its job fails, and its sender is asked to send it plain; allow";
    }
    and answers: Answers, "Whether it answers a reply of ours."
}

/// Whether mails are meant that machines, lists and servers sent: bounces, notices, out-of-office answers (RFC 3834).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Machines {
    /// They are, as others are. None is answered.
    Allow,
    /// They are not.
    Skip,
    /// Nothing else is.
    Only,
}

fn globs() -> Allowed {
    Allowed::one_or_more(Allowed::Text)
}

fn like<'a>(against: PatternTarget) -> impl Fn(PlacedValue<'a>) -> Option<Vec<String>> {
    one_or_more(pattern(against))
}

/// Reads `[when]`.
pub(super) fn filter(table: &mut Table<'_>, mailbox: Option<&Mailbox>) -> Option<Filter> {
    let filter = Filter::read(table, mailbox)?;
    if let (Some(min), Some(max)) = (filter.min_size, filter.max_size)
        && min > max
        && let Some(value) = table.value("min_size")
    {
        return value.wrong("is over max_size, so no mail is meant", "make it smaller than max_size");
    }
    if let Some(value) = table.value("plus") {
        for item in value.items() {
            not_the_whole(&item, &filter.ours);
        }
    }
    if let (Some(value), Some(_), true) = (table.value("plus"), mailbox, filter.ours.is_empty())
        && !filter.plus.is_empty()
    {
        let cause = "can't be known: the user of the mailbox's account is no mail address";
        return value.wrong(cause, "add from = \"name@domain\" to the account");
    }
    Some(filter)
}

/// Notes a detail that begins with the mailbox's own name, as in `orders+invoices` of orders@example.com. A whole address is told as a
/// pattern that can't match.
fn not_the_whole(item: &PlacedValue<'_>, ours: &[String]) {
    let DeValue::String(text) = item.raw else { return };
    let Some((local, detail)) = text.split_once('+').filter(|_| !text.contains('@')) else {
        return;
    };
    let is_ours = |address: &String| {
        let own = address.split(['@', '+']).next().unwrap_or_default();
        own.eq_ignore_ascii_case(local)
    };
    if ours.iter().any(is_ours) {
        item.wrong::<()>(
            format!("is \"{text}\", where what stands behind the + is meant"),
            format!("write \"{detail}\""),
        );
    }
}
