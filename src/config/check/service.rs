//! `mailjob.toml`: the service's own settings and the accounts that endpoints share.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    ops::RangeInclusive,
    path::Path,
    sync::Arc,
    time::Duration,
};

use toml::de::DeValue;

use super::{
    HOUR, SECOND, account::account, api::api, name_fault, net::net, operator::Operator, operator::operator,
    retention::Retention,
};
use crate::{
    addr_spec::normal_domain,
    config::{
        Account, ApiAccess, EndpointName, LedgerAddress, Net,
        declare::{depends, keys, never, usual, usual_as},
        key::Allowed,
        kind::{Bytes, Count, Time},
        read::read,
        reference::is_known,
        sheet::{Checked, PlacedValue},
        table::Table,
        value::{count, ledger, secret, text},
    },
    secret::SecretRef,
    slots::Size,
};

/// What `mailjob.toml` says.
#[derive(Debug)]
pub(in crate::config) struct ServiceFile {
    /// The service's own settings.
    pub(in crate::config) service: Checked<Service>,
    /// Who is told of what only a person can mend.
    pub(in crate::config) operator: Checked<Option<Operator>>,
    /// Who may use the API.
    pub(in crate::config) api: Checked<ApiAccess>,
    /// Accounts, each with what is wrong with it alone.
    pub(in crate::config) accounts: BTreeMap<String, Checked<Arc<Account>>>,
}

/// Reads `mailjob.toml`. Problems of the whole are those that belong to none of its parts.
pub(in crate::config) fn shared(file: &Path, text: &str, cores: usize) -> Checked<ServiceFile> {
    read(file, text, is_known, |top| {
        let (service, kept, way) = (top.value("service"), top.value("retention"), top.value("net"));
        let service = top.apart(|| {
            let service = match service {
                Some(value) => value.table(Service::read).map(|said| said.on_these(cores)),
                None => Some(Service::on(cores)),
            };
            let kept = kept.and_then(|value| value.table(Retention::read));
            let way = way.and_then(|value| value.table(net));
            service.map(|service| Service {
                retention: kept.unwrap_or_default(),
                net: way.unwrap_or_default(),
                ..service
            })
        });
        // Read beside each endpoint file, in which its faults show.
        if let Some(defaults) = top
            .value("defaults")
            .filter(|defaults| !matches!(defaults.raw, DeValue::Table(_)))
        {
            defaults.wrong::<()>(
                "is no table",
                "write [defaults.reply] and the like, with the keys of an endpoint file",
            );
        }
        let mut accounts = top.or("accounts", BTreeMap::new(), |value| value.table(accounts));
        handed_down(&service, &mut accounts);
        let told = top.value("operator");
        let operator = top.apart(|| match told {
            Some(value) => value.table(|table| operator(table, &accounts)).map(Some),
            None => Some(None),
        });
        let who = top.value("api");
        let api = top.apart(|| match who {
            Some(value) => value.table(api),
            None => Some(ApiAccess::Loopback),
        });
        Some(ServiceFile {
            service,
            operator,
            api,
            accounts,
        })
    })
}

keys! {
    /// The shared settings of one process.
    #[derive(Debug, Clone, PartialEq)]
    pub struct Service: Default in "service" "" {
        /// Default: the SQLite file `mailjob.db` in the working directory.
        ledger: LedgerAddress = Allowed::Text => ledger, usual_as(LedgerAddress::file("mailjob.db"), "\"mailjob.db\""),
            "the SQLite file, on a local disk";
        key: Option<SecretRef> = Allowed::Secret => secret, never("{ file = \"/run/secrets/mailjob.key\" }"),
            "seals the sign-ins in the ledger: 32 bytes in base64 or hex; mailjob.key beside the ledger, which the first start makes, when nothing is written";
        health: Option<SocketAddr> = Allowed::Either(vec![Allowed::Text, Allowed::Flag]) => health,
            usual_as(Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 8025))), "\"127.0.0.1:8025\""),
            "where /livez, /readyz, /status, /metrics and the API answer; false switches them off";
        drain: Duration = Time(SECOND..=HOUR), usual(25 * SECOND),
            "how long a stop may take before those who are late are named and left";
        memory: u64 = Bytes(1 << 20..=1 << 40), usual(32 << 20),
            "of mails, results and letters that jobs of all endpoints may hold at once; who finds no room waits; what comes in and goes out may take half as much beside";
        jobs: Size = Allowed::Count(1, 100_000) => exactly(1..=100_000), depends(Size::Beside(0), "32"),
            "that run at once over all endpoints; when nothing is written, eight times the cores, 32 at least, and one for each endpoint";
        commands: Size = Allowed::Count(1, 1024) => exactly(1..=1024), depends(Size::Beside(0), "8"),
            "that run at once over all endpoints; when nothing is written, four times the cores, 8 at least, and one for each endpoint";
        connects: usize = Count(1..=1000), usual(16),
            "mailboxes that connect and sign in at once at one host; the others wait their turn";
        resolver: Option<SocketAddr> = Allowed::Text => resolver, never("\"127.0.0.1:53\""),
            "the DNS server that is asked where senders are verified; those of the system when nothing is written";
        patience: Duration = Time(Duration::ZERO..=HOUR), usual(30 * SECOND),
            "how long a file may be gone, and jobs of an endpoint that was removed wait, before other endpoints get its mails";
        hello: Option<String> = Allowed::Text => hello, never("\"mail.example.com\""),
            "the name that is given to SMTP servers; this machine's own, where it is a full one, when nothing is written";
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
    fn on_these(self, cores: usize) -> Self {
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
    let name = text(value.clone())?;
    let literal = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let fits = match literal {
        Some(address) => {
            address.parse::<std::net::Ipv4Addr>().is_ok()
                || address
                    .strip_prefix("IPv6:")
                    .is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok())
        }
        None => normal_domain(&name).is_some_and(|ascii| ascii.eq_ignore_ascii_case(&name)),
    };
    match fits {
        true => Some(name),
        false => value.wrong(
            format!("is \"{name}\", which is no host name"),
            "write this machine's full name, such as \"mail.example.com\", or an address as \"[192.0.2.1]\"",
        ),
    }
}

/// What accounts take over of the service's own settings.
fn handed_down(service: &Checked<Service>, accounts: &mut BTreeMap<String, Checked<Arc<Account>>>) {
    let hello = service.value.as_ref().and_then(|service| service.hello.as_ref());
    for account in accounts.values_mut().filter_map(|part| part.value.as_mut()) {
        Arc::make_mut(account).hello = hello.cloned();
    }
}

/// The address of a DNS server.
fn resolver(value: PlacedValue<'_>) -> Option<SocketAddr> {
    let address = text(value.clone())?;
    let cure = "write an IP address and a port, such as \"127.0.0.1:53\"";
    address
        .parse()
        .ok()
        .or_else(|| value.wrong(format!("is \"{address}\", which is no address"), cure))
}

/// An address, or `false`: nothing listens.
fn health(value: PlacedValue<'_>) -> Option<Option<SocketAddr>> {
    const CURE: &str = "write an IP address and a port, such as \"127.0.0.1:8025\", or false";
    if let DeValue::Boolean(false) = value.raw {
        return Some(None);
    }
    let DeValue::String(_) = value.raw else {
        return value.wrong("is no address", CURE);
    };
    let address = text(value.clone())?;
    match address.parse() {
        Ok(address) => Some(Some(address)),
        Err(_) => value.wrong(format!("is \"{address}\", which is no address"), CURE),
    }
}

fn accounts(table: &mut Table<'_>) -> Option<BTreeMap<String, Checked<Arc<Account>>>> {
    let mut accounts = BTreeMap::new();
    for (name, value) in table.entries() {
        let part = table.apart(|| {
            if EndpointName::new(name).is_none() {
                value.misnamed(name_fault(name));
            }
            value.table(|table| account(name, table)).map(Arc::new)
        });
        accounts.insert(name.to_owned(), part);
    }
    Some(accounts)
}
