//! A process that stood still for longer than its lease: it begins nothing that can't be undone, and nobody hears of that.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use super::{
    scene::{Scene, Seen, states, webhook},
    *,
};
use crate::{
    dispatch::attempt,
    job::state::State,
    ledger::{Clock, MonotonicTime},
};

/// A clock that is ahead for everybody but the ledger's own thread: as where the process goes on after it stood still, and that thread has not
/// renewed anything yet.
fn waking(ahead: &Arc<AtomicI64>) -> Clock {
    let (system, ahead) = (Clock::system(), ahead.clone());
    Clock::of(Utc::now, move || {
        let is_ledger = std::thread::current().name() == Some("ledger");
        let ahead = if is_ledger { 0 } else { ahead.load(Ordering::SeqCst) };
        let now = system.read().run?;
        Some(MonotonicTime {
            micros: now.micros + ahead,
            ..now
        })
    })
}

/// Claims a job, stands still, and goes on with it; `begun` says whether its action was.
async fn goes_on(action: Action, begun: impl Fn() -> bool) {
    let ahead = Arc::<AtomicI64>::default();
    let mut scene = Scene::by(waking(&ahead), vec![MAIL.to_owned()]).await;
    let endpoint = endpoint(action);
    let dispatch = Arc::new(scene.dispatch(endpoint.clone()));
    let job = scene
        .ledger
        .inner
        .claim_jobs(&endpoint.name, 1)
        .await
        .unwrap()
        .remove(0);
    ahead.store(3_600_000_000, Ordering::SeqCst);
    let next = attempt::run(&dispatch, &job, &dispatch.quota.slot().await).await;
    assert!(next.is_none());
    assert!(!begun(), "it may be another's by now");
    let rows = scene.ledger.inner.overview(9).await.unwrap();
    assert_eq!(
        (states(&rows), rows[0].attempts),
        (vec![State::Queued], 0),
        "it counts as no attempt"
    );
    assert!(scene.notes.0.lock().unwrap().is_empty(), "nobody hears of it");
    ahead.store(0, Ordering::SeqCst);
    scene.start(endpoint);
    let rows = scene.ended().await;
    assert_eq!((states(&rows), rows[0].attempts), (vec![State::Done], 1));
    assert!(begun());
    scene.stopped().await;
}

#[tokio::test]
async fn no_request_is_made_whose_job_may_be_another_s() {
    let (action, seen): (Action, Seen) = webhook(&[200]).await;
    goes_on(action, || !seen.lock().unwrap().is_empty()).await;
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn no_command_is_started_whose_job_may_be_another_s() {
    let folder = tempfile::TempDir::new().unwrap();
    let mark = folder.path().join("begun");
    let mut command = shell(&format!("echo x >> {}", mark.display()));
    command.confine = false;
    goes_on(Action::Command(command), || mark.exists()).await;
    assert_eq!(std::fs::read_to_string(&mark).unwrap(), "x\n");
}
