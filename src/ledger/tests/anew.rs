//! What it takes to run a job anew: its mail's bytes, its chances, and the parts of its mail.

use super::{
    steer::{queued, refused},
    *,
};
use crate::{
    job::state::State,
    ledger::{Steer, Unsteerable},
};

#[tokio::test]
async fn without_its_mail_nothing_runs_anew() {
    let d = Desktop::new().await;
    d.take(vec![mail(1)]).await;
    let job = d.run(failed(), send()).await;
    d.sent().await;
    d.settled(1).await;
    d.pass(60).await;
    assert!(d.forget(d.hands.now()).await > 0);
    for steer in [Steer::Retry, Steer::Replay] {
        assert_eq!(
            d.steer(steer, job.id).await,
            refused(&job, State::Failed, Unsteerable::Forgotten)
        );
    }
    let story = d.story(job.id).await;
    assert_eq!((story.mail.has_bytes, story.replies[0].size), (false, None));
    assert_eq!(story.replies.len(), 1, "nothing was set aside for nothing");
}

#[tokio::test]
async fn a_job_that_killed_the_process_has_its_chances_again() {
    let mut d = Desktop::new().await;
    d.take(vec![mail(1)]).await;
    let mut job = None;
    for _ in 0..crate::job::state::POISON {
        job = d.claim(1).await.pop();
        d.reopen().await;
    }
    let job = job.unwrap();
    assert_eq!(d.row().await.state, State::Held);
    assert_eq!(d.steer(Steer::Retry, job.id).await, queued(&job));
    assert_eq!(d.claim(1).await[0].interrupted, 0);
}

#[tokio::test]
async fn parts_that_failed_are_tried_again_with_the_job_of_their_mail() {
    let d = Desktop::new().await;
    d.take(vec![mail(1)]).await;
    let piece = |index, name: &str| crate::job::AttachmentRef {
        index,
        name: name.into(),
    };
    let whole = d
        .run(Outcome::Split(vec![piece(0, "a.pdf"), piece(1, "b.pdf")]), None)
        .await;
    let gathered = || Some(ReplyDecision::Gathered);
    let first = d.run(done(), gathered()).await;
    let second = d.run(failed(), gathered()).await;
    assert_eq!(d.run(failed(), silent()).await.id, whole.id);
    assert_eq!(
        d.steer(Steer::Replay, first.id).await,
        refused(&first, State::Done, Unsteerable::Part)
    );
    let told = d.steer(Steer::Retry, whole.id).await;
    assert_eq!((told.state, told.refused), (Some(State::Waiting), None));
    let again = d.claim(9).await;
    assert_eq!(
        again.iter().map(|job| job.id).collect::<Vec<_>>(),
        [second.id],
        "only what failed"
    );
    let end = Finish {
        reply: gathered(),
        ..finish(&again[0], done())
    };
    d.ledger.finish(end).await.unwrap();
    let parts = d.ledger.parts(whole.id, 1_000).await.unwrap().parts;
    assert!(
        parts
            .iter()
            .all(|part| part.state == State::Done && part.answer.text.is_some()),
        "what the others answered is still there: {parts:?}"
    );
    let end = d.run(done(), silent()).await;
    assert_eq!((end.id, end.rerun), (whole.id, 1));
    assert_eq!(d.settling().await, [(1, MailOutcome::Done)]);

    let told = d.steer(Steer::Replay, whole.id).await;
    assert_eq!(told.state, Some(State::Waiting));
    assert_eq!(d.claim(9).await.len(), 2, "all of them");
    let story = d.story(whole.id).await;
    assert_eq!(story.parts.len(), 2);
    assert_eq!(d.story(second.id).await.mail_job, Some(whole.id));
    assert_eq!(
        d.steer(Steer::Discard, whole.id).await,
        refused(&whole, State::Waiting, Unsteerable::Parts)
    );
}
