//! A job's id.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A job's id: stable over all its attempts, ordered by time. It is the `webhook-id`. As text 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(into = "String", try_from = "String")]
#[schemars(with = "String", inline, extend("pattern" = "^[0-9a-fA-F]{32}$"))]
pub struct JobId(pub Uuid);

impl JobId {
    /// Digits of a short id: among 10,000 jobs two share them once in 86 ledgers.
    pub const SHOWN: usize = 8;

    /// Its last digits, by which people know it: they are random, while jobs of one moment begin alike. Commands take them for it.
    #[must_use]
    pub fn short(self) -> String {
        let digits = self.to_string();
        digits
            .get(digits.len().saturating_sub(Self::SHOWN)..)
            .unwrap_or_default()
            .to_owned()
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.simple().fmt(f)
    }
}

/// That a text is no job's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a job is 32 hexadecimal digits, as the lists show it")]
pub struct BadId;

impl FromStr for JobId {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        // Other spellings of a UUID are not ours.
        let digits = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        match Uuid::try_parse(text) {
            Ok(id) if digits => Ok(Self(id)),
            Ok(_) | Err(_) => Err(BadId),
        }
    }
}

impl TryFrom<String> for JobId {
    type Error = BadId;

    fn try_from(text: String) -> Result<Self, BadId> {
        text.parse()
    }
}

impl From<JobId> for String {
    fn from(id: JobId) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_of_one_moment_are_told_apart_by_their_short_ids() {
        let ids: std::collections::BTreeSet<_> = (0..1_000).map(|_| JobId(Uuid::now_v7()).short()).collect();
        // Two of a thousand share one once in 8,600 times; three do never.
        assert!(ids.len() >= 998, "{}", ids.len());
    }

    #[test]
    fn an_id_is_read_as_it_is_shown() {
        let id = JobId(Uuid::from_u128(0x0198_aaaa_bbbb_7ccc_8ddd_eeee_ffff_0001));
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.short(), "ffff0001");
        assert_eq!(id.to_string().to_uppercase().parse(), Ok(id));
        assert_eq!(serde_json::to_value(id).unwrap(), "0198aaaabbbb7ccc8dddeeeeffff0001");
        for wrong in [
            "",
            "0198aaaabbbb7ccc8dddeeeeffff000",
            "0198aaaa-bbbb-7ccc-8ddd-eeeeffff0001",
            "{0198aaaabbbb7ccc8dddeeeeffff0001}",
            "g198aaaabbbb7ccc8dddeeeeffff0001",
        ] {
            assert_eq!(wrong.parse::<JobId>(), Err(BadId), "{wrong}");
        }
    }
}
