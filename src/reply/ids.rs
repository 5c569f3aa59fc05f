//! How a letter is known and what it answers: its Message-ID, In-Reply-To, References, and where answers to it go. Pure.

use super::answerable::reply_to;
use crate::{
    config::{Conversation, Reply},
    job::{AnswerableReply, JobId},
    message::Head,
};

/// Bytes of an identifier that is quoted back: with its field's name and its brackets it fits a line of 998 (RFC 5322 section 2.1.1).
const MAX_ID: usize = 980;
/// Identifiers kept at the end of References, beside the first.
const LAST_REFERENCES: usize = 20;

/// The identifiers of a letter, without angle brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MessageIds<'a> {
    /// Its own: the same whenever this job's letter is built for the same run.
    pub(super) message_id: String,
    /// Where answers go, if not to From.
    pub(super) reply_to: Option<String>,
    /// What it answers.
    pub(super) in_reply_to: Option<&'a str>,
    /// The thread.
    pub(super) references: Vec<&'a str>,
}

impl<'a> MessageIds<'a> {
    /// The identifiers of a job's letter that comes from `from`.
    /// One that may be answered says in both of its own with which token.
    pub(super) fn new(
        reply: &Reply,
        (job, rerun): (JobId, u32),
        from: &str,
        head: &'a Head,
        answerable: Option<(&Conversation, &AnswerableReply)>,
    ) -> Self {
        let domain = from.rsplit_once('@').map_or("", |(_, domain)| domain);
        let (message_id, reply_to) = match answerable {
            Some((conversation, AnswerableReply { token, .. })) => {
                (token.message_id(domain), Some(reply_to(conversation, token)))
            }
            // A UUIDv7 has 74 random bits: nobody guesses the id of a reply that they have not seen.
            // A mail server may drop a second mail of the same id: a job that ran anew has another.
            None if rerun > 0 => (format!("{job}.{rerun}.reply@{domain}"), reply.reply_to.clone()),
            None => (format!("{job}.reply@{domain}"), reply.reply_to.clone()),
        };
        Self {
            message_id,
            reply_to,
            in_reply_to: head.message_id.as_deref().filter(|id| is_quotable(id)),
            references: references(head),
        }
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
pub(crate) fn is_quotable(id: &str) -> bool {
    !id.is_empty() && id.len() <= MAX_ID && id.bytes().all(|b| b.is_ascii_graphic() && b != b'<' && b != b'>')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> Head {
        Head {
            message_id: Some("m1@a.example".into()),
            ..Head::default()
        }
    }

    #[test]
    fn long_threads_keep_their_first_and_last_references() {
        let id = |n: usize| format!("{n}@a.example");
        let thread = |n: usize| Head {
            references: (0..n).map(id).collect(),
            ..head()
        };
        assert_eq!(references(&thread(2)), ["0@a.example", "1@a.example", "m1@a.example"]);
        let long = thread(100);
        let kept = references(&long);
        assert_eq!(kept.len(), 21);
        assert_eq!(
            (kept[0], kept[1], kept[20]),
            ("0@a.example", "81@a.example", "m1@a.example")
        );
        let answer_to_one = Head {
            in_reply_to: vec![id(7)],
            ..head()
        };
        assert_eq!(references(&answer_to_one), ["7@a.example", "m1@a.example"]);
        let odd = Head {
            message_id: Some("a b\r\nBcc: x".into()),
            references: vec![String::new(), "<x>".into(), "y".repeat(981)],
            ..head()
        };
        assert!(references(&odd).is_empty());
    }
}
