//! When the engine refuses.

use super::*;
use crate::ledger::counts::Countable as _;

/// A claim in a task of its own, on its way to the writer when this returns.
async fn claiming(ledger: &Arc<Sqlite>) -> tokio::task::JoinHandle<Result<Vec<ClaimedJob>, Error>> {
    let ledger = ledger.clone();
    let claim = tokio::spawn(async move { ledger.claim_jobs(&endpoint("invoices"), 1).await });
    tokio::task::yield_now().await;
    claim
}

#[tokio::test]
async fn a_claim_that_could_not_be_written_is_tried_again_by_itself() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("mailjob.db");
    let ledger = Arc::new(open(&path, Arc::new(Utc::now)).await.unwrap());
    let intake = Intake {
        mailbox: WatchedMailbox::new(mailbox(), Fence::NONE),
        endpoints: vec![endpoint("invoices")],
        cursor: Cursor {
            uid_validity: 1,
            uid_next: 2,
        },
        mails: vec![mail(1)],
    };
    ledger.take(intake).await.unwrap();
    let impatient = |tx: &mut Transaction<'_>| Ok(tx.db.execute_batch("PRAGMA busy_timeout = 0")?);
    ledger.post.ask(0, impatient).await.unwrap();

    let intruder = rusqlite::Connection::open(path).unwrap();
    intruder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let claim = claiming(&ledger).await;
    assert!(matches!(ledger.ping().await, Err(Error::Engine(_))));
    intruder.execute_batch("COMMIT").unwrap();
    assert_eq!(soon(claim).await.unwrap().unwrap().len(), 1);
}

#[tokio::test]
async fn what_a_failed_commit_claimed_is_claimed_again() {
    let d = Desktop::new().await;
    d.take(vec![mail(1)]).await;
    // While the writer is busy, what comes lies together and becomes one batch.
    let (begun, busy) = oneshot::channel();
    let (go, gate) = std::sync::mpsc::channel();
    let ledger = d.ledger.clone();
    let wait = move |_: &mut Transaction<'_>| {
        begun.send(()).unwrap();
        gate.recv_timeout(PATIENCE).unwrap();
        Ok(())
    };
    let waiting = tokio::spawn(async move { ledger.post.ask(0, wait).await });
    soon(busy).await.unwrap();
    let ledger = d.ledger.clone();
    // Its foreign key is only looked at in the commit.
    let orphan = "PRAGMA defer_foreign_keys = ON; INSERT INTO reply_body (job, bytes) VALUES (99, x'00')";
    let broken = tokio::spawn(async move { ledger.post.ask(0, |tx| Ok(tx.db.execute_batch(orphan)?)).await });
    let claim = claiming(&d.ledger).await;
    go.send(()).unwrap();
    soon(waiting).await.unwrap().unwrap();
    assert!(matches!(soon(broken).await.unwrap(), Err(Error::Engine(_))));
    assert!(!claim.is_finished());
    d.pass(1).await;
    let job = soon(claim).await.unwrap().unwrap().pop().unwrap();
    assert_eq!(job.attempt, 1);
    d.ledger
        .finish(Finish {
            reply: silent(),
            ..finish(&job, done())
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_full_disk_refuses_and_heals() {
    let d = Desktop::new().await;
    d.take(vec![mail(1)]).await;
    let pages =
        |n: i64| move |tx: &mut Transaction<'_>| Ok(tx.db.execute_batch(&format!("PRAGMA max_page_count = {n}"))?);
    d.ledger.post.ask(0, pages(80)).await.unwrap();
    let big = at(1, 2, &"x".repeat(1 << 20));
    let cursor = Cursor {
        uid_validity: 1,
        uid_next: 3,
    };
    let intake = || Intake {
        mailbox: WatchedMailbox::new(mailbox(), Fence::NONE),
        endpoints: vec![endpoint("invoices")],
        cursor,
        mails: vec![big.clone()],
    };
    let (full, ping) = tokio::join!(d.ledger.take(intake()), d.ledger.ping());
    assert!(matches!(full, Err(Error::Full(_))), "{full:?}");
    drop(ping);
    let known = d.ledger.counts().await.unwrap().unwritable.unwrap();
    assert!(
        known.since == d.hands.now() && known.words().contains("make room"),
        "{known:?}"
    );
    assert_eq!(
        d.ledger.cursor(&mailbox()).await.unwrap(),
        Some(Cursor {
            uid_validity: 1,
            uid_next: 2
        })
    );
    assert_eq!(d.ledger.overview(9).await.unwrap().len(), 1, "nothing half done");
    d.run(done(), silent()).await;
    d.ledger.post.ask(0, pages(1 << 30)).await.unwrap();
    assert_eq!(d.ledger.take(intake()).await.unwrap().new, 1);
    assert_eq!(d.ledger.counts().await.unwrap().unwritable, None);
    assert_eq!(d.claim(9).await.len(), 1);
}

#[tokio::test]
async fn an_operation_that_fails_is_undone_alone() {
    let d = Desktop::new().await;
    let broken = UploadId(uuid::Uuid::now_v7());
    let cursor = Cursor {
        uid_validity: 1,
        uid_next: 9,
    };
    let bad = Intake {
        mailbox: WatchedMailbox::new(mailbox(), Fence::NONE),
        endpoints: vec![endpoint("invoices")],
        cursor,
        mails: vec![
            mail(1),
            NewMail {
                content: Content::Whole {
                    raw: Raw::Uploaded {
                        upload: broken,
                        size: 1,
                    },
                    sha256: [2; 32],
                },
                ..mail(2)
            },
        ],
    };
    let good = Intake {
        mailbox: WatchedMailbox::new(mailbox(), Fence::NONE),
        endpoints: vec![endpoint("invoices")],
        cursor,
        mails: vec![mail(3)],
    };
    let (bad, good) = tokio::join!(d.ledger.take(bad), d.ledger.take(good));
    assert!(matches!(bad, Err(Error::Missing(_))));
    assert_eq!(good.unwrap().new, 1);
    assert_eq!(d.ledger.overview(9).await.unwrap().len(), 1);
}

/// Holds up the writer until something is sent: what comes meanwhile lies together and becomes one batch.
async fn held_up(d: &Desktop) -> std::sync::mpsc::Sender<()> {
    let (begun, busy) = oneshot::channel();
    let (go, gate) = std::sync::mpsc::channel();
    let ledger = d.ledger.clone();
    let wait = move |_: &mut Transaction<'_>| {
        begun.send(()).unwrap();
        gate.recv_timeout(PATIENCE).unwrap();
        Ok(())
    };
    tokio::spawn(async move { ledger.post.ask(0, wait).await });
    soon(busy).await.unwrap();
    go
}

/// The ends of jobs have no savepoints. One that fails in its midst fails all that came with it, but not when they come again.
#[tokio::test]
async fn the_end_of_a_job_that_always_fails_fails_others_once() {
    let d = Desktop::new().await;
    d.take(vec![mail(1), mail(2), mail(3)]).await;
    let jobs = d.claim(3).await;
    let break_it = "CREATE TEMP TRIGGER broken BEFORE UPDATE OF state ON job WHEN new.id = 1 AND new.state = 'done'
                    BEGIN SELECT RAISE(ABORT, 'as the test wants'); END";
    let broken = move |tx: &mut Transaction<'_>| Ok(tx.db.execute_batch(break_it)?);
    d.ledger.post.ask(0, broken).await.unwrap();
    let end = |at: usize| {
        d.ledger.finish(Finish {
            reply: silent(),
            ..finish(&jobs[at], done())
        })
    };
    let (go, stale) = (
        held_up(&d).await,
        Finish {
            fence: Fence::NONE,
            ..finish(&jobs[2], done())
        },
    );
    let send = async { go.send(()).unwrap() };
    let (stale, other, ()) = tokio::join!(d.ledger.finish(stale), end(2), send);
    assert!(matches!(stale, Err(Error::Stale(_))), "{stale:?}");
    assert_eq!(other, Ok(None), "who changed nothing has nothing to be undone");
    for is_first in [true, false] {
        let go = held_up(&d).await;
        let send = async { go.send(()).unwrap() };
        let (broken, other, ()) = tokio::join!(end(0), end(1), send);
        assert!(matches!(broken, Err(Error::Engine(_))), "{broken:?}");
        assert_eq!(other.is_err(), is_first, "{other:?}");
    }
    let done = "SELECT count(*) FROM job j JOIN attempt a ON a.job = j.id WHERE j.state = 'done'";
    assert_eq!(d.count(done).await, 2);
    assert_eq!(d.count("SELECT count(*) FROM attempt").await, 2, "nothing half done");
}

/// Counts for longer than any test lasts.
const ENDLESS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

#[tokio::test]
async fn a_search_that_nobody_waits_for_ends_and_holds_up_no_loop() {
    let d = Desktop::new().await;
    let (begun, mut begins) = tokio::sync::mpsc::channel(9);
    let search = |begun: tokio::sync::mpsc::Sender<()>| {
        let searches = d.ledger.searches.clone();
        tokio::spawn(async move {
            let endless = move |db: &rusqlite::Connection| {
                begun.blocking_send(()).unwrap();
                Ok(db.query_row(ENDLESS, [], |row| row.get::<_, i64>(0))?)
            };
            searches.read(endless).await
        })
    };
    let all: Vec<_> = (0..4).map(|_| search(begun.clone())).collect();
    soon(begins.recv()).await.unwrap();
    soon(begins.recv()).await.unwrap();
    // As many as there are connections search; who works reads meanwhile.
    assert_eq!(soon(d.ledger.cursor(&mailbox())).await.unwrap(), None);
    for search in &all {
        search.abort();
    }
    for search in all {
        assert!(soon(search).await.unwrap_err().is_cancelled());
    }
    // Their connections are free again, and good.
    let found = soon(
        d.ledger
            .searches
            .read(|db| Ok(db.query_row("SELECT 7", [], |row| row.get::<_, i64>(0))?)),
    );
    assert_eq!(found.await.unwrap(), 7);
    soon(d.ledger.close()).await;
}
