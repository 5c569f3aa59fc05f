//! What became of each recipient, and the side door to replies.

use chrono::TimeDelta;

use super::*;
use crate::ledger::{NoticeTable, OutboxRow, RecipientEnd, ReplyFilter, ReplyState, Retried, RetrySelection};

const ODD: &str = "\"odd\n\"@example.org";

fn end(address: &str, state: ReplyState, said: &str) -> RecipientEnd {
    RecipientEnd {
        address: address.into(),
        state,
        said: said.into(),
    }
}

impl Desktop {
    /// A done job whose reply is claimed.
    async fn claimed_reply(&self, uid: u32) -> ClaimedReply {
        self.take(vec![mail(uid)]).await;
        self.run(done(), send()).await;
        soon(self.ledger.claim_replies("contoso", 1))
            .await
            .unwrap()
            .pop()
            .unwrap()
    }

    async fn listed(&self, states: &[ReplyState]) -> Vec<OutboxRow> {
        let filter = ReplyFilter {
            account: None,
            states: states.to_vec(),
            max: 10,
            before: None,
        };
        self.beside().await.replies(filter).await.unwrap().0
    }

    async fn retry(&self, which: RetrySelection) -> Retried {
        self.beside().await.retry_replies(which).await.unwrap()
    }
}

#[tokio::test]
async fn only_the_open_recipients_are_tried_again() {
    let d = Desktop::new().await;
    let first = d.claimed_reply(1).await;
    let due = Some(d.hands.now() + TimeDelta::seconds(60));
    let each = Submitted::Each {
        recipients: vec![
            end("a@example.org", ReplyState::Sent, "250 ok"),
            end(ODD, ReplyState::Queued, "450 busy"),
        ],
        due,
    };
    d.ledger.submitted(first.job, Fence(1), each).await.unwrap();
    assert_eq!(d.settling().await, [], "one still has to get it");
    let row = d.listed(&[ReplyState::Queued]).await.remove(0);
    assert_eq!(row.due, due);
    assert_eq!(row.recipients[0], end("a@example.org", ReplyState::Sent, "250 ok"));
    assert_eq!(row.recipients[1], end(ODD, ReplyState::Queued, "450 busy"));

    d.pass(60).await;
    let again = soon(d.ledger.claim_replies("contoso", 1)).await.unwrap().remove(0);
    assert_eq!(again.reply.recipients, [ODD]);
    assert_eq!(
        (&again.reply.bytes, &again.reply.message_id),
        (&first.reply.bytes, &first.reply.message_id)
    );
    d.ledger
        .submitted(first.job, Fence(2), Submitted::Refused("550 who?".into()))
        .await
        .unwrap();
    assert_eq!(
        d.settling().await,
        [(1, MailOutcome::Done)],
        "sent to one, and nobody is open"
    );
    let refused = d.listed(&[ReplyState::Refused]).await.remove(0);
    assert_eq!(refused.state, ReplyState::Sent, "listed for the one who has not got it");
    assert_eq!(refused.recipients[1], end(ODD, ReplyState::Refused, "550 who?"));
    assert_eq!(
        d.ledger
            .submissions("contoso", d.hands.now() - TimeDelta::hours(1))
            .await
            .unwrap()
            .len(),
        1
    );
    assert_eq!(d.ledger.submissions("contoso", d.hands.now()).await.unwrap().len(), 0);
    assert_eq!(
        d.ledger
            .submissions("other", d.hands.now() - TimeDelta::hours(1))
            .await
            .unwrap()
            .len(),
        0
    );
}

#[tokio::test]
async fn a_refused_reply_is_tried_again_by_whoever_has_the_ledger_open() {
    let d = Desktop::new().await;
    let first = d.claimed_reply(1).await;
    let refused = Submitted::Each {
        recipients: vec![
            end("a@example.org", ReplyState::Sent, "250 ok"),
            end(ODD, ReplyState::Refused, "550 who?"),
        ],
        due: None,
    };
    d.ledger.submitted(first.job, Fence(1), refused).await.unwrap();
    d.touched([1]).await;
    assert_eq!(
        d.retry(RetrySelection::Refused).await,
        Retried::default(),
        "one has got it"
    );
    d.pass(1_000_000).await;

    // Waits before the reply is due, and hears of it from another process.
    let claim = d.ledger.claim_replies("contoso", 1);
    let retry = async { d.retry(RetrySelection::Job(first.job)).await };
    let (claimed, retried) = soon(futures_util::future::join(claim, retry)).await;
    assert_eq!(retried.due, 1);
    let claimed = claimed.unwrap().remove(0);
    assert_eq!(claimed.reply.recipients, [ODD], "not to whom got it");
    assert_eq!(claimed.made, d.hands.now(), "its days count anew");
    assert_eq!(d.forget(d.hands.now()).await, 0, "its bytes are needed");
    assert_eq!(d.retry(RetrySelection::Job(first.job)).await.running, 1);
    d.ledger
        .submitted(first.job, Fence(2), Submitted::Sent("250 ok".into()))
        .await
        .unwrap();
    assert_eq!(d.retry(RetrySelection::Job(first.job)).await.sent, 1);
    assert_eq!(d.settling().await, [], "its last touch was before");

    d.pass(1).await;
    assert!(d.forget(d.hands.now()).await > 0);
}

#[tokio::test]
async fn what_can_t_be_tried_again_is_told() {
    let d = Desktop::new().await;
    let unknown = d
        .beside()
        .await
        .retry_replies(RetrySelection::Job(JobId(uuid::Uuid::nil())))
        .await;
    assert!(matches!(unknown, Err(Error::Missing(_))), "{unknown:?}");
    let reply = d.claimed_reply(1).await;
    d.ledger
        .submitted(reply.job, Fence(1), Submitted::Refused("550".into()))
        .await
        .unwrap();
    d.touched([1]).await;
    d.pass(10).await;
    d.forget(d.hands.now()).await;
    assert_eq!(d.retry(RetrySelection::Refused).await.gone, 1);
    assert!(!d.listed(&[ReplyState::Refused]).await[0].has_bytes);
    let other = ReplyFilter {
        account: Some("other".into()),
        states: ReplyState::ALL.to_vec(),
        max: 10,
        before: None,
    };
    assert_eq!(d.beside().await.replies(other).await.unwrap(), (vec![], 0));
}

#[tokio::test]
async fn all_that_waits_is_due_at_once() {
    let d = Desktop::new().await;
    for uid in 1..=3 {
        let reply = d.claimed_reply(uid).await;
        let later = Submitted::Later {
            due: d.hands.now() + TimeDelta::days(1),
            detail: "busy".into(),
        };
        d.ledger.submitted(reply.job, Fence(1), later).await.unwrap();
    }
    assert_eq!(d.retry(RetrySelection::Queued).await.due, 3);
    let claimed = soon(d.ledger.claim_replies("contoso", 9)).await.unwrap();
    assert_eq!(claimed.len(), 3);
    let made = claimed.iter().all(|reply| reply.made == d.hands.now());
    assert!(made, "what only waited keeps its days");
}

#[tokio::test]
async fn an_end_that_was_lost_three_times_is_for_an_operator() {
    let d = Desktop::new().await;
    let lost = |due| Submitted::Lost {
        due,
        detail: "the connection broke after the mail was sent".into(),
    };
    let first = d.claimed_reply(1).await;
    let mut fence = first.lease.fence();
    for time in 1..=3 {
        let due = Some(d.hands.now());
        d.ledger.submitted(first.job, fence, lost(due)).await.unwrap();
        let state = d.listed(&ReplyState::ALL).await[0].state;
        assert_eq!(
            state,
            if time < 3 {
                ReplyState::Queued
            } else {
                ReplyState::Unsure
            }
        );
        if time < 3 {
            fence = soon(d.ledger.claim_replies("contoso", 1))
                .await
                .unwrap()
                .pop()
                .unwrap()
                .lease
                .fence();
        }
    }
    let unsure = d.listed(&[ReplyState::Unsure]).await;
    assert_eq!((unsure.len(), unsure[0].due), (1, None));
    assert!(unsure[0].said.as_ref().unwrap().contains("lost 3 times"));
    assert_eq!(unsure[0].recipients[0].state, ReplyState::Unsure);
    assert!(d.listed(&[ReplyState::Queued]).await.is_empty());
    // The operator is told, and the mail is not settled.
    let (news, _) = d.ledger.news(3).await.unwrap();
    assert!(
        news.iter().any(|news| news.kind == crate::ledger::NewsKind::Unsure),
        "{news:?}"
    );
    assert_eq!(d.settling().await, []);
    assert_eq!(d.retry(RetrySelection::Queued).await.due, 0);
    assert_eq!(d.retry(RetrySelection::Refused).await.due, 0);
    let door = d.beside().await;
    assert!(door.accept_reply(first.job).await.unwrap());
    assert!(!door.accept_reply(first.job).await.unwrap());
    assert_eq!(d.listed(&[ReplyState::Sent]).await.len(), 1);
    assert_eq!(d.settling().await.len(), 1);
    // One that can't be tried any more is unsure at once; tried again, it counts anew.
    let second = d.claimed_reply(2).await;
    d.ledger
        .submitted(second.job, second.lease.fence(), lost(None))
        .await
        .unwrap();
    assert_eq!(d.listed(&[ReplyState::Unsure]).await.len(), 1);
    assert_eq!(d.retry(RetrySelection::Job(second.job)).await.due, 1);
    let again = soon(d.ledger.claim_replies("contoso", 1)).await.unwrap().pop().unwrap();
    d.ledger
        .submitted(again.job, again.lease.fence(), lost(Some(d.hands.now())))
        .await
        .unwrap();
    assert!(d.listed(&[ReplyState::Unsure]).await.is_empty());
}
