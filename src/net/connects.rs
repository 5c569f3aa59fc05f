//! Connections in the making: to one host so many at once, however many mailboxes it has, and apart from those to other hosts.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Whose turn it is to connect, host by host.
#[derive(Debug, Clone)]
pub struct Connects {
    most: usize,
    hosts: Arc<Mutex<HashMap<String, Arc<Semaphore>>>>,
}

/// A connection's turn, until it is made or has failed.
#[derive(Debug)]
pub struct ConnectTurn {
    _permit: Option<OwnedSemaphorePermit>,
}

impl Connects {
    /// So many at once to each host, one at least.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            most: most.max(1),
            hosts: Arc::default(),
        }
    }

    /// Waits for a turn: first come, first served.
    pub async fn turn(&self, host: &str) -> ConnectTurn {
        // Nobody closes it.
        let permit = self.of(host).acquire_owned().await.ok();
        ConnectTurn { _permit: permit }
    }

    fn of(&self, host: &str) -> Arc<Semaphore> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        // A host to which nobody connects is forgotten.
        hosts.retain(|_, turns| Arc::strong_count(turns) > 1);
        let new = || Arc::new(Semaphore::new(self.most));
        hosts.entry(host.to_ascii_lowercase()).or_insert_with(new).clone()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn turns_are_counted_by_host_and_a_host_is_forgotten_when_nobody_connects() {
        let connects = Connects::new(2);
        let held = [connects.turn("A.example").await, connects.turn("a.example").await];
        let mut third = Box::pin(connects.turn("a.example"));
        assert!(third.as_mut().now_or_never().is_none());
        assert!(connects.turn("b.example").now_or_never().is_some());
        drop(held);
        drop(third.await);
        drop(connects.turn("c.example").await);
        assert_eq!(connects.hosts.lock().unwrap().len(), 1);
    }
}
