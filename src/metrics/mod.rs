//! What is counted and measured, in the OpenMetrics text format.
//!
//! A [`Metrics`] is a value that is handed down; there is no global one. Labels are typed, their values come from the configuration
//! and from enumerations: never from a mail, never a secret, and bounded in number.

mod endpoints;
mod ledger;
mod mailboxes;
mod picture;
mod process;
mod sign_ins;
mod submissions;

use std::{fmt, sync::Arc};

use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder, prometheus_text, text},
    metrics::{counter::Counter, family::Family, histogram::Histogram, info::Info},
    registry::Registry,
};

pub use self::{
    endpoints::EndpointMeter,
    ledger::Commits,
    mailboxes::{MailboxMeter, SettledOutcome},
    picture::{MailboxNow, Picture, SharedPicture},
    sign_ins::{SignInBoard, SignInGauges, SignInState},
    submissions::{OutboxMeter, Submission},
};
use self::{endpoints::EndpointMeters, mailboxes::MailboxMeters, process::ProcessCollector, submissions::Submissions};

/// The media type of [`Metrics::encode`].
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The media type of [`Metrics::encode_classic`].
pub const CLASSIC_MEDIA_TYPE: &str = prometheus_text::CONTENT_TYPE;

/// All metrics of a process. Clones share them.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    /// How the sign-ins are.
    pub sign_ins: SignInBoard,
    /// How everything else stands.
    pub board: SharedPicture,
    /// Notices to the operator that a mail server took.
    pub notices_sent: Counter,
    /// Notices to the operator that could not be sent; each is tried again.
    pub notices_failed: Counter,
    /// Loops that panicked and were started again: each is a bug of ours.
    pub panics: Counter,
    /// Lines of the log that could not be written.
    pub log_lines_lost: Counter,
    /// The ledger's commits.
    pub commits: Commits,
    token_requests: Family<TokenRequest, Counter>,
    mailboxes: MailboxMeters,
    endpoints: EndpointMeters,
    submissions: Submissions,
}

/// Histograms by their labels.
type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

fn histograms<L: Clone + std::hash::Hash + Eq>(new: fn() -> Histogram) -> Histograms<L> {
    Family::new_with_constructor(new)
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TokenRequest {
    account: String,
    outcome: TokenOutcome,
}

/// What a request to a token server came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenOutcome {
    /// An access token.
    Granted,
    /// A refusal (RFC 6749 section 5.2): a person has to act.
    Refused,
    /// No answer that could be used.
    Failed,
}

impl EncodeLabelValue for TokenOutcome {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        let code = match self {
            Self::Granted => "granted",
            Self::Refused => "refused",
            Self::Failed => "failed",
        };
        code.encode(encoder)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Build {
    version: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Metrics of which nothing is counted yet.
    #[must_use]
    pub fn new() -> Self {
        let mut all = Registry::default();
        all.register_collector(Box::new(ProcessCollector));
        let registry = all.sub_registry_with_prefix("mailjob");
        let (sign_ins, board) = (SignInBoard::default(), SharedPicture::default());
        let (notices_sent, notices_failed, panics, log_lines_lost) = <(Counter, Counter, Counter, Counter)>::default();
        let token_requests = Family::default();
        let version = env!("CARGO_PKG_VERSION");
        registry.register("build", "The program", Info::new(Build { version }));
        registry.register(
            "token_requests",
            "Requests to token servers, by sign-in and outcome",
            token_requests.clone(),
        );
        registry.register(
            "notices_sent",
            "Mails to the operator that a server took",
            notices_sent.clone(),
        );
        registry.register(
            "notices_failed",
            "Tries to send a mail to the operator that failed",
            notices_failed.clone(),
        );
        registry.register(
            "loop_panics",
            "Loops that panicked and were started again; each is a bug of Mailjob",
            panics.clone(),
        );
        registry.register(
            "log_lines_lost",
            "Lines of the log that could not be written: the disk of its file is full, or nobody reads it any more",
            log_lines_lost.clone(),
        );
        let commits = Commits::register(registry);
        let mailboxes = MailboxMeters::register(registry);
        let endpoints = EndpointMeters::register(registry);
        let submissions = Submissions::register(registry);
        registry.register_collector(Box::new(sign_ins.clone()));
        registry.register_collector(Box::new(board.clone()));
        Self {
            registry: Arc::new(all),
            sign_ins,
            board,
            notices_sent,
            notices_failed,
            panics,
            log_lines_lost,
            commits,
            token_requests,
            mailboxes,
            endpoints,
            submissions,
        }
    }

    /// Counts what happens at a mailbox: its account's name, and its own at the server.
    #[must_use]
    pub fn mailbox(&self, account: &str, mailbox: &str) -> MailboxMeter {
        self.mailboxes.mailbox(account, mailbox)
    }

    /// Counts what happens to an endpoint's jobs; `action` is the kind of its action.
    #[must_use]
    pub fn endpoint(&self, endpoint: &str, action: &'static str) -> EndpointMeter {
        self.endpoints.endpoint(endpoint, action)
    }

    /// Counts the submissions of an SMTP account.
    #[must_use]
    pub fn outbox(&self, account: &str) -> OutboxMeter {
        self.submissions.account(account)
    }

    /// The counter of one sign-in's token requests; all three outcomes are shown from now on.
    #[must_use]
    pub fn token_requests(&self, account: &str) -> TokenRequests {
        let counter = |outcome| {
            let account = account.to_owned();
            self.token_requests
                .get_or_create_owned(&TokenRequest { account, outcome })
        };
        TokenRequests {
            granted: counter(TokenOutcome::Granted),
            refused: counter(TokenOutcome::Refused),
            failed: counter(TokenOutcome::Failed),
        }
    }

    /// All metrics as OpenMetrics text.
    ///
    /// # Errors
    /// When a metric can't be written, which none of ours does.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        text::encode(&mut text, &self.registry)?;
        Ok(text)
    }

    /// The same in the older text format of Prometheus (0.0.4), for whoever does not ask for OpenMetrics.
    ///
    /// # Errors
    /// When a metric can't be written, which none of ours does.
    pub fn encode_classic(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// Counts one sign-in's token requests. By default it counts for nobody.
#[derive(Debug, Clone, Default)]
pub struct TokenRequests {
    granted: Counter,
    refused: Counter,
    failed: Counter,
}

impl TokenRequests {
    /// Counts a request.
    pub fn count(&self, outcome: TokenOutcome) {
        match outcome {
            TokenOutcome::Granted => &self.granted,
            TokenOutcome::Refused => &self.refused,
            TokenOutcome::Failed => &self.failed,
        }
        .inc();
    }
}

#[cfg(test)]
#[path = "metrics_tests.rs"]
mod tests;
