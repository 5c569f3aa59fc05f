//! After a failure: for how long its answer stands, and for whom. Pure: time is an argument.

use std::time::Duration;

use tokio::time::Instant;

use super::{error::AuthError, life};

/// SHA-256 of the secrets of a request.
pub(super) type SecretsHash = [u8; 32];

/// The secrets of a request that was never made, since they can't be read.
pub(super) const UNREADABLE: SecretsHash = [0; 32];

/// Whether the token server's last word was that a person is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RefusalState {
    /// It was not.
    None,
    /// It was, an hour ago or about other secrets.
    Over,
    /// It was, about the secrets that are there now.
    Stands,
}

/// The last failure.
pub(super) struct LastFailure {
    error: AuthError,
    failures: u32,
    pub(super) until: Instant,
    /// The secrets that failed: others are tried at once.
    secrets: SecretsHash,
}

impl LastFailure {
    /// The trouble after another failure, and how long the server is left alone.
    pub(super) fn after(
        before: Option<&Self>,
        error: &AuthError,
        secrets: SecretsHash,
        now: Instant,
    ) -> (Self, Duration) {
        let same = before.filter(|before| before.secrets == secrets);
        let failures = same.map_or(0, |before| before.failures).saturating_add(1);
        let wait = life::pause(error, failures);
        let trouble = Self {
            error: error.clone(),
            failures,
            until: now + wait,
            secrets,
        };
        (trouble, wait)
    }

    /// The answer to a request with these secrets, while it stands.
    pub(super) fn answer(&self, secrets: &SecretsHash, now: Instant) -> Option<AuthError> {
        (self.secrets == *secrets && now < self.until).then(|| self.error.clone())
    }

    /// Whether it is one that a person has to mend, and these secrets are no others. What can't be read is not another secret.
    pub(super) fn refusal(&self, secrets: Option<&SecretsHash>, now: Instant) -> RefusalState {
        if !self.error.needs_person() {
            return RefusalState::None;
        }
        let same = secrets.is_none_or(|secrets| *secrets == self.secrets);
        if same && now < self.until {
            RefusalState::Stands
        } else {
            RefusalState::Over
        }
    }

    /// Failures in a row.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// Whether it is about these secrets.
    pub(super) fn is_about(&self, secrets: &SecretsHash) -> bool {
        self.secrets == *secrets
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::error::TokenRefusal;

    const ONE: SecretsHash = [1; 32];
    const OTHER: SecretsHash = [2; 32];

    #[test]
    fn an_answer_stands_for_the_secrets_that_failed_and_not_for_ever() {
        let now = Instant::now();
        let busy = AuthError::Busy {
            status: 503,
            retry_after: None,
        };
        let (first, wait) = LastFailure::after(None, &busy, ONE, now);
        assert_eq!(wait, Duration::from_secs(1));
        assert!(first.answer(&ONE, now).is_some());
        assert!(first.answer(&OTHER, now).is_none());
        assert!(first.answer(&ONE, now + wait).is_none());
        assert_eq!(first.refusal(Some(&ONE), now), RefusalState::None);
        let (_, longer) = LastFailure::after(Some(&first), &busy, ONE, now);
        assert_eq!(longer, Duration::from_secs(2));
        let (_, anew) = LastFailure::after(Some(&first), &busy, OTHER, now);
        assert_eq!(anew, Duration::from_secs(1));
    }

    #[test]
    fn a_refusal_stands_for_an_hour_unless_there_are_other_secrets() {
        let now = Instant::now();
        let error = AuthError::Refused(TokenRefusal::new("invalid_grant", None, None));
        let (trouble, wait) = LastFailure::after(None, &error, ONE, now);
        let hour = Duration::from_secs(60 * 60);
        assert_eq!(wait, hour);
        for (secrets, later, refusal) in [
            (Some(&ONE), Duration::ZERO, RefusalState::Stands),
            (None, Duration::ZERO, RefusalState::Stands),
            (Some(&OTHER), Duration::ZERO, RefusalState::Over),
            (Some(&ONE), hour, RefusalState::Over),
            (None, hour, RefusalState::Over),
        ] {
            assert_eq!(trouble.refusal(secrets, now + later), refusal, "{secrets:?} {later:?}");
        }
    }
}
