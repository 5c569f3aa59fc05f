//! What stands in for files that can't be used: their last good versions, beside the `mailjob.toml` that they were right beside.

use std::{cell::OnceCell, collections::BTreeMap, path::Path, sync::Arc};

use super::{
    Account, Api, Claim, Config, Endpoint, EndpointName, Held, Operator, Service,
    check::{self, Accounts, Draft},
    defaults::Defaults,
    shared::{Needs, ReadShared, read_shared},
    sources::Sources,
    versions::Versions,
};

/// What was in use before, as far as it is asked for.
pub(super) struct Past<'a> {
    sources: &'a Sources,
    versions: Option<&'a Versions>,
    cores: usize,
    newest: OnceCell<Option<ReadShared>>,
}

/// Versions that run, and what waits where there is none.
#[derive(Default)]
pub(super) struct Standing {
    pub(super) endpoints: BTreeMap<EndpointName, Arc<Endpoint>>,
    pub(super) held: BTreeMap<EndpointName, Held>,
}

/// What a version can do.
enum Stand {
    /// It may run.
    Runs(Arc<Endpoint>),
    /// It does not run by its own word.
    Rests,
    /// Something that it needs is missing.
    Waits(Claim),
}

impl<'a> Past<'a> {
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
        api: Api,
    ) -> (Option<Service>, Option<Option<Operator>>, Api) {
        let Some((before, told, who, ..)) = self.newest() else {
            return (service, operator, api);
        };
        let operator = match operator {
            Some(Some(operator)) => Some(Some(operator)),
            other => told.clone().or(other),
        };
        let api = match api {
            Api::Closed | Api::Loopback => who.clone(),
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
    fn stand(&self, name: &EndpointName, now: Option<&str>) -> Option<Stand> {
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
                Some(Stand::Waits(claim)) => {
                    waits.get_or_insert(claim);
                }
                Some(stand) => return Some(stand),
                None => {}
            }
        }
        waits.map(Stand::Waits)
    }

    fn understood(&self, name: &EndpointName, file: &Path, text: &str, beside: Option<&str>) -> Option<Stand> {
        let (accounts, defaults) = match beside {
            Some(beside) => (self.read(beside).4, Defaults::of(self.file(), beside).ok()?),
            None => (Accounts::default(), None),
        };
        let part = check::endpoint(name, file, text, &accounts, defaults.as_ref());
        let Draft {
            mut endpoint,
            enabled,
            said,
            ..
        } = part.value.filter(|_| part.problems.is_empty())?;
        if !enabled {
            return Some(Stand::Rests);
        }
        let stands = Arc::make_mut(&mut endpoint);
        said.iter().for_each(|(term, _)| term.apply(stands));
        let is_met = part.needs.iter().all(|needed| needed.need.fault().is_none());
        Some(match is_met {
            true => Stand::Runs(endpoint),
            false => Stand::Waits(Claim::Endpoint(endpoint)),
        })
    }
}

impl Standing {
    /// A file can't be used; `claim` is what is known of it. What runs already goes on without being asked for.
    pub(super) fn fall(
        &mut self,
        name: &EndpointName,
        text: Option<&str>,
        claim: Claim,
        running: Option<&Config>,
        past: &Past<'_>,
    ) {
        if running.is_some_and(|config| config.endpoints.contains_key(name)) {
            return;
        }
        match past.stand(name, text) {
            Some(Stand::Runs(endpoint)) => drop(self.endpoints.insert(name.clone(), endpoint)),
            Some(Stand::Rests) => {}
            Some(Stand::Waits(claim)) => self.hold(name, claim, false),
            None => self.hold(name, claim, false),
        }
    }

    /// A file is gone, perhaps for a moment.
    pub(super) fn leave(&mut self, name: &EndpointName, running: Option<&Config>, past: &Past<'_>) {
        let ran = running.and_then(|config| config.endpoints.get(name));
        let held = running.and_then(|config| config.held.get(name));
        let claim = match (ran, held) {
            (Some(endpoint), _) => Claim::Endpoint(endpoint.clone()),
            (None, Some(held)) => held.claim.clone(),
            (None, None) => match past.stand(name, None) {
                Some(Stand::Runs(endpoint)) => Claim::Endpoint(endpoint),
                Some(Stand::Waits(claim)) => claim,
                Some(Stand::Rests) => return,
                None => Claim::Anywhere,
            },
        };
        self.hold(name, claim, true);
    }

    fn hold(&mut self, name: &EndpointName, claim: Claim, away: bool) {
        self.held.insert(name.clone(), Held { claim, away });
    }
}

#[cfg(test)]
#[path = "standing_tests.rs"]
mod tests;
