//! Work on few threads: nobody is forgotten, and nobody waits for one that is held up.

use std::sync::{
    atomic::{AtomicU32, Ordering},
    mpsc,
};

use futures_util::FutureExt;
use tokio::time::sleep;

use super::*;

/// Work that ends when it is told to.
fn until_told() -> (mpsc::Sender<()>, impl FnOnce() + Send) {
    let (tell, told) = mpsc::channel();
    (tell, move || {
        told.recv().ok();
    })
}

#[tokio::test]
async fn no_more_work_than_threads_and_the_rest_has_not_begun() {
    static TWO: Threads = Threads::new("two", 2);
    let ((first, a), (second, b)) = (until_told(), until_told());
    let (a, b) = (TWO.begin(a).await.unwrap(), TWO.begin(b).await.unwrap());
    let mut third = Box::pin(TWO.begin(|| 3));
    assert!(third.as_mut().now_or_never().is_none());
    first.send(()).unwrap();
    a.await.unwrap();
    assert_eq!(third.await.unwrap().await, Ok(3));
    second.send(()).unwrap();
    b.await.unwrap();
    assert_eq!(TWO.free(), 2);
}

#[test]
fn work_follows_a_thread_that_began_just_now() {
    let now = Instant::now();
    let ago = |micros| now.checked_sub(Duration::from_micros(micros)).unwrap();
    for (working, waits, follows) in [
        (vec![], 1, false),
        (vec![ago(0)], 1, true),
        (vec![ago(999)], 1, true),
        (vec![ago(1_000)], 1, false),
        (vec![ago(60_000_000), ago(10)], 1, true),
        (vec![ago(0)], BEHIND, true),
        (vec![ago(0)], BEHIND + 1, false),
    ] {
        let mut queue = Queue::new();
        queue.working = (0..).zip(working.clone()).collect();
        queue.work.extend((0..waits).map(|_| Box::new(|| ()) as Task));
        assert_eq!(queue.follows(now), follows, "{waits} behind {working:?}");
    }
}

#[tokio::test]
async fn who_follows_a_thread_that_is_held_up_gets_another() {
    static TWO: Threads = Threads::new("held-up", 2);
    let limit = Duration::from_secs(60);
    for _ in 0..20 {
        let (tell, held_up) = until_told();
        let first = TWO.poll(limit, || {}, async move { held_up() });
        let second = async {
            let second = TWO.poll(limit, || {}, async { 2 }).await;
            tell.send(()).unwrap();
            second
        };
        assert_eq!(tokio::join!(first, second), (Ok(()), Ok(2)));
    }
}

#[tokio::test]
async fn each_of_many_is_done_however_few_threads_come() {
    static FEW: Threads = Threads::new("few", 3);
    let limit = Duration::from_secs(60);
    let all = (0..300).map(|number| FEW.poll(limit, || {}, async move { number }));
    let done = futures_util::future::join_all(all).await;
    assert!((0..300).map(Ok).eq(done));
    assert_eq!(FEW.free(), 3);
}

#[tokio::test]
async fn who_waits_in_vain_for_a_thread_is_told_so() {
    static ONE: Threads = Threads::new("in-vain", 1);
    let (tell, held_up) = until_told();
    let held_up = ONE.begin(held_up).await.unwrap();
    let busy = ONE.poll(Duration::from_millis(5), || {}, async { 1 }).await;
    assert_eq!(busy, Err(Unfinished::Busy));
    tell.send(()).unwrap();
    held_up.await.unwrap();
    assert_eq!(ONE.poll(Duration::from_secs(60), || {}, async { 1 }).await, Ok(1));
}

#[tokio::test]
async fn work_that_panics_costs_no_thread() {
    static ONE: Threads = Threads::new("one", 1);
    for _ in 0..3 {
        assert!(ONE.begin(|| panic!("as the test wants")).await.unwrap().await.is_err());
    }
    assert_eq!(ONE.begin(|| 1).await.unwrap().await, Ok(1));
}

#[tokio::test]
async fn a_future_that_waits_holds_no_thread() {
    static ONE: Threads = Threads::new("one", 1);
    let (tell, told) = oneshot::channel::<u32>();
    let (turns, limit) = (AtomicU32::new(0), Duration::from_secs(60));
    let count = || {
        turns.fetch_add(1, Ordering::Relaxed);
    };
    let mut waits = Box::pin(ONE.poll(limit, count, async move {
        sleep(Duration::from_millis(1)).await;
        told.await.unwrap() + 1
    }));
    for _ in 0..50 {
        assert!(waits.as_mut().now_or_never().is_none());
        let others = ONE.begin(|| thread::current().name().map(str::to_owned)).await.unwrap();
        assert_eq!(others.await.unwrap().as_deref(), Some("one"));
    }
    tell.send(1).unwrap();
    assert_eq!(waits.await, Ok(2));
    assert!(
        (2..=3).contains(&turns.load(Ordering::Relaxed)),
        "a turn for each time that it goes on"
    );
    let panics = ONE.poll(limit, || {}, async { panic!("as the test wants") });
    assert_eq!(panics.await, Err::<(), _>(Unfinished::Panicked));
}
