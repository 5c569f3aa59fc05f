//! The token by which an answer finds the reply that it answers. Pure: the random bytes are an argument.
//!
//! It stands in the reply's Message-ID, which comes back in In-Reply-To and References, and in the plus-address of Reply-To.
//! Mail addresses may lose their case on the way, so it is written in lower-case base32 (RFC 4648 section 6) without padding.

use std::fmt;

use sha2::{Digest, Sha256};

use super::JobId;
use crate::message::{Head, plus};

/// 128 random bits. Whoever has it has seen the reply.
#[derive(Clone, PartialEq, Eq)]
pub struct ConversationToken([u8; 16]);

/// What the ledger keeps of a token: its SHA-256. Nobody who reads the ledger can answer in another's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConversationKey(pub [u8; 32]);

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// What stands between a token and the domain of a Message-ID.
const REPLY: &str = ".reply";

/// Tokens of one mail that are looked up, at most.
const MOST: usize = 20;

impl ConversationToken {
    /// Characters of a written token: enough for 128 bits.
    pub const LENGTH: usize = 26;

    /// The token of these bytes, which nobody can guess.
    #[must_use]
    pub fn new(random: [u8; 16]) -> Self {
        Self(random)
    }

    /// The token that is written so, in any case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != Self::LENGTH {
            return None;
        }
        let mut value: u128 = 0;
        let mut last = 0;
        for (place, byte) in text.bytes().enumerate() {
            let digit = digit(byte)?;
            last = digit;
            // The last character holds three bits and two that are nothing.
            value = match place + 1 == Self::LENGTH {
                true => (value << 3) | u128::from(digit >> 2),
                false => (value << 5) | u128::from(digit),
            };
        }
        (last & 0b11 == 0).then(|| Self(value.to_be_bytes()))
    }

    /// By which the ledger knows it.
    #[must_use]
    pub fn key(&self) -> ConversationKey {
        ConversationKey(Sha256::digest(self.0).into())
    }

    /// The Message-ID of the reply, without angle brackets.
    #[must_use]
    pub fn message_id(&self, domain: &str) -> String {
        format!("{self}{REPLY}@{domain}")
    }
}

/// The value of a character of [`ALPHABET`], in any case. By arithmetic: each byte of a header is asked.
fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'a'..=b'z' => Some(byte - b'a'),
        b'A'..=b'Z' => Some(byte - b'A'),
        b'2'..=b'7' => Some(byte - b'2' + 26),
        _ => None,
    }
}

impl fmt::Display for ConversationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = u128::from_be_bytes(self.0);
        for place in 0..Self::LENGTH {
            let digit = match 123usize.checked_sub(5 * place) {
                Some(shift) => value >> shift,
                None => value << 2,
            };
            let digit = usize::try_from(digit & 31).unwrap_or_default();
            f.write_str(
                ALPHABET
                    .get(digit)
                    .map_or("", |byte| str::from_utf8(std::slice::from_ref(byte)).unwrap_or("")),
            )?;
        }
        Ok(())
    }
}

impl fmt::Debug for ConversationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Whether a mail says that it answers a reply of ours, by the form of the identifiers that it names: those of a job, of a run of it, or of
/// a token.
#[must_use]
pub fn answers_us(head: &Head) -> bool {
    let mut ids = head.in_reply_to.iter().chain(&head.references);
    ids.any(|id| named_by(id).is_some())
}

/// What the Message-ID of a reply of ours, without angle brackets, names: the job that caused it, or the token with which it may be answered.
/// Nothing where it has not the form of one.
#[must_use]
pub fn named_by(message_id: &str) -> Option<ReplyReference> {
    let local = message_id.rsplit_once('@').map_or(message_id, |(local, _)| local);
    let stem = local.strip_suffix(REPLY)?;
    let job = stem.split('.').next().unwrap_or_default();
    let is_job = job.len() == 32 && job.bytes().all(|byte| byte.is_ascii_hexdigit());
    let job = || uuid::Uuid::try_parse(job).ok().filter(|_| is_job);
    let token = || ConversationToken::parse(stem).map(|token| ReplyReference::Token(token.key()));
    job().map(|job| ReplyReference::Job(JobId(job))).or_else(token)
}

/// What the Message-ID of a reply names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyReference {
    /// The job that caused it.
    Job(JobId),
    /// The token with which it may be answered.
    Token(ConversationKey),
}

/// Whether a mail's header may have a token somewhere: a quick look that saves a second one. Of most of a header no byte is looked at: where so
/// many characters of a token would stand, the last of them is asked first.
#[must_use]
pub fn hinted(raw: &[u8]) -> bool {
    let header = header(raw);
    let is_digit = |at: usize| header.get(at).is_some_and(|byte| digit(*byte).is_some());
    // Where a token may begin at the earliest: before it there is none of its characters.
    let mut from = 0;
    while from + ConversationToken::LENGTH <= header.len() {
        let last = from + ConversationToken::LENGTH - 1;
        match (from..=last).rev().find(|at| !is_digit(*at)) {
            Some(other) => from = other + 1,
            None if !is_digit(last + 1) => return true,
            // They are more than a token has.
            None => {
                from = (last + 1..header.len())
                    .find(|at| !is_digit(*at))
                    .map_or(header.len(), |end| end + 1)
            }
        }
    }
    false
}

/// The bytes before the first empty line.
fn header(raw: &[u8]) -> &[u8] {
    let ends = |line: &[u8]| matches!(line, b"\n" | b"\r\n");
    let mut at = 0;
    while let Some(end) = memchr::memchr(b'\n', raw.get(at..).unwrap_or_default()) {
        if raw.get(at..=at + end).is_some_and(ends) {
            return raw.get(..at).unwrap_or_default();
        }
        at += end + 1;
    }
    raw
}

/// The tokens that a mail names, the likeliest first: of what it answers, of its plus-address at one of `ours`, of its thread from
/// the end.
#[must_use]
pub fn named<'a>(head: &Head, ours: impl Iterator<Item = &'a str>) -> Vec<ConversationToken> {
    let of_id = |id: &String| {
        let (token, _) = id
            .rsplit_once('@')?
            .0
            .rsplit_once(REPLY)
            .filter(|(_, rest)| rest.is_empty())?;
        ConversationToken::parse(token)
    };
    let details = ours.flat_map(|address| plus::details(head, address));
    let answered = head.in_reply_to.iter().filter_map(of_id);
    let thread = head.references.iter().rev().filter_map(of_id);
    let mut found: Vec<ConversationToken> = Vec::new();
    for token in answered
        .chain(details.filter_map(ConversationToken::parse))
        .chain(thread)
    {
        if !found.contains(&token) && found.len() < MOST {
            found.push(token);
        }
    }
    found
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
