//! What an action gets to know of a mail: the contract of the JSON webhook body and of `message.json`. Pure.
//!
//! The schema in `deploy/payload.schema.json` is made from these types. Every field is always there; what a mail does not have
//! is `null` or an empty list. Nothing but `sender` is verified: whoever wrote the mail wrote these values.

mod conversation;

use std::{borrow::Cow, collections::BTreeMap};

use base64::{Engine, display::Base64Display, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use schemars::{JsonSchema, Schema, generate::SchemaSettings};
use serde::{Serialize, Serializer, ser::SerializeSeq as _};

pub(in crate::dispatch) use self::conversation::ConversationPayload;
use super::work::Work;
use crate::{
    clean::cleaned,
    config::Proof,
    job::JobScope,
    message::{Address, Attachment, Automatic, Mail, Nested, Scheme, trust::Sender},
};

/// Characters kept of one header field's value.
const MAX_FIELD: usize = 16_000;

/// A mail that became a job. The same bytes at every attempt.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "Mailjob payload")]
pub struct Payload<'a> {
    /// The version of this contract. New fields may come without a new version.
    version: u32,
    /// The job's id: the same at every attempt, and the same as the header `webhook-id`. Whoever has seen it before has seen this mail.
    job: String,
    /// The endpoint's name.
    endpoint: &'a str,
    /// When the mail server received the mail, if it said so.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    received: Option<DateTime<Utc>>,
    /// When Mailjob took the mail.
    #[schemars(with = "String", extend("format" = "date-time"))]
    taken: DateTime<Utc>,
    /// The number of the attachment that this job is of, from 1. Null where a job is of a mail.
    part: Option<u32>,
    /// How many attachments of the mail have a job of their own. Null where a job is of a mail.
    parts: Option<u32>,
    /// The job of the mail, which waits for those of its attachments. Null where a job is of a mail.
    mail_job: Option<String>,
    /// The named inputs of the endpoint, by their names: text, numbers, true or false, null, lists, and of attachments their `file`.
    inputs: BTreeMap<&'a str, serde_json::Value>,
    /// The mail.
    mail: MailPayload<'a>,
    /// What the mail answers: a reply of ours, in time, from one who may. Null for every other mail.
    conversation: Option<ConversationPayload<'a>>,
}

/// A mail. Its sender's claims, not ours.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Mail")]
struct MailPayload<'a> {
    /// Message-ID, without angle brackets.
    message_id: Option<&'a str>,
    /// From; of every such field where there is more than one.
    from: &'a [Address],
    /// Who sent it, and what shows that.
    sender: SenderPayload<'a>,
    /// To.
    to: &'a [Address],
    /// Cc.
    cc: &'a [Address],
    /// Reply-To.
    reply_to: &'a [Address],
    /// Subject, decoded, on one line; empty where there is none.
    subject: &'a str,
    /// Date, as the sender's clock had it. Null where there is none or it can't be read; `received` says when the mail came.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    date: Option<DateTime<Utc>>,
    /// What is to be known of `date`: that the mail names no time zone and UTC is assumed, or that its date can't be read. Null where
    /// there is nothing.
    date_note: Option<&'static str>,
    /// In-Reply-To, without angle brackets.
    in_reply_to: &'a [String],
    /// References, without angle brackets; the first one and the last 99.
    references: &'a [String],
    /// Why Mailjob will not answer this mail (RFC 3834), e.g. `auto-submitted`, `mailing-list`; null when it may.
    automatic: Option<&'static str>,
    /// How it is encrypted: `smime` or `pgp`; null when it can be read.
    encrypted: Option<&'static str>,
    /// How it is signed: `smime` or `pgp`. The signature was not verified.
    signed: Option<&'static str>,
    /// Which piece it is of a mail that was sent in several (message/partial), e.g. `2 of 3`. Null for a whole mail.
    piece: Option<String>,
    /// The text to read. Null when the mail has only HTML.
    text: Option<Cow<'a, str>>,
    /// The HTML. Null when the mail has none.
    html: Option<Cow<'a, str>>,
    /// What is to be known of the characters of text and HTML: that the charset which they name is not known here, and was guessed. Null
    /// where there is nothing.
    charset_note: Option<String>,
    /// The header fields in their order, each as name and value; values are as written (not decoded) but on one line.
    #[schemars(with = "Vec<(String, String)>")]
    headers: HeaderFields<'a>,
    /// The header fields whose bytes are no UTF-8, each as name and value, the value in base64.
    #[schemars(with = "Vec<(String, String)>")]
    headers_base64: RawFields<'a>,
    /// The attachments that the endpoint's filter hands on, with inline images and nested mails.
    attachments: Vec<AttachmentPayload<'a>>,
    /// Bytes of the raw mail.
    size: u64,
}

/// A file that came with a mail.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Attachment")]
struct AttachmentPayload<'a> {
    /// The name as the sender wrote it. It may look like a path: never use it as one.
    name: Option<&'a str>,
    /// A name that is safe for a file and different from all others of this mail: the file in `attachments/`, and the
    /// `filename` of the part in a multipart body.
    file: &'a str,
    /// The declared media type, in lower case.
    media_type: &'a str,
    /// The declared charset of a text.
    charset: Option<&'a str>,
    /// Whether it is meant to be shown inside the HTML.
    inline: bool,
    /// Content-ID, without angle brackets; the HTML names it as `cid:…`.
    content_id: Option<&'a str>,
    /// Bytes of the decoded content.
    size: u64,
    /// The transfer encoding that Mailjob doesn't know; then the content is as it stands in the mail. Null where it was decoded.
    undecoded: Option<&'a str>,
    /// The mail that it is, opened; null when it is none.
    message: Option<Nested>,
    /// The content. Only in a JSON webhook body: `message.json` and multipart bodies have the files beside them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", extend("contentEncoding" = "base64"))]
    content: Option<LazyContent<'a>>,
}

/// Whether attachments travel inside the payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AttachmentMode {
    /// As base64.
    Inside,
    /// As files or parts beside it.
    Beside,
}

impl<'a> Payload<'a> {
    /// The payload of a job.
    pub(super) fn new(work: &'a Work<'a>, contents: AttachmentMode) -> Self {
        let Work { job, mail, head, .. } = work;
        let part = match &job.share {
            JobScope::Part(part) => Some(part),
            JobScope::Whole | JobScope::Gathering { .. } => None,
        };
        let input = |given: &'a super::inputs::ResolvedInput| {
            let value = given
                .value
                .as_ref()
                .map_or(serde_json::Value::Null, super::inputs::InputValue::json);
            (given.name.as_str(), value)
        };
        Self {
            version: 1,
            job: job.id.to_string(),
            endpoint: work.endpoint.as_str(),
            received: job.received,
            taken: job.taken,
            part: part.map(|part| part.number),
            parts: part.map(|part| part.of),
            mail_job: part.map(|part| part.mail_job.to_string()),
            inputs: work.inputs.iter().map(input).collect(),
            mail: MailPayload {
                message_id: head.message_id.as_deref(),
                from: &head.from,
                sender: SenderPayload::new(&work.sender),
                to: &head.to,
                cc: &head.cc,
                reply_to: &head.reply_to,
                subject: &head.subject,
                date: head.date,
                date_note: head.date_note,
                in_reply_to: &head.in_reply_to,
                references: &head.references,
                automatic: head.automatic.map(Automatic::code),
                encrypted: mail.encrypted().map(Scheme::name),
                signed: mail.signed().map(Scheme::name),
                piece: mail.piece(),
                text: mail.text(),
                html: mail.html(),
                charset_note: mail.charset_note(),
                headers: HeaderFields(mail),
                headers_base64: RawFields(mail),
                attachments: work
                    .attachments
                    .iter()
                    .map(|file| AttachmentPayload::new(file, contents))
                    .collect(),
                size: mail.raw().len() as u64,
            },
            conversation: ConversationPayload::new(work),
        }
    }
}

impl<'a> AttachmentPayload<'a> {
    fn new(file: &'a Attachment<'a>, contents: AttachmentMode) -> Self {
        Self {
            name: file.name.as_deref(),
            file: &file.safe_name,
            media_type: &file.media_type,
            charset: file.charset.as_deref(),
            inline: file.inline,
            content_id: file.content_id.as_deref(),
            undecoded: file.undecoded.as_deref(),
            size: file.size() as u64,
            message: file.message(),
            content: (contents == AttachmentMode::Inside).then_some(LazyContent(file)),
        }
    }
}

/// Decoded in the moment it is written, so that one attachment at a time is in memory.
struct LazyContent<'a>(&'a Attachment<'a>);

impl Serialize for LazyContent<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Base64Display::new(&self.0.data(), &STANDARD))
    }
}

struct HeaderFields<'a>(&'a Mail<'a>);

impl Serialize for HeaderFields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = self.0.fields();
        let mut list = serializer.serialize_seq(None)?;
        for (name, value) in fields {
            let unfolded = match value.contains("\r\n") {
                true => value.replace("\r\n", "").into(),
                false => value,
            };
            list.serialize_element(&(name, cleaned(&unfolded, MAX_FIELD)))?;
        }
        list.end()
    }
}

/// The fields of a header that are no UTF-8, as they are.
struct RawFields<'a>(&'a Mail<'a>);

impl Serialize for RawFields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = self.0.odd_fields();
        let value = |value: &[u8]| STANDARD.encode(value.get(..MAX_FIELD).unwrap_or(value));
        serializer.collect_seq(fields.map(|(name, bytes)| (name, value(bytes))))
    }
}

/// The JSON Schema of [`Payload`].
#[must_use]
pub fn schema() -> Schema {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    settings.into_generator().into_root_schema_for::<Payload<'static>>()
}

/// Who sent a mail. Only what a believed server, or Mailjob itself, found is here; others' claims are among the headers.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Sender")]
struct SenderPayload<'a> {
    /// The one address that From names. Null where From can be read in two ways: such a mail is of nobody.
    address: Option<&'a str>,
    /// What shows that the mail is of that address's domain: `dmarc`, `dkim` or `spf`, the strongest. Null where nothing does.
    proven_by: Option<&'static str>,
    /// The result of SPF, e.g. `pass`; null where nobody said.
    spf: Option<&'a str>,
    /// The result of DKIM.
    dkim: Option<&'a str>,
    /// The result of DMARC.
    dmarc: Option<&'a str>,
    /// Who says so: `microsoft`, a server's name, `dns` where Mailjob verified it.
    sources: &'a [String],
}

impl<'a> SenderPayload<'a> {
    fn new(sender: &'a Sender) -> Self {
        let evidence = &sender.evidence;
        Self {
            address: sender.address.as_deref().ok(),
            proven_by: sender.proven_by().map(Proof::name),
            spf: evidence.spf.as_deref(),
            dkim: evidence.dkim.as_deref(),
            dmarc: evidence.dmarc.as_deref(),
            sources: &evidence.sources,
        }
    }
}

#[cfg(test)]
mod tests;
