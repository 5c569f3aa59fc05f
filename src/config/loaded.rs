//! What the files of a configuration came to.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
};

use super::{
    Account, ApiAccess, Config, Endpoint, EndpointName, HeldEndpoint, Operator, Problem, Protocol, Service,
    sign_ins::by_sign_in, texts::Texts,
};

/// What the files say now.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The shared settings; nothing when `mailjob.toml` can't be read or its `[service]` is wrong.
    pub service: Option<Service>,
    /// Who is told of what only a person can mend, or that nobody is; nothing when `[operator]` can't be used.
    pub operator: Option<Option<Operator>>,
    /// Who may use the API.
    pub api: ApiAccess,
    /// The accounts that are right: those of `mailjob.toml`, and those that endpoints bring or make of them, by name.
    pub accounts: BTreeMap<String, Arc<Account>>,
    /// The endpoints that are right.
    pub endpoints: BTreeMap<EndpointName, Arc<Endpoint>>,
    /// The endpoints that have a file, but not one that can be used.
    pub broken: BTreeSet<EndpointName>,
    /// The endpoints whose file is right and says that they do not run.
    pub disabled: BTreeSet<EndpointName>,
    /// Whether the folder could be listed. If not, nothing is known of the endpoints that are missing here.
    pub listed: bool,
    /// Endpoints whose file is broken and that may run in their last good version.
    pub standing: BTreeMap<EndpointName, Arc<Endpoint>>,
    /// Endpoints without a version that may run, because their file is broken or gone: their mails wait.
    pub held: BTreeMap<EndpointName, HeldEndpoint>,
    /// Endpoints that had a file until now; it may be back in a moment.
    pub away: BTreeSet<EndpointName>,
    /// What the files say that are right.
    pub texts: Texts,
    /// The real paths of files that somebody is still writing: they count as broken, without a problem.
    pub unfinished: BTreeSet<PathBuf>,
    /// Files that may be meant as endpoints, but are not read: what is odd about their names.
    pub hints: Vec<String>,
    /// All that is wrong, by file and place.
    pub problems: Vec<Problem>,
}

impl Loaded {
    /// Every sign-in, by name: those that endpoints use, and those of accounts that none uses yet.
    #[must_use]
    pub fn sign_ins(&self) -> BTreeMap<String, Arc<Account>> {
        let endpoints = self.endpoints.values().chain(self.standing.values());
        let used = endpoints.flat_map(|endpoint| [Some(&endpoint.mailbox.account), endpoint.reply.account.as_ref()]);
        by_sign_in(self.accounts.values().chain(used.flatten()))
    }

    /// Where each account in use signs in, with the user who does.
    #[must_use]
    pub fn used(&self) -> Vec<(&Arc<Account>, Protocol)> {
        let endpoints = self.endpoints.values().chain(self.standing.values());
        let used = endpoints.flat_map(|endpoint| {
            let reads = (&endpoint.mailbox.account, endpoint.mailbox.protocol.into());
            let sends = endpoint.reply.account.as_ref().map(|account| (account, Protocol::Smtp));
            [Some(reads), sends]
        });
        let tells = self.operator.iter().flatten();
        let tells = tells.map(|operator| (&operator.account, Protocol::Smtp));
        used.flatten().chain(tells).collect()
    }

    /// The endpoint as it runs, or would: in its last good version where its file is broken and that is known.
    #[must_use]
    pub fn running(&self, name: &EndpointName) -> Option<&Arc<Endpoint>> {
        self.endpoints.get(name).or_else(|| self.standing.get(name))
    }

    /// Every endpoint that has a file, whether it can be used and runs or not.
    pub fn names(&self) -> impl Iterator<Item = &EndpointName> {
        self.endpoints.keys().chain(&self.broken).chain(&self.disabled)
    }

    /// The problems to tell: not those that are there because of another one.
    pub fn told(&self) -> impl Iterator<Item = &Problem> {
        self.problems.iter().filter(|problem| !problem.follows)
    }

    /// Whether something is wrong with `mailjob.toml`, or it can't be read.
    #[must_use]
    pub fn is_shared_broken(&self) -> bool {
        self.texts.has_shared && self.texts.shared.is_none()
    }

    /// What a start runs with; nothing when the shared settings can't be used or the folder can't be listed, and no last good version
    /// is known either. The problems say why, or which endpoints it runs without.
    #[must_use]
    pub fn start(&self) -> Option<Config> {
        let known = self.listed || !self.standing.is_empty();
        let service = self.service.clone().filter(|_| known)?;
        let runs = |name: &EndpointName| self.standing.contains_key(name);
        let idle = self.broken.iter().filter(|name| !runs(name));
        let right = self.endpoints.clone().into_iter();
        Some(Config {
            service,
            operator: self.operator.clone().flatten(),
            api: self.api.clone(),
            endpoints: right.chain(self.standing.clone()).collect(),
            idle: idle.chain(&self.disabled).chain(&self.away).cloned().collect(),
            held: self.held.clone(),
        })
    }
}
