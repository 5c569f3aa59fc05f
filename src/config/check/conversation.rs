//! Who may answer a reply, and which mails are meant by what they answer.

use toml::de::DeValue;

use super::{DAY, MINUTE, name_fault};
use crate::{
    addr_spec::is_sendable,
    config::{
        Answerers, Answers, Conversation, EndpointName, Mailbox, Place, Reply,
        glob::{Against, flaw},
        problem::Fault,
        sheet::Value,
        table::Table,
        value::{choice, count, duration, flag, one_or_more, text},
    },
};

/// Octets of a local part (RFC 5321 section 4.5.3.1.1) that are left beside `+` and a token.
const MAX_LOCAL: usize = 64 - 1 - 26;

/// Answers in a row, or to one reply.
const ANSWERS: u32 = 20;

/// A conversation, and where its answers go.
#[derive(Debug)]
pub(in crate::config) struct Talk {
    pub(in crate::config) conversation: Conversation,
    /// Where the file says which endpoint answers go to, if that is another.
    pub(in crate::config) elsewhere: Option<Place>,
    /// Where the table begins.
    pub(in crate::config) place: Place,
}

/// Reads `[conversation]`; without it nobody may answer. `None` outside when something is wrong.
pub(super) fn conversation(
    top: &mut Table<'_>,
    name: &EndpointName,
    mailbox: Option<&Mailbox>,
    reply: Option<&Reply>,
) -> Option<Option<Talk>> {
    let Some(value) = top.value("conversation") else {
        return Some(None);
    };
    if reply.is_some_and(|reply| reply.account.is_none()) {
        let cure = "write [reply] with to = \"sender\" or an address, or remove [conversation]";
        value.misnamed(Fault::new("`conversation` has no use where nobody is replied to", cure));
    }
    let place = value.place();
    value.table(|table| section(table, name, mailbox, place)).map(Some)
}

fn section(table: &mut Table<'_>, name: &EndpointName, mailbox: Option<&Mailbox>, place: Place) -> Option<Talk> {
    let expires = table.or("expires", 14 * DAY, duration(MINUTE..=365 * DAY));
    let from = table.or("from", Answerers::Recipients, answerers);
    let proven = table.or("proof", true, choice(&[("required", true), ("none", false)]));
    let once = table.or("once", true, flag);
    let plus = table.or("plus", true, flag);
    let answers = table.get("answers", count(1..=1_000));
    let endpoint = table.or("endpoint", name.clone(), endpoint_name);
    let elsewhere = table.value("endpoint").filter(|_| endpoint != *name);
    let address = match (mailbox, &elsewhere) {
        (_, Some(_)) => String::new(),
        (None, None) => return None,
        (Some(mailbox), None) => match answer_address(mailbox, plus) {
            Ok(address) => address,
            Err(fault) => {
                table.lacks(fault.cause, fault.cure);
                return None;
            }
        },
    };
    Some(Talk {
        conversation: Conversation {
            expires,
            from,
            proven,
            once,
            plus,
            answers: answers.and_then(|count| u32::try_from(count).ok()).unwrap_or(ANSWERS),
            endpoint,
            address,
        },
        elsewhere: elsewhere.map(|value| value.place()),
        place,
    })
}

/// The address at which a mailbox gets answers.
pub(in crate::config) fn answer_address(mailbox: &Mailbox, plus: bool) -> Result<String, Fault> {
    let account = &mailbox.account;
    let known = [Some(&account.user), account.from.as_ref()];
    let Some(address) = known.into_iter().flatten().find(|address| is_sendable(address)) else {
        let cause = format!(
            "answers have no address: the user of the account \"{}\" is none",
            account.name
        );
        return Err(Fault::new(cause, "add from = \"name@domain\" to the account"));
    };
    let local = address.rsplit_once('@').map_or("", |(local, _)| local);
    if plus && local.len() > MAX_LOCAL {
        let cause = format!("\"{local}\" leaves no room for a plus-address, which is 64 characters at most");
        return Err(Fault::new(
            cause,
            "write plus = false: answers find their job by Message-ID alone",
        ));
    }
    Ok(address.clone())
}

/// `recipients`, a pattern or a list of patterns.
fn answerers(value: Value<'_>) -> Option<Answerers> {
    match value.raw {
        DeValue::String(text) if text == "recipients" => Some(Answerers::Recipients),
        DeValue::String(text) if !text.contains('@') => value.wrong(
            format!("is \"{text}\""),
            "write \"recipients\", a mail address such as \"boss@us.example\" or \"*@us.example\", or a list of them",
        ),
        _ => one_or_more(pattern)(value).map(Answerers::Like),
    }
}

/// An address in which `*` and `?` are wildcards. Its domain can't be left open: a token may be forwarded to anybody.
fn pattern(value: Value<'_>) -> Option<String> {
    const CURE: &str = "write it as name@domain, where * and ? are wildcards";
    let text = text(value.clone())?;
    match text.split_once('@') {
        Some((_, "*")) => value.wrong(
            "lets everybody answer who has seen the reply",
            "name the domain: \"*@us.example\"",
        ),
        // A domain has to be there: what stands for any is not proposed here.
        None | Some((_, "")) => value.wrong(format!("is \"{text}\", not a mail address"), CURE),
        Some(_) => match flaw(Against::Address, &text) {
            Some(fault) => value.wrong(fault.cause, fault.cure),
            None => Some(text),
        },
    }
}

fn endpoint_name(value: Value<'_>) -> Option<EndpointName> {
    let name = text(value.clone())?;
    EndpointName::new(&name).or_else(|| {
        let fault = name_fault(&name);
        value.wrong(format!("is wrong: {}", fault.cause), fault.cure)
    })
}

/// Reads `conversation` and `answers_to` of `[when]`.
pub(super) fn answers(table: &mut Table<'_>) -> Answers {
    let kinds = [
        ("any", Answers::Any),
        ("none", Answers::None),
        ("required", Answers::Only(Vec::new())),
    ];
    let kind = table.get("conversation", choice(&kinds));
    match (kind, table.get("answers_to", one_or_more(endpoint_name))) {
        (Some(Answers::None), Some(_)) => {
            if let Some(value) = table.value("conversation") {
                let cause = "is \"none\" beside answers_to, by which only answers are meant";
                value.wrong::<()>(cause, "remove one of the two");
            }
            Answers::None
        }
        (_, Some(endpoints)) => Answers::Only(endpoints),
        (kind, None) => kind.unwrap_or_default(),
    }
}
