//! Where mail comes from and which mail is meant.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use chrono::{TimeZone as _, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use croner::parser::{CronParser, Seconds, Year};
use toml::de::DeValue;

use super::{
    DAY, MINUTE, SECOND,
    account::{account, overridden},
    conversation::answers,
    did_you_mean,
    reply::same_mailbox,
};
use crate::config::{
    Account, EndpointName, Filter, Mailbox, Protocol, Server, Watch,
    read::Value,
    table::Table,
    value::{choice, duration, one_or_more, size, text},
};

/// Between two looks at a mailbox whose server tells of new mail.
const LOOK: Duration = Duration::from_secs(3 * 60);
/// Between two looks at a mailbox that is read by POP3.
const EVERY: Duration = Duration::from_secs(60);
/// The only mailbox that POP3 knows.
const INBOX: &str = "INBOX";

/// The accounts of `mailjob.toml`.
#[derive(Debug, Default)]
pub(in crate::config) struct Accounts {
    /// By name; nothing for one that has problems.
    pub(in crate::config) by_name: BTreeMap<String, Option<Arc<Account>>>,
    /// Whether the file could not be read, or not to its end: there may be more.
    pub(in crate::config) more: bool,
}

impl Accounts {
    /// The account that a value names.
    pub(super) fn named(&self, value: &Value<'_>) -> Option<Arc<Account>> {
        let name = text(value.clone())?;
        match self.by_name.get(&name) {
            Some(Some(account)) => Some(Arc::clone(account)),
            Some(None) => value.wrong(
                format!("is \"{name}\", which has problems in mailjob.toml"),
                "mend it there",
            ),
            None if self.more => value.wrong(
                format!("is \"{name}\", which can't be known while mailjob.toml can't be used"),
                "mend mailjob.toml",
            ),
            None => {
                let add = || format!("add [accounts.{name}] to mailjob.toml");
                let cure = did_you_mean(&name, self.by_name.keys().map(String::as_str)).unwrap_or_else(add);
                value.wrong(format!("is \"{name}\", and there is no such account"), cure)
            }
        }
    }
}

/// Reads `[mailbox]`.
pub(super) fn mailbox(table: &mut Table<'_>, endpoint: &EndpointName, accounts: &Accounts) -> Option<Mailbox> {
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
    let watch = watch(table, pop3);
    let account = match own? {
        Some(Some(own)) => Arc::new(own),
        Some(None) => account?,
        None => return None,
    };
    let (protocol, server) = protocol?;
    Some(Mailbox {
        name,
        watch: watch?,
        ..Mailbox::inbox(account, protocol, server)
    })
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
    value.table(|table| account(endpoint.as_str(), table)).map(Arc::new)
}

/// How new mail is noticed: exactly one way. A POP3 server never tells of it.
fn watch(table: &mut Table<'_>, pop3: bool) -> Option<Watch> {
    let idle = table.value("watch");
    let look = table.get("look", duration(10 * SECOND..=9 * MINUTE));
    let every = table.get("every", duration(SECOND..=DAY));
    let cron = table.get("cron", cron);
    let zone = table.or("timezone", Tz::UTC, timezone);
    if let Some(value) = &idle {
        choice(&[("idle", ())])(value.clone());
    }
    if let Some(value) = idle.clone().or(table.value("look")).filter(|_| pop3) {
        return value.wrong(
            "has no use with POP3, whose servers don't tell of new mail",
            "write every = \"1m\" or cron = \"…\" in its place",
        );
    }
    let ways = [table.value("every"), table.value("cron"), idle.or(table.value("look"))];
    let mut ways = ways.into_iter().flatten();
    if let (Some(one), Some(other)) = (ways.next(), ways.next()) {
        let cause = format!("stands beside `{}`; a mailbox is watched in one way", other.path);
        return one.wrong(cause, "keep one of them");
    }
    if let (Some(zone), None) = (table.value("timezone"), table.value("cron")) {
        return zone.wrong("has no use without cron", "remove it");
    }
    if let Some(pattern) = cron {
        return Some(Watch::Cron { pattern, zone });
    }
    let usual = if pop3 {
        Watch::Every(EVERY)
    } else {
        Watch::Idle {
            look: look.unwrap_or(LOOK),
        }
    };
    Some(every.map_or(usual, Watch::Every))
}

/// Five fields, or six with seconds first. A pattern that names no day that there is would never fire.
fn cron(value: Value<'_>) -> Option<Box<croner::Cron>> {
    const CURE: &str = "write five fields: minute, hour, day, month, weekday; e.g. \"*/5 8-18 * * MON-FRI\"";
    let text = text(value.clone())?;
    let parser = CronParser::builder()
        .seconds(Seconds::Optional)
        .year(Year::Disallowed)
        .build();
    let pattern = match parser.parse(&text) {
        Ok(pattern) => pattern,
        Err(error) => return value.wrong(format!("is no cron pattern: {error}"), CURE),
    };
    let leap_year = Utc.with_ymd_and_hms(2024, 1, 1, 0, 0, 0).single();
    if leap_year.is_some_and(|start| pattern.find_next_occurrence(&start, true).is_err()) {
        return value.wrong("names a time that never comes", CURE);
    }
    Some(Box::new(pattern))
}

fn timezone(value: Value<'_>) -> Option<Tz> {
    let name = text(value.clone())?;
    name.parse().ok().or_else(|| {
        let example = || "write a name such as \"Europe/Berlin\"".to_owned();
        let cure = did_you_mean(&name, TZ_VARIANTS.iter().map(|zone| zone.name())).unwrap_or_else(example);
        value.wrong(format!("is \"{name}\", which is no time zone"), cure)
    })
}

/// Reads `[when]`.
pub(super) fn filter(table: &mut Table<'_>) -> Option<Filter> {
    let bytes = || size(0..=1 << 40);
    let mut globs = |key| table.or(key, Vec::new(), one_or_more(text));
    let filter = Filter {
        from: globs("from"),
        to: globs("to"),
        subject: globs("subject"),
        attachments: globs("attachments"),
        not_attachments: globs("not_attachments"),
        min_size: table.get("min_size", bytes()),
        max_size: table.get("max_size", bytes()),
        answers: answers(table),
    };
    if let (Some(min), Some(max)) = (filter.min_size, filter.max_size)
        && min > max
        && let Some(value) = table.value("min_size")
    {
        return value.wrong("is over max_size, so no mail is meant", "make it smaller than max_size");
    }
    Some(filter)
}
