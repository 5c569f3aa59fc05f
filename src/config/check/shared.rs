//! `mailjob.toml`: the service's own settings and the accounts that endpoints share.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use toml::de::DeValue;

use super::{
    account::account, api::api, name_fault, net::net, operator::Operator, operator::operator, retention::Retention,
    service::Service,
};
use crate::config::{
    Account, ApiAccess, EndpointName, homes::known_keys, key_table::FileKind, read::read, sheet::Checked, table::Table,
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
    read((FileKind::Shared, known_keys()), None, (file, text), |top| {
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
        let operator = part(top, "operator", None, |table| operator(table, &accounts).map(Some));
        let api = part(top, "api", ApiAccess::Loopback, api);
        Some(ServiceFile {
            service,
            operator,
            api,
            accounts,
        })
    })
}

/// A table of which what is wrong is nobody else's fault.
fn part<T>(
    top: &mut Table<'_>,
    name: &'static str,
    absent: T,
    read: impl FnOnce(&mut Table<'_>) -> Option<T>,
) -> Checked<T> {
    let value = top.value(name);
    top.apart(|| value.map_or(Some(absent), |value| value.table(read)))
}

/// What accounts take over of the service's own settings.
fn handed_down(service: &Checked<Service>, accounts: &mut BTreeMap<String, Checked<Arc<Account>>>) {
    let hello = service.value.as_ref().and_then(|service| service.hello.as_ref());
    for account in accounts.values_mut().filter_map(|part| part.value.as_mut()) {
        Arc::make_mut(account).hello = hello.cloned();
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
