//! Who hears of the result.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use toml::de::DeValue;

use super::{
    mailbox::Accounts,
    templates::{heading, html, plain, subject, template_allowed},
};
use crate::{
    addr_spec::{is_sendable, mailbox_form},
    config::{
        Account, Mailbox, OriginalAs, Reply, ReplyCharset, ReplySender, ReplyTemplate, ReplyTo, ReplyWords, ReturnTo,
        Template,
        declare::{implied, keys, never, never_so, usual, usual_as},
        glob::{PatternTarget, flaw},
        key::Allowed,
        kind::{Bytes, Flag, OneOf, Text},
        sheet::PlacedValue,
        table::Table,
        value::{address, list, one_or_more, text},
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

keys! {
    /// `[reply]` as it is written.
    pub(in crate::config) struct ReplyKeys in "reply" "\
Who hears of the result. Without this table nobody does. Nobody is ever answered who is a machine, a list or ourselves." reads(accounts: &Accounts) {
        to: Vec<ReplyTo> = addressed() => recipients, usual_as(vec![ReplyTo::Sender], "\"sender\""),
            "sender, from, an address, or a list of them, 100 at most; \"nobody\", \"\" or [] means none";
        cc: Vec<String> = addressed() => addresses, implied("[]"), "addresses that are named";
        bcc: Vec<String> = addressed() => addresses, implied("[]"), "addresses that are not";
        account: Option<Arc<Account>> = Allowed::Text => |value| accounts.named(&value), never("\"contoso\""),
            "whose SMTP server and From; the mailbox's own when nothing is written";
        from: Option<ReplySender> = Allowed::Text => sender, never("\"Invoices <invoices@contoso.example>\""),
            "the account's address when nothing is written";
        reply_to: Option<String> = Allowed::Text => address, never("\"desk@contoso.example\""),
            "where answers to the reply go; to From when nothing is written";
        return_to: Option<ReturnTo> = Allowed::Text => return_to, never("\"bounces@contoso.example\""),
            "where it comes back to when it can't be delivered; \"none\" for nowhere; the account's address when nothing is written";
        reply_to_domains: Vec<String> = Allowed::one_or_more(Allowed::Text) => one_or_more(domain), never("[\"*.supplier.example\"]"),
            "the sender is the mail's Reply-To where that is From's own mailbox, in one of these domains, or in From's domain where the mail is proven and the domain is no public mail provider's; else From; never a role address";
        success: Option<Ending> = answered() => Ending::read, implied("true"),
            "whether a done job is answered, or a table with its own to, cc, bcc, return_to, subject, text, html";
        failure: Option<Ending> = answered() => Ending::read, implied("true"), "whether a failed job is answered, or such a table";
        tell: bool = Flag, usual(false),
            "whether the plain text with which a webhook refuses is told to the sender; the reply of a JSON answer always is";
        charset: ReplyCharset = OneOf(&[("utf-8", ReplyCharset::Utf8), ("iso-2022-jp", ReplyCharset::Iso2022Jp)]), usual(ReplyCharset::Utf8),
            "of subject and text: utf-8, or iso-2022-jp where all characters fit";
        original_subject: Option<bool> = Flag, never("true"), "", below("\
true: the subject is the mail's own after Re:, whatever templates there are; false: it never is; when nothing is written: where no
subject is.");
        original: OriginalAs = OneOf(&[
                ("none", OriginalAs::Nothing), ("quote", OriginalAs::Quote), ("text", OriginalAs::Text), ("rfc822", OriginalAs::Rfc822),
            ]), usual(OriginalAs::Nothing),
            "the mail goes back: none, quote (its text below ours), text (its text attached), rfc822 (attached as a whole)";
        original_limit: Option<u64> = Bytes(1 << 10..=100 << 20), implied("\"64KiB\""),
            "of the mail that goes back; 10MiB with rfc822, where only the header of a larger one goes";
        original_heading: Option<Template> = template_allowed() => heading,
            implied("\"{{ mail.from.address }} wrote{% if mail.date %} on {{ mail.date }}{% endif %}:\""), "above the quoted text";
        language: Option<String> = Text, never("\"de\""),
            "always these words; when nothing is written: by the mail's Accept-Language and Content-Language";
        languages: BTreeMap<String, Language> = Allowed::Elsewhere => |value| value.table(languages), implied(""),
            "words by language", apart();
    }
    and words: ReplyWords, "The words."
}

/// Addresses, or words that stand for some; none at all.
fn addressed() -> Allowed {
    Allowed::Either(vec![Allowed::Prose, Allowed::list(Allowed::Text, MOST)])
}

/// Whether an ending is answered, and how it is.
fn answered() -> Allowed {
    Allowed::Either(vec![Allowed::Flag, EndingKeys::allowed()])
}

keys! {
    /// How an ending is answered, where that differs.
    pub(in crate::config) struct EndingKeys in "" "" {
        to: Option<Vec<ReplyTo>> = addressed() => recipients, never("\"sender\""), "";
        cc: Option<Vec<String>> = addressed() => addresses, never("[]"), "";
        bcc: Option<Vec<String>> = addressed() => addresses, never("[]"), "";
        return_to: Option<ReturnTo> = Allowed::Text => return_to, never("\"none\""), "";
    }
    and words: ReplyWords, "The words."
}

fn section(table: &mut Table<'_>, mailbox: Option<&Mailbox>, accounts: &Accounts) -> Option<Reply> {
    let written = ReplyKeys::read(table, accounts)?;
    let languages = written.languages;
    let used = [mailbox.map(|mailbox| &mailbox.account), written.account.as_ref()];
    let names = used.into_iter().flatten();
    let names = names.flat_map(|account| [Some(&account.user), account.from.as_ref()]);
    let ours: BTreeSet<_> = names.flatten().map(|name| mailbox_form(name)).collect();
    not_ourselves(table, &ours);
    for ending in ["success", "failure"] {
        let own = table.value(ending).and_then(|value| value.read_table());
        own.into_iter().for_each(|mut own| not_ourselves(&mut own, &ours));
    }
    let shared = ReplyTemplate {
        to: written.to,
        cc: written.cc,
        bcc: written.bcc,
        return_to: written.return_to,
        words: written.words,
        ..ReplyTemplate::default()
    };
    let ending = |said: Option<Ending>| said.unwrap_or(Ending::AsAny);
    let success = ending(written.success).letter(&shared, &languages, |language| language.success.as_ref());
    let failure = ending(written.failure).letter(&shared, &languages, |language| language.failure.as_ref());
    if let (None, None, Some(value)) = (&success, &failure, table.value("failure")) {
        value.wrong::<()>(
            "is off like success, so nobody is answered",
            "write to = \"nobody\" if that is meant",
        );
    }
    let reply = Reply {
        account: None,
        from: written.from,
        reply_to: written.reply_to,
        reply_to_domains: written.reply_to_domains,
        tell: written.tell,
        charset: written.charset,
        original_subject: written.original_subject,
        original: written.original,
        original_limit: written.original_limit.unwrap_or(written.original.usual_limit()),
        original_heading: written.original_heading.unwrap_or(Reply::none().original_heading),
        language: written.language.and_then(|tag| known_language(table, &tag, &languages)),
        success,
        failure,
    };
    if reply.letters().all(|letter| letter.to.is_empty()) {
        return Some(Reply::none());
    }
    let watched = || mailbox.map(|mailbox| Arc::clone(&mailbox.account));
    let account = written
        .account
        .or_else(|| watched().filter(|_| table.value("account").is_none()))?;
    can_send(table, &account, reply.from.is_some());
    Some(Reply {
        account: Some(account),
        ..reply
    })
}

/// Notes recipients that are the mailbox itself, or the account that sends: a reply to them would be the next mail, so none ever goes there.
fn not_ourselves(table: &mut Table<'_>, ours: &BTreeSet<String>) {
    let lists: Vec<_> = RECIPIENTS.iter().filter_map(|key| table.value(key)).collect();
    for item in lists.iter().flat_map(PlacedValue::items) {
        if let DeValue::String(text) = item.raw
            && text.contains('@')
            && ours.contains(&mailbox_form(text))
        {
            item.wrong::<()>(
                format!(
                    "has {text}, the mailbox's own address, to which no reply ever goes: it would be the next mail"
                ),
                "write \"sender\", another address, or leave it out",
            );
        }
    }
}

/// The keys that name who hears of a result.
const RECIPIENTS: [&str; 3] = ["to", "cc", "bcc"];

/// What `success` or `failure` says.
pub(in crate::config) enum Ending {
    /// It is answered as any other.
    AsAny,
    /// It is not answered.
    Not,
    /// It is answered so.
    So(EndingKeys),
}

impl Ending {
    fn read(value: PlacedValue<'_>) -> Option<Self> {
        match value.raw {
            DeValue::Table(_) => value.table(EndingKeys::read).map(Self::So),
            DeValue::Boolean(true) => Some(Self::AsAny),
            DeValue::Boolean(false) => Some(Self::Not),
            _ => value.wrong(
                "is neither true nor false nor a table",
                "write true or false without quotes, or a table such as { to = \"…\" }",
            ),
        }
    }

    /// The letter, if it is answered; `own` are the words that a language has for it.
    fn letter(
        self,
        shared: &ReplyTemplate,
        languages: &BTreeMap<String, Language>,
        own: impl Fn(&Language) -> Option<&ReplyWords>,
    ) -> Option<ReplyTemplate> {
        let letter = match self {
            Self::Not => return None,
            Self::AsAny => shared.clone(),
            Self::So(said) => ReplyTemplate {
                to: said.to.unwrap_or_else(|| shared.to.clone()),
                cc: said.cc.unwrap_or_else(|| shared.cc.clone()),
                bcc: said.bcc.unwrap_or_else(|| shared.bcc.clone()),
                return_to: said.return_to.or_else(|| shared.return_to.clone()),
                words: said.words.or(&shared.words),
                ..ReplyTemplate::default()
            },
        };
        let words = |language: &Language| language.of(own(language)).or(&letter.words);
        let languages = languages.iter().map(|(tag, language)| (tag.clone(), words(language)));
        Some(ReplyTemplate {
            languages: languages.collect(),
            ..letter.clone()
        })
    }
}

keys! {
    /// Words of one language.
    #[derive(Clone)]
    pub(in crate::config) struct Language in "reply.languages.*" "The words for readers of a language; success and failure may be tables in it." {
        subject: Option<Template> = template_allowed() => subject, implied("\"Re: {{ mail.topic }}\""), "";
        text: Option<Template> = template_allowed() => plain,
            implied("\"{% if reason %}Ihre Mail konnte nicht bearbeitet werden. Nummer: {{ job }}{% else %}Ihre Mail wurde bearbeitet.{% endif %}\""), "";
        html: Option<Template> = template_allowed() => html, never_so(&[]), "";
        success: Option<ReplyWords> = ReplyWords::allowed() => |value| value.table(ReplyWords::read), never_so(&[]), "";
        failure: Option<ReplyWords> = ReplyWords::allowed() => |value| value.table(ReplyWords::read), never_so(&[]), "";
    }
}

impl Language {
    /// The words of an ending.
    fn of(&self, own: Option<&ReplyWords>) -> ReplyWords {
        let shared = ReplyWords {
            subject: self.subject.clone(),
            text: self.text.clone(),
            html: self.html.clone(),
        };
        own.cloned().unwrap_or_default().or(&shared)
    }
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
        Some((tag.to_ascii_lowercase(), value.table(Language::read)?))
    });
    Some(each.collect::<Vec<_>>().into_iter().flatten().collect())
}

/// Whether it has the form of a language tag (RFC 5646 section 2.1): up to eight letters or digits each, the first one letters.
fn is_tag(tag: &str) -> bool {
    let part = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    let first = tag.split('-').next().unwrap_or_default();
    tag.len() <= 35 && tag.split('-').all(part) && first.bytes().all(|b| b.is_ascii_alphabetic())
}

fn known_language(table: &mut Table<'_>, tag: &str, known: &BTreeMap<String, Language>) -> Option<String> {
    let tag = tag.to_ascii_lowercase();
    if known.contains_key(&tag) {
        return Some(tag);
    }
    table.value("language")?.wrong(
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
fn recipients(value: PlacedValue<'_>) -> Option<Vec<ReplyTo>> {
    match value.raw {
        DeValue::String(text) if text.is_empty() || text == "nobody" => Some(Vec::new()),
        DeValue::Array(items) if items.is_empty() => Some(Vec::new()),
        _ => at_most(&value).and_then(one_or_more(recipient)),
    }
}

fn recipient(value: PlacedValue<'_>) -> Option<ReplyTo> {
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
fn addresses(value: PlacedValue<'_>) -> Option<Vec<String>> {
    let value = at_most(&value)?;
    match value.raw {
        DeValue::Array(_) => list(address)(value),
        DeValue::String(text) if text.is_empty() => Some(Vec::new()),
        _ => one_or_more(address)(value),
    }
}

fn at_most<'a>(value: &PlacedValue<'a>) -> Option<PlacedValue<'a>> {
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
fn sender(value: PlacedValue<'_>) -> Option<ReplySender> {
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
    Some(ReplySender {
        name: (!name.is_empty()).then(|| name.to_owned()),
        address: address.to_owned(),
    })
}

fn return_to(value: PlacedValue<'_>) -> Option<ReturnTo> {
    match value.raw {
        DeValue::String(text) if text == "none" => Some(ReturnTo::Nobody),
        DeValue::String(text) if !text.contains('@') => {
            value.wrong(format!("is \"{text}\""), "write \"none\" or a mail address")
        }
        _ => address(value).map(ReturnTo::Address),
    }
}

/// A glob of domains; `*@` in front of one means the same.
fn domain(value: PlacedValue<'_>) -> Option<String> {
    let written = text(value.clone())?;
    let glob = written.strip_prefix("*@").unwrap_or(&written);
    match flaw(PatternTarget::Domain, glob) {
        None => Some(glob.to_owned()),
        Some(fault) => value.wrong(fault.cause, fault.cure),
    }
}
