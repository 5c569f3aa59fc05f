//! Replies that came back.

use super::*;
use crate::{
    job::{AllowedSenders, ConversationToken, NewConversation, token::ReplyReference},
    ledger::{Bounced, NewsKind, NoticeTable, RecipientEnd, ReplyFilter, ReplyState, RetrySelection, Steer},
};

const ANN: &str = "a@example.org";
const ODD: &str = "\"odd\n\"@example.org";

fn bounce(job: JobId, recipients: &[&str]) -> Bounced {
    Bounced {
        replies: vec![
            (ReplyReference::Job(JobId(uuid::Uuid::nil())), "1@mailjob".into()),
            (ReplyReference::Job(job), "1@MAILJOB".into()),
        ],
        recipients: recipients.iter().map(|one| (*one).to_owned()).collect(),
        said: "550 no such user".into(),
    }
}

impl Desktop {
    /// A done job whose reply was sent.
    async fn answered(&self, uid: u32) -> JobId {
        self.take(vec![mail(uid)]).await;
        let job = self.run(done(), send()).await;
        self.sent().await;
        job.id
    }

    async fn ends(&self, job: JobId) -> (ReplyState, Vec<(String, ReplyState, String)>) {
        let story = self.story(job).await;
        let reply = &story.replies[0];
        let ends = reply.recipients.iter();
        let ends = ends.map(|RecipientEnd { address, state, said }| (address.clone(), *state, said.clone()));
        (reply.state, ends.collect())
    }

    async fn came_back(&self) -> Vec<JobId> {
        let filter = ReplyFilter {
            states: vec![ReplyState::Bounced],
            max: 10,
            ..ReplyFilter::default()
        };
        let listed = self.beside().await.replies(filter).await.unwrap();
        listed.0.into_iter().map(|row| row.job).collect()
    }
}

#[tokio::test]
async fn a_reply_comes_back_once_and_is_not_sent_again() {
    let d = Desktop::new().await;
    let job = d.answered(1).await;
    let before = d.row().await;
    assert_eq!(d.ledger.bounced(bounce(job, &[])).await.unwrap(), Some(job));
    let mut other = bounce(job, &[]);
    other.said = "forged".into();
    assert_eq!(
        d.ledger.bounced(other).await.unwrap(),
        Some(job),
        "it is known, and that is all"
    );

    let words = || "550 no such user".to_owned();
    let each = vec![
        (ANN.into(), ReplyState::Bounced, words()),
        (ODD.into(), ReplyState::Bounced, words()),
    ];
    assert_eq!(d.ends(job).await, (ReplyState::Bounced, each));
    let after = d.row().await;
    assert_eq!((after.state, after.attempts), (before.state, before.attempts));
    assert_eq!(after.reply.unwrap().state, "bounced");
    assert_eq!(d.came_back().await, [job]);
    let counts = d.ledger.counts().await.unwrap();
    assert_eq!(counts.replies("invoices").bounced, 1);
    assert!(at_once(&d.ledger, d.ledger.claim_replies("contoso", 9)).await.is_none());
    let (news, _) = d.ledger.news(3).await.unwrap();
    assert_eq!((news.len(), news[0].kind, news[0].count), (1, NewsKind::Bounced, 1));
    assert_eq!(news[0].examples[0].detail, "550 no such user");
    let told = d.count("SELECT count(*) FROM event WHERE kind = 'reply-bounced'").await;
    assert_eq!(told, 1);

    // An operator may have it sent again, to those who have not got it.
    let door = d.beside().await;
    assert_eq!(
        door.retry_replies(RetrySelection::Refused).await.unwrap().due,
        0,
        "it was not refused"
    );
    assert_eq!(door.retry_replies(RetrySelection::Job(job)).await.unwrap().due, 1);
    d.sent().await;
    assert_eq!(d.ends(job).await.0, ReplyState::Sent);
    assert_eq!(d.came_back().await, []);
    assert_eq!(inspect(&d.path()).await.unwrap().findings, []);
}

#[tokio::test]
async fn only_who_is_named_has_not_got_it() {
    let d = Desktop::new().await;
    let job = d.answered(1).await;
    d.ledger
        .bounced(bounce(job, &["x@alias.example", "A@Example.ORG"]))
        .await
        .unwrap();
    let (state, ends) = d.ends(job).await;
    assert_eq!(
        (state, ends[0].1, ends[1].1),
        (ReplyState::Sent, ReplyState::Bounced, ReplyState::Sent)
    );
    assert_eq!(d.came_back().await, [job], "it is listed all the same");
    let door = d.beside().await;
    assert_eq!(door.retry_replies(RetrySelection::Job(job)).await.unwrap().due, 1);
    let again = soon(d.ledger.claim_replies("contoso", 1)).await.unwrap().remove(0);
    assert_eq!(again.reply.recipients, [ANN], "not to whom got it");
    d.ledger
        .submitted(job, again.attempt, Submitted::Sent("250".into()))
        .await
        .unwrap();
    // Whom nobody knows, such as behind an alias, is anybody.
    d.ledger.bounced(bounce(job, &["x@alias.example"])).await.unwrap();
    assert_eq!(d.ends(job).await.0, ReplyState::Bounced);
    assert_eq!(inspect(&d.path()).await.unwrap().findings, []);
}

#[tokio::test]
async fn what_was_not_sent_can_t_come_back() {
    let d = Desktop::new().await;
    d.take(vec![mail(1)]).await;
    let job = d.run(done(), send()).await.id;
    assert_eq!(d.ledger.bounced(bounce(job, &[])).await.unwrap(), Some(job));
    assert_eq!(d.ends(job).await.0, ReplyState::Queued);
    // One of two had it, and it came back before the other was tried for the last time.
    let reply = soon(d.ledger.claim_replies("contoso", 1)).await.unwrap().remove(0);
    let end = |address: &str, state| RecipientEnd {
        address: address.into(),
        state,
        said: "said".into(),
    };
    let each = |recipients| Submitted::Each {
        recipients,
        due: Some(d.hands.now()),
    };
    let first = each(vec![end(ANN, ReplyState::Sent), end(ODD, ReplyState::Queued)]);
    d.ledger.submitted(job, reply.attempt, first).await.unwrap();
    d.ledger.bounced(bounce(job, &[])).await.unwrap();
    let (state, ends) = d.ends(job).await;
    assert_eq!(
        (state, ends[0].1, ends[1].1),
        (ReplyState::Queued, ReplyState::Bounced, ReplyState::Queued)
    );
    let reply = soon(d.ledger.claim_replies("contoso", 1)).await.unwrap().remove(0);
    assert_eq!(reply.reply.recipients, [ODD]);
    let refused = Submitted::Refused("550".into());
    d.ledger.submitted(job, reply.attempt, refused).await.unwrap();
    assert_eq!(d.ends(job).await.0, ReplyState::Bounced);
    assert_eq!(inspect(&d.path()).await.unwrap().findings, []);
    // Another Message-ID than that of the reply, and a job without one.
    let mut other = bounce(job, &[]);
    other.replies[1].1 = "2@mailjob".into();
    assert_eq!(d.ledger.bounced(other).await.unwrap(), None);
}

#[tokio::test]
async fn a_reply_of_an_earlier_run_and_one_that_may_be_answered() {
    let d = Desktop::new().await;
    let job = d.answered(1).await;
    d.settled(1).await;
    assert_eq!(d.steer(Steer::Replay, job).await.refused, None);
    d.run(done(), silent()).await;
    assert_eq!(d.ledger.bounced(bounce(job, &[ANN])).await.unwrap(), Some(job));
    let (state, ends) = d.ends(job).await;
    assert_eq!(
        (state, ends[0].1, ends[1].1),
        (ReplyState::Sent, ReplyState::Bounced, ReplyState::Sent)
    );
    d.ledger.bounced(bounce(job, &[])).await.unwrap();
    assert_eq!(d.ends(job).await.0, ReplyState::Bounced);

    let token = ConversationToken::new([1; 16]);
    let conversation = NewConversation {
        key: token.key(),
        endpoint: endpoint("answers"),
        allowed: AllowedSenders::Exactly(Vec::new()),
        proven: false,
        most: 1,
        depth: 1,
        data: None,
        expires: d.hands.now(),
    };
    let mut talk = reply();
    talk.conversation = Some(Box::new(conversation));
    d.take(vec![mail(2)]).await;
    let second = d.run(done(), Some(ReplyDecision::Send(talk))).await.id;
    d.sent().await;
    let key = ReplyReference::Token(token.key());
    let by_token = Bounced {
        replies: vec![(key, "1@mailjob".into())],
        ..bounce(second, &[])
    };
    assert_eq!(d.ledger.bounced(by_token).await.unwrap(), Some(second));
    assert_eq!(d.ends(second).await.0, ReplyState::Bounced);
}
