//! Decides whether a result is told, to whom and in which words, and builds the mail once. Pure: the time is an argument.
//!
//! Everything that stems from a mail or an action goes through [`clean`] and its kin before it reaches the mail builder, and what
//! the builder made is inspected before it is believed. What can't be built is not sent.

use bytes::Bytes;
use mail_builder::{
    MessageBuilder,
    headers::{address::Address, date::Date, message_id::MessageId, raw::Raw},
    mime::{BodyPart, MimePart},
};

use super::{
    answerable::{begun, reply_to},
    inspect::is_sound,
    recipients::{Code, Ourselves, recipients},
    words,
};
use crate::{
    addr_spec::is_sendable,
    config::{Conversation, Endpoint, Reply, ReplyTo},
    job::{Answer, Answerable, Ending, File, NewReply, Outcome, Replier, ReplyDecision},
    message::{Head, LOOP_MARK, clean::clean, safe_name::Names},
};

/// Characters kept of the subject that is answered.
const MAX_SUBJECT: usize = 400;
/// Bytes of an identifier that is quoted back; longer ones would not fit a header line.
const MAX_ID: usize = 250;
/// Identifiers kept at the end of References, beside the first.
const LAST_REFERENCES: usize = 20;

/// Writes the replies of one endpoint.
#[derive(Debug)]
pub struct Composer {
    reply: Reply,
    sender: Option<Sender>,
    conversation: Option<Conversation>,
    ourselves: Ourselves,
}

/// Whose SMTP server takes our replies, and our address.
#[derive(Debug)]
struct Sender {
    account: String,
    address: String,
}

impl Composer {
    /// The composer of an endpoint; none of `ourselves` is answered.
    #[must_use]
    pub fn new(endpoint: &Endpoint, ourselves: Ourselves) -> Self {
        let submitting = endpoint.reply.account.as_ref();
        let sender = submitting.and_then(|account| {
            let address = account.from.as_deref().unwrap_or(&account.user);
            is_sendable(address).then(|| Sender {
                account: account.name.clone(),
                address: address.to_owned(),
            })
        });
        Self {
            reply: endpoint.reply.clone(),
            sender,
            conversation: endpoint.conversation.clone(),
            ourselves,
        }
    }

    fn compose(&self, ending: &Ending<'_>) -> Result<NewReply, Code> {
        let wanted = match ending.outcome {
            Outcome::Done(_) => self.reply.on_success,
            Outcome::Failed { .. } => self.reply.on_failure,
            Outcome::Retry { .. } | Outcome::Ignored { .. } | Outcome::Held { .. } => false,
        };
        if !wanted {
            return Err("off");
        }
        if self.reply.to == ReplyTo::Nobody {
            return Err("nobody");
        }
        let head = ending.head.ok_or("unreadable")?;
        let recipients = recipients(&self.reply.to, head, &self.ourselves)?;
        let sender = self.sender.as_ref().ok_or("unbuildable")?;
        let domain = sender.address.rsplit_once('@').map_or("", |(_, domain)| domain);
        let answerable = self.conversation.as_ref().zip(ending.answerable.as_ref());
        let message_id = match answerable {
            Some((_, Answerable { token, .. })) => token.message_id(domain),
            // A UUIDv7 has 74 random bits: nobody guesses the id of a reply that they have not seen.
            None => format!("{}.reply@{domain}", ending.job),
        };
        let reply_to = answerable.map(|(conversation, answerable)| reply_to(conversation, &answerable.token));
        let ids = Ids { message_id, reply_to };
        let bytes = build(ending, head, &sender.address, &recipients, &ids).ok_or("unbuildable")?;
        let data = match ending.outcome {
            Outcome::Done(answer) => answer.data.as_ref(),
            _ => None,
        };
        let begun = |(conversation, answerable)| begun(conversation, answerable, &recipients, data, ending.now);
        Ok(NewReply {
            conversation: answerable.map(begun).map(Box::new),
            message_id: ids.message_id,
            account: sender.account.clone(),
            sender: sender.address.clone(),
            recipients,
            bytes,
        })
    }
}

impl Replier for Composer {
    fn reply(&self, ending: &Ending<'_>) -> ReplyDecision {
        match self.compose(ending) {
            Ok(reply) => ReplyDecision::Send(reply),
            Err(code) => ReplyDecision::Silent(code.to_owned()),
        }
    }
}

/// How a reply is known, and where answers to it go if not to From.
struct Ids {
    message_id: String,
    reply_to: Option<String>,
}

fn build(ending: &Ending<'_>, head: &Head, from: &str, to: &[String], ids: &Ids) -> Option<Bytes> {
    let nothing = Answer::default();
    let answer = match ending.outcome {
        Outcome::Done(answer) => answer,
        _ => &nothing,
    };
    let named = named(&answer.files);
    let names: Vec<_> = named.iter().map(|(name, _)| name.as_str()).collect();
    let to: Vec<_> = to
        .iter()
        .map(|to| Address::new_address(None::<&str>, to.as_str()))
        .collect();
    let mut mail = MessageBuilder::new()
        .from(Address::new_address(None::<&str>, from))
        .to(Address::new_list(to))
        .date(Date::new(ending.now.timestamp()))
        .message_id(ids.message_id.as_str())
        .subject(subject(&head.subject));
    if let Some(reply_to) = &ids.reply_to {
        mail = mail.reply_to(Address::new_address(None::<&str>, reply_to.as_str()));
    }
    if let Some(answered) = head.message_id.as_deref().filter(|id| is_quotable(id)) {
        mail = mail.in_reply_to(answered);
    }
    let references = references(head);
    if !references.is_empty() {
        mail = mail.references(MessageId::new_list(references.into_iter()));
    }
    // RFC 3834 section 5; and Exchange's own word for the same.
    mail = mail
        .header("Auto-Submitted", Raw::new("auto-replied"))
        .header("X-Auto-Response-Suppress", Raw::new("All"))
        .header(LOOP_MARK, Raw::new(ending.job.to_string()))
        .text_body(words::body(ending, &names));
    for (name, file) in &named {
        let part = MimePart::new(
            media_type(&file.media_type),
            BodyPart::Binary(file.data.as_ref().into()),
        );
        mail.attachments
            .get_or_insert_default()
            .push(part.attachment(name.as_str()));
    }
    let bytes = mail.write_to_vec().ok()?;
    is_sound(&bytes).then(|| bytes.into())
}

/// `Re:` once, then the subject on one line.
fn subject(answered: &str) -> String {
    // What looks like an encoded word (RFC 2047) would be decoded by readers, and mail-builder 2.0.1 writes it as it is.
    let cleaned = clean(answered, MAX_SUBJECT).replace("=?", "= ?");
    let mut rest = cleaned.as_str();
    while let Some(tail) = rest
        .get(..3)
        .filter(|re| re.eq_ignore_ascii_case("re:"))
        .and(rest.get(3..))
    {
        rest = tail.trim_start();
    }
    // Folding keeps single spaces only.
    let words: Vec<_> = rest.split_whitespace().collect();
    match words.as_slice() {
        [] => "Re: your mail".to_owned(),
        words => format!("Re: {}", words.join(" ")),
    }
}

/// The thread so far and the mail that is answered (RFC 5322 section 3.6.4): the first and the last ones of a long one.
fn references(head: &Head) -> Vec<&str> {
    let before = match (head.references.as_slice(), head.in_reply_to.as_slice()) {
        ([], [only]) => std::slice::from_ref(only),
        (references, _) => references,
    };
    let all = before.iter().chain(&head.message_id).map(String::as_str);
    let all: Vec<_> = all.filter(|id| is_quotable(id)).collect();
    let skipped = 1..all.len().saturating_sub(LAST_REFERENCES).max(1);
    let kept = all
        .into_iter()
        .enumerate()
        .filter(|(place, _)| !skipped.contains(place));
    kept.map(|(_, id)| id).collect()
}

/// An identifier that can stand between angle brackets as it is. Others are left out, for a changed one would refer to nothing.
fn is_quotable(id: &str) -> bool {
    !id.is_empty() && id.len() <= MAX_ID && id.bytes().all(|b| b.is_ascii_graphic() && b != b'<' && b != b'>')
}

fn named(files: &[File]) -> Vec<(String, &File)> {
    let mut names = Names::default();
    files
        .iter()
        .map(|file| (names.add(Some(&file.name), &file.media_type), file))
        .collect()
}

/// `type/subtype` of plain tokens. Mails and multiparts may not be base64 (RFC 2046 section 5), and no reader needs them to be more
/// than a file.
fn media_type(wanted: &str) -> &str {
    let is_token = |text: &str| {
        (1..=80).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
    };
    let essence = wanted.split(';').next().unwrap_or_default().trim();
    match essence.split_once('/') {
        Some((kind, sub))
            if is_token(kind)
                && is_token(sub)
                && !["message", "multipart"]
                    .iter()
                    .any(|composite| kind.eq_ignore_ascii_case(composite)) =>
        {
            essence
        }
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
#[path = "compose_tests.rs"]
mod tests;
