//! Where mail comes from.

use std::{collections::BTreeMap, sync::Arc};

use toml::de::DeValue;

use super::{
    account::{AccountKeys, account, overridden},
    did_you_mean,
    looks::LookKeys,
    settle::same_mailbox,
    sign_in::SignInKeys,
};
use crate::config::{
    Account, EndpointName, Mailbox, Place, ReadBy, Server,
    declare::{keys, never, usual_as, wanted},
    key::Allowed,
    kind::{OneOf, Text},
    sheet::PlacedValue,
    table::Table,
    term::Term,
    value::text,
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
    pub(super) fn named(&self, value: &PlacedValue<'_>) -> Option<Arc<Account>> {
        let name = text(value.clone())?;
        match self.by_name.get(&name) {
            Some(Some(account)) => Some(Arc::clone(account)),
            Some(None) => value.wrong_because(
                format!("is \"{name}\", which has problems in mailjob.toml"),
                "correct it there",
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
pub(super) struct MailboxTable {
    /// Which one, with the defaults of what is not said.
    pub(super) mailbox: Mailbox,
    /// The endpoint's turn at it.
    pub(super) order: usize,
    /// What is said of how it is watched.
    pub(super) terms: Vec<(Term, Place)>,
}

keys! {
    /// Which mailbox it is, as it is written.
    pub(in crate::config) struct MailboxKeys in "mailbox" "" reads(endpoint: &EndpointName, accounts: &Accounts) {
        account: Option<Arc<Account>> = Allowed::Either(vec![Allowed::Text, AccountKeys::allowed()]) => |value| match value.raw {
                DeValue::Table(_) => inline_account(value, endpoint, accounts),
                _ => accounts.named(&value),
            },
            wanted("write account = \"…\" with a name from mailjob.toml, or [mailbox.account]", "\"contoso\"", &[(
                "{ user = \"…\", password = { file = \"…\" }, imap = { host = \"…\" } }", "or one of its own: all keys of [accounts.NAME]",
            )]), "a name from mailjob.toml";
        user: Option<String> = Text, never("\"shared@contoso.example\""),
            "another mailbox under the account's sign-in, such as a shared one; its replies come from there";
        auth: Option<SignInKeys> = SignInKeys::allowed() => |value| value.table(SignInKeys::read), never("{ password = { file = \"…\" } }"),
            "this endpoint signs in its own way: all keys of [accounts.NAME] that say how";
        protocol: Option<ReadBy> = OneOf(&[("imap", ReadBy::Imap), ("pop3", ReadBy::Pop3)]), never("\"imap\""),
            "imap or pop3; imap when nothing is written and the account has a server for it";
        name: String = Text, usual_as(INBOX.to_owned(), "\"INBOX\""), "in Unicode; POP3 knows no other";
    }
    and looking: LookKeys, "How it is watched."
}

/// Reads `[mailbox]`.
pub(super) fn mailbox(table: &mut Table<'_>, endpoint: &EndpointName, accounts: &Accounts) -> Option<MailboxTable> {
    let MailboxKeys {
        account,
        user,
        auth,
        protocol,
        name,
        looking,
    } = MailboxKeys::read(table, endpoint, accounts)?;
    let said = (user, auth);
    let own = account
        .as_ref()
        .map(|account| overridden(table, account, said, endpoint));
    let read_by = read_by(table, protocol, account.as_deref());
    let pop3 = matches!(read_by, Some((ReadBy::Pop3, _)));
    if pop3 {
        no_other_mailbox(table, &name);
    }
    let order = looking.order;
    let terms = looking.terms(table, pop3);
    let account = match own? {
        Some(Some(own)) => Arc::new(own),
        Some(None) => account?,
        None => return None,
    };
    let (protocol, server) = read_by?;
    let mailbox = Mailbox {
        name,
        ..Mailbox::inbox(account, protocol, server)
    };
    Some(MailboxTable { mailbox, order, terms })
}

/// How the mailbox is read: as written, else by IMAP where the account has a server for it.
fn read_by(table: &mut Table<'_>, named: Option<ReadBy>, account: Option<&Account>) -> Option<(ReadBy, Server)> {
    let account = account?;
    let usual = || {
        let mut there = [ReadBy::Imap, ReadBy::Pop3]
            .into_iter()
            .filter(|protocol| account.server((*protocol).into()).is_some());
        there.next().unwrap_or(ReadBy::Imap)
    };
    let protocol = named.unwrap_or_else(usual);
    let server = account.server(protocol.into()).cloned();
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
fn inline_account(value: PlacedValue<'_>, endpoint: &EndpointName, accounts: &Accounts) -> Option<Arc<Account>> {
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
