//! `mailjob.toml`: the service's own settings and the accounts that endpoints share.

use std::{collections::BTreeMap, net::SocketAddr, ops::RangeInclusive, path::Path, sync::Arc, time::Duration};

use toml::de::DeValue;

use super::{HOUR, SECOND, account::account, api::api, name_fault, net::net, operator::operator, retention::Retention};
use crate::config::{
    Account, ApiAccess, EndpointName, Operator, Service,
    read::read,
    reference::is_known,
    sheet::{Checked, PlacedValue},
    table::Table,
    value::{count, duration, ledger, secret, size, text},
};
use crate::{addr_spec::normal_domain, slots::Size};

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
                Some(value) => value.table(|table| Some(service_of(table, cores))),
                None => Some(Service::on(cores)),
            };
            let kept = kept.and_then(|value| value.table(Retention::read));
            let way = way.and_then(|value| value.table(|table| Some(net(table))));
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

fn service_of(table: &mut Table<'_>, cores: usize) -> Service {
    let default = Service::on(cores);
    Service {
        ledger: table.or("ledger", default.ledger, ledger),
        key: table.get("key", secret),
        health: table.or("health", default.health, health),
        drain: table.or("drain", default.drain, duration(SECOND..=HOUR)),
        memory: table.or("memory", default.memory, size(1 << 20..=1 << 40)),
        jobs: table.or("jobs", default.jobs, exactly(1..=100_000)),
        commands: table.or("commands", default.commands, exactly(1..=1024)),
        connects: table.or("connects", default.connects, count(1..=1000)),
        retention: default.retention,
        resolver: table.get("resolver", resolver),
        patience: table.or("patience", default.patience, duration(Duration::ZERO..=HOUR)),
        hello: table.get("hello", hello),
        net: default.net,
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
