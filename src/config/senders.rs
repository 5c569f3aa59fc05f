//! Whose mail is accepted, and how much of it. Types only; `check` reads them.

use std::time::Duration;

use super::Provider;

/// Whose mail is accepted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Senders {
    /// Whoever is not here is refused; empty: anybody may.
    pub allow: Vec<SenderList>,
    /// Whoever is here is refused, also when `allow` has them.
    pub deny: Vec<SenderList>,
    /// What must have shown that the mail is of whom From names; `None`: nothing need.
    pub require: Option<Proof>,
    /// Whose header fields of results are believed.
    pub trust: Trust,
    /// How long DNS may take in all while signatures are verified by ourselves; `None`: that isn't done.
    pub verify: Option<Duration>,
}

impl Senders {
    /// Anybody may, and the results of the provider's own servers are believed.
    #[must_use]
    pub fn usual(provider: Provider) -> Self {
        Self {
            trust: Trust::usual(provider),
            ..Self::default()
        }
    }

    /// Whether anything is asked of a sender.
    #[must_use]
    pub fn are_judged(&self) -> bool {
        !self.allow.is_empty() || !self.deny.is_empty() || self.require.is_some()
    }
}

/// Senders, in the form of [`crate::addr_spec::normal`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SenderList {
    /// One address.
    Address(String),
    /// Every address of this domain, not of those below it.
    Domain(String),
    /// Every address of the domains below this one, not of itself.
    Below(String),
}

impl SenderList {
    /// Whether an address, in the form of [`crate::addr_spec::normal`], is meant.
    #[must_use]
    pub fn has(&self, address: &str) -> bool {
        let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
        match self {
            Self::Address(meant) => meant == address,
            Self::Domain(meant) => meant == domain,
            Self::Below(meant) => domain
                .strip_suffix(meant.as_str())
                .is_some_and(|rest| rest.ends_with('.')),
        }
    }
}

/// What shows that a mail is of whom its From names. The first says most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proof {
    /// DMARC passed for From's domain (RFC 7489).
    Dmarc,
    /// A DKIM signature of From's domain, or of one above it, passed (RFC 6376).
    Dkim,
    /// SPF passed for an envelope sender of From's domain, or of one above it (RFC 7208).
    Spf,
}

impl Proof {
    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Dmarc => "dmarc",
            Self::Dkim => "dkim",
            Self::Spf => "spf",
        }
    }
}

/// Whose Authentication-Results are believed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Trust {
    /// Nobody's.
    #[default]
    Nobody,
    /// Those of Microsoft 365, which name no server.
    Microsoft,
    /// Those of Google.
    Google,
    /// Those that name one of these servers (`authserv-id`), in lower case.
    Servers(Vec<String>),
}

impl Trust {
    /// Those of the provider whose mailbox it is.
    #[must_use]
    pub fn usual(provider: Provider) -> Self {
        match provider {
            Provider::Microsoft(_) => Self::Microsoft,
            Provider::Google => Self::Google,
            Provider::Other => Self::Nobody,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn senders_are_addresses_domains_or_what_is_below() {
        let domain = SenderList::Domain("a.example".into());
        let below = SenderList::Below("a.example".into());
        let ann = SenderList::Address("ann@a.example".into());
        for (address, in_domain, is_below, is_ann) in [
            ("ann@a.example", true, false, true),
            ("bob@a.example", true, false, false),
            ("ann@b.a.example", false, true, false),
            ("ann@c.b.a.example", false, true, false),
            ("ann@xa.example", false, false, false),
            ("a.example", false, false, false),
            ("ann@a.example.b.example", false, false, false),
        ] {
            let found = (domain.has(address), below.has(address), ann.has(address));
            assert_eq!(found, (in_domain, is_below, is_ann), "{address}");
        }
    }
}
