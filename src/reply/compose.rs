//! Decides whether a result is told, to whom and in which words, and builds the mail once. Pure: the time is an argument.
//!
//! Everything that stems from a mail, an action or a template is cleaned before it reaches the mail builder, and what the builder made
//! is read back before it is believed. What can't be built with an operator's templates is built with the usual words; what can't be
//! built with those either is not sent.

use super::{
    answerable::begun,
    build::{ReplyDraft, build},
    ids::MessageIds,
    original::{attached, quoted},
    recipients::{NoReplyCode, OwnAddresses, Recipients, recipients},
    values::values,
    words::{self, RenderedWords, escaped},
};
use crate::{
    addr_spec::is_sendable,
    config::{Conversation, Endpoint, OriginalAs, Reply, ReplySender, ReplyTemplate, ReplyTo, ReturnTo},
    job::{Ending, NewReply, Outcome, Replier, ReplyDecision, ResultFile},
    message::{Head, clean::clean, reply_to, safe_name::Names},
};

/// Characters of the line above a quoted mail.
const MAX_HEADING: usize = 500;

/// Writes the replies of one endpoint.
#[derive(Debug)]
pub struct Composer {
    reply: Reply,
    desk: Option<SenderAccount>,
    conversation: Option<Conversation>,
    ourselves: OwnAddresses,
}

/// Whose SMTP server takes our replies, and our addresses.
#[derive(Debug)]
struct SenderAccount {
    account: String,
    /// Where mails come back to when nothing else is written.
    address: String,
    from: ReplySender,
}

/// A decision, and what a person should know of how it came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composed {
    /// The reply, or why there is none.
    pub decision: ReplyDecision,
    /// What the operator's templates did not bring about, why Reply-To is not answered, and the like; one line each.
    pub notes: Vec<String>,
}

impl Composer {
    /// The composer of an endpoint; none of `ourselves` is answered.
    #[must_use]
    pub fn new(endpoint: &Endpoint, ourselves: OwnAddresses) -> Self {
        let reply = endpoint.reply.clone();
        let desk = reply.account.as_ref().and_then(|account| {
            let own = account.from.as_deref().unwrap_or(&account.user);
            let usual = ReplySender {
                name: None,
                address: own.to_owned(),
            };
            let from = reply.from.clone().unwrap_or(usual);
            let address = if is_sendable(own) { own } else { &from.address };
            is_sendable(&from.address).then(|| SenderAccount {
                account: account.name.clone(),
                address: address.to_owned(),
                from: from.clone(),
            })
        });
        Self {
            reply,
            desk,
            conversation: endpoint.conversation.clone(),
            ourselves,
        }
    }

    /// The reply for an ending, and notes on it.
    #[must_use]
    pub fn compose(&self, ending: &Ending<'_>) -> Composed {
        let mut notes = Vec::new();
        let decision = match self.decide(ending, &mut notes) {
            Ok(reply) => ReplyDecision::Send(reply),
            Err(code) => ReplyDecision::Silent(code.to_owned()),
        };
        Composed { decision, notes }
    }

    fn decide(&self, ending: &Ending<'_>, notes: &mut Vec<String>) -> Result<NewReply, NoReplyCode> {
        let letter = match ending.outcome {
            Outcome::Done(_) => self.reply.success.as_ref(),
            Outcome::Failed { .. } => self.reply.failure.as_ref(),
            Outcome::Retry { .. } | Outcome::Ignored { .. } | Outcome::Held { .. } | Outcome::Split(_) => None,
        };
        let letter = letter.ok_or("off")?;
        if letter.to.is_empty() {
            return Err("nobody");
        }
        let head = ending.head.ok_or("unreadable")?;
        let recipients =
            recipients(&self.reply, letter, (head, ending.proven), &self.ourselves).inspect_err(|code| {
                if *code == "no-sender" && !head.from.is_empty() {
                    let from: Vec<_> = head.from.iter().map(|from| clean(&from.address, 200)).collect();
                    notes.push(format!(
                        "nobody is answered, for the sender's address can't be written in SMTP: {}",
                        from.join(", ")
                    ));
                }
            })?;
        let sender = reply_to::judge(head, ending.proven, &self.reply.reply_to_domains);
        if letter.to.contains(&ReplyTo::Sender)
            && let Some(unheeded) = sender.and_then(|sender| sender.unheeded)
        {
            notes.push(format!("From is answered and not Reply-To: {}", unheeded.why()));
        }
        let desk = self.desk.as_ref().ok_or("unbuildable")?;
        let answerable = self.conversation.as_ref().zip(ending.answerable.as_ref());
        let ids = MessageIds::new(
            &self.reply,
            (ending.job, ending.rerun),
            &desk.from.address,
            head,
            answerable,
        );
        let writing = ReplyWriter {
            reply: &self.reply,
            letter,
            desk,
            head,
            ending,
            recipients: &recipients,
            ids: &ids,
        };
        let bytes = writing.write(notes).ok_or("unbuildable")?;
        let data = match ending.outcome {
            Outcome::Done(answer) => answer.data.as_ref(),
            _ => None,
        };
        let begun = |(conversation, answerable)| begun(conversation, answerable, &recipients.all(), data, ending.now);
        Ok(NewReply {
            account: desk.account.clone(),
            sender: match &letter.return_to {
                Some(ReturnTo::Nobody) => String::new(),
                Some(ReturnTo::Address(address)) => address.clone(),
                None => desk.address.clone(),
            },
            conversation: answerable.map(begun).map(Box::new),
            recipients: recipients.all(),
            message_id: ids.message_id,
            bytes,
        })
    }
}

impl Replier for Composer {
    fn reply(&self, ending: &Ending<'_>) -> ReplyDecision {
        let Composed { decision, notes } = self.compose(ending);
        for note in notes {
            tracing::warn!(endpoint = %ending.endpoint, job = %ending.job, %note, "a reply is not as it was meant");
        }
        decision
    }
}

/// A letter while it is written.
struct ReplyWriter<'a> {
    reply: &'a Reply,
    letter: &'a ReplyTemplate,
    desk: &'a SenderAccount,
    head: &'a Head,
    ending: &'a Ending<'a>,
    recipients: &'a Recipients,
    ids: &'a MessageIds<'a>,
}

impl ReplyWriter<'_> {
    /// The bytes: by the templates, else in the usual words, else without the mail that is answered.
    fn write(&self, notes: &mut Vec<String>) -> Option<bytes::Bytes> {
        let Self {
            reply,
            letter,
            head,
            ending,
            ..
        } = *self;
        let (files, answered) = match ending.outcome {
            Outcome::Done(answer) => (named(&answer.files), answer.text.as_ref().map_or(0, String::len)),
            _ => (Vec::new(), 0),
        };
        let values = values(ending, head, &files);
        let spoken = words::spoken(reply, letter, head, &values, answered, notes);
        let usual = words::usual(reply, &values);
        if reply.original != OriginalAs::Nothing && ending.original.is_none() {
            notes.push("the mail could not be had and does not go back".to_owned());
        }
        let whole = self.draft(self.with_quote(spoken.clone(), &values, notes), &files, true);
        if let Some(bytes) = build(whole) {
            return Some(bytes);
        }
        notes.push("the letter could not be built as it was meant; it has the usual words".to_owned());
        let usual = self.with_quote(usual.clone(), &values, &mut Vec::new());
        build(self.draft(usual, &files, true)).or_else(|| {
            notes.push("the mail does not go back, for no letter could be built with it".to_owned());
            build(self.draft(words::usual(reply, &values), &files, false))
        })
    }

    fn draft<'b>(
        &'b self,
        spoken: RenderedWords,
        files: &'b [(String, &'b ResultFile)],
        with_original: bool,
    ) -> ReplyDraft<'b> {
        let original = self.ending.original.filter(|_| with_original);
        ReplyDraft {
            job: self.ending.job,
            now: self.ending.now,
            from: &self.desk.from,
            recipients: self.recipients,
            ids: self.ids,
            spoken,
            charset: self.reply.charset,
            files,
            original: original.and_then(|original| attached(original, self.reply.original, self.reply.original_limit)),
        }
    }

    /// The words with the mail quoted below them, where that is wanted.
    fn with_quote(
        &self,
        mut spoken: RenderedWords,
        values: &minijinja::Value,
        notes: &mut Vec<String>,
    ) -> RenderedWords {
        let reply = self.reply;
        let wanted = self.ending.original.filter(|_| reply.original == OriginalAs::Quote);
        let quote = wanted.map(|original| quoted(original, reply.original_limit));
        let Some(quote) = quote.filter(|quote| !quote.is_empty()) else {
            return spoken;
        };
        let heading = match reply.original_heading.render(values, MAX_HEADING) {
            Ok(heading) => words::one_line(&heading, MAX_HEADING),
            Err(error) => {
                notes.push(format!("the heading of the quoted mail is left out: {error}"));
                String::new()
            }
        };
        spoken.text.push_str("\r\n");
        spoken.text.push_str(&words::lines(&format!("{heading}\n{quote}")));
        if let Some(html) = &mut spoken.html {
            let below = format!("<p>{}</p>\n<pre>{}</pre>\n", escaped(&heading), escaped(&quote));
            let end = html.to_ascii_lowercase().rfind("</body>").unwrap_or(html.len());
            html.insert_str(end, &words::lines(&below));
        }
        spoken
    }
}

fn named(files: &[ResultFile]) -> Vec<(String, &ResultFile)> {
    let mut names = Names::default();
    files
        .iter()
        .map(|file| (names.add(Some(&file.name), &file.media_type), file))
        .collect()
}

#[cfg(test)]
#[path = "compose_world.rs"]
mod world;

#[cfg(test)]
#[path = "compose_answerable.rs"]
mod answerable;
#[cfg(test)]
#[path = "compose_languages_tests.rs"]
mod languages;
#[cfg(test)]
#[path = "compose_property.rs"]
mod property;
#[cfg(test)]
#[path = "compose_templates_tests.rs"]
mod templates;
#[cfg(test)]
#[path = "compose_tests.rs"]
mod tests;
