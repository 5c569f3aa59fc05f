//! What an action answers.

use bytes::Bytes;

use super::Reason;

/// Bytes kept of what is wrong with an answer.
const MAX_DETAIL: usize = 1_000;

/// What an action answers: text and files for the reply.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// Plain text.
    pub text: Option<String>,
    /// Files.
    pub files: Vec<ResultFile>,
    /// What the action says to templates and to whoever answers the reply: any JSON.
    pub data: Option<serde_json::Value>,
    /// What of it can't be used. The work is done all the same: it costs the answer, or a part of it, and the operator is told.
    pub flaw: Option<Flaw>,
}

/// What of an answer can't be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// Why: [`Reason::BadAnswer`], [`Reason::Oversize`].
    pub reason: Reason,
    /// For the operator.
    pub detail: String,
}

/// A file that goes back to the sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultFile {
    /// A safe name; empty where the action gave none and none was made yet.
    pub name: String,
    /// Media type, e.g. `application/pdf`.
    pub media_type: String,
    /// Content.
    pub data: Bytes,
}

impl Answer {
    /// Nothing of it can be used.
    #[must_use]
    pub fn unusable(detail: &str) -> Self {
        let mut nothing = Self::default();
        nothing.mark(Reason::BadAnswer, detail);
        nothing
    }

    /// Notes what can't be used, beside what was noted before; the first reason stays.
    pub fn mark(&mut self, reason: Reason, detail: &str) {
        let flaw = self.flaw.get_or_insert_with(|| Flaw {
            reason,
            detail: String::new(),
        });
        if flaw.detail.len() >= MAX_DETAIL {
            return;
        }
        if !flaw.detail.is_empty() {
            flaw.detail.push_str("; ");
        }
        flaw.detail.push_str(detail);
        flaw.detail.truncate(flaw.detail.floor_char_boundary(MAX_DETAIL));
    }

    /// Says something to whoever gets the reply, below the text.
    pub fn note(&mut self, note: &str) {
        self.text = Some(match self.text.take() {
            Some(text) => format!("{text}\n\n{note}"),
            None => note.to_owned(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_noted_once_each_and_within_bounds() {
        let mut answer = Answer::unusable("it is no JSON");
        answer.mark(Reason::Oversize, "it is too large");
        let flaw = answer.flaw.clone().unwrap();
        assert_eq!(flaw.reason, Reason::BadAnswer);
        assert_eq!(flaw.detail, "it is no JSON; it is too large");
        for _ in 0..1_000 {
            answer.mark(Reason::BadAnswer, "ä is no base64");
        }
        assert!(answer.flaw.unwrap().detail.len() <= MAX_DETAIL);
    }

    #[test]
    fn a_note_stands_below_the_text() {
        let mut answer = Answer::default();
        answer.note("one");
        answer.note("two");
        assert_eq!(answer.text.as_deref(), Some("one\n\ntwo"));
    }
}
