//! What is counted and measured, in the OpenMetrics text format.
//!
//! A [`Metrics`] is a value that is handed down; there is no global one. Labels are typed, their values come from the configuration
//! and from enumerations: never from a mail, never a secret, and bounded in number.

mod sign_ins;

use std::{fmt, sync::Arc};

use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder, text},
    metrics::{counter::Counter, family::Family, info::Info},
    registry::Registry,
};

pub use sign_ins::{SignIn, SignInState, SignIns};

/// The media type of [`Metrics::encode`].
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All metrics of a process. Clones share them.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    /// How the sign-ins are.
    pub sign_ins: SignIns,
    /// Notices to the operator that a mail server took.
    pub notices_sent: Counter,
    /// Notices to the operator that could not be sent; each is tried again.
    pub notices_failed: Counter,
    token_requests: Family<TokenRequest, Counter>,
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
        let mut registry = Registry::with_prefix("mailjob");
        let sign_ins = SignIns::default();
        let (notices_sent, notices_failed) = (Counter::default(), Counter::default());
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
        registry.register_collector(Box::new(sign_ins.clone()));
        Self {
            registry: Arc::new(registry),
            sign_ins,
            notices_sent,
            notices_failed,
            token_requests,
        }
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

    /// All metrics as text.
    ///
    /// # Errors
    /// When a metric can't be written, which none of ours does.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        text::encode(&mut text, &self.registry)?;
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
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn everything_is_written_as_openmetrics_wants_it() {
        let metrics = Metrics::new();
        metrics.token_requests("contoso").count(TokenOutcome::Granted);
        metrics.token_requests("contoso").count(TokenOutcome::Granted);
        metrics.token_requests("contoso").count(TokenOutcome::Refused);
        metrics.notices_sent.inc();
        let sign_in = SignIn {
            state: SignInState::NeedsSignIn,
            issued: Some(1_700_000_000),
            expires: Some(1_707_776_000),
            client_secret: None,
            certificate: Some(1_898_510_400),
            refreshed: None,
        };
        metrics.sign_ins.show(BTreeMap::from([("contoso".to_owned(), sign_in)]));
        // Families come in no certain order of their labels.
        let sorted = |text: &str| {
            let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        let text = metrics.encode().unwrap();
        assert_eq!(
            sorted(&text),
            sorted(include_str!("../../tests/data/metrics.txt")),
            "{text}"
        );
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn a_sign_in_that_is_gone_is_not_shown_any_more() {
        let metrics = Metrics::new();
        let sign_in = SignIn::default();
        metrics.sign_ins.show(BTreeMap::from([("a\"b\n".to_owned(), sign_in)]));
        let text = metrics.encode().unwrap();
        assert!(
            text.contains("mailjob_sign_in_state{account=\"a\\\"b\\n\",state=\"not_needed\"} 1\n"),
            "{text}"
        );
        metrics.sign_ins.show(BTreeMap::new());
        assert!(!metrics.encode().unwrap().contains("sign_in_state{"));
    }
}
