//! A mailbox and the endpoints that watch it, in their order. Pure.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    Config, Endpoint, EndpointName, HeldEndpoint, Mailbox, MailboxClaim, MailboxId, MatchMode, Settle, SettleAction,
};

/// A mailbox and its endpoints, in the order in which they are asked: at least one that runs, or is held.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// The mailbox.
    pub mailbox: Mailbox,
    /// Those that run: lowest order first, of equals the first by name.
    pub endpoints: Vec<Arc<Endpoint>>,
    /// Those that don't run and get their mails all the same, each with how many of the others stand before it.
    held: Vec<(usize, EndpointName, HeldEndpoint)>,
}

/// What the watch of a mailbox has to know of its endpoints. While it stays the same, the watch goes on.
#[derive(Debug, Clone, PartialEq)]
pub struct WatchPlan {
    /// The mailbox.
    pub mailbox: Mailbox,
    /// The endpoints at which a new mail becomes a job.
    pub takers: Vec<EndpointName>,
    /// What each endpoint makes of a mail that it decided on.
    pub settle: BTreeMap<EndpointName, Settle>,
    /// What becomes of a mail that nobody wants.
    pub ignored: SettleAction,
    /// Bytes of the largest mail that one of the endpoints reads.
    pub size: u64,
}

impl Config {
    /// The mailboxes that are watched, each with its endpoints.
    #[must_use]
    pub fn routes(&self) -> Vec<Route> {
        let mut routes = routes(self.endpoints.values());
        let mut known: BTreeSet<_> = routes.iter().map(|route| route.mailbox.id()).collect();
        for mailbox in self.held.values().filter_map(HeldEndpoint::mailbox) {
            if known.insert(mailbox.id()) {
                routes.push(Route::without_endpoints(mailbox.clone()));
            }
        }
        routes.into_iter().map(|route| route.holding(&self.held)).collect()
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
        let held = Vec::new();
        Some(Self {
            mailbox,
            endpoints,
            held,
        })
    }

    fn without_endpoints(mailbox: Mailbox) -> Self {
        Self {
            mailbox,
            endpoints: Vec::new(),
            held: Vec::new(),
        }
    }

    /// The route with those that are held. One whose file may be back in a moment keeps its turn. Another comes behind those who say by
    /// name which mails they mean, up to the first that takes what comes: nobody has a mail that may not be meant for him.
    fn holding(mut self, held: &BTreeMap<EndpointName, HeldEndpoint>) -> Self {
        let id = self.mailbox.id();
        let key = |endpoint: &Endpoint| (endpoint.order, endpoint.name.clone());
        let greedy = self.endpoints.iter().position(|endpoint| !endpoint.filter.owns());
        let behind = greedy.unwrap_or(self.endpoints.len());
        let turn = |held: &HeldEndpoint| {
            let in_turn = held.in_turn().map(|endpoint| key(endpoint));
            let before = in_turn.map(|turn| self.endpoints.partition_point(|other| key(other) < turn));
            before.unwrap_or(behind)
        };
        let concerned = held.iter().filter(|(_, held)| held.concerns(&id));
        let mut held: Vec<_> = concerned
            .map(|(name, held)| (turn(held), name.clone(), held.clone()))
            .collect();
        let order = |held: &HeldEndpoint| held.in_turn().map_or(usize::MAX, |endpoint| endpoint.order);
        // Whose mailbox is known before who may have several, or any.
        let vague = |held: &HeldEndpoint| match held.claim {
            MailboxClaim::Endpoint(_) | MailboxClaim::Mailbox(_) | MailboxClaim::At(_) => 0,
            MailboxClaim::Beside(_) => 1,
            MailboxClaim::Anywhere => 2,
        };
        held.sort_by_cached_key(|(turn, name, held)| (*turn, order(held), vague(held), name.clone()));
        self.held = held;
        self
    }

    /// The names of its endpoints that run, in order.
    #[must_use]
    pub fn names(&self) -> Vec<EndpointName> {
        self.endpoints.iter().map(|endpoint| endpoint.name.clone()).collect()
    }

    /// Who gets its mails, in order: the endpoints that run, and those that are held.
    #[must_use]
    pub fn getters(&self) -> Vec<EndpointName> {
        let mut names = Vec::with_capacity(self.endpoints.len() + self.held.len());
        let mut held = self.held.iter().peekable();
        for (at, endpoint) in self.endpoints.iter().enumerate() {
            while let Some((_, name, _)) = held.next_if(|(before, ..)| *before <= at) {
                names.push(name.clone());
            }
            names.push(endpoint.name.clone());
        }
        names.extend(held.map(|(_, name, _)| name.clone()));
        names
    }

    /// The endpoints to which no mail comes, since one before them takes whatever comes; each with that one.
    #[must_use]
    pub fn shadowed(&self) -> Vec<(EndpointName, EndpointName)> {
        let first = self.endpoints.iter().position(|endpoint| endpoint.filter.takes_all());
        let Some((at, taker)) = first.and_then(|at| Some((at, self.endpoints.get(at)?))) else {
            return Vec::new();
        };
        if self.mailbox.taker == MatchMode::All {
            return Vec::new();
        }
        let behind = self.endpoints.iter().skip(at + 1);
        behind
            .map(|endpoint| (endpoint.name.clone(), taker.name.clone()))
            .collect()
    }

    /// The endpoints to which no new mail comes, since others stand before them that are held, and who those are: whether their mails are
    /// meant for one of these, nobody knows.
    #[must_use]
    pub fn held_back(&self) -> BTreeMap<EndpointName, Vec<(EndpointName, bool)>> {
        if self.mailbox.taker == MatchMode::All {
            return BTreeMap::new();
        }
        let before = |at: usize| {
            let before = self.held.iter().filter(move |(turn, ..)| *turn <= at);
            before.map(|(_, name, held)| (name.clone(), held.away)).collect()
        };
        let each = self.endpoints.iter().enumerate();
        let each = each.map(|(at, endpoint)| (endpoint.name.clone(), before(at)));
        each.filter(|(_, before): &(_, Vec<_>)| !before.is_empty()).collect()
    }

    /// What the watch of the mailbox has to know.
    #[must_use]
    pub fn inlet(&self) -> WatchPlan {
        let most = match self.mailbox.taker {
            MatchMode::First => 1,
            MatchMode::All => usize::MAX,
        };
        let settle = |endpoint: &Arc<Endpoint>| (endpoint.name.clone(), endpoint.settle.clone());
        let away = self.held.iter().filter_map(|(_, _, held)| held.in_turn());
        let first = self.endpoints.first().or_else(|| away.clone().next());
        WatchPlan {
            mailbox: self.mailbox.clone(),
            takers: self.getters().into_iter().take(most).collect(),
            settle: self.endpoints.iter().chain(away).map(settle).collect(),
            ignored: first.map_or(SettleAction::Keep, |endpoint| endpoint.settle.ignored.clone()),
            size: self
                .endpoints
                .iter()
                .map(|endpoint| endpoint.limits.size)
                .chain(self.held.iter().map(|(_, _, held)| held.size()))
                .max()
                .unwrap_or(0),
        }
    }

    /// Who may have a mail that one of its endpoints does not want, in order: whoever of them did not have it yet. Nobody where each
    /// gets every mail anyway.
    #[must_use]
    pub fn successors(&self, of: &EndpointName) -> Vec<EndpointName> {
        match self.mailbox.taker {
            MatchMode::All => Vec::new(),
            MatchMode::First => self.getters().into_iter().filter(|name| name != of).collect(),
        }
    }
}

#[cfg(test)]
#[path = "route_tests.rs"]
mod tests;
