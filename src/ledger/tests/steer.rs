//! What an operator does to jobs, by the side door and in the process.

use super::*;
use crate::{
    job::{Decision, Exchange, Trace, state::State},
    ledger::{JobTable, ReplyState, Steer, Steered, TouchState, Unsteerable},
};

impl Desktop {
    /// The side door.
    pub(in crate::ledger) async fn steer(&self, steer: Steer, job: JobId) -> Steered {
        self.beside().await.steer(steer, vec![job]).await.unwrap().remove(0)
    }

    pub(in crate::ledger) async fn story(&self, job: JobId) -> crate::ledger::JobStory {
        self.beside().await.story(job).await.unwrap().unwrap()
    }

    /// Sends the reply that waits.
    pub(in crate::ledger) async fn sent(&self) {
        let reply = soon(self.ledger.claim_replies("contoso", 1)).await.unwrap().remove(0);
        let end = Submitted::Sent("250 ok".into());
        self.ledger
            .submitted(reply.job, reply.lease.fence(), end)
            .await
            .unwrap();
    }

    pub(in crate::ledger) async fn settled(&self, uid: u32) {
        let place = Place { uid_validity: 1, uid };
        self.ledger.settled(&nobodys(&mailbox()), &[place]).await.unwrap();
    }
}

pub(in crate::ledger) fn refused(job: &ClaimedJob, state: State, why: Unsteerable) -> Steered {
    Steered {
        job: job.id,
        state: Some(state),
        refused: Some(why),
    }
}

pub(in crate::ledger) fn queued(job: &ClaimedJob) -> Steered {
    Steered {
        job: job.id,
        state: Some(State::Queued),
        refused: None,
    }
}

#[tokio::test]
async fn a_failed_job_is_tried_again_with_a_reply_of_its_own_and_its_history() {
    let d = Desktop::new().await;
    d.take(vec![mail(1)]).await;
    let job = d.claim(1).await.remove(0);
    let trace = Trace {
        decision: Some(Decision {
            sender: "ann@a.example".into(),
            ..Decision::default()
        }),
        exchange: Some(Exchange::Command {
            argv: vec!["false".into()],
            exit: Some(1),
            signal: None,
            stdout: Default::default(),
            stderr: crate::job::TruncatedText::tail(b"oh no"),
        }),
    };
    let end = Finish {
        reply: send(),
        trace: trace.clone(),
        ..finish(&job, failed())
    };
    d.ledger.finish(end).await.unwrap();
    d.sent().await;
    assert_eq!(d.settling().await, [(1, MailOutcome::Failed)]);

    assert_eq!(d.steer(Steer::Retry, job.id).await, queued(&job));
    assert_eq!(d.settling().await, [], "its mail has not ended any more");
    let again = d.claim(1).await.remove(0);
    assert_eq!(
        (again.id, again.attempt, again.retries, again.rerun),
        (job.id, 2, 0, 1),
        "the same job, with all its attempts"
    );
    assert_eq!(
        d.steer(Steer::Retry, job.id).await,
        refused(&job, State::Running, Unsteerable::State)
    );
    let mut second = reply();
    second.message_id = "2@mailjob".into();
    let end = Finish {
        reply: Some(ReplyDecision::Send(second)),
        ..finish(&again, done())
    };
    d.ledger.finish(end).await.unwrap();
    d.sent().await;
    assert_eq!(d.settling().await, [(1, MailOutcome::Done)]);
    d.settled(1).await;

    let story = d.story(job.id).await;
    let attempts: Vec<_> = story
        .attempts
        .iter()
        .map(|one| (one.number, one.outcome.as_str()))
        .collect();
    assert_eq!(attempts, [(1, "failed"), (2, "done")]);
    assert_eq!(story.attempts[0].trace, trace);
    let replies: Vec<_> = story
        .replies
        .iter()
        .map(|one| (one.rerun, one.message_id.as_str(), one.state, one.recipients[0].state))
        .collect();
    assert_eq!(
        replies,
        [
            (1, "2@mailjob", ReplyState::Sent, ReplyState::Sent),
            (0, "1@mailjob", ReplyState::Sent, ReplyState::Sent)
        ]
    );
    let place = &story.mail.places[0];
    assert_eq!(
        (place.touch, place.verdict),
        (TouchState::Settled, Some(MailOutcome::Done))
    );
    assert!(place.settled.is_some() && story.mail.has_bytes);
    let since = d.hands.now() - chrono::TimeDelta::hours(1);
    assert_eq!(
        d.ledger.submissions("contoso", since).await.unwrap().len(),
        2,
        "both count for the account's pace"
    );
    for (rerun, bytes) in [(None, true), (Some(0), true), (Some(1), true), (Some(2), false)] {
        assert_eq!(
            JobTable::reply(&*d.ledger, job.id, rerun).await.is_ok(),
            bytes,
            "{rerun:?}"
        );
    }
    assert_eq!(JobTable::mail(&*d.ledger, job.id).await.unwrap(), "mail 1");
}

#[tokio::test]
async fn a_reply_that_nobody_has_got_is_withdrawn_and_one_that_is_being_sent_is_left_alone() {
    let d = Desktop::new().await;
    d.take(vec![mail(1), mail(2)]).await;
    let first = d.run(failed(), send()).await;
    assert_eq!(d.steer(Steer::Retry, first.id).await, queued(&first));
    let story = d.story(first.id).await;
    assert!(story.replies[0].withdrawn && story.replies.len() == 1, "{story:?}");
    let claim = at_once(&d.ledger, d.ledger.claim_replies("contoso", 1)).await;
    assert!(claim.is_none(), "it does not go");
    let mut claimed = d.claim(2).await;
    claimed.sort_by_key(|job| job.id);
    let second = claimed.pop().unwrap();
    let end = Finish {
        reply: send(),
        ..finish(&second, failed())
    };
    d.ledger.finish(end).await.unwrap();
    let sending = soon(d.ledger.claim_replies("contoso", 1)).await.unwrap().remove(0);
    assert_eq!(sending.job, second.id);
    for steer in [Steer::Retry, Steer::Replay] {
        assert_eq!(
            d.steer(steer, second.id).await,
            refused(&second, State::Failed, Unsteerable::Sending)
        );
    }
}

#[tokio::test]
async fn what_can_be_done_depends_on_the_state() {
    let d = Desktop::new().await;
    d.take((1..=3).map(mail).collect()).await;
    let done = d.run(done(), silent()).await;
    assert_eq!(
        d.steer(Steer::Retry, done.id).await,
        refused(&done, State::Done, Unsteerable::State)
    );
    assert_eq!(
        d.steer(Steer::Discard, done.id).await,
        refused(&done, State::Done, Unsteerable::State)
    );
    let unknown = JobId(uuid::Uuid::from_u128(7));
    let told = JobTable::steer(&*d.ledger, Steer::Retry, vec![unknown, done.id])
        .await
        .unwrap();
    assert_eq!(
        told.iter().map(|one| one.refused).collect::<Vec<_>>(),
        [Some(Unsteerable::Unknown), Some(Unsteerable::State)]
    );
    assert_eq!(d.steer(Steer::Replay, done.id).await, queued(&done));
    let again = d.run(ignored(), None).await;
    assert_eq!((again.id, again.attempt, again.rerun), (done.id, 2, 1));

    let held = d.run(
        Outcome::Held {
            reason: Reason::Unreadable,
            detail: "no".into(),
        },
        None,
    );
    let held = held.await;
    assert_eq!(d.steer(Steer::Retry, held.id).await, queued(&held));
    let later = d.claim(1).await.remove(0);
    let end = Finish {
        due: Some(d.hands.now() + chrono::TimeDelta::hours(1)),
        ..finish(&later, retry())
    };
    d.ledger.finish(end).await.unwrap();
    assert_eq!(d.steer(Steer::Retry, later.id).await, queued(&later), "it is due now");
}

#[tokio::test]
async fn a_discarded_job_fails_in_silence_and_its_mail_is_settled() {
    let d = Desktop::new().await;
    d.take(vec![mail(1)]).await;
    let job = d
        .beside()
        .await
        .list(Default::default())
        .await
        .unwrap()
        .jobs
        .remove(0)
        .id;
    let told = d.steer(Steer::Discard, job).await;
    assert_eq!((told.state, told.refused), (Some(State::Failed), None));
    assert_eq!(d.settling().await, [(1, MailOutcome::Failed)]);
    let row = d.row().await;
    assert_eq!(
        (row.reason.as_deref(), row.silent.as_deref()),
        (Some("discarded"), Some("discarded"))
    );
    assert!(d.nothing_due().await);
    let (news, _) = crate::ledger::NoticeTable::news(&*d.ledger, 9).await.unwrap();
    assert!(news.is_empty(), "the operator knows: {news:?}");
    assert_eq!(
        d.steer(Steer::Retry, job).await.state,
        Some(State::Queued),
        "it may be regretted"
    );
}
