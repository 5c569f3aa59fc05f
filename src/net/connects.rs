//! Connections in the making: to one host so many at once, however many mailboxes it has, and apart from those to other hosts. And who tries
//! whether a server is back to which nobody gets through: one of all who wait for it, every few seconds, and then all of them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep, sleep_until},
};

use crate::config::Server;

/// How often somebody tries a server to which nobody gets through; and how often, at most, all are told that somebody did.
const TRIED_EVERY: Duration = Duration::from_secs(5);
/// In what time those come who are told.
const SPREAD: Duration = Duration::from_secs(2);

/// Whose turn it is to connect, host by host.
#[derive(Debug, Clone)]
pub struct Connects {
    most: usize,
    hosts: Arc<Mutex<HashMap<String, Arc<Semaphore>>>>,
    ways: Arc<Mutex<FailingHosts>>,
}

/// By host and port.
type FailingHosts = HashMap<(String, u16), Arc<FailingHost>>;

/// The way to a server to which somebody did not get through.
#[derive(Debug)]
struct FailingHost {
    /// Who has it tries next.
    scout: Semaphore,
    back: Notify,
    told: Mutex<Option<Instant>>,
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
            ways: Arc::default(),
        }
    }

    /// Waits for a turn: first come, first served.
    pub async fn turn(&self, host: &str) -> ConnectTurn {
        // Nobody closes it.
        let permit = self.of(host).acquire_owned().await.ok();
        ConnectTurn { _permit: permit }
    }

    /// Waits before the next session; where `is_away`, as [`Self::away`].
    pub async fn pause(&self, server: &Server, is_away: bool, wait: Duration, chance: f64) {
        match is_away {
            true => self.away(server, wait, chance).await,
            false => sleep(wait).await,
        }
    }

    /// Waits before the next try after one that did not get through: for so long, or for less where it is this one's turn to try, or
    /// somebody else got through. `chance` is anywhere in 0..1 and spreads those who wait together.
    pub async fn away(&self, server: &Server, wait: Duration, chance: f64) {
        let way = self.way(server);
        let until = Instant::now() + wait;
        let back = way.back.notified();
        let spread = SPREAD.mul_f64(chance.clamp(0.0, 1.0));
        tokio::pin!(back);
        back.as_mut().enable();
        let scout = tokio::select! {
            biased;
            () = &mut back => return sleep(spread).await,
            () = sleep_until(until) => return,
            scout = way.scout.acquire() => scout,
        };
        let turn = until.min(Instant::now() + TRIED_EVERY);
        tokio::select! {
            biased;
            () = &mut back => sleep(spread).await,
            () = sleep_until(turn) => {}
        }
        drop(scout);
    }

    /// Somebody got through.
    pub fn reached(&self, server: &Server) {
        let ways = self.ways.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(way) = ways.get(&key(server)) else { return };
        let mut told = way.told.lock().unwrap_or_else(PoisonError::into_inner);
        // Where some get through and others don't, those who don't are not driven.
        if told.is_none_or(|told| told.elapsed() >= TRIED_EVERY) {
            *told = Some(Instant::now());
            way.back.notify_waiters();
        }
    }

    fn way(&self, server: &Server) -> Arc<FailingHost> {
        let mut ways = self.ways.lock().unwrap_or_else(PoisonError::into_inner);
        // One for which nobody waits is forgotten, once it doesn't matter any more when somebody got through.
        ways.retain(|_, way| {
            let told = way.told.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::strong_count(way) > 1 || told.is_some_and(|told| told.elapsed() < TRIED_EVERY)
        });
        let new = || {
            Arc::new(FailingHost {
                scout: Semaphore::new(1),
                back: Notify::new(),
                told: Mutex::default(),
            })
        };
        ways.entry(key(server)).or_insert_with(new).clone()
    }

    fn of(&self, host: &str) -> Arc<Semaphore> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        // A host to which nobody connects is forgotten.
        hosts.retain(|_, turns| Arc::strong_count(turns) > 1);
        let new = || Arc::new(Semaphore::new(self.most));
        hosts.entry(host.to_ascii_lowercase()).or_insert_with(new).clone()
    }
}

fn key(server: &Server) -> (String, u16) {
    (server.host.to_ascii_lowercase(), server.port)
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, future::join_all};

    use super::*;
    use crate::config::Tls;

    fn server(port: u16) -> Server {
        Server {
            host: "mail.example".into(),
            port,
            tls: Tls::Implicit,
        }
    }

    /// Those who wait for a server try it one after the other, and all of them come soon after one of them got through.
    #[tokio::test(start_paused = true)]
    async fn one_tries_for_all_who_wait_for_a_server() {
        let mail = server(993);
        let (connects, begin) = (Connects::new(2), Instant::now());
        let back = begin + Duration::from_secs(1_000);
        let (tries, told) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
        let one = async |chance: u32| {
            let mut wait = Duration::from_secs(1);
            while Instant::now() < back {
                tries.lock().unwrap().push(Instant::now());
                connects.away(&mail, wait, f64::from(chance) / 100.0).await;
                wait = (wait * 2).min(Duration::from_secs(120));
            }
            connects.reached(&mail);
            told.lock().unwrap().push(Instant::now());
        };
        let server = server(995);
        let other = connects.away(&server, Duration::from_secs(3_600), 0.0);
        let other = tokio::time::timeout(Duration::from_secs(4), other);
        assert!(other.await.is_err(), "its own turn comes after more");
        join_all((0..100).map(one)).await;
        let told = told.into_inner().unwrap();
        let last = told.iter().max().unwrap();
        assert!(
            *last - back <= TRIED_EVERY + SPREAD + Duration::from_secs(1),
            "{:?}",
            *last - back
        );
        let tries = tries.into_inner().unwrap();
        let late = tries
            .iter()
            .filter(|at| **at - begin > Duration::from_secs(500))
            .count();
        assert!(
            (100..900).contains(&late),
            "{late} tries in 500 s, of a hundred mailboxes"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_get_through_is_not_driven_by_those_who_do() {
        let (connects, mail) = (Connects::new(2), server(993));
        let begin = Instant::now();
        let mut tries = 0;
        while begin.elapsed() < Duration::from_secs(100) {
            tokio::select! {
                () = connects.away(&mail, Duration::from_secs(60), 0.0) => tries += 1,
                () = async {
                    loop {
                        sleep(Duration::from_millis(10)).await;
                        connects.reached(&mail);
                    }
                } => {}
            }
        }
        assert!((15..=41).contains(&tries), "{tries}");
        drop(connects.way(&server(1)));
        sleep(TRIED_EVERY).await;
        drop(connects.way(&server(2)));
        assert_eq!(
            connects.ways.lock().unwrap().len(),
            1,
            "who waits for none is forgotten"
        );
    }

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
