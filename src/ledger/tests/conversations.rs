//! Replies that may be answered.

use chrono::TimeDelta;
use serde_json::json;

use super::*;
use crate::{
    job::{AllowedSenders, ConversationToken, NewConversation, state::State},
    ledger::Summary,
};

fn token(byte: u8) -> ConversationToken {
    ConversationToken::new([byte; 16])
}

/// Lets the first job's reply be answered.
async fn asked(most: u32) -> (Desktop, ClaimedJob) {
    let d = Desktop::new().await;
    d.take(vec![mail(1)]).await;
    let job = d.claim(1).await.pop().unwrap();
    let conversation = NewConversation {
        key: token(1).key(),
        endpoint: endpoint("answers"),
        allowed: AllowedSenders::Exactly(vec!["boss@example.com".into()]),
        proven: false,
        most,
        depth: 2,
        data: Some(json!({ "order": [7, null] })),
        expires: d.hands.now() + TimeDelta::days(1),
    };
    let reply = NewReply {
        conversation: Some(Box::new(conversation)),
        ..reply()
    };
    let summary = Summary {
        from: "ann@example.com".into(),
        subject: "Order".into(),
        message_id: "o@example.com".into(),
    };
    let end = Finish {
        reply: Some(ReplyDecision::Send(reply)),
        summary: Some(summary),
        ..finish(&job, done())
    };
    d.ledger.finish(end).await.unwrap();
    (d, job)
}

async fn found(d: &Desktop, keys: &[u8], answer: &ClaimedJob) -> Option<KnownConversation> {
    let keys = keys.iter().map(|byte| token(*byte).key()).collect();
    d.ledger.conversation(keys, answer.id).await.unwrap()
}

async fn accept(d: &Desktop, job: &ClaimedJob) -> bool {
    d.ledger
        .accept_answer(token(1).key(), job.id, job.attempt)
        .await
        .unwrap()
}

#[tokio::test]
async fn an_answer_finds_what_was_asked() {
    let (mut d, job) = asked(1).await;
    d.take(vec![mail(2)]).await;
    d.reopen().await;
    let answer = d.claim(1).await.pop().unwrap();
    assert_eq!(found(&d, &[], &answer).await, None);
    assert_eq!(found(&d, &[9], &answer).await, None);
    let known = found(&d, &[9, 1], &answer).await.unwrap();
    assert_eq!(known.key, token(1).key());
    assert_eq!(known.endpoint, "answers");
    assert_eq!(known.allowed, AllowedSenders::Exactly(vec!["boss@example.com".into()]));
    assert_eq!(known.expires, d.hands.now() + TimeDelta::days(1));
    assert!(!known.ours);
    let told = known.told;
    assert_eq!((told.job, told.endpoint.as_str(), told.depth), (job.id, "invoices", 3));
    assert_eq!(told.data, Some(json!({ "order": [7, null] })));
    assert_eq!(
        (told.subject.as_str(), told.from.as_str()),
        ("Order", "ann@example.com")
    );
    assert_eq!(told.message_id.as_deref(), Some("o@example.com"));
}

#[tokio::test]
async fn the_first_answer_ends_it_and_keeps_its_place_over_restarts() {
    let (mut d, _) = asked(1).await;
    d.take(vec![mail(2), mail(3)]).await;
    let jobs = d.claim(2).await;
    let (first, second) = (jobs[0].clone(), jobs[1].clone());
    let both = tokio::join!(accept(&d, &first), accept(&d, &second));
    assert_eq!(both, (true, false));
    assert!(accept(&d, &first).await, "again, by the same attempt");
    assert!(found(&d, &[1], &first).await.unwrap().ours);
    assert!(!found(&d, &[1], &second).await.unwrap().ours);

    // The process dies; both run again, one after the other.
    d.reopen().await;
    for _ in 0..2 {
        let again = d.claim(1).await.pop().unwrap();
        assert_eq!(accept(&d, &again).await, again.id == first.id);
        let stale = d.ledger.accept_answer(token(1).key(), again.id, first.attempt).await;
        assert!(matches!(stale, Err(Error::Stale(_))), "{stale:?}");
        let unknown = d.ledger.accept_answer(token(9).key(), again.id, again.attempt).await;
        assert!(!unknown.unwrap());
        d.ledger.finish(finish(&again, done())).await.unwrap();
    }
}

#[tokio::test]
async fn who_fails_or_is_ignored_leaves_the_place_and_who_is_done_or_waits_keeps_it() {
    let later = |d: &Desktop| Some(d.hands.now() + TimeDelta::days(9));
    for (outcome, state, free) in [
        (failed(), State::Failed, true),
        (ignored(), State::Ignored, true),
        (done(), State::Done, false),
        (retry(), State::Deferred, false),
    ] {
        let (d, _) = asked(1).await;
        d.take(vec![mail(2), mail(3)]).await;
        let jobs = d.claim(2).await;
        assert!(accept(&d, &jobs[0]).await);
        let end = Finish {
            due: later(&d),
            ..finish(&jobs[0], outcome)
        };
        d.ledger.finish(end).await.unwrap();
        assert_eq!(accept(&d, &jobs[1]).await, free, "{state:?}");
    }
}

#[tokio::test]
async fn several_answers_count_where_that_is_meant() {
    let (d, _) = asked(2).await;
    d.take((2..6).map(mail).collect()).await;
    let mut accepted = Vec::new();
    for job in d.claim(4).await {
        accepted.push(accept(&d, &job).await);
    }
    assert_eq!(accepted, [true, true, false, false]);
}

#[tokio::test]
async fn what_expired_is_forgotten_with_its_answers() {
    let (d, _) = asked(1).await;
    d.take(vec![mail(2)]).await;
    let job = d.claim(1).await.pop().unwrap();
    assert!(accept(&d, &job).await);
    d.forget(d.hands.now() + TimeDelta::days(1)).await;
    assert!(found(&d, &[1], &job).await.is_some(), "it expires just then");
    d.forget(d.hands.now() + TimeDelta::days(2)).await;
    assert_eq!(found(&d, &[1], &job).await, None);
    d.ledger.finish(finish(&job, done())).await.unwrap();
}

#[tokio::test]
async fn the_file_does_not_have_the_token() {
    let (d, _) = asked(1).await;
    d.ledger.close().await;
    let file = std::fs::read(d.path()).unwrap();
    assert!(file.windows(16).all(|window| window != [1; 16]));
    assert!(file.windows(32).any(|window| window == token(1).key().0));
}
