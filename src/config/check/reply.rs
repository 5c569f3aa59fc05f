//! Who hears of the result.

use std::{collections::BTreeMap, sync::Arc};

use toml::de::DeValue;

use super::{
    mailbox::Accounts,
    words::{self, heading},
};
use crate::{
    addr_spec::is_sendable,
    config::{
        Account, Charset, Letter, Mailbox, OriginalAs, Reply, ReplyTo, ReturnTo, Sender, Words,
        glob::{Against, flaw},
        sheet::Value,
        table::Table,
        value::{address, choice, flag, list, one_or_more, size, text},
    },
};

/// Recipients of one list: as many as AEM's endpoints take.
const MOST: usize = 100;
/// Characters of a name in From.
const LONGEST_NAME: usize = 200;

/// Reads `[reply]`; without it nobody is answered.
pub(super) fn reply(top: &mut Table<'_>, mailbox: Option<&Mailbox>, accounts: &Accounts) -> Option<Reply> {
    match top.value("reply") {
        Some(value) => value.table(|table| section(table, mailbox, accounts)),
        None => Some(Reply::none()),
    }
}

fn section(table: &mut Table<'_>, mailbox: Option<&Mailbox>, accounts: &Accounts) -> Option<Reply> {
    let named = table.get("account", |value| accounts.named(&value));
    let shared = Letter {
        to: table.or("to", vec![ReplyTo::Sender], recipients),
        ..letter(table, Letter::default())
    };
    let languages = table.or("languages", BTreeMap::new(), |value| value.table(languages));
    let [success, failure] = ["success", "failure"].map(|kind| ending(table, kind, &shared, &languages));
    if let (None, None, Some(value)) = (&success, &failure, table.value("failure")) {
        value.wrong::<()>(
            "is off like success, so nobody is answered",
            "write to = \"nobody\" if that is meant",
        );
    }
    let usual = Reply::none();
    let ways = [
        ("none", OriginalAs::Nothing),
        ("quote", OriginalAs::Quote),
        ("text", OriginalAs::Text),
        ("rfc822", OriginalAs::Rfc822),
    ];
    let charsets = [("utf-8", Charset::Utf8), ("iso-2022-jp", Charset::Iso2022Jp)];
    let original = table.or("original", usual.original, choice(&ways));
    let reply = Reply {
        account: None,
        from: table.get("from", sender),
        reply_to: table.get("reply_to", address),
        reply_to_domains: table.or("reply_to_domains", Vec::new(), one_or_more(domain)),
        tell: table.or("tell", usual.tell, flag),
        charset: table.or("charset", usual.charset, choice(&charsets)),
        original_subject: table.get("original_subject", flag),
        original,
        original_limit: table.or("original_limit", original.usual_limit(), size(1024..=100 << 20)),
        original_heading: table.or("original_heading", usual.original_heading, heading),
        language: table.get("language", |value| known_language(&value, &languages)),
        success,
        failure,
    };
    if reply.letters().all(|letter| letter.to.is_empty()) {
        return Some(Reply::none());
    }
    let watched = || mailbox.map(|mailbox| Arc::clone(&mailbox.account));
    let account = named.or_else(|| watched().filter(|_| table.value("account").is_none()))?;
    can_send(table, &account, reply.from.is_some());
    Some(Reply {
        account: Some(account),
        ..reply
    })
}

/// What letters have in common with what `[reply]` itself may say, but for `to`.
fn letter(table: &mut Table<'_>, others: Letter) -> Letter {
    Letter {
        cc: table.or("cc", others.cc, addresses),
        bcc: table.or("bcc", others.bcc, addresses),
        return_to: table.get("return_to", return_to).or(others.return_to),
        words: words::words(table).or(&others.words),
        ..others
    }
}

/// What `success` or `failure` says: whether such a job is answered, or how.
fn ending(
    table: &mut Table<'_>,
    kind: &'static str,
    shared: &Letter,
    languages: &BTreeMap<String, Language>,
) -> Option<Letter> {
    let of = |language: &Language| match kind {
        "success" => language.success.clone().or(&language.shared),
        _ => language.failure.clone().or(&language.shared),
    };
    let general = |letter: Letter| Letter {
        languages: languages
            .iter()
            .map(|(tag, language)| (tag.clone(), of(language).or(&letter.words)))
            .collect(),
        ..letter
    };
    let Some(value) = table.value(kind) else {
        return Some(general(shared.clone()));
    };
    match value.raw {
        DeValue::Table(_) => value.table(|table| {
            let to = table.or("to", shared.to.clone(), recipients);
            let letter = letter(table, shared.clone());
            Some(general(Letter { to, ..letter }))
        }),
        DeValue::Boolean(true) => Some(general(shared.clone())),
        DeValue::Boolean(false) => None,
        _ => {
            value.wrong::<()>(
                "is neither true nor false nor a table",
                "write true or false without quotes, or a table such as { to = \"…\" }",
            );
            Some(shared.clone())
        }
    }
}

/// Words of one language.
#[derive(Default)]
struct Language {
    shared: Words,
    success: Words,
    failure: Words,
}

fn languages(table: &mut Table<'_>) -> Option<BTreeMap<String, Language>> {
    let each = table.entries().into_iter().map(|(tag, value)| {
        if !is_tag(tag) {
            value.misnamed_because(
                "is no language",
                "write it as de, pt-br or zh-hant: letters and digits, with - between",
            );
            return None;
        }
        let language = value.table(|table| {
            Some(Language {
                shared: words::words(table),
                success: table.or("success", Words::default(), |value| {
                    value.table(|table| Some(words::words(table)))
                }),
                failure: table.or("failure", Words::default(), |value| {
                    value.table(|table| Some(words::words(table)))
                }),
            })
        })?;
        Some((tag.to_ascii_lowercase(), language))
    });
    Some(each.collect::<Vec<_>>().into_iter().flatten().collect())
}

/// Whether it has the form of a language tag (RFC 5646 section 2.1): up to eight letters or digits each, the first one letters.
fn is_tag(tag: &str) -> bool {
    let part = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    let first = tag.split('-').next().unwrap_or_default();
    tag.len() <= 35 && tag.split('-').all(part) && first.bytes().all(|b| b.is_ascii_alphabetic())
}

fn known_language(value: &Value<'_>, known: &BTreeMap<String, Language>) -> Option<String> {
    let tag = text(value.clone())?.to_ascii_lowercase();
    if known.contains_key(&tag) {
        return Some(tag);
    }
    value.wrong(
        format!("is \"{tag}\", for which there are no words"),
        format!("write [reply.languages.{tag}], or remove the line"),
    )
}

/// A reply needs a server that takes it and an address that it comes from.
fn can_send(table: &mut Table<'_>, account: &Account, has_from: bool) {
    let name = &account.name;
    if account.smtp.is_none() {
        let cause = format!("replies can't be sent: the account \"{name}\" has no SMTP server");
        table.lacks(
            cause,
            "add smtp = { host = \"…\" } to the account, or write to = \"nobody\"",
        );
    }
    if account.from.is_none() && !has_from {
        let cause = format!("replies have no sender: the user of the account \"{name}\" is no mail address");
        table.lacks(cause, "add from = \"name@domain\" to the account");
    }
}

/// A keyword, an address, or a list of them; nothing at all means nobody.
fn recipients(value: Value<'_>) -> Option<Vec<ReplyTo>> {
    match value.raw {
        DeValue::String(text) if text.is_empty() || text == "nobody" => Some(Vec::new()),
        DeValue::Array(items) if items.is_empty() => Some(Vec::new()),
        _ => at_most(&value).and_then(one_or_more(recipient)),
    }
}

fn recipient(value: Value<'_>) -> Option<ReplyTo> {
    match value.raw {
        DeValue::String(text) if text == "sender" => Some(ReplyTo::Sender),
        DeValue::String(text) if text == "from" => Some(ReplyTo::From),
        DeValue::String(text) if text == "nobody" => {
            value.wrong("has \"nobody\" among others", "remove one or the other")
        }
        DeValue::String(text) if !text.contains('@') => value.wrong(
            format!("is \"{text}\""),
            "write \"sender\", \"from\", \"nobody\", a mail address or a list of them",
        ),
        _ => address(value).map(ReplyTo::Address),
    }
}

/// Addresses, or none.
fn addresses(value: Value<'_>) -> Option<Vec<String>> {
    let value = at_most(&value)?;
    match value.raw {
        DeValue::Array(_) => list(address)(value),
        DeValue::String(text) if text.is_empty() => Some(Vec::new()),
        _ => one_or_more(address)(value),
    }
}

fn at_most<'a>(value: &Value<'a>) -> Option<Value<'a>> {
    let count = value.items().len();
    if count > MOST {
        return value.wrong(
            format!("has {count} entries"),
            format!("write {MOST} at most, or the address of a mailing list"),
        );
    }
    Some(value.clone())
}

/// `name@domain`, or `Name <name@domain>`.
fn sender(value: Value<'_>) -> Option<Sender> {
    const CURE: &str = "write it as name@domain, or as Name <name@domain>";
    let written = text(value.clone())?;
    let (name, address) = match written.strip_suffix('>').and_then(|rest| rest.rsplit_once('<')) {
        Some((name, address)) => (name.trim().trim_matches('"').trim(), address),
        None => ("", written.as_str()),
    };
    if !is_sendable(address) {
        return value.wrong(format!("is \"{written}\", which names no mail address"), CURE);
    }
    if name.chars().count() > LONGEST_NAME || name.contains(['<', '>', '"', '\\', '@']) || name.contains("=?") {
        return value.wrong("has a name that can't stand before an address", CURE);
    }
    Some(Sender {
        name: (!name.is_empty()).then(|| name.to_owned()),
        address: address.to_owned(),
    })
}

fn return_to(value: Value<'_>) -> Option<ReturnTo> {
    match value.raw {
        DeValue::String(text) if text == "none" => Some(ReturnTo::Nobody),
        DeValue::String(text) if !text.contains('@') => {
            value.wrong(format!("is \"{text}\""), "write \"none\" or a mail address")
        }
        _ => address(value).map(ReturnTo::Address),
    }
}

/// A glob of domains; `*@` in front of one means the same.
fn domain(value: Value<'_>) -> Option<String> {
    let written = text(value.clone())?;
    let glob = written.strip_prefix("*@").unwrap_or(&written);
    match flaw(Against::Domain, glob) {
        None => Some(glob.to_owned()),
        Some(fault) => value.wrong(fault.cause, fault.cure),
    }
}
