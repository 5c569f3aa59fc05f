//! What is dropped when it was kept long enough, and what never is.

use chrono::TimeDelta;

use super::*;
use crate::{
    job::{AllowedSenders, NewConversation},
    ledger::{
        JobTable, RetrySelection, Steer,
        rules::{forget::STORY, route},
    },
};

impl Desktop {
    /// Mails that are done, replied to and had their last touch.
    async fn finished(&self, uids: std::ops::RangeInclusive<u32>) -> Vec<ClaimedJob> {
        let mut jobs = Vec::new();
        for uid in uids {
            self.take(vec![mail(uid)]).await;
            let job = self.run(done(), send()).await;
            let reply = soon(self.ledger.claim_replies("contoso", 1)).await.unwrap().remove(0);
            let sent = Submitted::Sent("250 ok".into());
            self.ledger.submitted(job.id, reply.lease.fence(), sent).await.unwrap();
            self.touched([uid]).await;
            jobs.push(job);
        }
        jobs
    }

    async fn jobs(&self) -> i64 {
        self.count("SELECT count(*) FROM job").await
    }
}

#[tokio::test]
async fn each_kind_goes_in_its_own_time() {
    let d = Desktop::new().await;
    d.finished(1..=2).await;
    d.pass(10).await;
    let now = d.hands.now();

    let mails = d.forget_all(now, Kinds::Mails).await;
    assert_eq!((mails.mails.count, mails.mails.bytes), (2, 12));
    assert_eq!((mails.results.count, mails.history.count), (0, 0));
    assert_eq!(d.count("SELECT count(*) FROM reply_body").await, 2);

    let results = d.forget_all(now, Kinds::Results).await;
    assert_eq!((results.results.count, results.history.count), (2, 0));
    assert_eq!(results.results.bytes, 2 * reply().bytes.len() as u64);
    assert_eq!(d.jobs().await, 2);

    let history = d.forget_all(now, Kinds::History).await;
    assert_eq!(history.history.count, 2);
    assert!(history.history.bytes > 600, "{history:?}");
    for table in STORY {
        let sql: &'static str = format!("SELECT count(*) FROM {table}").leak();
        assert_eq!(d.count(sql).await, 0, "{table}");
    }
    assert_eq!(d.jobs().await, 0);
    assert_eq!(d.forget_all(now, Kinds::All).await, PruneReport::default());
}

#[tokio::test]
async fn a_mail_whose_history_is_gone_is_still_known_and_settled_as_it_ended() {
    let d = Desktop::new().await;
    d.finished(1..=1).await;
    d.take(vec![mail(2)]).await;
    d.run(failed(), silent()).await;
    d.touched([2]).await;
    d.forget_news().await;
    d.pass(10).await;
    d.forget(d.hands.now()).await;
    assert_eq!(d.jobs().await, 0);

    // The same place, another place, and another UIDVALIDITY.
    assert_eq!(d.take(vec![mail(1)]).await.known, 1);
    assert_eq!(d.take(vec![at(1, 9, "mail 1")]).await.known, 1);
    let again = vec![at(2, 1, "mail 1"), at(2, 2, "mail 2")];
    assert_eq!(d.take(again).await.known, 2);
    assert!(d.nothing_due().await);
    let due = d.ledger.settling(&mailbox(), 2, 9).await.unwrap();
    let due: Vec<_> = due.into_iter().map(|s| (s.place.uid, s.verdict, s.endpoint)).collect();
    let by = Some(endpoint("invoices"));
    assert_eq!(due, [(1, MailOutcome::Done, by.clone()), (2, MailOutcome::Failed, by)]);
    d.pass(10).await;
    let later = d.forget_all(d.hands.now(), Kinds::All).await;
    assert_eq!(later.bytes(), 0, "nothing was kept anew");
}

#[tokio::test]
async fn what_is_oldest_goes_when_all_is_too_much() {
    let d = Desktop::new().await;
    for uid in 1..=10 {
        d.finished(uid..=uid).await;
        d.pass(1).await;
    }
    let size = |mails: u64| Keep {
        age: None,
        size: Some(mails),
    };
    let kept = Retention {
        mails: size(6 + 6 + 7),
        results: size(reply().bytes.len() as u64 * 5),
        history: Keep::FOR_EVER,
    };
    let dropped = d.ledger.forget(kept, d.hands.now()).await.unwrap();
    assert_eq!(
        (dropped.mails.count, dropped.results.count, dropped.history.count),
        (7, 5, 0)
    );
    assert_eq!(d.count("SELECT min(id) FROM mail WHERE idle IS NOT NULL").await, 8);
    assert_eq!(d.count("SELECT min(job) FROM reply_body").await, 6);

    let story = d.count("SELECT sum(story) FROM mail WHERE id > 8").await;
    let kept = Retention {
        mails: Keep::FOR_EVER,
        results: Keep::FOR_EVER,
        history: size(story.unsigned_abs()),
    };
    let dropped = d.ledger.forget(kept, d.hands.now()).await.unwrap();
    assert_eq!((dropped.history.count, d.jobs().await), (8, 2));
}

#[tokio::test]
async fn nothing_that_is_still_to_do_is_dropped() {
    let d = Desktop::new().await;
    d.take((1..=6).map(mail).collect()).await;
    let reply_waits = d.run(done(), send()).await;
    let later = d.claim(1).await.remove(0);
    let due = Some(d.hands.now() + TimeDelta::days(9));
    d.ledger
        .finish(Finish {
            due,
            ..finish(&later, retry())
        })
        .await
        .unwrap();
    d.run(held(), None).await;
    let untold = d.run(failed(), silent()).await;
    let untouched = d.run(done(), silent()).await;
    d.touched([1, 2, 3, 4]).await;
    d.pass(10).await;
    let dropped = d.forget_all(d.hands.now() + TimeDelta::days(1), Kinds::All).await;
    // Of the failed one, of which nobody was told, only the bytes.
    assert_eq!(
        (dropped.mails.count, dropped.results.count, dropped.history.count),
        (1, 0, 0)
    );
    assert_eq!(d.jobs().await, 6);
    for job in [&reply_waits, &untouched] {
        let bytes = format!("SELECT count(*) FROM chunk WHERE id / 65536 = {}", job.mail.0);
        assert_eq!(d.count(bytes.leak()).await, 1);
    }
    d.forget_news().await;
    let dropped = d.forget_all(d.hands.now() + TimeDelta::days(1), Kinds::All).await;
    assert_eq!(dropped.history.count, 1);
    assert!(
        d.ledger
            .overview(9)
            .await
            .unwrap()
            .iter()
            .all(|row| row.job != untold.id)
    );
}

#[tokio::test]
async fn a_conversation_keeps_its_job_and_its_answers_until_it_expires() {
    let d = Desktop::new().await;
    d.take(vec![mail(1)]).await;
    let new = NewConversation {
        key: ConversationKey([7; 32]),
        endpoint: endpoint("invoices"),
        allowed: AllowedSenders::Like(vec!["*".into()]),
        proven: false,
        most: 1,
        depth: 0,
        data: None,
        expires: d.hands.now() + TimeDelta::days(1),
    };
    let asks = NewReply {
        conversation: Some(Box::new(new)),
        ..reply()
    };
    let job = d.run(done(), Some(ReplyDecision::Send(asks))).await;
    soon(d.ledger.claim_replies("contoso", 1)).await.unwrap();
    d.ledger
        .submitted(job.id, Fence(1), Submitted::Sent("250".into()))
        .await
        .unwrap();
    d.take(vec![mail(2)]).await;
    let answer = d.claim(1).await.remove(0);
    let key = ConversationKey([7; 32]);
    assert!(d.ledger.accept_answer(key, answer.id, Fence(1)).await.unwrap());
    d.ledger
        .finish(Finish {
            reply: silent(),
            ..finish(&answer, done())
        })
        .await
        .unwrap();
    d.touched([1, 2]).await;
    d.pass(3600).await;
    assert_eq!(d.forget_all(d.hands.now(), Kinds::History).await.history.count, 0);
    d.take(vec![mail(3)]).await;
    let late = d.claim(1).await.remove(0);
    assert!(
        !d.ledger.accept_answer(key, late.id, Fence(1)).await.unwrap(),
        "one was accepted"
    );
    d.pass(2 * 86_400).await;
    assert_eq!(d.forget_all(d.hands.now(), Kinds::History).await.history.count, 2);
    assert_eq!(d.count("SELECT count(*) FROM conversation").await, 0);
}

#[tokio::test]
async fn what_is_open_again_is_kept_again() {
    let d = Desktop::new().await;
    d.take(vec![mail(1)]).await;
    let job = d.run(done(), send()).await;
    d.submit(Submitted::Refused("550".into())).await;
    d.kept_again("nothing was done").await.unwrap_err();
    d.beside().await.retry_replies(RetrySelection::Refused).await.unwrap();
    d.kept_again("its reply goes again").await.unwrap();
    d.submit(Submitted::Sent("250".into())).await;
    d.kept_again("it was sent").await.unwrap_err();
    d.ledger.steer(Steer::Replay, vec![job.id]).await.unwrap();
    d.kept_again("its job runs anew").await.unwrap();
    d.run(done(), silent()).await;
    d.kept_again("that has ended").await.unwrap_err();
    let later = |tx: &mut Transaction<'_>| route::forward(tx, 1, &[endpoint("later")]);
    d.ledger.change(later).await.unwrap();
    d.kept_again("another endpoint has it").await.unwrap();
}

impl Desktop {
    async fn submit(&self, what: Submitted) {
        let reply = soon(self.ledger.claim_replies("contoso", 1)).await.unwrap().remove(0);
        self.ledger
            .submitted(reply.job, reply.lease.fence(), what)
            .await
            .unwrap();
    }

    /// Whether the only mail counts as one that has not ended.
    async fn kept_again(&self, why: &'static str) -> Result<(), &'static str> {
        self.pass(10).await;
        match self.count("SELECT ended IS NULL AND idle IS NULL FROM mail").await {
            1 => Ok(()),
            _ => Err(why),
        }
    }
}

#[tokio::test]
async fn freed_space_goes_back_to_the_disk_while_others_write() {
    let d = Desktop::new().await;
    let text = "x".repeat(1 << 20);
    for uid in 1..=24 {
        d.take(vec![at(1, uid, &format!("{uid} {text}"))]).await;
        d.run(ignored(), None).await;
    }
    d.touched(1..=24).await;
    d.pass(1).await;
    let (forgotten, ping) = tokio::join!(d.forget_all(d.hands.now(), Kinds::Mails), d.ledger.ping());
    ping.unwrap();
    assert!(forgotten.given_back > 20 << 20, "{forgotten:?}");
    assert!(
        std::fs::metadata(d.path()).unwrap().len() < 4 << 20,
        "the file itself is small"
    );
    assert_eq!(d.take(vec![mail(99)]).await.new, 1);
}

impl Desktop {
    async fn forget_news(&self) {
        let told = |tx: &mut Transaction<'_>| Ok(tx.db.execute_batch("DELETE FROM news")?);
        self.ledger.change(told).await.unwrap();
    }
}

fn held() -> Outcome {
    Outcome::Held {
        reason: Reason::Poison,
        detail: "look".into(),
    }
}
