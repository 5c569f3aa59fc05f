//! What a server says, in our own words.
//!
//! Only what our commands need is read: how they end, EXISTS and EXPUNGE, what FETCH brings of what we ask for, capabilities, and the
//! hierarchy delimiter. Anything else is passed over, and told of where we can't even see what it is. What can't be read costs that
//! field (`INTERNALDATE NIL`), that answer, or that command, never more; only bytes that stand behind a mail and can't, end the session,
//! since then nobody knows where the mail ends.

use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::{
    capabilities::{ImapCapabilities, capabilities},
    frame::{Frame, FrameEvent, ImapLiteral, LITERAL},
    grammar::{AttributeValue, Scanner},
};
use crate::watch::error::{Negative, Refusal, Words};

/// One response.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ImapResponse {
    /// `+`: the server waits for more, and what it says with it.
    Continue(String),
    /// The end of the command with this tag.
    Done { tag: String, answer: Completion },
    /// `* BYE`.
    Bye(Words),
    /// `* PREAUTH`.
    Preauth,
    /// `* OK`, with what it knows of the mailbox or the server.
    Ok(Option<ResponseCode>),
    /// `* NO` or `* BAD`: a warning, or at the beginning a refusal.
    Warning(Words),
    /// `* n EXISTS`: so many mails are there now.
    Exists(u32),
    /// `* n EXPUNGE`: one is gone.
    Expunged,
    /// `* n FETCH`.
    Fetch(Fetch),
    /// A piece of a body that is too large to be gathered; its FETCH answer follows.
    Piece(Bytes),
    /// `* CAPABILITY`.
    Capabilities(ImapCapabilities),
    /// `* LIST`: the hierarchy delimiter.
    Delimiter(Option<String>),
    /// `* STATUS`: so many mails are in the mailbox that was asked about.
    Messages(u32),
    /// Anything else that the protocol knows.
    Other,
    /// `* …` that can't be read; `fetch`: it looks like an answer to FETCH, and may have been a mail.
    Unread { words: Words, fetch: bool },
    /// A line that is neither an answer nor news.
    Stray(Words),
    /// Bytes behind a literal that can't stand there.
    Torn,
}

/// What a response code tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResponseCode {
    UidValidity(u32),
    UidNext(u32),
    /// So many mails were copied or moved (COPYUID).
    Copied(u32),
    Capabilities(ImapCapabilities),
}

/// How a command ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Completion {
    /// OK.
    Ok(Option<ResponseCode>),
    /// NO or BAD, or what can't be read.
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
    /// Where in the mail that begins, as the server says.
    pub(crate) origin: Option<u64>,
}

/// Responses that others ask for, or that tell what we don't ask: RFC 3501 and 9051, and their extensions.
const KNOWN: &str = "FLAGS SEARCH ESEARCH LSUB XLIST NAMESPACE ENABLED ID VANISHED QUOTA QUOTAROOT ACL MYRIGHTS \
    LISTRIGHTS METADATA ANNOTATION ANNOTATIONS SORT THREAD LANGUAGE COMPARATOR GENURLAUTH URLFETCH \
    CONVERSION JMAPACCESS";

pub(super) fn said(event: FrameEvent) -> ImapResponse {
    match event {
        FrameEvent::Piece(bytes) => ImapResponse::Piece(bytes),
        FrameEvent::Frame(frame) => response(&frame),
    }
}

fn response(frame: &Frame) -> ImapResponse {
    let mut scanner = Scanner::new(frame);
    let whole = || Words::new(&Scanner::new(frame).words());
    match scanner.word() {
        b"*" => untagged(frame, &mut scanner).unwrap_or_else(|| ImapResponse::Unread {
            words: whole(),
            fetch: is_fetch(frame),
        }),
        b"+" => ImapResponse::Continue(scanner.words().into_owned()),
        [b'+', ..] => ImapResponse::Continue(Scanner::new(frame).words().get(1..).unwrap_or_default().to_owned()),
        [b'*', ..] => ImapResponse::Unread {
            words: whole(),
            fetch: true,
        },
        tag => {
            let tag = String::from_utf8_lossy(tag).into_owned();
            if !is_tag(&tag) {
                return ImapResponse::Stray(whole());
            }
            let answer = match status(scanner.word()) {
                Some(ResponseStatus::Ok) => Completion::Ok(code(&scanner).known),
                Some(ResponseStatus::No | ResponseStatus::Bye) => Completion::Refused(refusal(Negative::No, &scanner)),
                Some(ResponseStatus::Bad | ResponseStatus::Preauth) => {
                    Completion::Refused(refusal(Negative::Bad, &scanner))
                }
                None => Completion::Refused(Refusal {
                    status: Negative::Bad,
                    code: None,
                    text: Words::new(&format!(
                        "(an answer that can't be read) {}",
                        Scanner::new(frame).words()
                    )),
                }),
            };
            ImapResponse::Done { tag, answer }
        }
    }
}

/// One of ours: `A` and a number. No other can be an answer.
fn is_tag(tag: &str) -> bool {
    tag.strip_prefix('A')
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_fetch(frame: &Frame) -> bool {
    let text = frame.text.get(..64).unwrap_or(&frame.text);
    text.windows(5).any(|word| word.eq_ignore_ascii_case(b"FETCH"))
}

fn untagged(frame: &Frame, scanner: &mut Scanner<'_>) -> Option<ImapResponse> {
    let first = scanner.word();
    if let Some(status) = status(first) {
        return Some(match status {
            ResponseStatus::Ok => ImapResponse::Ok(code(scanner).known),
            ResponseStatus::No => ImapResponse::Warning(Words::new(&format!("NO {}", scanner.words()))),
            ResponseStatus::Bad => ImapResponse::Warning(Words::new(&format!("BAD {}", scanner.words()))),
            ResponseStatus::Bye => ImapResponse::Bye(Words::new(&scanner.words())),
            ResponseStatus::Preauth => ImapResponse::Preauth,
        });
    }
    if let Some(number) = number(first) {
        let what = scanner.word_or_list();
        return match String::from_utf8_lossy(what).to_ascii_uppercase().as_str() {
            "EXISTS" => Some(ImapResponse::Exists(number)),
            "EXPUNGE" => Some(ImapResponse::Expunged),
            "RECENT" => Some(ImapResponse::Other),
            "FETCH" => match fetch(scanner).filter(|_| !frame.broken) {
                Some(fetch) => Some(ImapResponse::Fetch(fetch)),
                // Where a mail was in it, the rest may be of that mail.
                None if !frame.literals.is_empty() => Some(ImapResponse::Torn),
                None => None,
            },
            _ => None,
        };
    }
    match String::from_utf8_lossy(first).to_ascii_uppercase().as_str() {
        "CAPABILITY" => Some(ImapResponse::Capabilities(capabilities(&scanner.words()))),
        "LIST" => delimiter(scanner)
            .filter(|_| !frame.broken)
            .map(ImapResponse::Delimiter),
        "STATUS" => Some(messages(scanner)),
        known if KNOWN.split(' ').any(|name| name == known) => Some(ImapResponse::Other),
        _ => None,
    }
}

#[derive(Clone, Copy)]
enum ResponseStatus {
    Ok,
    No,
    Bad,
    Bye,
    Preauth,
}

fn status(word: &[u8]) -> Option<ResponseStatus> {
    let all = [
        ("OK", ResponseStatus::Ok),
        ("NO", ResponseStatus::No),
        ("BAD", ResponseStatus::Bad),
        ("BYE", ResponseStatus::Bye),
        ("PREAUTH", ResponseStatus::Preauth),
    ];
    let found = all.iter().find(|(name, _)| word.eq_ignore_ascii_case(name.as_bytes()));
    found.map(|(_, status)| *status)
}

/// A response code and the text behind it.
#[derive(Default)]
struct Coded {
    known: Option<ResponseCode>,
    code: Option<String>,
    text: String,
}

fn code(scanner: &Scanner<'_>) -> Coded {
    let words = scanner.words();
    let Some((code, text)) = words.strip_prefix('[').and_then(|rest| rest.split_once(']')) else {
        return Coded {
            text: words.into_owned(),
            ..Coded::default()
        };
    };
    let (name, value) = code.trim().split_once([' ', '\t']).unwrap_or((code.trim(), ""));
    let name = name.to_ascii_uppercase();
    let known = match name.as_str() {
        "UIDVALIDITY" => value.trim().parse().ok().map(ResponseCode::UidValidity),
        "UIDNEXT" => value.trim().parse().ok().map(ResponseCode::UidNext),
        "COPYUID" => value
            .split_whitespace()
            .nth(1)
            .map(|source| ResponseCode::Copied(count(source))),
        "CAPABILITY" => Some(ResponseCode::Capabilities(capabilities(value))),
        _ => None,
    };
    Coded {
        known,
        code: Some(name),
        text: text.trim().to_owned(),
    }
}

/// How many UIDs a set names.
fn count(set: &str) -> u32 {
    let each = set.split(',').filter_map(|member| {
        let (first, last) = member.split_once(':').unwrap_or((member, member));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        Some(last.abs_diff(first).saturating_add(1))
    });
    each.fold(0, u32::saturating_add)
}

/// `INBOX (MESSAGES 3)`
fn messages(scanner: &mut Scanner<'_>) -> ImapResponse {
    let mut found = None;
    scanner.value();
    if scanner.eat(b'(') {
        while !scanner.is_at(b')') {
            let is_asked = scanner.name().eq_ignore_ascii_case(b"MESSAGES");
            let Some(value) = scanner.value() else { break };
            if is_asked {
                found = atom(Some(value)).and_then(number);
            }
        }
    }
    found.map_or(ImapResponse::Other, ImapResponse::Messages)
}

fn refusal(status: Negative, scanner: &Scanner<'_>) -> Refusal {
    let coded = code(scanner);
    Refusal {
        status,
        code: coded.code.as_deref().map(Words::new),
        text: Words::new(&coded.text),
    }
}

/// The attributes of a FETCH answer; `None` where they can't be told apart.
fn fetch(scanner: &mut Scanner<'_>) -> Option<Fetch> {
    let mut fetch = Fetch::default();
    if !scanner.eat(b'(') {
        return None;
    }
    while !scanner.eat(b')') {
        let name = String::from_utf8_lossy(scanner.name()).to_ascii_uppercase();
        if name.is_empty() || name.contains(char::from(LITERAL)) {
            return None;
        }
        if name == "FLAGS" && scanner.flags() {
            continue;
        }
        let value = scanner.value();
        if value.is_none() && !scanner.is_at(b')') {
            // Its end is not known.
            return None;
        }
        match name.as_str() {
            "UID" => {
                let uid = atom(value).and_then(number).filter(|uid| *uid > 0)?;
                if *fetch.uid.get_or_insert(uid) != uid {
                    return None;
                }
            }
            "RFC822.SIZE" => fetch.size = atom(value).and_then(size),
            "INTERNALDATE" => fetch.received = quoted(value).and_then(internal_date),
            _ if name.starts_with("BODY[HEADER") => {
                fetch.header = value.filter(|value| *value != AttributeValue::Nil).and_then(body);
            }
            _ if is_body(&name) => {
                fetch.body = value.and_then(body);
                fetch.origin = origin(&name);
            }
            _ => {}
        }
    }
    scanner.rest().is_empty().then_some(fetch)
}

/// `BODY[]`, with or without the place where a part of it begins. Some servers repeat our `.PEEK`.
fn is_body(name: &str) -> bool {
    let rest = name.strip_prefix("BODY[]").or_else(|| name.strip_prefix("BODY.PEEK[]"));
    rest.is_some_and(|rest| rest.is_empty() || (rest.starts_with('<') && rest.ends_with('>')))
}

fn origin(name: &str) -> Option<u64> {
    let (_, origin) = name.split_once('<')?;
    origin.strip_suffix('>')?.parse().ok()
}

/// NIL is a server's word for "nothing there", e.g. for a piece after the end.
fn body(value: AttributeValue<'_>) -> Option<Bytes> {
    match value {
        AttributeValue::Nil => Some(Bytes::new()),
        AttributeValue::Quoted(text) => Some(text.into()),
        AttributeValue::Literal(ImapLiteral::Gathered(bytes)) => Some(bytes.clone()),
        AttributeValue::Literal(ImapLiteral::Passed(_)) | AttributeValue::Atom(_) | AttributeValue::List => None,
    }
}

fn atom(value: Option<AttributeValue<'_>>) -> Option<&[u8]> {
    match value {
        Some(AttributeValue::Atom(atom)) => Some(atom),
        _ => None,
    }
}

fn quoted(value: Option<AttributeValue<'_>>) -> Option<Vec<u8>> {
    match value {
        Some(AttributeValue::Quoted(text)) => Some(text),
        Some(AttributeValue::Literal(ImapLiteral::Gathered(bytes))) => Some(bytes.to_vec()),
        _ => None,
    }
}

fn number(digits: &[u8]) -> Option<u32> {
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(digits).ok().filter(|_| is_number)?.parse().ok()
}

/// A mail may be larger than we can say: then as large as that.
fn size(digits: &[u8]) -> Option<u32> {
    let size: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some(u32::try_from(size).unwrap_or(u32::MAX))
}

/// `" 1-Jan-2026 00:00:00 +0000"` (RFC 9051, `date-time`).
fn internal_date(text: Vec<u8>) -> Option<DateTime<Utc>> {
    let text = String::from_utf8(text).ok()?;
    let date = DateTime::parse_from_str(text.trim(), "%d-%b-%Y %H:%M:%S %z").ok()?;
    Some(date.to_utc())
}

/// `(\HasNoChildren) "/" INBOX`
fn delimiter(scanner: &mut Scanner<'_>) -> Option<Option<String>> {
    if scanner.value()? != AttributeValue::List {
        return None;
    }
    match scanner.value()? {
        AttributeValue::Nil => Some(None),
        AttributeValue::Atom(text) => Some(Some(String::from_utf8_lossy(text).into_owned())),
        AttributeValue::Quoted(text) => Some(Some(String::from_utf8_lossy(&text).into_owned())),
        AttributeValue::Literal(_) | AttributeValue::List => None,
    }
}

#[cfg(test)]
#[path = "response_tests.rs"]
mod tests;
