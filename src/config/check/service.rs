//! `[service]` of `mailjob.toml`: the settings of one process.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    ops::RangeInclusive,
    time::Duration,
};

use toml::de::DeValue;

use super::{HOUR, SECOND, retention::Retention};
use crate::{
    addr_spec::normal_domain,
    config::{
        LedgerAddress, Net,
        declare::{depends, keys, never, usual, usual_as},
        key::Allowed,
        kind::{Bytes, Count, SecretPlace, Time},
        sheet::PlacedValue,
        value::{count, ledger, parsed},
    },
    secret::SecretRef,
    slots::Size,
};

keys! {
    /// The shared settings of one process.
    #[derive(Debug, Clone, PartialEq)]
    pub struct Service: Default in "service" "" {
        /// Default: the SQLite file `mailjob.db` in the working directory.
        ledger: LedgerAddress = Allowed::Text => ledger, usual_as(LedgerAddress::file("mailjob.db"), "\"mailjob.db\""),
            "the SQLite file, on a local disk";
        key: Option<SecretRef> = SecretPlace, never("{ file = \"/run/secrets/mailjob.key\" }"),
            "seals the sign-ins in the ledger: 32 bytes in base64 or hex; when nothing is written mailjob.key beside the ledger, which the first start makes; keep a copy apart from the ledger's";
        health: Option<SocketAddr> = Allowed::Either(vec![Allowed::Text, Allowed::Flag]) => health,
            usual_as(Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 8025))), "\"127.0.0.1:8025\""),
            "where /livez, /readyz, /status, /metrics and the API answer; false switches them off";
        drain: Duration = Time(SECOND..=HOUR), usual(25 * SECOND),
            "how long a stop may take before those who are late are named and left; in Kubernetes less than terminationGracePeriodSeconds";
        memory: u64 = Bytes(1 << 20..=1 << 40), usual(32 << 20),
            "of mails, results and letters that jobs of all endpoints may hold at once; who finds no room waits; what comes in and goes out may take half as much beside";
        jobs: Size = Allowed::Count(1, 100_000) => exactly(1..=100_000), depends(Size::Beside(0), "32"),
            "that run at once over all endpoints; when nothing is written, eight times the cores, 32 at least, and one for each endpoint";
        commands: Size = Allowed::Count(1, 1024) => exactly(1..=1024), depends(Size::Beside(0), "8"),
            "that run at once over all endpoints; when nothing is written, four times the cores, 8 at least, and one for each endpoint";
        connects: usize = Count(1..=1000), usual(16),
            "mailboxes that connect and sign in at once at one host; the others wait their turn, those of other hosts don't";
        resolver: Option<SocketAddr> = Allowed::Text => resolver, never("\"127.0.0.1:53\""),
            "the DNS server that is asked where senders are verified; those of the system when nothing is written";
        patience: Duration = Time(Duration::ZERO..=HOUR), usual(30 * SECOND),
            "how long a file may be gone, and jobs of an endpoint that was removed wait, before other endpoints get its mails";
        hello: Option<String> = Allowed::Text => hello, never("\"mail.example.com\""),
            "the name that is given to SMTP servers (EHLO); this machine's own, where it is a full one, when nothing is written";
    }
    beside retention: Retention, "How long the ledger keeps what has ended."
    beside net: Net, "How servers are reached."
}

impl Service {
    /// The settings of a `mailjob.toml` that says nothing, on a machine with so many cores.
    #[must_use]
    pub fn on(cores: usize) -> Self {
        Self::default().on_these(cores)
    }

    /// Jobs and commands by the cores, where they are not written.
    pub(super) fn on_these(self, cores: usize) -> Self {
        let written = |size, usual| match size {
            Size::Exactly(_) => size,
            Size::Beside(_) => Size::Beside(usual),
        };
        Self {
            jobs: written(self.jobs, cores.saturating_mul(8).clamp(32, 8192)),
            commands: written(self.commands, cores.saturating_mul(4).clamp(8, 1024)),
            ..self
        }
    }
}

/// So many slots as are written.
fn exactly<'a>(range: RangeInclusive<usize>) -> impl Fn(PlacedValue<'a>) -> Option<Size> {
    let count = count(range);
    move |value| count(value).map(Size::Exactly)
}

/// A name that SMTP takes: of a host, or an address literal (RFC 5321 section 4.1.3).
fn hello(value: PlacedValue<'_>) -> Option<String> {
    const CURE: &str = "write this machine's full name, such as \"mail.example.com\", or an address as \"[192.0.2.1]\"";
    parsed(&value, ("host name", CURE), |name| {
        let literal = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let fits = match literal.map(|address| (address, address.strip_prefix("IPv6:"))) {
            Some((_, Some(address))) => address.parse::<Ipv6Addr>().is_ok(),
            Some((address, None)) => address.parse::<Ipv4Addr>().is_ok(),
            None => normal_domain(name).is_some_and(|ascii| ascii.eq_ignore_ascii_case(name)),
        };
        fits.then(|| name.to_owned())
    })
}

/// The address of a DNS server.
fn resolver(value: PlacedValue<'_>) -> Option<SocketAddr> {
    let cure = "write an IP address and a port, such as \"127.0.0.1:53\"";
    parsed(&value, ("address", cure), |text| text.parse().ok())
}

/// An address, or `false`: nothing listens.
fn health(value: PlacedValue<'_>) -> Option<Option<SocketAddr>> {
    const CURE: &str = "write an IP address and a port, such as \"127.0.0.1:8025\", or false";
    match value.raw {
        DeValue::Boolean(false) => Some(None),
        DeValue::String(_) => parsed(&value, ("address", CURE), |text| text.parse().ok().map(Some)),
        _ => value.wrong("is no address", CURE),
    }
}
