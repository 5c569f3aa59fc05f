//! Examines endpoints step by step, and says in plain words what keeps one from working and what to do about it.
//!
//! Config, credential, DNS, TCP, TLS, sign-in, capabilities, mailbox, action: a step that fails ends its branch, and what could not be
//! tried says so. No mail is touched: mailboxes are opened by EXAMINE, submission ends after the sign-in, a webhook hears
//! no request, a command isn't started. Every step ends.

mod account;
mod action;
pub mod descriptors;
mod examine;
pub mod explain;
mod notes;
mod patient;
mod phrases;
pub mod render;
mod sign_in;
mod trial;
mod way;

use std::{fmt, time::Duration};

pub use examine::{Examination, examine, needs_store};
pub use sign_in::TokenStoreState;
pub use trial::trial;

use crate::config::Problem;

/// A step of an examination, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The file.
    Config,
    /// The password or access token.
    Credential,
    /// The name's addresses.
    Dns,
    /// The proxy on the way, and a connection by it; in place of DNS and TCP.
    Proxy,
    /// A connection to one of them.
    Tcp,
    /// A server that is who it says.
    Tls,
    /// A server that believes who we are.
    SignIn,
    /// What it offers.
    Capabilities,
    /// The mailbox.
    Mailbox,
    /// The webhook or the command.
    Action,
    /// How many files may be open.
    OpenFiles,
    /// The health address.
    Listener,
    /// The ledger.
    Ledger,
}

impl Stage {
    /// Its name for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Credential => "credential",
            Self::Dns => "DNS",
            Self::Proxy => "proxy",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::SignIn => "sign-in",
            Self::Capabilities => "capabilities",
            Self::Mailbox => "mailbox",
            Self::Action => "action",
            Self::OpenFiles => "open files",
            Self::Listener => "health address",
            Self::Ledger => "ledger",
        }
    }
}

/// What is examined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// What kind of thing.
    pub kind: SubjectKind,
    /// Its name.
    pub name: String,
    /// The part of it, e.g. `IMAP mail.example.com:993`.
    pub part: Option<String>,
}

/// A kind of thing that is examined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectKind {
    /// A file of the configuration.
    File,
    /// An account.
    Account,
    /// An endpoint.
    Endpoint,
    /// The program itself.
    Process,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            SubjectKind::File => "file ",
            SubjectKind::Account => "account ",
            SubjectKind::Endpoint => "endpoint ",
            SubjectKind::Process => "process ",
        })?;
        f.write_str(&self.name)?;
        match &self.part {
            Some(part) => write!(f, ", {part}"),
            None => Ok(()),
        }
    }
}

/// What a step came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepOutcome {
    /// All is well; what was found.
    Passed(String),
    /// It works, or may work, but somebody should look.
    Warned(Issue),
    /// It can't work like this.
    Failed(Issue),
    /// It was not tried, and why.
    Skipped(String),
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// In plain words, with the server's own.
    pub what: String,
    /// What to do about it.
    pub cure: String,
}

/// One step of one subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was examined.
    pub subject: Subject,
    /// The step.
    pub stage: Stage,
    /// What it came to.
    pub outcome: StepOutcome,
    /// How long it took.
    pub took: Duration,
}

/// All findings, by subject and step.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DoctorReport {
    /// In the order in which they are told.
    pub findings: Vec<Finding>,
}

impl DoctorReport {
    /// Whether nothing failed.
    #[must_use]
    pub fn is_well(&self) -> bool {
        !self.findings.iter().any(Finding::is_failure)
    }
}

impl Finding {
    /// A problem of the configuration.
    #[must_use]
    pub fn of_problem(problem: &Problem) -> Self {
        let file = problem.file.display().to_string();
        let name = match &problem.place {
            Some(place) => format!("{file}:{}:{}", place.line, place.column),
            None => file,
        };
        Self {
            subject: Subject {
                kind: SubjectKind::File,
                name,
                part: None,
            },
            stage: Stage::Config,
            outcome: StepOutcome::Failed(Issue {
                what: problem.cause.clone(),
                cure: problem.cure.clone(),
            }),
            took: Duration::ZERO,
        }
    }

    /// Whether the step failed.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        matches!(self.outcome, StepOutcome::Failed(_))
    }
}
