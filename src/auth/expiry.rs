//! What ends, when, and of which of its last days the operator is told. Pure.

use std::{collections::BTreeSet, fmt};

use chrono::{DateTime, TimeDelta, Utc};

/// Something that ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExpiringSecret {
    /// A person's refresh token.
    RefreshToken,
    /// The client's secret.
    ClientSecret,
    /// The client's certificate.
    Certificate,
    /// The token that proves who the client is (workload identity).
    FederatedToken,
    /// An access token that somebody else gets.
    AccessToken,
}

impl ExpiringSecret {
    /// Its code, for keys and machines.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::RefreshToken => "refresh-token",
            Self::ClientSecret => "client-secret",
            Self::Certificate => "certificate",
            Self::FederatedToken => "federated-token",
            Self::AccessToken => "access-token",
        }
    }

    /// Whether somebody renews it all the time: then it's only worth a word when it has ended.
    fn is_renewed(self) -> bool {
        matches!(self, Self::FederatedToken | Self::AccessToken)
    }
}

impl fmt::Display for ExpiringSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RefreshToken => "refresh token",
            Self::ClientSecret => "client secret",
            Self::Certificate => "certificate",
            Self::FederatedToken => "federated token",
            Self::AccessToken => "access token",
        })
    }
}

/// When something ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiry {
    /// What.
    pub what: ExpiringSecret,
    /// When.
    pub ends: DateTime<Utc>,
    /// Days left, a begun one counted as a whole: 0 or less when it has ended.
    pub days: i64,
    /// Days that it lives in all, where that is known: nobody is told of something new that it ends in more.
    pub life: Option<i64>,
}

impl Expiry {
    pub(super) fn new(
        what: ExpiringSecret,
        ends: DateTime<Utc>,
        begins: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            what,
            ends,
            days: begun_days(ends - now),
            life: begins.map(|begins| begun_days(ends - begins)),
        }
    }
}

/// Whole days, a begun one counted as a whole.
fn begun_days(time: TimeDelta) -> i64 {
    let whole = time.num_days();
    whole + i64::from(time > TimeDelta::days(whole))
}

/// Days before an end at which the operator is told; 0 is the end itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Threshold(pub(super) i64);

impl Threshold {
    /// All of them, the last one first.
    pub const ALL: [Self; 5] = [Self(0), Self(1), Self(7), Self(14), Self(30)];

    /// Days before the end.
    #[must_use]
    pub fn days(self) -> i64 {
        self.0
    }
}

/// Which threshold has to be told now: the last one that has passed, unless that one or a later one was told already. So a process
/// that was off for weeks tells one and not all.
#[must_use]
pub fn due(expiry: &Expiry, told: &BTreeSet<Threshold>) -> Option<Threshold> {
    let counts = |threshold: &Threshold| match expiry.life {
        _ if threshold.0 == 0 => true,
        Some(life) => threshold.0 < life && !expiry.what.is_renewed(),
        None => !expiry.what.is_renewed(),
    };
    let passed = Threshold::ALL
        .into_iter()
        .filter(counts)
        .find(|threshold| expiry.days <= threshold.0)?;
    let known = told.iter().any(|told| *told <= passed);
    (!known).then_some(passed)
}

#[cfg(test)]
#[path = "expiry_tests.rs"]
mod tests;
