//! Replies: who hears of a result, from whom, in which words. Types only; `check` reads them.

use std::{collections::BTreeMap, sync::Arc};

use super::{Account, ReplyWords, Template, TemplateFormat};

/// How jobs are answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// Through whose SMTP server, and with what From.
    pub account: Option<Arc<Account>>,
    /// How a done job is answered; `None` where it is not.
    pub success: Option<ReplyTemplate>,
    /// How a failed job is answered; `None` where it is not.
    pub failure: Option<ReplyTemplate>,
    /// From. Default: the account's address, without a name.
    pub from: Option<ReplySender>,
    /// Reply-To. Default: none, so that answers go to From.
    pub reply_to: Option<String>,
    /// Globs of domains to which a mail's Reply-To may point although its From is elsewhere. Default: none.
    pub reply_to_domains: Vec<String>,
    /// Whether what the action says of a failure in plain text is told. Default: no.
    pub tell: bool,
    /// Of subject and text. Default UTF-8.
    pub charset: ReplyCharset,
    /// Whether the subject is that of the mail, after `Re:`, whatever templates there are. `None`: where there is no template.
    pub original_subject: Option<bool>,
    /// How the mail goes back. Default: not at all.
    pub original: OriginalAs,
    /// Bytes of the mail that go back. Default 64 KiB; 10 MiB for a whole mail.
    pub original_limit: u64,
    /// The line above a quoted mail.
    pub original_heading: Template,
    /// The language, whatever the mail says.
    pub language: Option<String>,
}

impl Reply {
    /// Nobody is answered.
    #[must_use]
    pub fn none() -> Self {
        Self {
            account: None,
            success: None,
            failure: None,
            from: None,
            reply_to: None,
            reply_to_domains: Vec::new(),
            tell: false,
            charset: ReplyCharset::Utf8,
            original_subject: None,
            original: OriginalAs::Nothing,
            original_limit: OriginalAs::Nothing.usual_limit(),
            original_heading: heading(),
            language: None,
        }
    }

    /// These hear of success and failure, through an account, in the words that are usual.
    #[must_use]
    pub fn to(to: Vec<ReplyTo>, account: Arc<Account>) -> Self {
        let letter = ReplyTemplate {
            to,
            ..ReplyTemplate::default()
        };
        Self {
            account: Some(account),
            success: Some(letter.clone()),
            failure: Some(letter),
            ..Self::none()
        }
    }

    /// The letters that may go.
    pub fn letters(&self) -> impl Iterator<Item = &ReplyTemplate> {
        self.success.iter().chain(&self.failure)
    }

    /// Whether a letter needs more of the mail than its head: it goes back, or a template asks for its text.
    #[must_use]
    pub fn needs_original(&self) -> bool {
        let whole = |asked: &String| asked == "mail" || asked == "mail.text" || asked.starts_with("mail.text.");
        let needs = |template: &Template| template.source().contains("mail") && template.asked().iter().any(whole);
        self.original != OriginalAs::Nothing || self.templates().any(needs)
    }

    /// Whether there is a template of the operator's.
    #[must_use]
    pub fn has_templates(&self) -> bool {
        self.templates().next().is_some()
    }

    fn templates(&self) -> impl Iterator<Item = &Template> {
        let words = self
            .letters()
            .flat_map(|letter| letter.languages.values().chain([&letter.words]));
        words.flat_map(ReplyWords::templates)
    }
}

/// One kind of answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ReplyTemplate {
    /// Whom it is for; empty where nobody hears.
    pub to: Vec<ReplyTo>,
    /// Who else is named.
    pub cc: Vec<String>,
    /// Who else gets it.
    pub bcc: Vec<String>,
    /// Where a mail that can't be delivered goes back to. Default: the account's address.
    pub return_to: Option<ReturnTo>,
    /// Its words.
    pub words: ReplyWords,
    /// Its words by language (RFC 5646), in lower case.
    pub languages: BTreeMap<String, ReplyWords>,
}

/// Whom a reply is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplyTo {
    /// Reply-To where it is in From's domain or in one that is allowed, else From.
    Sender,
    /// From.
    From,
    /// This one.
    Address(String),
}

/// An address that replies come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplySender {
    /// For people.
    pub name: Option<String>,
    /// `local@domain`.
    pub address: String,
}

/// The envelope's sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReturnTo {
    /// `<>`: what can't be delivered is lost.
    Nobody,
    /// This one.
    Address(String),
}

impl ReplyWords {
    /// These, and what they lack from others. Text and HTML belong together: one without the other is not completed.
    #[must_use]
    pub fn or(self, others: &Self) -> Self {
        let whole = self.text.is_some() || self.html.is_some();
        let (text, html) = if whole {
            (self.text, self.html)
        } else {
            (others.text.clone(), others.html.clone())
        };
        Self {
            subject: self.subject.or_else(|| others.subject.clone()),
            text,
            html,
        }
    }

    /// Those that there are.
    pub fn templates(&self) -> impl Iterator<Item = &Template> {
        self.subject.iter().chain(&self.text).chain(&self.html)
    }
}

/// The charset of subject and text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyCharset {
    /// UTF-8.
    Utf8,
    /// ISO-2022-JP (RFC 1468), where all characters fit; else UTF-8.
    Iso2022Jp,
}

/// How the mail goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OriginalAs {
    /// Not at all.
    Nothing,
    /// Its text is quoted below ours.
    Quote,
    /// Its text is attached.
    Text,
    /// It is attached as a whole.
    Rfc822,
}

impl OriginalAs {
    /// The limit when nothing is written, in bytes.
    #[must_use]
    pub fn usual_limit(self) -> u64 {
        match self {
            Self::Nothing | Self::Quote | Self::Text => 64 << 10,
            Self::Rfc822 => 10 << 20,
        }
    }
}

/// The words that letters have when no others are written.
pub mod usual {
    /// The subject, where it is the mail's.
    pub const SUBJECT: &str = "Re: {{ mail.topic }}";
    /// The subject, where it is not.
    pub const OWN_SUBJECT: &str =
        "{% if reason %}Your mail could not be handled{% else %}Your mail was handled{% endif %}";
    /// The text.
    pub const TEXT: &str = include_str!("reply.txt");
    /// The line above a quoted mail.
    pub const HEADING: &str = "{{ mail.from.address }} wrote{% if mail.date %} on {{ mail.date }}{% endif %}:";
}

fn heading() -> Template {
    Template::ours(TemplateFormat::Text, usual::HEADING)
}
