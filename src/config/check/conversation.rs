//! Who may answer a reply, and which mails are meant by what they answer.

use std::time::Duration;

use toml::de::DeValue;

use super::{DAY, MINUTE, name_fault};
use crate::{
    addr_spec::is_sendable,
    config::{
        Answerers, Answers, Conversation, EndpointName, Mailbox, Place, Reply,
        declare::{keys, never, usual, usual_as},
        glob::{PatternTarget, flaw},
        key::{Allowed, Section},
        kind::{Count, Flag, OneOf, Time},
        problem::Fault,
        sheet::PlacedValue,
        table::Table,
        value::{one_or_more, text},
    },
};

/// Octets of a local part (RFC 5321 section 4.5.3.1.1) that are left beside `+` and a token.
const MAX_LOCAL: usize = 64 - 1 - 26;

/// A conversation, and where its answers go.
#[derive(Debug)]
pub(in crate::config) struct ConversationSetting {
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
) -> Option<Option<ConversationSetting>> {
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

keys! {
    /// `[conversation]` as it is written.
    pub(in crate::config) struct ConversationKeys in "conversation" "\
Whether a done job's reply may be answered: the answer becomes a job that gets the earlier job's id and data. Without this table an
answer is a mail like any other, as are one from somebody else, one that comes too late, and one more than may be." {
        expires: Duration = Time(MINUTE..=365 * DAY), usual(14 * DAY), "after the reply was made";
        from: Answerers = Allowed::one_or_more(Allowed::Text) => answerers, usual_as(Answerers::Recipients, "\"recipients\""),
            "those to whom the reply went; or an address or a list of them, with the wildcards * and ?: [\"*@us.example\"]";
        proof: bool = OneOf(&[("required", true), ("none", false)]), usual(true),
            "whether an answer counts only if DMARC, DKIM or SPF shows that it is of whom its From names; anybody can write a From";
        once: bool = Flag, usual(true),
            "whether the first accepted answer is the last one; one whose job fails leaves its place to the next";
        plus: bool = Flag, usual(true),
            "whether Reply-To is name+TOKEN@domain; false where the server knows no plus-addresses: then Message-ID alone says it";
        answers: usize = Count(1..=1000), usual(20), "of people in a row, and to one reply with once = false";
        endpoint: Option<EndpointName> = Allowed::Text => endpoint_name, never("\"approvals\""),
            "whose job an answer becomes: answers go to its mailbox; this endpoint when nothing is written";
    }
}

fn section(
    table: &mut Table<'_>,
    name: &EndpointName,
    mailbox: Option<&Mailbox>,
    place: Place,
) -> Option<ConversationSetting> {
    let written = ConversationKeys::read(table)?;
    let endpoint = written.endpoint.unwrap_or_else(|| name.clone());
    let elsewhere = table.value("endpoint").filter(|_| endpoint != *name);
    let address = match (mailbox, &elsewhere) {
        (_, Some(_)) => String::new(),
        (None, None) => return None,
        (Some(mailbox), None) => match answer_address(mailbox, written.plus) {
            Ok(address) => address,
            Err(fault) => {
                table.lacks(fault.cause, fault.cure);
                return None;
            }
        },
    };
    Some(ConversationSetting {
        conversation: Conversation {
            expires: written.expires,
            from: written.from,
            proven: written.proof,
            once: written.once,
            plus: written.plus,
            answers: u32::try_from(written.answers).unwrap_or(u32::MAX),
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
fn answerers(value: PlacedValue<'_>) -> Option<Answerers> {
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
fn pattern(value: PlacedValue<'_>) -> Option<String> {
    const CURE: &str = "write it as name@domain, where * and ? are wildcards";
    let text = text(value.clone())?;
    match text.split_once('@') {
        Some((_, "*")) => value.wrong(
            "lets everybody answer who has seen the reply",
            "name the domain: \"*@us.example\"",
        ),
        // A domain has to be there: what stands for any is not proposed here.
        None | Some((_, "")) => value.wrong(format!("is \"{text}\", not a mail address"), CURE),
        Some(_) => match flaw(PatternTarget::Address, &text) {
            Some(fault) => value.wrong(fault.cause, fault.cure),
            None => Some(text),
        },
    }
}

fn endpoint_name(value: PlacedValue<'_>) -> Option<EndpointName> {
    let name = text(value.clone())?;
    EndpointName::new(&name).or_else(|| {
        let fault = name_fault(&name);
        value.wrong(format!("is wrong: {}", fault.cause), fault.cure)
    })
}

keys! {
    /// What `[when]` says of answers.
    struct ConversationFilter in "when" "" {
        conversation: Option<bool> = OneOf(&[("any", None), ("none", Some(false)), ("required", Some(true))]), usual(None),
            "whether it answers a reply of ours: any; required: only answers that count; none: only other mails";
        answers_to: Vec<EndpointName> = Allowed::one_or_more(Allowed::Text) => one_or_more(endpoint_name), never("[\"requests\"]"),
            "only answers that count, to replies of these endpoints";
    }
}

impl Answers {
    pub(super) fn read(table: &mut Table<'_>) -> Option<Self> {
        let meant = ConversationFilter::read(table)?;
        let to_these = table.value("answers_to").is_some();
        if let (Some(false), true, Some(value)) = (meant.conversation, to_these, table.value("conversation")) {
            let cause = "is \"none\" beside answers_to, by which only answers are meant";
            value.wrong::<()>(cause, "remove one of the two");
        }
        Some(match (meant.conversation, to_these) {
            (Some(false), _) => Self::None,
            (None, false) => Self::Any,
            (Some(true), _) | (None, true) => Self::Only(meant.answers_to),
        })
    }

    pub(super) fn section() -> Section {
        ConversationFilter::section()
    }
}
