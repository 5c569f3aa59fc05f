//! What an action would get, as a rehearsal shows it. Values only.

use bytes::Bytes;

use super::command::environment::Origin;
use crate::{
    dispatch::excerpt::Excerpt,
    job::{Answer, Outcome},
    secret::SecretRef,
};

/// What an action would get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// A POST.
    Request(RequestPlan),
    /// A process.
    Process(ProcessPlan),
    /// Nothing: it asks nobody.
    Nothing,
}

impl Plan {
    /// What it gets to read of the mail, or the beginning of that.
    #[must_use]
    pub fn payload(&self) -> Bytes {
        match self {
            Self::Request(request) => request.body.shown.clone(),
            Self::Process(process) => process.message.shown.clone(),
            Self::Nothing => Bytes::new(),
        }
    }
}

/// A success with these words.
pub(super) fn made_up_answer(text: &str) -> Outcome {
    Outcome::Done(Answer {
        text: Some(text.to_owned()),
        ..Answer::default()
    })
}

/// A webhook's request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestPlan {
    /// The URL, without its query, which may be a key.
    pub url: String,
    /// The header fields by name; the HTTP client adds `host` and `accept`.
    pub headers: Vec<(String, PlannedHeader)>,
    /// The body.
    pub body: Excerpt,
    /// Why it would not go even so: the URL leads nowhere, or where we may not go.
    pub refused: Option<String>,
}

/// The value of a header field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlannedHeader {
    /// This text.
    Text(String),
    /// The secret that is kept there.
    Secret(SecretRef),
    /// Made with the keys that are kept there.
    Signature(Vec<SecretRef>),
}

/// A command's process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessPlan {
    /// Program and arguments; the folder's path is written as `$MAILJOB_DIR`.
    pub argv: Vec<String>,
    /// Names of variables, and where their values are from. Those that are passed on and not set here are left out.
    pub environment: Vec<(String, Origin)>,
    /// The empty folders, and the files with their bytes, in the folder that it works in.
    pub files: Vec<(String, Option<u64>)>,
    /// `message.json`.
    pub message: Excerpt,
}
