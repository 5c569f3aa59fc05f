//! What dispatch would hand to an action, without running it: the same reading, filter, payload, fields and files as an attempt, but
//! no secret is read and nothing is sent or started.

use std::{
    env,
    io::{self, Read, Write},
    sync::Arc,
};

use bytes::Bytes;
use chrono::{DateTime, Utc};

pub use super::environment::Origin;
use super::{
    body,
    conversation::made_up,
    environment, folder, probe,
    reading::{meant, missed, unreadable},
    webhook::{self, Field, Unmade},
    work::Work,
};
use crate::{
    config::{self, Action, Answers, Endpoint},
    job::{Outcome, Reason},
    ledger::ClaimedJob,
    message::{self, Attachment, Head, Mail, filter::explain},
    secret::SecretRef,
};

/// A mail that was read, and what an attempt would make of it.
#[derive(Debug)]
pub struct Rehearsal {
    /// The mail's head.
    pub head: Head,
    /// Every attachment, also those that are not handed on.
    pub attachments: Vec<Handed>,
    /// Every condition that the filter names.
    pub conditions: Vec<Condition>,
    /// What the action would get, or why it would get nothing.
    pub plan: Result<Plan, Outcome>,
}

/// An attachment, and whether the action gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handed {
    /// The name as its sender wrote it.
    pub name: Option<String>,
    /// The name that it gets.
    pub safe_name: String,
    /// The declared media type.
    pub media_type: String,
    /// Bytes of its content.
    pub size: u64,
    /// Whether it is handed on.
    pub handed_on: bool,
    /// Why, in a few words.
    pub why: String,
}

/// A condition of the filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The part of the filter, as [`crate::job::Reason::code`] calls it.
    pub part: String,
    /// Whether the mail meets it.
    pub holds: bool,
    /// Why, in a few words.
    pub why: String,
}

/// What an action would get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// A POST.
    Request(Request),
    /// A process.
    Process(Process),
}

/// A webhook's request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The URL, without its query, which may be a key.
    pub url: String,
    /// The header fields by name; the HTTP client adds `host` and `accept`.
    pub headers: Vec<(String, Value)>,
    /// The body.
    pub body: Excerpt,
    /// Why it would not go even so: the URL leads nowhere, or where we may not go.
    pub refused: Option<String>,
}

/// The value of a header field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// This text.
    Text(String),
    /// The secret that is kept there.
    Secret(SecretRef),
    /// Made with the keys that are kept there.
    Signature(Vec<SecretRef>),
}

/// A command's process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Names of variables, and where their values are from. Those that are passed on and not set here are left out.
    pub environment: Vec<(String, Origin)>,
    /// The empty folders, and the files with their bytes, in the folder that it works in.
    pub files: Vec<(String, Option<u64>)>,
    /// `message.json`.
    pub message: Excerpt,
}

/// Bytes, or the first ones of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Excerpt {
    /// The first ones.
    pub shown: Bytes,
    /// How many there are.
    pub size: u64,
}

impl Excerpt {
    /// Whether it is everything.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.shown.len() as u64 == self.size
    }

    /// What is shown, without a character that was cut; nothing when it is no UTF-8.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match str::from_utf8(&self.shown) {
            Ok(text) => Some(text),
            Err(error) if !self.is_whole() && error.error_len().is_none() => {
                str::from_utf8(self.shown.get(..error.valid_up_to())?).ok()
            }
            Err(_) => None,
        }
    }
}

/// Reads a mail as an attempt at `job` does, and returns what the action would get; of a body at most `most` bytes.
///
/// # Errors
/// When the mail can't be read: with what becomes of the job.
pub async fn rehearse(
    endpoint: &Arc<Endpoint>,
    job: &ClaimedJob,
    raw: Bytes,
    now: DateTime<Utc>,
    most: u64,
) -> Result<Rehearsal, Outcome> {
    let (endpoint, job, shared) = (endpoint.clone(), job.clone(), raw.clone());
    let rehearsed = message::read(raw, endpoint.limits, move |mail| {
        let head = mail.head();
        let (conditions, attachments) = explained(&endpoint, &job, mail, &head);
        let made_up = made_up(&endpoint);
        let plan = meant(&endpoint, &job, mail, &head, &shared, now).and_then(|work| {
            let answers = made_up.as_ref();
            planned(&endpoint.action, &Work { answers, ..work }, most).map_err(Outcome::from)
        });
        Rehearsal {
            conditions,
            attachments,
            plan,
            head,
        }
    });
    rehearsed.await.map_err(unreadable)
}

fn explained(endpoint: &Endpoint, job: &ClaimedJob, mail: &Mail<'_>, head: &Head) -> (Vec<Condition>, Vec<Handed>) {
    let attachments = mail.attachments();
    let names = attachments.iter().map(Attachment::shown_name);
    let explanation = explain(&endpoint.filter, head, job.size, names);
    let conditions = explanation.conditions.iter().map(|condition| Condition {
        part: missed(condition.part).code(),
        holds: condition.holds(),
        why: condition.why(),
    });
    let handed = attachments.iter().zip(&explanation.files).map(|(file, fate)| Handed {
        name: file.name.clone(),
        safe_name: file.safe_name.clone(),
        media_type: file.media_type.clone(),
        size: file.size() as u64,
        handed_on: fate.is_handed_on(),
        why: fate.why(),
    });
    let answers = match &endpoint.filter.answers {
        Answers::Any => None,
        Answers::None => Some("taken for a mail that answers no reply; a rehearsal asks no ledger".to_owned()),
        Answers::Only(_) => {
            Some("taken for an answer that counts, to a made-up job; a rehearsal asks no ledger".to_owned())
        }
    };
    let answers = answers.map(|why| Condition {
        part: Reason::Conversation.code(),
        holds: true,
        why,
    });
    (conditions.chain(answers).collect(), handed.collect())
}

fn planned(action: &Action, work: &Work<'_>, most: u64) -> Result<Plan, Unmade> {
    match action {
        Action::Webhook(webhook) => request(webhook, work, most).map(Plan::Request),
        Action::Command(command) => Ok(Plan::Process(process(command, work, most)?)),
    }
}

fn request(webhook: &config::Webhook, work: &Work<'_>, most: u64) -> Result<Request, Unmade> {
    let (media_type, mut body) = body::write(webhook.body, work)?;
    let size = body.len();
    let shown = body.read(|from| {
        let mut shown = Vec::new();
        from.take(most).read_to_end(&mut shown)?;
        Ok(shown)
    })?;
    let value = |field: &Field| match field {
        Field::Text(text) => Value::Text(String::from_utf8_lossy(text.as_bytes()).into_owned()),
        Field::Secret(secret) => Value::Secret(secret.clone()),
        Field::Signature => Value::Signature(webhook.secrets.clone()),
    };
    let fields = webhook::fields(webhook, work, &media_type, size)?;
    let mut headers: Vec<_> = fields
        .iter()
        .map(|(name, field)| (name.to_string(), value(field)))
        .collect();
    headers.sort_by(|(one, _), (other, _)| one.cmp(other));
    let (shown, place) = (shown.into(), webhook.place());
    let query = if place == webhook.url { "" } else { "?…" };
    Ok(Request {
        url: format!("{place}{query}"),
        headers,
        body: Excerpt { shown, size },
        refused: probe::destination(webhook).err(),
    })
}

fn process(command: &config::Command, work: &Work<'_>, most: u64) -> io::Result<Process> {
    let set = |(name, origin): &(String, Origin)| *origin != Origin::Ours || env::var_os(name).is_some();
    let environment = environment::variables(command, work).into_iter().filter(set).collect();
    let mut files: Vec<_> = folder::FOLDERS.iter().map(|name| (format!("{name}/"), None)).collect();
    let mut message = Excerpt::default();
    for entry in folder::entries(work) {
        let mut written = Kept::new(if entry.path == folder::MESSAGE { most } else { 0 });
        entry.write(&mut written)?;
        files.push((entry.path.clone(), Some(written.size)));
        if entry.path == folder::MESSAGE {
            message = Excerpt {
                shown: written.kept.into(),
                size: written.size,
            };
        }
    }
    files.sort();
    Ok(Process {
        argv: command.argv.clone(),
        environment,
        files,
        message,
    })
}

/// Counts what is written and keeps its beginning.
struct Kept {
    kept: Vec<u8>,
    size: u64,
    most: u64,
}

impl Kept {
    fn new(most: u64) -> Self {
        let kept = Vec::new();
        Self { kept, size: 0, most }
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = self.most.saturating_sub(self.kept.len() as u64);
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        self.kept.extend(bytes.iter().take(room));
        self.size += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[path = "rehearsal_tests.rs"]
mod tests;
