//! What stands in for files that can't be used: their last good versions, beside the `mailjob.toml` that they were right beside.

use std::{cell::OnceCell, collections::BTreeMap, path::Path, sync::Arc};

use super::{
    Account, ApiAccess, Config, Endpoint, EndpointName, HeldEndpoint, MailboxClaim, Operator, Service,
    check::{self, Accounts, EndpointDraft},
    defaults::Defaults,
    shared::{Needs, ReadShared, read_shared},
    sources::Sources,
    versions::Versions,
};

/// What was in use before, as far as it is asked for.
pub(super) struct EarlierVersions<'a> {
    sources: &'a Sources,
    versions: Option<&'a Versions>,
    cores: usize,
    newest: OnceCell<Option<ReadShared>>,
}

/// Versions that run, and what waits where there is none.
#[derive(Default)]
pub(super) struct StandInVersions {
    pub(super) endpoints: BTreeMap<EndpointName, Arc<Endpoint>>,
    pub(super) held: BTreeMap<EndpointName, HeldEndpoint>,
}

/// What a version can do.
enum VersionState {
    /// It may run.
    Runs(Arc<Endpoint>),
    /// It does not run by its own word.
    Rests,
    /// Something that it needs is missing.
    Waits(MailboxClaim),
}

impl<'a> EarlierVersions<'a> {
    pub(super) fn new(sources: &'a Sources, versions: Option<&'a Versions>, cores: usize) -> Self {
        Self {
            sources,
            versions,
            cores,
            newest: OnceCell::new(),
        }
    }

    /// The name under which problems of a `mailjob.toml` would be told that is not there any more.
    fn file(&self) -> &Path {
        self.sources.config.as_deref().unwrap_or(Path::new(Sources::USUAL))
    }

    /// The last good `mailjob.toml`.
    fn newest(&self) -> Option<&ReadShared> {
        let read = || {
            let (_, version) = self.versions?.newest_shared()?;
            Some(self.read(version.text.as_str()))
        };
        self.newest.get_or_init(read).as_ref()
    }

    fn read(&self, text: &str) -> ReadShared {
        // What it needs may be missing now; that is told of the file as it is. An account without its secret can't sign in, which is told
        // too: no mail is touched meanwhile.
        read_shared(self.file(), Ok(text), self.cores, Needs::All, &mut Vec::new())
    }

    /// What counts of a `mailjob.toml` that can't be used: what it said when it was right, but for an operator or users of the API that it
    /// names in a way that can be used.
    pub(super) fn instead_of(
        &self,
        service: Option<Service>,
        operator: Option<Option<Operator>>,
        api: ApiAccess,
    ) -> (Option<Service>, Option<Option<Operator>>, ApiAccess) {
        let Some((before, told, who, ..)) = self.newest() else {
            return (service, operator, api);
        };
        let operator = match operator {
            Some(Some(operator)) => Some(Some(operator)),
            other => told.clone().or(other),
        };
        let api = match api {
            ApiAccess::Closed | ApiAccess::Loopback => who.clone(),
            named => named,
        };
        (before.clone().or(service), operator, api)
    }

    /// The accounts of the last good `mailjob.toml`, where it was asked for.
    pub(super) fn accounts(&self) -> Vec<Arc<Account>> {
        let read = self.newest.get().and_then(Option::as_ref);
        let accounts = read.map(|(_, _, _, accounts, _)| accounts.by_name.values());
        accounts.into_iter().flatten().flatten().cloned().collect()
    }

    /// What stands in for a file: what it says now beside the `mailjob.toml` of before, else what it said beside that.
    fn stand(&self, name: &EndpointName, now: Option<&str>) -> Option<VersionState> {
        let file = self.sources.endpoints.join(format!("{name}.toml"));
        let versions = self.versions?;
        let shared = versions.newest_shared().map(|(_, version)| version.text.as_str());
        let version = versions.endpoint(name);
        let today = now.map(|text| (text, shared));
        let before = version.map(|version| {
            let beside = version.beside.and_then(|number| versions.shared(number));
            (version.text.as_str(), beside.map(|beside| beside.text.as_str()))
        });
        let mut waits = None;
        for (text, beside) in [today, before].into_iter().flatten() {
            match self.understood(name, &file, text, beside) {
                Some(VersionState::Waits(claim)) => {
                    waits.get_or_insert(claim);
                }
                Some(stand) => return Some(stand),
                None => {}
            }
        }
        waits.map(VersionState::Waits)
    }

    fn understood(&self, name: &EndpointName, file: &Path, text: &str, beside: Option<&str>) -> Option<VersionState> {
        let (accounts, defaults) = match beside {
            Some(beside) => (self.read(beside).4, Defaults::of(self.file(), beside).ok()?),
            None => (Accounts::default(), None),
        };
        let part = check::endpoint(name, file, text, &accounts, defaults.as_ref());
        let EndpointDraft {
            mut endpoint,
            enabled,
            said,
            ..
        } = part.value.filter(|_| part.problems.is_empty())?;
        if !enabled {
            return Some(VersionState::Rests);
        }
        said.iter().for_each(|(term, _)| term.apply(&mut endpoint));
        let endpoint = Arc::new(endpoint);
        let is_met = part.needs.iter().all(|needed| needed.need.fault().is_none());
        Some(match is_met {
            true => VersionState::Runs(endpoint),
            false => VersionState::Waits(MailboxClaim::Endpoint(endpoint)),
        })
    }
}

impl StandInVersions {
    /// A file can't be used; `claim` is what is known of it. What runs already goes on without being asked for.
    pub(super) fn fall(
        &mut self,
        name: &EndpointName,
        text: Option<&str>,
        claim: MailboxClaim,
        running: Option<&Config>,
        past: &EarlierVersions<'_>,
    ) {
        if running.is_some_and(|config| config.endpoints.contains_key(name)) {
            return;
        }
        match past.stand(name, text) {
            Some(VersionState::Runs(endpoint)) => drop(self.endpoints.insert(name.clone(), endpoint)),
            Some(VersionState::Rests) => {}
            Some(VersionState::Waits(claim)) => self.hold(name, claim, false),
            None => self.hold(name, claim, false),
        }
    }

    /// A file is gone, perhaps for a moment.
    pub(super) fn leave(&mut self, name: &EndpointName, running: Option<&Config>, past: &EarlierVersions<'_>) {
        let ran = running.and_then(|config| config.endpoints.get(name));
        let held = running.and_then(|config| config.held.get(name));
        let claim = match (ran, held) {
            (Some(endpoint), _) => MailboxClaim::Endpoint(endpoint.clone()),
            (None, Some(held)) => held.claim.clone(),
            (None, None) => match past.stand(name, None) {
                Some(VersionState::Runs(endpoint)) => MailboxClaim::Endpoint(endpoint),
                Some(VersionState::Waits(claim)) => claim,
                Some(VersionState::Rests) => return,
                None => MailboxClaim::Anywhere,
            },
        };
        self.hold(name, claim, true);
    }

    fn hold(&mut self, name: &EndpointName, claim: MailboxClaim, away: bool) {
        self.held.insert(name.clone(), HeldEndpoint { claim, away });
    }
}

#[cfg(test)]
#[path = "standing_tests.rs"]
mod tests;
