//! Why there is no credential, told apart by who must act, with the cure in plain words.

use std::{fmt, sync::Arc, time::Duration};

use super::{StoreError, assertion::AssertionError, external::ExternalError, sasl};
use crate::{
    config::{ClientProof, Grant, OAuth},
    metrics::TokenOutcome,
    net,
    refusal::{self, Diagnosis, Remedy},
    secret::SecretError,
};

/// What a loop does about an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthVerdict {
    /// Nobody has to act: try again soon, with back-off.
    Reconnect,
    /// The operator has to act: look again now and then, up to an hour apart.
    SlowDown,
}

impl AuthVerdict {
    /// How long to wait after the `failures`-th failure in a row (from 1), before jitter.
    ///
    /// Where an operator must act: 1 min, doubling up to an hour. Else 1 s, doubling up to 5 min.
    #[must_use]
    pub fn pause(self, failures: u32) -> Duration {
        let (first, most) = match self {
            Self::SlowDown => (Duration::from_secs(60), Duration::from_secs(60 * 60)),
            Self::Reconnect => (Duration::from_secs(1), Duration::from_secs(5 * 60)),
        };
        first.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(most)
    }
}

/// Why there is no credential. Cheap to clone: one answer of the token server serves all who wait for it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AuthError {
    /// A secret of the sign-in can't be read.
    #[error("{0}; put the secret where the configuration points")]
    Secret(#[source] Arc<SecretError>),
    /// User name, token or password can't be written as a SASL response.
    #[error("{0}")]
    Sasl(#[from] sasl::Unusable),
    /// `token_url` is not a URL.
    #[error("token_url is not a URL: write the token endpoint's https address")]
    Url,
    /// Nobody has signed in yet.
    #[error("nobody has signed in to this account yet; run: mailjob auth login {0}")]
    NotSignedIn(String),
    /// The client's or service account's assertion can't be signed.
    #[error("{0}")]
    Assertion(#[from] AssertionError),
    /// The program that prints a token did not.
    #[error("{0}")]
    External(#[source] Arc<ExternalError>),
    /// The account has no such way to sign in.
    #[error("this account can't sign in that way: {0}")]
    NoWay(&'static str),
    /// The token server refuses (RFC 6749 section 5.2).
    #[error("{0}")]
    Refused(TokenRefusal),
    /// The token server asks for patience: status 429 or 5xx.
    #[error("the token server answers {status}; trying again later")]
    Busy {
        /// The HTTP status.
        status: u16,
        /// What it asked for in Retry-After.
        retry_after: Option<Duration>,
    },
    /// The token server can't be reached.
    #[error("the token server {host} can't be reached: {why}")]
    Unreachable {
        /// Its host.
        host: String,
        /// Why, with what caused it.
        why: String,
        /// What the client says.
        #[source]
        source: Arc<reqwest::Error>,
    },
    /// The proxy on the way to the token server does not lead there.
    #[error("the token server can't be reached: {error}; {}", .error.cure())]
    Proxy {
        /// What it says or does.
        #[source]
        error: Arc<net::ConnectError>,
    },
    /// The token server took too long.
    #[error("the token server did not answer in {} s", .0.as_secs())]
    Timeout(Duration),
    /// The token server's answer is not what RFC 6749 section 5 says: check `token_url`.
    #[error("the token server's answer {0}; check token_url")]
    Answer(&'static str),
    /// The new refresh token could not be stored, or the old one not read; without that no access token is used.
    #[error("{0}")]
    Store(#[source] Arc<StoreError>),
    /// The request was given up, because the program ends.
    #[error("signing in was interrupted")]
    Interrupted,
}

impl AuthError {
    /// What to do about it.
    #[must_use]
    pub fn verdict(&self) -> AuthVerdict {
        match self {
            Self::Secret(_)
            | Self::Sasl(_)
            | Self::Url
            | Self::NotSignedIn(_)
            | Self::Assertion(_)
            | Self::NoWay(_) => AuthVerdict::SlowDown,
            Self::Refused(refusal) => refusal.verdict(),
            Self::Proxy { error } => match **error {
                net::ConnectError::Proxy(ref error) if error.needs_person() => AuthVerdict::SlowDown,
                _ => AuthVerdict::Reconnect,
            },
            Self::Store(error) => match **error {
                StoreError::Sealed(_) => AuthVerdict::SlowDown,
                StoreError::Failed(_) => AuthVerdict::Reconnect,
            },
            Self::Busy { .. }
            | Self::Unreachable { .. }
            | Self::Timeout(_)
            | Self::Answer(_)
            | Self::External(_)
            | Self::Interrupted => AuthVerdict::Reconnect,
        }
    }

    /// Whether only a person can mend it, by signing in anew or by another secret: asking again changes nothing.
    #[must_use]
    pub fn needs_person(&self) -> bool {
        match self {
            Self::NotSignedIn(_) | Self::Assertion(_) | Self::NoWay(_) | Self::Url => true,
            Self::Refused(_) | Self::Store(_) => self.verdict() == AuthVerdict::SlowDown,
            Self::Secret(_)
            | Self::Sasl(_)
            | Self::External(_)
            | Self::Busy { .. }
            | Self::Unreachable { .. }
            | Self::Proxy { .. }
            | Self::Timeout(_)
            | Self::Answer(_)
            | Self::Interrupted => false,
        }
    }

    /// The same, as it is meant for this account's way to sign in.
    pub(super) fn of(self, oauth: &OAuth) -> Self {
        match self {
            Self::Refused(refusal) => Self::Refused(refusal.of_application(oauth)),
            other => other,
        }
    }

    /// As what a request to the token server counts that ended so; `None` where none was made.
    pub(super) fn outcome(&self) -> Option<TokenOutcome> {
        match self {
            Self::Refused(_) => Some(TokenOutcome::Refused),
            Self::Busy { .. } | Self::Unreachable { .. } | Self::Proxy { .. } | Self::Timeout(_) | Self::Answer(_) => {
                Some(TokenOutcome::Failed)
            }
            Self::Secret(_)
            | Self::Sasl(_)
            | Self::Url
            | Self::NotSignedIn(_)
            | Self::Assertion(_)
            | Self::NoWay(_)
            | Self::Store(_)
            | Self::External(_)
            | Self::Interrupted => None,
        }
    }

    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

impl From<SecretError> for AuthError {
    fn from(error: SecretError) -> Self {
        Self::Secret(Arc::new(error))
    }
}

impl From<ExternalError> for AuthError {
    fn from(error: ExternalError) -> Self {
        Self::External(Arc::new(error))
    }
}

impl From<StoreError> for AuthError {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

/// The token server's refusal. What it means is said in [`refusal`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRefusal {
    code: String,
    said: String,
    /// What to replace, where no person signs in to the account.
    replace: Option<&'static str>,
}

impl TokenRefusal {
    /// Keeps `error`, `suberror` and `error_description`, without control characters and not without end.
    pub(super) fn new(error: &str, suberror: Option<&str>, description: Option<&str>) -> Self {
        let mut said = clean(description.unwrap_or_default(), 300);
        if let Some(suberror) = suberror.filter(|s| !s.is_empty()) {
            said = format!("{}: {said}", clean(suberror, 60));
        }
        Self {
            code: clean(error, 60),
            said,
            replace: None,
        }
    }

    /// Of an application, which nobody signs in.
    fn of_application(self, oauth: &OAuth) -> Self {
        let replace = match (&oauth.grant, &oauth.client) {
            (Grant::RefreshToken(_), _) => None,
            (Grant::ServiceAccount { .. }, _) => Some("replace the service account's key file (service_account)"),
            (Grant::ClientCredentials, ClientProof::Secret { .. }) => {
                Some("make a new secret where the application is registered, and put it where client_secret points")
            }
            (Grant::ClientCredentials, ClientProof::Certificate { .. }) => Some(
                "register a new certificate for the application, and put it and its key where certificate and certificate_key point",
            ),
            (Grant::ClientCredentials, ClientProof::Federated(_)) => Some(
                "look at the trust (federated credential) where the application is registered, and who renews the file that federated_token names",
            ),
            (Grant::ClientCredentials, ClientProof::Public) => Some("give the application a secret (client_secret)"),
        };
        Self { replace, ..self }
    }

    /// The code, e.g. `invalid_grant`.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Microsoft's number for it, e.g. `AADSTS700082`: for people to search, never to decide on.
    #[must_use]
    pub fn number(&self) -> Option<&str> {
        refusal::number(&self.said)
    }

    /// What it means, and what to do about it.
    #[must_use]
    pub fn diagnosis(&self) -> Diagnosis {
        let diagnosis = refusal::token(&self.code, &self.said);
        match self.replace {
            Some(replace) => refusal::of_application(diagnosis, replace),
            None => diagnosis,
        }
    }

    /// The server's own words: its code, and what it said with it.
    #[must_use]
    pub fn words(&self) -> String {
        if self.said.is_empty() {
            self.code.clone()
        } else {
            format!("{}: {}", self.code, self.said)
        }
    }

    fn verdict(&self) -> AuthVerdict {
        match self.diagnosis().remedy {
            Remedy::Wait => AuthVerdict::Reconnect,
            // invalid_grant, invalid_client, unauthorized_client, consent_required, interaction_required, invalid_scope …:
            // asking again changes nothing, and too many refused requests get a client locked out.
            Remedy::Operator | Remedy::Smaller | Remedy::Never => AuthVerdict::SlowDown,
        }
    }
}

impl fmt::Display for TokenRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Diagnosis { what, cure, .. } = self.diagnosis();
        write!(f, "{what}: {cure}. The token server said {}", self.words())
    }
}

/// Words that are fit to be shown, `most` characters of them.
pub(super) fn clean(text: &str, most: usize) -> String {
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(most)
        .collect();
    text.trim().to_owned()
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
