//! What a server says, in our own words: the only place that knows the parser's types.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use imap_proto::{
    AttributeValue, Capability, MailboxDatum, MessageSection, Outcome, Response, ResponseCode, SectionPath, Status,
    StatusAttribute, rfc4315::UidSetMember,
};

use crate::watch::error::{Negative, Refusal, Words};

/// One response.
#[derive(Debug)]
pub(crate) enum Said {
    /// `+`: the server waits for more, and what it says with it.
    Continue(String),
    /// The end of the command with this tag.
    Done { tag: String, answer: Answer },
    /// `* BYE`.
    Bye(Words),
    /// `* PREAUTH`.
    Preauth,
    /// `* OK`, with what it knows of the mailbox or the server.
    Ok(Option<Known>),
    /// `* n EXISTS`: so many mails are there now.
    Exists(u32),
    /// `* n EXPUNGE`: one is gone.
    Expunged,
    /// `* n FETCH`.
    Fetch(Fetch),
    /// `* CAPABILITY`.
    Capabilities(Capabilities),
    /// `* LIST`: the hierarchy delimiter.
    Delimiter(Option<String>),
    /// `* STATUS`: so many mails are in the mailbox that was asked about.
    Messages(u32),
    /// Anything else.
    Other,
}

/// What a response code tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    UidValidity(u32),
    UidNext(u32),
    /// So many mails were copied or moved (COPYUID).
    Copied(u32),
    Capabilities(Capabilities),
}

/// How a command ended.
#[derive(Debug)]
pub(crate) enum Answer {
    /// OK.
    Ok(Option<Known>),
    /// NO or BAD.
    Refused(Refusal),
}

/// What a FETCH answer holds of what we ask for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Fetch {
    pub(crate) uid: Option<u32>,
    pub(crate) received: Option<DateTime<Utc>>,
    pub(crate) size: Option<u32>,
    pub(crate) body: Option<Bytes>,
    /// Fields of the header that were asked for.
    pub(crate) header: Option<Bytes>,
}

/// What a server can do, as far as we use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Capabilities {
    pub(crate) starttls: bool,
    pub(crate) login_disabled: bool,
    pub(crate) sasl_ir: bool,
    pub(crate) xoauth2: bool,
    pub(crate) oauthbearer: bool,
    pub(crate) plain: bool,
    pub(crate) id: bool,
    pub(crate) idle: bool,
    pub(crate) moves: bool,
    pub(crate) uidplus: bool,
}

pub(super) fn said(response: &Response<'_>) -> Said {
    match response {
        Response::Continue(outcome) => Said::Continue(outcome.information.as_deref().unwrap_or_default().to_owned()),
        Response::Done { tag, status, outcome } => Said::Done {
            tag: tag.0.clone(),
            answer: answer(status, outcome),
        },
        Response::Data { status, outcome } => match status {
            Status::Bye => Said::Bye(refusal(Negative::No, outcome).text),
            Status::PreAuth => Said::Preauth,
            Status::Ok => Said::Ok(known(outcome)),
            Status::No | Status::Bad => Said::Other,
        },
        Response::MailboxData(MailboxDatum::Exists(n)) => Said::Exists(*n),
        Response::Expunge(_) => Said::Expunged,
        Response::MailboxData(MailboxDatum::List(list)) => {
            Said::Delimiter(list.delimiter.as_ref().map(|d| d.clone().into_owned()))
        }
        Response::MailboxData(MailboxDatum::Status { status, .. }) => messages(status),
        Response::Fetch(_, attributes) => Said::Fetch(fetch(attributes)),
        Response::Capabilities(list) => Said::Capabilities(capabilities(list)),
        _ => Said::Other,
    }
}

fn messages(status: &[StatusAttribute]) -> Said {
    let count = status.iter().find_map(|attribute| match attribute {
        StatusAttribute::Messages(count) => Some(*count),
        _ => None,
    });
    count.map_or(Said::Other, Said::Messages)
}

fn answer(status: &Status, outcome: &Outcome<'_>) -> Answer {
    match status {
        Status::Ok => Answer::Ok(known(outcome)),
        Status::No | Status::Bye => Answer::Refused(refusal(Negative::No, outcome)),
        Status::Bad | Status::PreAuth => Answer::Refused(refusal(Negative::Bad, outcome)),
    }
}

fn known(outcome: &Outcome<'_>) -> Option<Known> {
    match outcome.code.as_ref()? {
        ResponseCode::UidValidity(n) => Some(Known::UidValidity(*n)),
        ResponseCode::UidNext(n) => Some(Known::UidNext(*n)),
        ResponseCode::CopyUid(_, source, _) => Some(Known::Copied(count(source))),
        ResponseCode::Capabilities(list) => Some(Known::Capabilities(capabilities(list))),
        _ => None,
    }
}

/// How many UIDs a set names.
fn count(set: &[UidSetMember]) -> u32 {
    let each = set.iter().map(|member| match member {
        UidSetMember::Uid(_) => 1,
        UidSetMember::UidRange(range) => range.end().abs_diff(*range.start()).saturating_add(1),
    });
    each.fold(0, u32::saturating_add)
}

/// Codes that the parser doesn't know stay in the text as `[CODE …] text`.
fn refusal(status: Negative, outcome: &Outcome<'_>) -> Refusal {
    let text = outcome.information.as_deref().unwrap_or_default().trim();
    let written = text.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let (code, text) = match (&outcome.code, written) {
        (Some(ResponseCode::TryCreate), _) => (Some("TRYCREATE".to_owned()), text),
        (Some(ResponseCode::Alert), _) => (Some("ALERT".to_owned()), text),
        (Some(ResponseCode::ReadOnly), _) => (Some("READ-ONLY".to_owned()), text),
        (None, Some((code, text))) => (code.split(' ').next().map(str::to_ascii_uppercase), text),
        _ => (None, text),
    };
    Refusal {
        status,
        code: code.as_deref().map(Words::new),
        text: Words::new(text),
    }
}

fn fetch(attributes: &[AttributeValue<'_>]) -> Fetch {
    let mut fetch = Fetch::default();
    for attribute in attributes {
        match attribute {
            AttributeValue::Uid(uid) => fetch.uid = Some(*uid),
            AttributeValue::Rfc822Size(size) => fetch.size = Some(*size),
            AttributeValue::InternalDate(date) => fetch.received = internal_date(date),
            // NIL is a server's word for "nothing there", e.g. for a piece after the end.
            AttributeValue::BodySection {
                section: None, data, ..
            } => {
                fetch.body = Some(data.as_deref().map_or_else(Bytes::new, Bytes::copy_from_slice));
            }
            AttributeValue::BodySection {
                section: Some(SectionPath::Full(MessageSection::Header)),
                data: Some(data),
                ..
            } => fetch.header = Some(Bytes::copy_from_slice(data)),
            _ => {}
        }
    }
    fetch
}

/// `" 1-Jan-2026 00:00:00 +0000"` (RFC 9051, `date-time`).
fn internal_date(text: &str) -> Option<DateTime<Utc>> {
    let date = DateTime::parse_from_str(text.trim_start(), "%d-%b-%Y %H:%M:%S %z").ok()?;
    Some(date.to_utc())
}

fn capabilities(list: &[Capability<'_>]) -> Capabilities {
    let mut found = Capabilities::default();
    for capability in list {
        match capability {
            Capability::Imap4rev1 => {}
            Capability::Auth(name) => match name.to_ascii_uppercase().as_str() {
                "XOAUTH2" => found.xoauth2 = true,
                "OAUTHBEARER" => found.oauthbearer = true,
                "PLAIN" => found.plain = true,
                _ => {}
            },
            Capability::Atom(name) => match name.to_ascii_uppercase().as_str() {
                "STARTTLS" => found.starttls = true,
                "LOGINDISABLED" => found.login_disabled = true,
                "SASL-IR" => found.sasl_ir = true,
                "ID" => found.id = true,
                "IDLE" => found.idle = true,
                "MOVE" => found.moves = true,
                "UIDPLUS" => found.uidplus = true,
                _ => {}
            },
        }
    }
    found
}

#[cfg(test)]
#[path = "response_tests.rs"]
mod tests;
