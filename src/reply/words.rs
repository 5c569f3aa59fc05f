//! The words of a letter: the operator's templates, by the language of whom it is for, or the usual ones. Pure. Never internals; those
//! are the operator's.
//!
//! A template that fails costs its words and never the letter: the usual words are taken, and what was wrong is noted.

use mail_parser::decoders::html::html_to_text;
use minijinja::Value;

use crate::{
    config::{Reply, ReplyTemplate, ReplyWords, Template, TemplateFormat, reply::usual},
    job::Reason,
    message::{Head, clean::clean, language::lookup},
};

/// Characters of a subject.
const MAX_SUBJECT: usize = 420;
/// Bytes of a text or of HTML by a template, beside the answer's own text.
const MAX_BODY: usize = 1 << 20;

/// What a letter says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RenderedWords {
    /// One line.
    pub(super) subject: String,
    /// Lines ended by CRLF.
    pub(super) text: String,
    /// The same in HTML, lines ended by CRLF.
    pub(super) html: Option<String>,
    /// In this language, where it was chosen.
    pub(super) language: Option<String>,
}

/// The words of a letter. `answered` is the length of what the action answered, for which there is always room.
pub(super) fn spoken(
    reply: &Reply,
    letter: &ReplyTemplate,
    head: &Head,
    values: &Value,
    answered: usize,
    notes: &mut Vec<String>,
) -> RenderedWords {
    let (language, words) = chosen(reply, letter, head);
    let most = MAX_BODY.saturating_add(answered);
    let mut noted = |what: &str, why: &dyn std::fmt::Display| {
        notes.push(format!(
            "the {what} has the usual words, for the template failed: {why}"
        ));
    };
    let own = words.subject.as_ref().filter(|_| reply.original_subject != Some(true));
    let subject = own.and_then(|template| match template.render(values, most) {
        Ok(subject) => Some(one_line(&subject, MAX_SUBJECT)).filter(|subject| !subject.is_empty()),
        Err(error) => {
            noted("subject", &error);
            None
        }
    });
    let body = match own_body(words, values, most) {
        Ok(body) => body,
        Err(error) => {
            noted("text", &error);
            None
        }
    };
    let own_language = body.is_some() || subject.is_some();
    let (text, html) = body.unwrap_or_else(|| (usual_text(values), None));
    RenderedWords {
        subject: subject.unwrap_or_else(|| usual_subject(reply, values)),
        text,
        html,
        language: language.filter(|_| own_language).map(str::to_owned),
    }
}

/// The usual words, whatever the templates are.
pub(super) fn usual(reply: &Reply, values: &Value) -> RenderedWords {
    RenderedWords {
        subject: usual_subject(reply, values),
        text: usual_text(values),
        html: None,
        language: None,
    }
}

/// The words in the language that is forced or that the mail's sender reads, else those without one.
fn chosen<'a>(reply: &Reply, letter: &'a ReplyTemplate, head: &Head) -> (Option<&'a str>, &'a ReplyWords) {
    let forced = reply.language.as_ref().map(std::slice::from_ref);
    let wanted = forced.unwrap_or(&head.languages);
    let known = |tag: &str| letter.languages.get_key_value(tag);
    let found = lookup(wanted, |tag| known(tag).map(|(tag, _)| tag)).and_then(|tag| known(tag));
    found.map_or((None, &letter.words), |(tag, words)| (Some(tag.as_str()), words))
}

/// Text and HTML of the operator's; `None` where there are no templates or only blanks come of them. HTML alone is read to those who
/// want text.
fn own_body(
    words: &ReplyWords,
    values: &Value,
    most: usize,
) -> Result<Option<(String, Option<String>)>, crate::config::TemplateError> {
    let render = |template: &Option<Template>| template.as_ref().map(|template| template.render(values, most));
    let html = render(&words.html).transpose()?.filter(|html| !html.trim().is_empty());
    let text = match render(&words.text).transpose()? {
        Some(text) => Some(text),
        None => html.as_deref().map(html_to_text),
    };
    let text = text.filter(|text| !text.trim().is_empty());
    Ok(text.map(|text| (lines(&text), html.as_deref().map(lines))))
}

fn usual_subject(reply: &Reply, values: &Value) -> String {
    let source = match reply.original_subject {
        Some(false) => usual::OWN_SUBJECT,
        Some(true) | None => usual::SUBJECT,
    };
    let subject = ours(source, values).unwrap_or_default();
    match one_line(&subject, MAX_SUBJECT) {
        subject if subject.is_empty() => "Re: your mail".to_owned(),
        subject => subject,
    }
}

fn usual_text(values: &Value) -> String {
    lines(&ours(usual::TEXT, values).unwrap_or_else(|| "Your mail was handled, or could not be.".to_owned()))
}

/// Our own templates are right, and all that they ask for is there: a test goes through every reason and kind of answer.
fn ours(source: &str, values: &Value) -> Option<String> {
    let template = Template::new(TemplateFormat::Text, source).ok()?;
    template.render_ours(values).ok()
}

/// Text as HTML shows it.
pub(super) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            c => html.push(c),
        }
    }
    html
}

/// Text fit for a mail's body: no control characters but tabs, lines ended by CRLF.
pub(super) fn lines(text: &str) -> String {
    let mut text = plain(text).trim_end().replace('\n', "\r\n");
    text.push_str("\r\n");
    text
}

/// Text fit for a header field: one line, single blanks, nothing that a reader would decode.
pub(super) fn one_line(text: &str, most: usize) -> String {
    // What looks like an encoded word (RFC 2047) would be decoded by readers, and mail-builder 2.0.1 writes it as it is.
    let cleaned = clean(text, most).replace("=?", "= ?");
    // Folding keeps single spaces only.
    cleaned.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a sender can understand and perhaps change. Everything on our side of the fence is one sentence.
pub(super) fn because(reason: Reason) -> &'static str {
    match reason {
        Reason::TooLarge | Reason::Size => "its size is not within the limits",
        Reason::Encrypted => "it is encrypted, and can't be read here",
        Reason::Sender | Reason::Untrusted => "it is not accepted from this sender",
        Reason::Rate => "there were too many mails in a short time",
        Reason::Down => "the system that it is meant for can't be reached",
        Reason::Input => "something that is needed is missing",
        Reason::Part => "a part of it could not be handled",
        Reason::Oversize => "the result is too large for a mail",
        Reason::Conversation => "it answers a mail that can't be answered any more, or not by its sender",
        Reason::Bounced => "it says that a reply could not be delivered",
        Reason::Unreadable | Reason::Slow | Reason::Panicked => "it could not be read",
        Reason::Attachments => "it does not have the attachments that are expected",
        Reason::From | Reason::To | Reason::Subject | Reason::Automatic => "it does not match what is expected here",
        Reason::Status(_) | Reason::Exit(_) => "the system that it is meant for did not accept it",
        Reason::Timeout => "the system that it is meant for took too long",
        Reason::Exhausted | Reason::Network => "the system that it is meant for can't be reached or kept failing",
        Reason::Poison
        | Reason::Discarded
        | Reason::PrivateNetwork
        | Reason::BadAnswer
        | Reason::Tls
        | Reason::Proxy
        | Reason::Signal(_)
        | Reason::Spawn
        | Reason::Secret
        | Reason::Local
        | Reason::Gone => "something is wrong on our side",
    }
}

/// Text with `\n` as its only control character beside tabs.
pub(super) fn plain(text: &str) -> String {
    let lines = text.replace("\r\n", "\n").replace('\r', "\n");
    lines
        .chars()
        .filter(|&c| matches!(c, '\n' | '\t') || !c.is_control())
        .collect()
}
