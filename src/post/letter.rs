//! Writes a mail. Pure: the time is an argument.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use mail_builder::{
    MessageBuilder,
    headers::{address::Address, date::Date, raw::Raw, text::Text},
    mime::{BodyPart, MimePart},
};

use super::{Attached, DraftError, MailDraft, NamedAddress, draft::one_line};
use crate::{
    message::safe_name::{self, Names},
    reply::{is_quotable, is_sound_with},
};

/// Characters kept of a subject.
const MAX_SUBJECT: usize = 900;
/// Who gets one mail at most: what providers take of one submission at the least.
const MAX_RECIPIENTS: usize = 100;
/// Fields beside those of every mail of ours.
const FIELDS: [&str; 2] = ["Cc", "Reply-To"];

/// A mail, ready to be submitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingMail {
    /// The envelope's sender.
    pub sender: String,
    /// The envelope's recipients, each once.
    pub recipients: Vec<String>,
    /// Without angle brackets.
    pub message_id: String,
    /// The mail, its lines ended by CRLF.
    pub bytes: Vec<u8>,
}

/// Writes the mail of a draft.
///
/// # Errors
/// When something of the draft can't be part of a mail.
pub fn letter(draft: &MailDraft, now: DateTime<Utc>) -> Result<OutgoingMail, DraftError> {
    let recipients = recipients(draft)?;
    let id = |id: &str| {
        let bare = id.trim().trim_start_matches('<').trim_end_matches('>');
        let sound = is_quotable(bare) && bare.contains('@');
        sound
            .then(|| bare.to_owned())
            .ok_or_else(|| DraftError::Id(one_line(id, 80)))
    };
    let message_id = id(&draft.message_id)?;
    let mut mail = MessageBuilder::new()
        .from(address(&draft.from))
        .date(Date::new(now.timestamp()))
        .message_id(message_id.as_str())
        .subject(one_line(&draft.subject, MAX_SUBJECT));
    mail = match draft.to.as_slice() {
        // A mail without To and Cc is taken for spam by some; this is how RFC 5322 section A.1.3 has it.
        [] if draft.cc.is_empty() => mail.header("To", Raw::new("undisclosed-recipients:;")),
        [] => mail,
        to => mail.to(list(to)),
    };
    if !draft.cc.is_empty() {
        mail = mail.cc(list(&draft.cc));
    }
    if !draft.reply_to.is_empty() {
        mail = mail.reply_to(list(&draft.reply_to));
    }
    if let Some(answered) = &draft.in_reply_to {
        let answered = id(answered)?;
        mail = mail.in_reply_to(answered.clone()).references(answered);
    }
    if !draft.personal {
        // RFC 3834 section 5; and Exchange's own word for the same, which leaves bounces alone.
        mail = mail
            .header("Auto-Submitted", Raw::new("auto-generated"))
            .header("X-Auto-Response-Suppress", Raw::new("OOF, AutoReply"));
    }
    for (name, value) in &draft.headers {
        mail = mail.header(name.clone(), Text::new(value.clone()));
    }
    match (&draft.text, &draft.html) {
        (None, None) => mail = mail.text_body("\r\n"),
        (text, html) => {
            if let Some(text) = text {
                mail = mail.text_body(lines(text));
            }
            if let Some(html) = html {
                mail = mail.html_body(lines(html));
            }
        }
    }
    let mut names = Names::default();
    let files = draft.attached.iter().map(|file| attachment(file, &mut names)).collect();
    if !draft.attached.is_empty() {
        mail.attachments = Some(files);
    }
    let bytes = mail.write_to_vec().map_err(|_| DraftError::Unbuildable)?;
    let own = draft.headers.iter().map(|(name, _)| name.as_str());
    let known: Vec<_> = FIELDS.into_iter().chain(own).collect();
    if let Some((twice, _)) = twice(&draft.headers) {
        return Err(DraftError::Header(twice.clone()));
    }
    if !is_sound_with(&bytes, &known) {
        return Err(DraftError::Unbuildable);
    }
    let return_to = draft.return_to.as_ref().unwrap_or(&draft.from);
    Ok(OutgoingMail {
        sender: return_to.address.clone(),
        recipients,
        message_id,
        bytes,
    })
}

fn recipients(draft: &MailDraft) -> Result<Vec<String>, DraftError> {
    let all = draft.to.iter().chain(&draft.cc).chain(&draft.bcc);
    let mut seen = HashSet::new();
    let each = all.filter(|mailbox| seen.insert(mailbox.address.to_ascii_lowercase()));
    let recipients: Vec<_> = each.map(|mailbox| mailbox.address.clone()).collect();
    match recipients.len() {
        0 => Err(DraftError::Nobody),
        many if many > MAX_RECIPIENTS => Err(DraftError::Recipients(many)),
        _ => Ok(recipients),
    }
}

fn twice(headers: &[(String, String)]) -> Option<&(String, String)> {
    let mut seen = HashSet::new();
    headers.iter().find(|(name, _)| !seen.insert(name.to_ascii_lowercase()))
}

fn address(mailbox: &NamedAddress) -> Address<'_> {
    Address::new_address(mailbox.name.as_deref(), mailbox.address.as_str())
}

fn list(mailboxes: &[NamedAddress]) -> Address<'_> {
    Address::new_list(mailboxes.iter().map(address).collect())
}

/// Text whose lines all end in CRLF, without other control characters than tabs.
fn lines(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut kept: String = text
        .chars()
        .filter(|&c| c == '\n' || c == '\t' || !c.is_control())
        .collect();
    if !kept.ends_with('\n') {
        kept.push('\n');
    }
    kept.replace('\n', "\r\n")
}

fn attachment<'a>(file: &'a Attached, names: &mut Names) -> MimePart<'a> {
    // Mails and multiparts may not be base64 (RFC 2046 section 5), and no reader needs them to be more than a file.
    let media_type = match safe_name::media_type(&file.name) {
        composite if composite.starts_with("message/") || composite.starts_with("multipart/") => {
            "application/octet-stream"
        }
        media_type => media_type,
    };
    let name = names.add(Some(&file.name), media_type);
    MimePart::new(media_type, BodyPart::Binary(file.data.as_slice().into())).attachment(name)
}

#[cfg(test)]
#[path = "letter_tests.rs"]
mod tests;
