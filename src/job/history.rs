//! What is remembered of an attempt: what was decided about the mail, what was asked of the action, and what that answered. Values only.
//!
//! Nothing secret is among it: no header field of a request, no query and no user of a URL, no environment. Each text is cut.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is remembered of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Trace {
    /// What was found of the mail before the action; nothing where it was not read so far.
    pub decision: Option<Decision>,
    /// What was asked of the action; nothing where it was not asked.
    pub exchange: Option<Exchange>,
}

/// That the mail is meant for the endpoint, and why it may.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Decision {
    /// Whom From names, or why it names nobody.
    pub sender: String,
    /// What shows that the mail is of the sender: `dmarc`, `dkim`, `spf`; the strongest first.
    pub proofs: Vec<String>,
    /// The safe names of attachments that are handed on, 50 at most.
    pub attachments: Vec<String>,
    /// How many attachments are handed on.
    pub attachment_count: usize,
    /// The job whose reply it answers, where it is an answer.
    pub answers: Option<super::JobId>,
}

impl Decision {
    /// Names of attachments that are kept.
    pub const NAMES: usize = 50;
}

/// What was asked of an action, and what it answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Exchange {
    /// A request to a webhook.
    Webhook {
        /// `POST`.
        method: String,
        /// Its URL without user, password, query and fragment.
        url: String,
        /// Bytes of the body that was sent.
        sent: u64,
        /// The status of the answer; nothing where none came.
        status: Option<u16>,
        /// The answer's media type, as it was written.
        media_type: Option<String>,
        /// The beginning of the answer's body.
        body: Option<TruncatedText>,
    },
    /// A process.
    Command {
        /// The program and its arguments, the first 4 KiB of them.
        argv: Vec<String>,
        /// Its exit code; nothing where it was ended by a signal, or never began.
        exit: Option<i32>,
        /// The signal that ended it.
        signal: Option<i32>,
        /// The end of standard output.
        stdout: TruncatedText,
        /// The end of standard error.
        stderr: TruncatedText,
    },
}

/// The beginning or the end of a text. What is no UTF-8 is U+FFFD; control characters are as they were.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Cut")]
pub struct TruncatedText {
    /// What is left of it.
    pub text: String,
    /// Bytes of the whole, as far as they were read.
    pub size: u64,
}

/// Bytes that are kept of each text.
pub const MOST: usize = 4 * 1024;

impl TruncatedText {
    /// The first 4 KiB.
    #[must_use]
    pub fn head(bytes: &[u8]) -> Self {
        let end = bytes.len().min(MOST);
        Self {
            text: readable(bytes.get(..end).unwrap_or_default()),
            size: bytes.len() as u64,
        }
    }

    /// The last 4 KiB.
    #[must_use]
    pub fn tail(bytes: &[u8]) -> Self {
        let start = bytes.len().saturating_sub(MOST);
        Self {
            text: readable(bytes.get(start..).unwrap_or_default()),
            size: bytes.len() as u64,
        }
    }

    /// Whether something of it is missing.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.size > MOST as u64
    }
}

/// U+FFFD takes three bytes: a text of 4 KiB that is none stays within 4 KiB.
fn readable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let end = text.floor_char_boundary(MOST);
    text.get(..end).unwrap_or_default().to_owned()
}

/// Program and arguments up to 4 KiB together; what is over is left out.
#[must_use]
pub fn argv(all: &[String]) -> Vec<String> {
    let mut room = MOST;
    let mut kept = Vec::new();
    for one in all {
        let end = one.floor_char_boundary(room);
        kept.push(one.get(..end).unwrap_or_default().to_owned());
        room -= end;
        if room == 0 || end < one.len() {
            break;
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_is_cut_at_the_right_end() {
        let long = format!("{}ö{}", "a".repeat(MOST - 1), "z".repeat(MOST - 1));
        let (head, tail) = (
            TruncatedText::head(long.as_bytes()),
            TruncatedText::tail(long.as_bytes()),
        );
        assert!(head.text.starts_with('a') && head.text.len() <= MOST && head.is_cut());
        assert!(tail.text.ends_with('z') && tail.text.len() <= MOST && tail.is_cut());
        let short = TruncatedText::head(b"ok\xff");
        assert_eq!(
            (short.text.as_str(), short.size, short.is_cut()),
            ("ok\u{fffd}", 3, false)
        );
        assert!(TruncatedText::head(&[0xff; 2 * MOST]).text.len() <= MOST);
    }

    #[test]
    fn arguments_are_cut_together() {
        let all = ["a".repeat(MOST - 1), "öö".to_owned(), "c".to_owned()];
        assert_eq!(argv(&all), [all[0].clone(), String::new()]);
        assert_eq!(argv(&all[1..]), all[1..]);
    }
}
