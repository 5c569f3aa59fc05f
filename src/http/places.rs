//! Who has a place among the connections. Nobody waits for one: where all are taken, a newcomer gets that of whoever has the most, his
//! oldest. So who asks one thing and goes, as a probe does, is answered, whatever others hold open.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio_util::sync::CancellationToken;

/// The places.
#[derive(Debug)]
pub(super) struct ConnectionLimit {
    most: usize,
    taken: Mutex<ConnectionTable>,
}

#[derive(Debug, Default)]
struct ConnectionTable {
    next: u64,
    by_age: BTreeMap<u64, (IpAddr, CancellationToken)>,
}

/// A place; to be given back.
#[derive(Debug)]
pub(super) struct ConnectionPermit {
    number: u64,
    /// Whether it was given to another.
    pub(super) lost: CancellationToken,
}

impl ConnectionLimit {
    /// So many places.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            taken: Mutex::default(),
        }
    }

    /// A place for a connection from there.
    pub(super) fn take(&self, peer: IpAddr) -> ConnectionPermit {
        let mut taken = self.taken();
        while taken.by_age.len() >= self.most {
            let Some((_, lost)) = victim(&taken.by_age).and_then(|number| taken.by_age.remove(&number)) else {
                break;
            };
            lost.cancel();
        }
        let (number, lost) = (taken.next, CancellationToken::new());
        taken.next += 1;
        taken.by_age.insert(number, (peer, lost.clone()));
        ConnectionPermit { number, lost }
    }

    /// Ends the oldest connection of whoever has the most, if there is one.
    pub(super) fn evict(&self) {
        let mut taken = self.taken();
        if let Some((_, lost)) = victim(&taken.by_age).and_then(|number| taken.by_age.remove(&number)) {
            lost.cancel();
        }
    }

    /// Its connection has ended.
    pub(super) fn give_back(&self, place: &ConnectionPermit) {
        self.taken().by_age.remove(&place.number);
    }

    fn taken(&self) -> MutexGuard<'_, ConnectionTable> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The oldest of the peer that has the most. Pure.
fn victim(by_age: &BTreeMap<u64, (IpAddr, CancellationToken)>) -> Option<u64> {
    let mut counts: HashMap<IpAddr, usize> = HashMap::new();
    for (peer, _) in by_age.values() {
        *counts.entry(*peer).or_default() += 1;
    }
    let most = counts.values().copied().max()?;
    let is_greedy = |peer: &IpAddr| counts.get(peer) == Some(&most);
    by_age
        .iter()
        .find(|(_, (peer, _))| is_greedy(peer))
        .map(|(number, _)| *number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newcomer_gets_the_oldest_place_of_whoever_has_the_most() {
        let (greedy, modest) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let places = ConnectionLimit::new(4);
        let first = places.take(modest);
        let theirs: Vec<_> = (0..3).map(|_| places.take(greedy)).collect();
        let lost = |place: &ConnectionPermit| place.lost.is_cancelled();
        let second = places.take(modest);
        assert_eq!(theirs.iter().map(lost).collect::<Vec<_>>(), [true, false, false]);
        // Two each: the oldest of all.
        let third = places.take(greedy);
        assert!(lost(&first) && !lost(&second));
        places.give_back(&third);
        places.take(modest);
        assert_eq!(
            theirs.iter().map(lost).collect::<Vec<_>>(),
            [true, false, false],
            "there was room"
        );
        assert!(!lost(&second));
    }
}
