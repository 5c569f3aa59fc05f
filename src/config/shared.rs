//! `mailjob.toml` as it is read: its parts, each without what is wrong with it; and whether what they need is there.

use std::path::Path;

use super::{
    ApiAccess, Operator, Problem, Service,
    check::{self, Accounts, ServiceFile},
    problem::Fault,
    sheet::{Checked, PlacedNeed},
};

/// What `mailjob.toml` says, without what is wrong. Last come the accounts as they are written, whether their secrets are there or not.
pub(super) type ReadShared = (Option<Service>, Option<Option<Operator>>, ApiAccess, Accounts, Accounts);

/// What is looked up on this machine of what files need.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Needs {
    /// All of it.
    #[default]
    All,
    /// All but secrets and tokens: they may be elsewhere.
    ButSecrets,
    /// What comes with the files alone: all else is on another machine.
    Offline,
}

/// The shared settings, and the accounts of which those with problems are known by name only.
pub(super) fn read_shared(
    file: &Path,
    text: Result<&str, &Fault>,
    cores: usize,
    needs: Needs,
    problems: &mut Vec<Problem>,
) -> ReadShared {
    let read = text.map(|text| check::shared(file, text, cores));
    let part = read.unwrap_or_else(|fault| Checked::unread(Problem::of(file, fault.clone())));
    problems.extend(part.problems);
    let Some(ServiceFile {
        service,
        operator,
        api,
        accounts,
    }) = part.value
    else {
        let unknown = || Accounts {
            more: true,
            ..Accounts::default()
        };
        return (None, None, ApiAccess::Closed, unknown(), unknown());
    };
    let service = verified(service, needs, problems);
    let operator = verified(operator, needs, problems);
    let api = who_may(api, needs, problems);
    let hello = service.as_ref().and_then(|service| service.hello.clone());
    let written = accounts.iter().map(|(name, part)| {
        let account = part.value.clone().filter(|_| part.problems.is_empty());
        (name.clone(), account)
    });
    let written = Accounts {
        by_name: written.collect(),
        more: service.is_none(),
        hello: hello.clone(),
    };
    let each = accounts
        .into_iter()
        .map(|(name, part)| (name, verified(part, needs, problems)));
    let accounts = Accounts {
        by_name: each.collect(),
        more: service.is_none(),
        hello,
    };
    (service, operator, api, accounts, written)
}

/// A token whose file is missing is a problem, and may come; what is wrong with the table lets nobody in.
fn who_may(api: Checked<ApiAccess>, needs: Needs, problems: &mut Vec<Problem>) -> ApiAccess {
    let said = api.value.clone().filter(|_| api.problems.is_empty());
    verified(api, needs, problems);
    said.unwrap_or(ApiAccess::Closed)
}

/// The value, when nothing is wrong with it and all that it needs is there.
pub(super) fn verified<T>(mut part: Checked<T>, needs: Needs, problems: &mut Vec<Problem>) -> Option<T> {
    for PlacedNeed { file, place, need } in part.needs {
        let fault = match needs {
            Needs::ButSecrets if need.is_secret() => None,
            Needs::Offline => need.fault_elsewhere(&file),
            Needs::All | Needs::ButSecrets => need.fault(),
        };
        part.problems
            .extend(fault.map(|fault| Problem::at(&file, place, fault)));
    }
    let sound = part.problems.is_empty();
    problems.extend(part.problems);
    part.value.filter(|_| sound)
}
