//! What an action gets to know of the reply that was answered.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{dispatch::work::Work, message::quote::own_text};

/// A reply of ours that was answered. All but `reply` is what Mailjob kept since.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Conversation")]
pub(in crate::dispatch) struct ConversationPayload<'a> {
    /// The id of the job whose reply was answered.
    job: String,
    /// The endpoint of that job.
    endpoint: &'a str,
    /// What the action of that job said to whoever answers: `data` of its answer; null where it said nothing.
    data: Option<&'a serde_json::Value>,
    /// The mail that the answered reply was about.
    answered: AnsweredPayload<'a>,
    /// The answer's own text, without what it quotes; where that can't be told, all of it. Plain text, at most 64 KiB.
    pub(in crate::dispatch) reply: String,
}

/// The mail that an answered reply was about.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Answered")]
struct AnsweredPayload<'a> {
    /// The address of its sender.
    from: &'a str,
    /// Its subject.
    subject: &'a str,
    /// Its Message-ID, without angle brackets.
    message_id: Option<&'a str>,
}

impl<'a> ConversationPayload<'a> {
    /// What the mail answers, if it does.
    pub(in crate::dispatch) fn new(work: &Work<'a>) -> Option<Self> {
        let answers = work.answers?;
        Some(Self {
            job: answers.job.to_string(),
            endpoint: &answers.endpoint,
            data: answers.data.as_ref(),
            answered: AnsweredPayload {
                from: &answers.from,
                subject: &answers.subject,
                message_id: answers.message_id.as_deref(),
            },
            reply: own_text(&work.mail.readable()),
        })
    }
}
