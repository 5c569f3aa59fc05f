//! A mail as we understand it: read by mail-parser within limits, never trusted.
//!
//! [`read`] runs on a thread of its own kind and always ends: with what its closure made of the mail, or with an
//! [`Unreadable`]. What leaves this room for a log, a header or a page has no control characters.

mod attachment;
pub mod auto;
pub mod bounce;
mod charset;
pub mod clean;
mod cms;
pub mod content;
pub mod date;
pub mod filter;
mod flowed;
mod freemail;
pub mod identity;
pub mod language;
mod mail;
mod mailboxes;
mod nested;
mod parameters;
mod parse;
pub mod plus;
pub mod policy;
pub mod quote;
mod repair;
pub mod reply_to;
pub mod results;
pub mod safe_name;
mod sealed;
mod tnef;
mod transfer;
pub mod trust;
mod uu;
mod view;
mod words;

use chrono::{DateTime, Utc};

pub use attachment::Attachment;
pub use mail::Mail;
pub use nested::{Nested, NestedFile};
pub use parse::{READING, Reader, Unreadable, read};
pub use sealed::Scheme;

/// The header field that marks our replies; its value is the job's id. Whoever writes replies sets it, [`auto`] looks for it.
pub const LOOP_MARK: &str = "X-Mailjob-Job";

/// A mailbox address as written in a header field.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Address {
    /// The display name, decoded; control characters are replaced by spaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `local@domain`, as written.
    pub address: String,
}

/// What replies and decisions need of a mail's header, owned and free of control characters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Head {
    /// Message-ID without angle brackets.
    pub message_id: Option<String>,
    /// In-Reply-To, without angle brackets.
    pub in_reply_to: Vec<String>,
    /// References in their order, without angle brackets.
    pub references: Vec<String>,
    /// From.
    pub from: Vec<Address>,
    /// Reply-To.
    pub reply_to: Vec<Address>,
    /// To.
    pub to: Vec<Address>,
    /// Cc.
    pub cc: Vec<Address>,
    /// Whom servers delivered it to: the addresses of Delivered-To, X-Original-To and Envelope-To. A sender may write these too.
    pub delivered_to: Vec<String>,
    /// Subject, decoded; empty where there is none.
    pub subject: String,
    /// Date; UTC is assumed where it names no zone.
    pub date: Option<DateTime<Utc>>,
    /// What a reader should know of the date: that no zone was named, or that there is one that can't be read.
    pub date_note: Option<&'static str>,
    /// The languages that its sender reads, the preferred ones first, in lower case: Accept-Language, then Content-Language.
    pub languages: Vec<String>,
    /// Why this mail must not be answered, by its own header (RFC 3834); `None` when a person may have written it.
    pub automatic: Option<Automatic>,
    /// Why From names nobody; `None` when it names one address in a form that can't be read in two ways.
    pub odd_from: Option<identity::InvalidFrom>,
}

/// Why a mail must not be answered, found in its header; what says most comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Automatic {
    /// Our own loop mark.
    Ourselves,
    /// multipart/report: a bounce, a receipt.
    Report,
    /// Return-Path is `<>`, or what delivery agents write for that.
    NullSender,
    /// Auto-Submitted is there and is not `no` (RFC 3834 section 5).
    AutoSubmitted,
    /// A List-* field (RFC 2919, RFC 2369), or another of those who send to many.
    List,
    /// From MAILER-DAEMON, a list manager, owner-*, *-request and their like.
    RoleSender,
    /// Precedence bulk, junk or list.
    Precedence,
    /// A field by which an answering machine is known, such as X-Auto-Response-Suppress or X-Autoreply.
    AutoResponse,
    /// 50 Received fields or more.
    Hops,
    /// No usable address to answer to.
    NoSender,
}

impl Automatic {
    /// The stable code, as it stands in the ledger and in metrics.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::AutoSubmitted => "auto-submitted",
            Self::List => "mailing-list",
            Self::NullSender => "null-sender",
            Self::RoleSender => "role-sender",
            Self::Precedence => "bulk",
            Self::AutoResponse => "auto-response",
            Self::Report => "report",
            Self::Ourselves => "ourselves",
            Self::Hops => "too-many-hops",
            Self::NoSender => "no-sender",
        }
    }
}

#[cfg(test)]
mod corpus_tests;
