//! How the process and its endpoints are, in words and numbers: what `/status` answers, and what the command line shows.
//!
//! Types only, and what follows from them; who knows how things are builds them. The JSON form only grows.

pub mod state;
pub mod verdict;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::state::EndpointHealth;

/// Everything, as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Status")]
pub struct Status {
    /// The process; null where none answers and the ledger alone was read.
    pub process: Option<ProcessStatus>,
    /// The ledger.
    pub ledger: LedgerStatus,
    /// Every endpoint that has a file, and those without one whose jobs have not ended; by name.
    pub endpoints: Vec<EndpointStatus>,
    /// What is wrong with files that are not one endpoint's: `mailjob.toml`, the folder.
    pub problems: Vec<String>,
}

/// The process that answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Process")]
pub struct ProcessStatus {
    /// The program's version.
    pub version: String,
    /// Since when it runs.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub since: DateTime<Utc>,
    /// Its process id.
    pub pid: u32,
    /// Whether it was asked to stop: nothing new is taken.
    pub draining: bool,
    /// The room for mails and results in memory.
    #[serde(default)]
    pub memory: MemoryStatus,
}

/// The room for mails and results in memory, which `[service] memory` gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Memory")]
pub struct MemoryStatus {
    /// Bytes in all.
    pub budget: u64,
    /// Bytes that jobs hold.
    pub taken: u64,
    /// Jobs and large replies that wait for room.
    pub waiting: u64,
}

/// The ledger's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Ledger")]
pub struct LedgerStatus {
    /// Where it lies.
    pub path: String,
    /// Bytes of the file and of its log; null where there is none yet.
    pub size: Option<u64>,
    /// Bytes that are free on its disk, where that is known.
    pub free: Option<u64>,
    /// Why it can't be written, or could not be read; then the numbers of jobs and replies are missing.
    pub problem: Option<String>,
}

/// An endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "EndpointStatus")]
pub struct EndpointStatus {
    /// Its name.
    pub name: String,
    /// What its file says that it is for; empty where it says nothing.
    pub description: String,
    /// Its state, as a code.
    pub state: EndpointHealth,
    /// Its state in words: what is, since when and why.
    pub words: String,
    /// What a person should do; null where nobody has to do anything.
    pub to_do: Option<String>,
    /// Since when it is in this state, where that is known.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub since: Option<DateTime<Utc>>,
    /// Its mailbox; null where it has no file that can be used.
    pub mailbox: Option<MailboxStatus>,
    /// What is wrong with its file, where its last good version goes on, or none can.
    pub problem: Option<String>,
    /// Its jobs in numbers; null where the ledger could not be read.
    pub jobs: Option<JobTotals>,
    /// Why jobs of it wait for another attempt; null where none does.
    pub setback: Option<Setback>,
    /// Its replies; null where the ledger could not be read.
    pub replies: Option<ReplyTotals>,
}

/// Why jobs wait for another attempt: of the one that has it next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Setback")]
pub struct Setback {
    /// Why its last attempt failed, as a code.
    pub reason: Option<String>,
    /// The same in words.
    pub detail: Option<String>,
    /// When it is tried again.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub next: DateTime<Utc>,
    /// Whether only a person can end it.
    #[serde(default)]
    pub needs_person: bool,
}

impl Setback {
    /// Why, in words, or as a code where there are none.
    #[must_use]
    pub fn why(&self) -> &str {
        self.detail.as_ref().or(self.reason.as_ref()).map_or("", String::as_str)
    }
}

/// The mailbox of an endpoint. Endpoints may share one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "MailboxStatus")]
pub struct MailboxStatus {
    /// Which: `imap://user@host/NAME`.
    pub key: String,
    /// The account that opens it.
    pub account: String,
    /// Whether there is a session, or it rests until the next look.
    pub connected: bool,
    /// When it was last looked at with success, by this process.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub last_look: Option<DateTime<Utc>>,
    /// When a mail was last taken from it, by this process.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub last_mail: Option<DateTime<Utc>>,
    /// When the next connection is tried, where the last one failed.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub next_try: Option<DateTime<Utc>>,
    /// Mails that the server told of and that are not taken yet.
    pub untaken: u64,
    /// Mails that lay there before it was watched and are left; `mailjob backlog` lists and takes them.
    #[serde(default)]
    pub left: u64,
    /// Since when it is known that another Mailjob works at it with a ledger of its own, which does all work twice; null where none does.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub second_ledger: Option<DateTime<Utc>>,
    /// Which mails that are over can't have their last touch, and what the server said; null where all can.
    #[serde(default)]
    pub unsettled: Option<String>,
    /// How many mails are there that the server does not give, and why; null where it gives all. They are tried again, and held in the end.
    #[serde(default)]
    pub kept_back: Option<String>,
    /// How often the server gave the id of a mail to another one (POP3), since this process runs: mails are compared before they are
    /// deleted.
    #[serde(default)]
    pub reused_ids: u64,
    /// Lines of the server that could not be read and were passed over, since this process runs.
    #[serde(default)]
    pub unread_lines: u64,
    /// The beginning of the first of them; null where there was none.
    #[serde(default)]
    pub unread_line: Option<String>,
}

/// An endpoint's jobs in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "JobNumbers")]
pub struct JobTotals {
    /// To be run now.
    pub queued: u64,
    /// Being run.
    pub running: u64,
    /// To be run again later.
    pub deferred: u64,
    /// Waiting for the jobs of their parts.
    pub waiting: u64,
    /// A person must look.
    pub held: u64,
    /// Failed for good, of those that the ledger still knows.
    pub failed: u64,
}

impl JobTotals {
    /// Those that have not ended.
    #[must_use]
    pub fn open(self) -> u64 {
        self.queued + self.running + self.deferred + self.waiting + self.held
    }
}

/// An endpoint's replies in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ReplyNumbers")]
pub struct ReplyTotals {
    /// To be sent, or being sent.
    pub waiting: u64,
    /// Refused for good, of those that the ledger still knows.
    pub refused: u64,
    /// Of which nobody knows whether the server has them: an operator decides.
    #[serde(default)]
    pub unsure: u64,
    /// That came back after a server had taken them, of those that the ledger still knows.
    #[serde(default)]
    pub bounced: u64,
    /// Why those that wait are not sent now, where the account that sends them is in trouble.
    pub problem: Option<String>,
}

impl Status {
    /// Whether a person has to do something.
    #[must_use]
    pub fn needs_person(&self) -> bool {
        let endpoint = |endpoint: &EndpointStatus| endpoint.to_do.is_some();
        !self.problems.is_empty() || self.ledger.problem.is_some() || self.endpoints.iter().any(endpoint)
    }
}
