//! What a changed configuration means for the one that runs. Pure.

use std::{collections::BTreeMap, sync::Arc};

use super::{ApiAccess, Config, EndpointName, load::Loaded};

/// What becomes of whom. An endpoint is in one list at most; those that go on as they are stand in none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// New and right: start them.
    pub added: Vec<EndpointName>,
    /// Right, and not what they were (also when only their account is): end the old, start the new.
    pub changed: Vec<EndpointName>,
    /// Their file is gone: end them.
    pub removed: Vec<EndpointName>,
    /// Their file is gone, perhaps for a moment: end them, and let their jobs wait.
    pub away: Vec<EndpointName>,
    /// Broken now: their last good version goes on.
    pub kept: Vec<EndpointName>,
    /// Broken, without a good version that could go on.
    pub refused: Vec<EndpointName>,
    /// The shared settings are not what they were; that takes effect with the next start.
    pub restart: bool,
}

impl Changes {
    /// What `new` means for what runs.
    pub(super) fn between(old: &Config, new: &Loaded) -> Self {
        let runs = |name: &EndpointName| old.endpoints.contains_key(name);
        let unknown = |name: &EndpointName| !new.names().chain(&new.away).any(|known| known == name);
        let is_disabled = |name: &EndpointName| new.disabled.contains(name);
        let usable = new.endpoints.iter().chain(new.standing.iter());
        let (changed, added) = usable.partition::<Vec<_>, _>(|(name, _)| runs(name));
        let differs = |(name, endpoint): &(&EndpointName, &Arc<_>)| old.endpoints.get(*name) != Some(*endpoint);
        let (kept, down) = new.broken.iter().cloned().partition::<Vec<_>, _>(runs);
        let ran =
            |gone: &dyn Fn(&EndpointName) -> bool| old.endpoints.keys().filter(|name| gone(name)).cloned().collect();
        Self {
            added: added.into_iter().map(|(name, _)| name.clone()).collect(),
            changed: changed
                .into_iter()
                .filter(differs)
                .map(|(name, _)| name.clone())
                .collect(),
            removed: ran(&|name| new.listed && (unknown(name) || is_disabled(name))),
            away: ran(&|name| new.listed && new.away.contains(name)),
            kept,
            refused: down
                .into_iter()
                .filter(|name| !new.standing.contains_key(name))
                .collect(),
            restart: new.service.as_ref().is_some_and(|service| *service != old.service),
        }
    }

    /// What runs once they are carried out. The shared settings stay those of the start; an operator or an API that can't be used
    /// stays the one before.
    pub(super) fn applied(&self, old: &Config, new: &Loaded) -> Config {
        let mut config = old.clone();
        if let Some(operator) = &new.operator {
            config.operator.clone_from(operator);
        }
        if new.api != ApiAccess::Closed {
            config.api = new.api.clone();
        }
        config
            .endpoints
            .retain(|name, _| !self.removed.contains(name) && !self.away.contains(name));
        for name in self.added.iter().chain(&self.changed) {
            if let Some(endpoint) = new.endpoints.get(name).or_else(|| new.standing.get(name)) {
                config.endpoints.insert(name.clone(), Arc::clone(endpoint));
            }
        }
        if new.listed {
            let refused = self.refused.iter().cloned();
            config.idle = refused.chain(new.disabled.union(&new.away).cloned()).collect();
            config.held = new.held.clone();
        }
        share(&mut config, &self.kept);
        config
    }
}

/// Those whose file is broken watch their mailbox as the others say that share it: one watch serves all.
fn share(config: &mut Config, kept: &[EndpointName]) {
    let right = config
        .endpoints
        .values()
        .filter(|endpoint| !kept.contains(&endpoint.name));
    let right: BTreeMap<_, _> = right
        .map(|endpoint| (endpoint.mailbox.id(), Arc::clone(endpoint)))
        .collect();
    for name in kept {
        let Some(endpoint) = config.endpoints.get_mut(name) else {
            continue;
        };
        if let Some(right) = right.get(&endpoint.mailbox.id()) {
            let endpoint = Arc::make_mut(endpoint);
            endpoint.mailbox.clone_from(&right.mailbox);
            endpoint.settle.ignored.clone_from(&right.settle.ignored);
        }
    }
}

#[cfg(test)]
#[path = "diff_tests.rs"]
mod tests;
