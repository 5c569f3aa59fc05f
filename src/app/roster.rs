//! Who runs, with which settings, and who has to end before another may begin.

use std::{collections::BTreeMap, sync::Arc};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Loops by what they work on, and the settings that each was started with.
pub(super) struct Roster<K, S> {
    running: BTreeMap<K, RunningLoop<S>>,
    /// Opens when those before have ended.
    gates: BTreeMap<K, StartGate>,
}

struct RunningLoop<S> {
    settings: Arc<S>,
    stop: CancellationToken,
    end: JoinHandle<()>,
}

impl<K, S> Default for Roster<K, S> {
    fn default() -> Self {
        Self {
            running: BTreeMap::new(),
            gates: BTreeMap::new(),
        }
    }
}

impl<K: Ord + Clone, S: PartialEq> Roster<K, S> {
    /// Asks those to stop that are not wanted any more, and names them. What runs in them finishes.
    pub(super) fn keep(&mut self, wanted: impl Fn(&K) -> bool) -> Vec<K> {
        self.gates.retain(|_, gate| !gate.is_open());
        let gone: Vec<K> = self.running.keys().filter(|key| !wanted(key)).cloned().collect();
        for key in &gone {
            self.end(key);
        }
        gone
    }

    /// The gate behind which somebody with these settings may begin, or nothing when such a one runs. One with other settings is asked
    /// to stop. The second value says whether there was one.
    pub(super) fn replace(&mut self, key: &K, settings: &S) -> Option<(StartGate, bool)> {
        match self.running.get(key) {
            Some(running) if *running.settings == *settings => return None,
            Some(_) | None => {}
        }
        let restarted = self.end(key);
        Some((
            self.gates.get(key).cloned().unwrap_or_else(StartGate::open_one),
            restarted,
        ))
    }

    /// Somebody began.
    pub(super) fn began(&mut self, key: K, settings: Arc<S>, stop: CancellationToken, end: JoinHandle<()>) {
        self.running.insert(key, RunningLoop { settings, stop, end });
    }

    fn end(&mut self, key: &K) -> bool {
        let Some(running) = self.running.remove(key) else {
            return false;
        };
        running.stop.cancel();
        let before = self.gates.remove(key);
        self.gates.insert(key.clone(), StartGate::after(before, running.end));
        true
    }
}

/// Opens when the loops before have ended.
#[derive(Clone)]
pub(super) struct StartGate(CancellationToken);

impl StartGate {
    fn open_one() -> Self {
        let opened = CancellationToken::new();
        opened.cancel();
        Self(opened)
    }

    fn after(before: Option<Self>, end: JoinHandle<()>) -> Self {
        let opened = CancellationToken::new();
        let gate = opened.clone();
        tokio::spawn(async move {
            // A loop that was aborted has ended as well.
            drop(end.await);
            if let Some(before) = before {
                before.open().await;
            }
            gate.cancel();
        });
        Self(opened)
    }

    fn is_open(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Waits until it is open.
    pub(super) async fn open(&self) {
        self.0.cancelled().await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    /// A loop that ends when it is told, not when it is asked to.
    fn begin(roster: &mut Roster<&'static str, u8>, key: &'static str, settings: u8) -> oneshot::Sender<()> {
        let (ends, end) = oneshot::channel();
        let task = tokio::spawn(async move { drop(end.await) });
        roster.began(key, Arc::new(settings), CancellationToken::new(), task);
        ends
    }

    #[tokio::test]
    async fn nobody_begins_before_those_before_have_ended() {
        let mut roster = Roster::default();
        let (gate, restarted) = roster.replace(&"a", &1).unwrap();
        assert!(gate.is_open() && !restarted);
        let first = begin(&mut roster, "a", 1);
        assert!(roster.replace(&"a", &1).is_none(), "it runs");

        // Removed, added with a mistake that keeps it from starting, and added again, while the first one still ends.
        assert_eq!(roster.keep(|_| false), ["a"]);
        assert!(roster.replace(&"a", &2).is_some());
        let (gate, restarted) = roster.replace(&"a", &3).unwrap();
        assert!(!gate.is_open() && !restarted);
        let second = begin(&mut roster, "a", 3);
        let (last, restarted) = roster.replace(&"a", &4).unwrap();
        assert!(restarted);
        second.send(()).unwrap();
        tokio::task::yield_now().await;
        assert!(!gate.is_open() && !last.is_open(), "the first one still runs");
        first.send(()).unwrap();
        gate.open().await;
        last.open().await;
    }
}
