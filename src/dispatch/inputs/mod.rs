//! The named inputs of an action, made of a mail: each has its value, or the job fails with a sentence for the sender. Pure.

mod files;
mod value;

use std::{borrow::Cow, cell::OnceCell, collections::BTreeMap};

use chrono::SecondsFormat;

pub use self::value::InputValue;
use crate::{
    config::{Input, InputSource, InputType, Inputs, MailField, Match, MatchIn},
    job::{Outcome, Reason},
    message::{Address, Attachment, Head, Mail, clean::clean, content, plus},
};

/// Characters of a body that a pattern is looked for in.
const SEARCHED: usize = 1 << 20;
/// Characters of a value that is no good which are shown.
const SHOWN: usize = 60;

/// An input and what it came to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ResolvedInput {
    /// Its name.
    pub(super) name: String,
    /// What the sender knows it as.
    pub(super) label: Option<String>,
    /// What it is; nothing where it is not required and not there.
    pub(super) value: Option<InputValue>,
    /// Whether the operator wrote it, and not whoever sent the mail.
    pub(super) ours: bool,
}

/// Why an input can't be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unmet {
    /// For the operator.
    detail: String,
    /// For the sender.
    tell: String,
}

impl Unmet {
    /// What is wrong with an input, in a sentence that begins with what the sender knows it as.
    pub(super) fn new(name: &str, label: Option<&str>, what: &str) -> Self {
        Self {
            detail: format!("input {name}: {what}"),
            tell: match label {
                Some(label) => format!("{label} {what}."),
                None => format!("\"{name}\" {what}."),
            },
        }
    }
}

impl From<Unmet> for Outcome {
    fn from(Unmet { detail, tell }: Unmet) -> Self {
        Self::Failed {
            reason: Reason::Input,
            detail,
            tell: Some(tell),
        }
    }
}

/// The inputs as one JSON object; those that a mail doesn't have are null.
pub(super) fn object(inputs: &[ResolvedInput]) -> serde_json::Value {
    let entry = |given: &ResolvedInput| {
        let value = given.value.as_ref().map(InputValue::json);
        (given.name.clone(), value.unwrap_or_default())
    };
    serde_json::Value::Object(inputs.iter().map(entry).collect())
}

/// What inputs are made of.
pub(super) struct Material<'a> {
    /// The mail.
    pub(super) mail: &'a Mail<'a>,
    /// Its head.
    pub(super) head: &'a Head,
    /// The attachments that are handed on.
    pub(super) attachments: &'a [Attachment<'a>],
    /// The address of the mailbox.
    pub(super) ours: &'a str,
}

/// Every input, in the order of the names.
///
/// # Errors
/// The first that is required and missing, or not what it must be.
pub(super) fn given(inputs: &Inputs, material: &Material<'_>) -> Result<Vec<ResolvedInput>, Unmet> {
    let body = OnceCell::new();
    let look = InputReader { material, body: &body };
    let one = |(name, input): (&String, &Input)| {
        let value = look
            .value(&input.source)
            .map_err(|what| Unmet::new(name, input.label.as_deref(), &what))?;
        let value = match value {
            Ok(value) => Some(value),
            Err(missing) if input.required => {
                return Err(Unmet::new(
                    name,
                    input.label.as_deref(),
                    &format!("is missing: {missing}"),
                ));
            }
            Err(_) => None,
        };
        Ok(ResolvedInput {
            name: name.clone(),
            label: input.label.clone(),
            value,
            ours: matches!(input.source, InputSource::Value(_)),
        })
    };
    inputs.iter().map(one).collect()
}

/// A look at the mail; its body is made once.
struct InputReader<'a> {
    material: &'a Material<'a>,
    body: &'a OnceCell<Option<Cow<'a, str>>>,
}

/// A value, or why there is none.
type InputResult = Result<InputValue, String>;

impl<'a> InputReader<'a> {
    /// # Errors
    /// What is wrong with a value that is there.
    fn value(&self, source: &InputSource) -> Result<InputResult, String> {
        match source {
            InputSource::Value(literal) => Ok(Ok(literal.into())),
            InputSource::Field(field, kind) => match self.field(field) {
                Some(InputValue::Text(text)) => convert(&text, *kind).map(Ok),
                Some(InputValue::Integer(number)) => convert_number(number, *kind).map(Ok),
                Some(value) => Ok(Ok(value)),
                None => Ok(Err(format!("the mail has no {}", name_of(field)))),
            },
            InputSource::Match(found, kind) => self.matched(found, *kind),
            InputSource::Plus(kind) => match plus::details(self.material.head, self.material.ours).first() {
                Some(detail) => convert(detail, *kind).map(Ok),
                None => Ok(Err("the mail was sent to an address without it".to_owned())),
            },
            InputSource::Attachments(wanted) => files::chosen(wanted, self.material.attachments),
        }
    }

    fn body(&self) -> Option<&str> {
        self.body.get_or_init(|| content::body(self.material.mail)).as_deref()
    }

    /// A field; nothing where it is missing or empty.
    fn field(&self, field: &MailField) -> Option<InputValue> {
        let Material { mail, head, .. } = self.material;
        let text = |text: Option<String>| text.filter(|text| !text.trim().is_empty()).map(InputValue::Text);
        let list = |list: &[Address]| {
            let texts: Vec<_> = list
                .iter()
                .map(|address| InputValue::Text(address.address.clone()))
                .collect();
            Some(InputValue::List(texts)).filter(|_| !list.is_empty())
        };
        match field {
            MailField::Subject => text(Some(head.subject.clone())),
            MailField::Body => text(self.body().map(str::to_owned)),
            MailField::Text => text(mail.text().map(Cow::into_owned)),
            MailField::Html => text(mail.html().map(Cow::into_owned)),
            MailField::Headers => {
                let line = |(name, value): (&str, Cow<'_, str>)| {
                    format!("{name}: {}\n", clean(&value.replace("\r\n", ""), usize::MAX))
                };
                text(Some(mail.fields().map(line).collect()))
            }
            MailField::Sender => text(head.from.first().map(|from| from.address.clone())),
            MailField::From => list(&head.from),
            MailField::To => list(&head.to),
            MailField::Cc => list(&head.cc),
            MailField::ReplyTo => list(&head.reply_to),
            MailField::Date => text(head.date.map(|date| date.to_rfc3339_opts(SecondsFormat::Secs, true))),
            MailField::MessageId => text(head.message_id.clone()),
            MailField::Size => i64::try_from(mail.raw().len()).ok().map(InputValue::Integer),
            MailField::Header(name) => text(content::header(mail, name)),
        }
    }

    fn matched(&self, wanted: &Match, kind: InputType) -> Result<InputResult, String> {
        let (text, place) = match wanted.place {
            MatchIn::Subject => (self.material.head.subject.as_str(), "subject"),
            MatchIn::Body => (self.body().unwrap_or_default(), "text"),
        };
        let text = text.get(..text.floor_char_boundary(SEARCHED)).unwrap_or(text);
        let missing = || Ok(Err(format!("it was not found in the {place}")));
        let Some(found) = wanted.pattern.regex().captures(text) else {
            return missing();
        };
        match &wanted.group {
            Some(group) => match found.name(group) {
                Some(group) => convert(group.as_str(), kind).map(Ok),
                None => missing(),
            },
            None => {
                let names = wanted.pattern.regex().capture_names().flatten();
                let group = |name: &str| (name.to_owned(), found.name(name).map(|group| group.as_str().to_owned()));
                Ok(Ok(InputValue::Groups(names.map(group).collect::<BTreeMap<_, _>>())))
            }
        }
    }
}

/// A field, as the sender of a mail knows it.
fn name_of(field: &MailField) -> String {
    match field {
        MailField::Subject => "subject".to_owned(),
        MailField::Body | MailField::Text => "text".to_owned(),
        MailField::Html => "formatted text".to_owned(),
        MailField::Headers => "header".to_owned(),
        MailField::Sender | MailField::From => "sender".to_owned(),
        MailField::To => "recipient in To".to_owned(),
        MailField::Cc => "recipient in Cc".to_owned(),
        MailField::ReplyTo => "address in Reply-To".to_owned(),
        MailField::Date => "date".to_owned(),
        MailField::MessageId => "Message-ID".to_owned(),
        MailField::Size => "size".to_owned(),
        MailField::Header(name) => format!("header field {name}"),
    }
}

/// Text as what it has to be.
///
/// # Errors
/// When it is not.
fn convert(text: &str, kind: InputType) -> Result<InputValue, String> {
    let trimmed = text.trim();
    let converted = match kind {
        InputType::Text => return Ok(InputValue::Text(text.to_owned())),
        InputType::Number => trimmed
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite())
            .map(InputValue::Number),
        InputType::Integer => trimmed.parse().ok().map(InputValue::Integer),
        InputType::Boolean => boolean(trimmed).map(InputValue::Boolean),
    };
    let what = match kind {
        InputType::Text => "text",
        InputType::Number => "a number",
        InputType::Integer => "a whole number",
        InputType::Boolean => "yes or no",
    };
    converted.ok_or_else(|| format!("must be {what}, but is \"{}\"", clean(trimmed, SHOWN)))
}

fn convert_number(number: i64, kind: InputType) -> Result<InputValue, String> {
    match kind {
        // A size is a number by itself.
        InputType::Text | InputType::Integer => Ok(InputValue::Integer(number)),
        InputType::Number | InputType::Boolean => convert(&number.to_string(), kind),
    }
}

fn boolean(text: &str) -> Option<bool> {
    let is = |words: [&str; 3]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    match (is(["true", "yes", "1"]), is(["false", "no", "0"])) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        (false, false) => None,
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
