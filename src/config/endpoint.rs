//! Endpoints: a mailbox, a filter, an action, a reply. Types only; `check` reads them.

use super::{
    Action, Conversation, EndpointName, Filter, Inputs, Jobs, Limits, Mailbox, Output, Rates, ReadBy, Reply, Retry,
    Senders,
};

/// One endpoint: a mailbox, a filter, an action, a reply.
#[derive(Debug, Clone, PartialEq)]
pub struct Endpoint {
    /// The file's stem.
    pub name: EndpointName,
    /// For people.
    pub description: String,
    /// Where mail comes from.
    pub mailbox: Mailbox,
    /// Its turn among the endpoints of the mailbox: the lowest comes first, of equals the first by name. Default 100.
    pub order: usize,
    /// Which mail is meant.
    pub filter: Filter,
    /// Whose mail is accepted.
    pub senders: Senders,
    /// How one mail becomes jobs.
    pub jobs: Jobs,
    /// What the action gets by name.
    pub inputs: Inputs,
    /// What is done with it.
    pub action: Action,
    /// When a refused or unreachable action is tried again.
    pub retry: Retry,
    /// What goes back of the result.
    pub output: Output,
    /// Who hears of the result.
    pub reply: Reply,
    /// Who may answer the reply; `None` where nobody may.
    pub conversation: Option<Conversation>,
    /// What happens to the mail in the mailbox in the end.
    pub settle: Settle,
    /// What a mail may cost.
    pub limits: Limits,
    /// How many jobs and replies there may be in a time.
    pub rates: Rates,
    /// Jobs of this endpoint that run at once. Default 8.
    pub concurrency: usize,
}

impl Endpoint {
    /// The turn of an endpoint that says nothing of it.
    pub const ORDER: usize = 100;
    /// Jobs that run at once of an endpoint that says nothing of it.
    pub(super) const CONCURRENCY: usize = 8;

    /// An endpoint of which nothing else is written: everything has its default, and nobody is answered.
    #[must_use]
    pub fn new(name: EndpointName, mailbox: Mailbox, action: Action) -> Self {
        let settle = Settle::usual(mailbox.protocol);
        let senders = Senders::usual(mailbox.account.provider);
        Self {
            name,
            description: String::new(),
            mailbox,
            order: Self::ORDER,
            filter: Filter::default(),
            senders,
            jobs: Jobs::default(),
            inputs: Inputs::default(),
            action,
            retry: Retry::default(),
            output: Output::default(),
            reply: Reply::none(),
            conversation: None,
            settle,
            limits: Limits::default(),
            rates: Rates::default(),
            concurrency: Self::CONCURRENCY,
        }
    }
}

/// What happens to a mail in the mailbox in the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settle {
    /// Default: moved to `Processed`; by POP3 deleted.
    pub done: SettleAction,
    /// Default: moved to `Failed`; by POP3 kept.
    pub failed: SettleAction,
    /// Default: kept.
    pub ignored: SettleAction,
    /// Of mails whose sender may not, or is not proven where that is asked for. Default: kept.
    pub refused: SettleAction,
}

impl Settle {
    /// What happens to mails when nothing else is written. POP3 has no mailbox to move them to.
    #[must_use]
    pub fn usual(protocol: ReadBy) -> Self {
        match protocol {
            ReadBy::Pop3 => Self {
                done: SettleAction::Delete,
                failed: SettleAction::Keep,
                ignored: SettleAction::Keep,
                refused: SettleAction::Keep,
            },
            ReadBy::Imap => Self {
                done: SettleAction::Move("Processed".to_owned()),
                failed: SettleAction::Move("Failed".to_owned()),
                ignored: SettleAction::Keep,
                refused: SettleAction::Keep,
            },
        }
    }
}

/// One end of a mail. POP3 knows [`SettleAction::Keep`] and [`SettleAction::Delete`] only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettleAction {
    /// Untouched.
    Keep,
    /// `\Seen` is set.
    Mark,
    /// `\Flagged` is set.
    Flag,
    /// Moved to this mailbox (Unicode), made if missing.
    Move(String),
    /// Deleted.
    Delete,
}
