//! A mailbox and the endpoints that watch it, in their order. Pure.

use std::{collections::BTreeMap, sync::Arc};

use super::{Config, Endpoint, EndpointName, Fate, Mailbox, MailboxId, Settle, Taker};

/// A mailbox and its endpoints: at least one, in the order in which they are asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// The mailbox.
    pub mailbox: Mailbox,
    /// Lowest order first, of equals the first by name.
    pub endpoints: Vec<Arc<Endpoint>>,
}

/// What the watch of a mailbox has to know of its endpoints. While it stays the same, the watch goes on.
#[derive(Debug, Clone, PartialEq)]
pub struct Inlet {
    /// The mailbox.
    pub mailbox: Mailbox,
    /// The endpoints at which a new mail becomes a job.
    pub takers: Vec<EndpointName>,
    /// What each endpoint makes of a mail that it decided on.
    pub settle: BTreeMap<EndpointName, Settle>,
    /// What becomes of a mail that nobody wants.
    pub ignored: Fate,
    /// Bytes of the largest mail that one of the endpoints reads.
    pub size: u64,
}

impl Config {
    /// The mailboxes that are watched, each with its endpoints.
    #[must_use]
    pub fn routes(&self) -> Vec<Route> {
        routes(self.endpoints.values())
    }
}

/// The mailboxes of these endpoints, each with its endpoints. What belongs to the mailbox is what the first of them says.
#[must_use]
pub fn routes<'a>(endpoints: impl IntoIterator<Item = &'a Arc<Endpoint>>) -> Vec<Route> {
    let mut by_mailbox: BTreeMap<MailboxId, Vec<Arc<Endpoint>>> = BTreeMap::new();
    for endpoint in endpoints {
        let id = endpoint.mailbox.id();
        by_mailbox.entry(id).or_default().push(Arc::clone(endpoint));
    }
    by_mailbox.into_values().filter_map(Route::of).collect()
}

impl Route {
    fn of(mut endpoints: Vec<Arc<Endpoint>>) -> Option<Self> {
        endpoints.sort_by(|one, other| (one.order, &one.name).cmp(&(other.order, &other.name)));
        let mailbox = endpoints.first()?.mailbox.clone();
        Some(Self { mailbox, endpoints })
    }

    /// The names of its endpoints, in order.
    #[must_use]
    pub fn names(&self) -> Vec<EndpointName> {
        self.endpoints.iter().map(|endpoint| endpoint.name.clone()).collect()
    }

    /// What the watch of the mailbox has to know.
    #[must_use]
    pub fn inlet(&self) -> Inlet {
        let most = match self.mailbox.taker {
            Taker::First => 1,
            Taker::All => usize::MAX,
        };
        let settle = |endpoint: &Arc<Endpoint>| (endpoint.name.clone(), endpoint.settle.clone());
        let first = self.endpoints.first();
        Inlet {
            mailbox: self.mailbox.clone(),
            takers: self.names().into_iter().take(most).collect(),
            settle: self.endpoints.iter().map(settle).collect(),
            ignored: first.map_or(Fate::Keep, |endpoint| endpoint.settle.ignored.clone()),
            size: self
                .endpoints
                .iter()
                .map(|endpoint| endpoint.limits.size)
                .max()
                .unwrap_or(0),
        }
    }

    /// Who may have a mail that one of its endpoints does not want, in order: whoever of them did not have it yet. Nobody where each
    /// gets every mail anyway.
    #[must_use]
    pub fn successors(&self, of: &EndpointName) -> Vec<EndpointName> {
        match self.mailbox.taker {
            Taker::All => Vec::new(),
            Taker::First => self.names().into_iter().filter(|name| name != of).collect(),
        }
    }
}

#[cfg(test)]
#[path = "route_tests.rs"]
mod tests;
