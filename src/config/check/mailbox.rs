//! Where mail comes from and which mail is meant.

use std::{collections::BTreeMap, sync::Arc};

use toml::de::DeValue;

use super::{
    account::{account, overridden},
    conversation::answers,
    did_you_mean,
    looks::{looks, watch},
    settle::same_mailbox,
};
use crate::config::{
    Account, Endpoint, EndpointName, Filter, Machines, Mailbox, Place, Protocol, Server,
    agree::Term,
    glob::Against,
    sheet::Value,
    table::Table,
    value::{choice, count, one_or_more, pattern, size, text},
};

/// The only mailbox that POP3 knows.
const INBOX: &str = "INBOX";

/// The accounts of `mailjob.toml`.
#[derive(Debug, Default)]
pub(in crate::config) struct Accounts {
    /// By name; nothing for one that has problems.
    pub(in crate::config) by_name: BTreeMap<String, Option<Arc<Account>>>,
    /// Whether the file could not be read, or not to its end: there may be more.
    pub(in crate::config) more: bool,
    /// The name that is given at EHLO.
    pub(in crate::config) hello: Option<String>,
}

impl Accounts {
    /// The account that a value names.
    pub(super) fn named(&self, value: &Value<'_>) -> Option<Arc<Account>> {
        let name = text(value.clone())?;
        match self.by_name.get(&name) {
            Some(Some(account)) => Some(Arc::clone(account)),
            Some(None) => value.wrong_because(
                format!("is \"{name}\", which has problems in mailjob.toml"),
                "mend it there",
            ),
            None if self.more => value.wrong_because(
                format!("is \"{name}\", which can't be known while mailjob.toml can't be used"),
                "mend mailjob.toml",
            ),
            None => {
                let add = || match self.by_name.is_empty() {
                    true => format!(
                        "add [accounts.{name}] to mailjob.toml, which is looked for where mailjob is started, or where --config says"
                    ),
                    false => format!("add [accounts.{name}] to mailjob.toml"),
                };
                let cure = did_you_mean(&name, self.by_name.keys().map(String::as_str)).unwrap_or_else(add);
                value.wrong(format!("is \"{name}\", and there is no such account"), cure)
            }
        }
    }
}

/// What `[mailbox]` says.
pub(super) struct Said {
    /// Which one, with the defaults of what is not said.
    pub(super) mailbox: Mailbox,
    /// The endpoint's turn at it.
    pub(super) order: usize,
    /// What is said of how it is watched.
    pub(super) terms: Vec<(Term, Place)>,
}

/// Reads `[mailbox]`.
pub(super) fn mailbox(table: &mut Table<'_>, endpoint: &EndpointName, accounts: &Accounts) -> Option<Said> {
    let cure = "write account = \"…\" with a name from mailjob.toml, or [mailbox.account]";
    let account = table.must("account", cure, |value| match value.raw {
        DeValue::Table(_) => inline_account(value, endpoint, accounts),
        _ => accounts.named(&value),
    });
    let own = account.as_ref().map(|account| overridden(table, account, endpoint));
    let protocol = protocol(table, account.as_deref());
    let name = table.or("name", INBOX.to_owned(), text);
    let pop3 = matches!(protocol, Some((Protocol::Pop3, _)));
    if pop3 {
        no_other_mailbox(table, &name);
    }
    let order = table.or("order", Endpoint::ORDER, count(0..=1_000_000));
    let mut terms: Vec<_> = watch(table, pop3).into_iter().collect();
    terms.extend(looks(table));
    let account = match own? {
        Some(Some(own)) => Arc::new(own),
        Some(None) => account?,
        None => return None,
    };
    let (protocol, server) = protocol?;
    let mailbox = Mailbox {
        name,
        ..Mailbox::inbox(account, protocol, server)
    };
    Some(Said { mailbox, order, terms })
}

/// How the mailbox is read: as written, else by IMAP where the account has a server for it.
fn protocol(table: &mut Table<'_>, account: Option<&Account>) -> Option<(Protocol, Server)> {
    let ways = [("imap", Protocol::Imap), ("pop3", Protocol::Pop3)];
    let named = table.get("protocol", choice(&ways));
    let account = account?;
    let usual = || {
        let readable = ways.into_iter().map(|(_, protocol)| protocol);
        let mut there = readable.filter(|protocol| account.server(*protocol).is_some());
        there.next().unwrap_or(Protocol::Imap)
    };
    let protocol = named.unwrap_or_else(usual);
    let server = account.server(protocol).cloned();
    if server.is_none() {
        let cause = format!(
            "mail can't be read by {}: the account \"{}\" has no server for it",
            protocol.name(),
            account.name
        );
        let cure = format!(
            "add {} = {{ host = \"…\" }} to the account",
            protocol.name().to_lowercase()
        );
        table.lacks(cause, cure);
    }
    Some((protocol, server?))
}

/// A POP3 server has one mailbox (RFC 1939: the maildrop).
fn no_other_mailbox(table: &mut Table<'_>, name: &str) {
    if let Some(value) = table.value("name").filter(|_| !same_mailbox(name, INBOX)) {
        value.wrong::<()>(
            format!("is \"{name}\", but POP3 knows no mailbox beside INBOX"),
            "remove it, or read the mailbox by IMAP",
        );
    }
}

/// An account of this endpoint alone. It bears the endpoint's name, under which its tokens are kept.
fn inline_account(value: Value<'_>, endpoint: &EndpointName, accounts: &Accounts) -> Option<Arc<Account>> {
    if accounts.by_name.contains_key(endpoint.as_str()) {
        let cause = format!("would be called \"{endpoint}\" like an account in mailjob.toml");
        value.misnamed_because(&cause, "rename this file or that account, or name that account here");
    }
    let account = value.table(|table| account(endpoint.as_str(), table))?;
    Some(Arc::new(Account {
        hello: accounts.hello.clone(),
        ..account
    }))
}

/// Reads `[when]`.
pub(super) fn filter(table: &mut Table<'_>, mailbox: Option<&Mailbox>) -> Option<Filter> {
    let bytes = || size(0..=1 << 40);
    let mut globs = |key, against| table.or(key, Vec::new(), one_or_more(pattern(against)));
    let plus = globs("plus", Against::Detail);
    let ours = mailbox.filter(|_| !plus.is_empty()).map(Mailbox::addresses);
    let filter = Filter {
        from: globs("from", Against::Address),
        to: globs("to", Against::Address),
        plus,
        ours: ours.unwrap_or_default(),
        subject: globs("subject", Against::Subject),
        attachments: globs("attachments", Against::FileName),
        not_attachments: globs("not_attachments", Against::FileName),
        min_size: table.get("min_size", bytes()),
        max_size: table.get("max_size", bytes()),
        encrypted: table.or("encrypted", false, choice(&[("refuse", false), ("allow", true)])),
        automatic: table.or(
            "automatic",
            Machines::Allow,
            choice(&[
                ("allow", Machines::Allow),
                ("skip", Machines::Skip),
                ("only", Machines::Only),
            ]),
        ),
        answers: answers(table),
    };
    if let (Some(min), Some(max)) = (filter.min_size, filter.max_size)
        && min > max
        && let Some(value) = table.value("min_size")
    {
        return value.wrong("is over max_size, so no mail is meant", "make it smaller than max_size");
    }
    if let (Some(value), Some(_), true) = (table.value("plus"), mailbox, filter.ours.is_empty())
        && !filter.plus.is_empty()
    {
        let cause = "can't be known: the user of the mailbox's account is no mail address";
        return value.wrong(cause, "add from = \"name@domain\" to the account");
    }
    Some(filter)
}
