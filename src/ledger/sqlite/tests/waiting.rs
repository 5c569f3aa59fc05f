//! Claims that wait, wake, share and give back.

use super::*;

/// A claim in a task of its own.
fn waiting(d: &Desktop, name: &str, max: usize) -> tokio::task::JoinHandle<Result<Vec<ClaimedJob>, Error>> {
    let (ledger, name) = (d.ledger.clone(), endpoint(name));
    tokio::spawn(async move { ledger.claim_jobs(&name, max).await })
}

#[tokio::test]
async fn a_claim_waits_for_a_mail_of_its_endpoint() {
    let d = Desktop::new().await;
    let (ours, theirs) = (waiting(&d, "invoices", 2), waiting(&d, "orders", 2));
    assert!(d.nothing_due().await);
    d.take((1..=3).map(mail).collect()).await;
    let claimed = soon(ours).await.unwrap().unwrap();
    assert_eq!(claimed.len(), 2, "as many as it wanted");
    d.ledger.ping().await.unwrap();
    assert!(!theirs.is_finished());
    assert_eq!(d.claim(5).await.len(), 1, "the rest for the next");
    theirs.abort();
}

#[tokio::test]
async fn the_oldest_due_comes_first() {
    let d = Desktop::new().await;
    d.take(vec![mail(1)]).await;
    let first = d.claim(1).await.pop().unwrap();
    let due = Some(d.hands.now() + chrono::TimeDelta::seconds(30));
    d.ledger
        .finish(Finish {
            due,
            ..finish(&first, retry())
        })
        .await
        .unwrap();
    d.pass(20).await;
    d.take(vec![mail(2)]).await;
    d.pass(20).await;
    d.take(vec![mail(3)]).await;
    let mails: Vec<_> = d.claim(9).await.into_iter().map(|job| job.mail.0).collect();
    assert_eq!(mails, [2, 1, 3], "taken at 20, due at 30, taken at 40");
}

#[tokio::test]
async fn the_writer_wakes_by_itself_when_a_job_is_due() {
    let folder = TempDir::new().unwrap();
    let ledger = open(&folder.path().join("mailjob.db"), Arc::new(Utc::now))
        .await
        .unwrap();
    let cursor = Cursor {
        uid_validity: 1,
        uid_next: 2,
    };
    let intake = Intake {
        mailbox: WatchedMailbox::new(mailbox(), Fence::NONE),
        endpoints: vec![endpoint("invoices")],
        cursor,
        mails: vec![mail(1)],
    };
    ledger.take(intake).await.unwrap();
    let job = ledger
        .claim_jobs(&endpoint("invoices"), 1)
        .await
        .unwrap()
        .pop()
        .unwrap();
    let due = Utc::now() + chrono::TimeDelta::milliseconds(200);
    ledger
        .finish(Finish {
            due: Some(due),
            ..finish(&job, retry())
        })
        .await
        .unwrap();
    let again = soon(ledger.claim_jobs(&endpoint("invoices"), 1)).await.unwrap();
    assert_eq!(again.len(), 1);
    assert!(Utc::now() >= due);
}

#[tokio::test]
async fn a_claim_dropped_while_it_waits_claims_nothing() {
    let d = Desktop::new().await;
    assert!(d.nothing_due().await, "this claim was dropped");
    d.take(vec![mail(1)]).await;
    assert_eq!(d.claim(1).await.pop().unwrap().attempt, 1);
}

#[tokio::test]
async fn a_claim_dropped_after_the_commit_gives_back() {
    let d = Desktop::new().await;
    d.take(vec![mail(1)]).await;
    let other = rusqlite::Connection::open(d.path()).unwrap();
    for _ in 0..50 {
        let name = endpoint("invoices");
        let mut claim = Box::pin(d.ledger.claim_jobs(&name, 1));
        // While another writes, nobody is answered, however slow this thread is.
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        assert!((&mut claim).now_or_never().is_none(), "sent, not answered yet");
        other.execute_batch("COMMIT").unwrap();
        // The claim came first, so it is answered by now; nobody looks.
        d.ledger.ping().await.unwrap();
        drop(claim);
    }
    assert_eq!(d.claim(1).await.pop().unwrap().attempt, 1, "no attempt was counted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_share_without_overlap() {
    let d = Desktop::new().await;
    d.take((1..=200).map(mail).collect()).await;
    let ran = Arc::new(std::sync::Mutex::new(Vec::new()));
    let all_ran = tokio_util::sync::CancellationToken::new();
    let workers: Vec<_> = (0..8)
        .map(|_| tokio::spawn(work(d.ledger.clone(), ran.clone(), all_ran.clone())))
        .collect();
    soon(all_ran.cancelled()).await;
    for worker in workers {
        soon(worker).await.unwrap();
    }
    let mut ran = ran.lock().unwrap().clone();
    ran.sort_unstable();
    ran.dedup();
    assert_eq!(ran.len(), 200, "each ran once");
    assert_eq!(d.settling().await.len(), 100, "as many as were asked for");
    assert!(
        d.ledger
            .overview(999)
            .await
            .unwrap()
            .iter()
            .all(|row| row.attempts == 1)
    );
}

async fn work(
    ledger: Arc<Sqlite>,
    ran: Arc<std::sync::Mutex<Vec<JobId>>>,
    all_ran: tokio_util::sync::CancellationToken,
) {
    let name = endpoint("invoices");
    while let Some(jobs) = all_ran.run_until_cancelled(ledger.claim_jobs(&name, 3)).await {
        for job in jobs.unwrap() {
            let end = Finish {
                reply: silent(),
                ..finish(&job, done())
            };
            ledger.finish(end).await.unwrap();
            let mut ran = ran.lock().unwrap();
            ran.push(job.id);
            if ran.len() == 200 {
                all_ran.cancel();
            }
        }
    }
}

#[tokio::test]
async fn closing_ends_those_who_wait() {
    let d = Desktop::new().await;
    let claim = waiting(&d, "invoices", 1);
    assert!(d.nothing_due().await);
    soon(d.ledger.close()).await;
    assert!(matches!(soon(claim).await.unwrap(), Err(Error::Closed)));
    assert_eq!(d.ledger.ping().await, Err(Error::Closed));
    assert_eq!(d.ledger.cursor(&mailbox()).await, Err(Error::Closed));
    soon(d.ledger.close()).await;
}

#[tokio::test]
async fn who_ends_a_job_claims_the_next_in_the_same_commit() {
    let d = Desktop::new().await;
    d.take((1..=4).map(mail).collect()).await;
    let claims = d.claim(2).await;
    let name = endpoint("invoices");
    let other = rusqlite::Connection::open(d.path()).unwrap();
    let end = |job: &ClaimedJob| d.ledger.finish_and_claim(finish(job, done()), &name);
    // While another writes, both wait: one commit ends two jobs and claims two.
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (mut first, mut second) = (Box::pin(end(&claims[0])), Box::pin(end(&claims[1])));
    assert!((&mut first).now_or_never().is_none() && (&mut second).now_or_never().is_none());
    other.execute_batch("COMMIT").unwrap();
    let mut next: Vec<_> = [soon(first).await, soon(second).await]
        .into_iter()
        .map(|ended| ended.unwrap().1.unwrap())
        .collect();
    next.sort_by_key(|job| job.mail.0);
    assert_eq!(
        next.iter().map(|job| (job.mail.0, job.attempt)).collect::<Vec<_>>(),
        [(3, 1), (4, 1)]
    );
    assert_eq!(
        soon(end(&next[0])).await.unwrap().1.map(|job| job.id),
        None,
        "nothing is due: nobody waits"
    );
    // What is refused claims nothing.
    d.take(vec![mail(5)]).await;
    assert_eq!(soon(end(&next[0])).await.unwrap_err(), Error::Stale(next[0].id));
    assert_eq!(d.claim(9).await.len(), 1);
}

#[tokio::test]
async fn a_job_that_was_claimed_with_an_end_that_nobody_hears_of_is_given_back() {
    let d = Desktop::new().await;
    d.take((1..=2).map(mail).collect()).await;
    let first = d.claim(1).await.remove(0);
    let name = endpoint("invoices");
    let mut end = Box::pin(d.ledger.finish_and_claim(finish(&first, done()), &name));
    let other = rusqlite::Connection::open(d.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!((&mut end).now_or_never().is_none(), "sent, not answered yet");
    drop(end);
    other.execute_batch("COMMIT").unwrap();
    d.ledger.ping().await.unwrap();
    assert_eq!(d.claim(1).await.remove(0).attempt, 1, "no attempt was counted");
}
