//! A conversation: a reply that may be answered, and what an answer to it is told. Pure.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ConversationKey, ConversationToken, JobId};
use crate::{
    addr_spec::is_plain,
    config::{EndpointName, glob::Glob},
};

/// Bytes of the data, as JSON, that are kept for whoever answers.
pub const MAX_DATA: usize = 256 * 1024;

/// That a reply, if one goes, may be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerableReply {
    /// Its token.
    pub token: ConversationToken,
    /// How many answers of people led to it.
    pub depth: u32,
}

/// Who may answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AllowedSenders {
    /// These addresses.
    Exactly(Vec<String>),
    /// Addresses that match one of these; `*` and `?` are wildcards.
    Like(Vec<String>),
}

impl AllowedSenders {
    /// Whether this address is one of them. Case does not count.
    #[must_use]
    pub fn admits(&self, sender: &str) -> bool {
        // Servers that tell `Ann@` from `ann@` are gone; people's mail programs write both.
        let is_sender = |one: &String| one.to_lowercase() == sender.to_lowercase();
        let is_like = |one: &String| Glob::new(one).matches(sender);
        is_plain(sender)
            && match self {
                Self::Exactly(addresses) => addresses.iter().any(is_sender),
                Self::Like(patterns) => patterns.iter().any(is_like),
            }
    }
}

/// What the ledger keeps with a reply that may be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewConversation {
    /// The token's key.
    pub key: ConversationKey,
    /// The endpoint whose job an answer becomes.
    pub endpoint: EndpointName,
    /// Who may answer.
    pub allowed: AllowedSenders,
    /// Whether their answer counts only if something shows that it is theirs.
    pub proven: bool,
    /// Answers that are accepted, at most.
    pub most: u32,
    /// How many answers led to it.
    pub depth: u32,
    /// What the action said to whoever answers.
    pub data: Option<Value>,
    /// Until when.
    pub expires: DateTime<Utc>,
}

/// What an accepted answer answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedAnswer {
    /// The job whose reply was answered.
    pub job: JobId,
    /// Its endpoint.
    pub endpoint: String,
    /// What its action said to whoever answers.
    pub data: Option<Value>,
    /// The subject of its mail.
    pub subject: String,
    /// The Message-ID of its mail, without angle brackets.
    pub message_id: Option<String>,
    /// The sender of its mail.
    pub from: String,
    /// How many answers there are in a row, this one included.
    pub depth: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipients_are_no_patterns() {
        let exactly = AllowedSenders::Exactly(vec!["Boss@us.example".into(), "*@them.example".into()]);
        let like = AllowedSenders::Like(vec!["*@us.example".into()]);
        for (sender, by_exactly, by_like) in [
            ("boss@US.example", true, true),
            ("ann@us.example", false, true),
            ("ann@them.example", false, false),
            ("*@them.example", true, false),
            ("evil@them.example@us.example", false, false),
            ("\"a@them.example \"@us.example", false, false),
            ("", false, false),
        ] {
            assert_eq!(
                (exactly.admits(sender), like.admits(sender)),
                (by_exactly, by_like),
                "{sender}"
            );
        }
    }

    #[test]
    fn who_may_answer_is_kept_as_json() {
        let like = AllowedSenders::Like(vec!["*@us.example".into()]);
        let json = serde_json::to_string(&like).unwrap();
        assert_eq!(json, r#"{"like":["*@us.example"]}"#);
        assert_eq!(serde_json::from_str::<AllowedSenders>(&json).unwrap(), like);
    }
}
