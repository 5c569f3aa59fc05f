//! What the operator is to be told of jobs.

use super::*;
use crate::ledger::{JobNews, NewsKind, NoticeTable, Summary};

impl Desktop {
    async fn news(&self) -> Vec<JobNews> {
        self.ledger.news(2).await.unwrap().0
    }

    async fn told(&self) {
        let (_, mark) = self.ledger.news(2).await.unwrap();
        let told = self.ledger.note_told(vec![], vec![], Some(mark), self.hands.now());
        told.await.unwrap();
    }

    async fn fail(&self, uid: u32) {
        self.take(vec![mail(uid)]).await;
        let job = self.claim(1).await.remove(0);
        let summary = Some(Summary {
            from: format!("eve{uid}@example.org"),
            subject: "Bill".into(),
            message_id: String::new(),
        });
        let finish = Finish {
            summary,
            reply: silent(),
            ..finish(&job, failed())
        };
        self.ledger.finish(finish).await.unwrap();
    }
}

fn kinds(news: &[JobNews]) -> Vec<(NewsKind, u64)> {
    news.iter().map(|news| (news.kind, news.count)).collect()
}

#[tokio::test]
async fn failures_are_counted_with_examples_until_they_are_told() {
    let mut d = Desktop::new().await;
    d.take(vec![mail(100)]).await;
    d.run(done(), silent()).await;
    d.take(vec![mail(101)]).await;
    d.run(ignored(), None).await;
    assert_eq!(d.news().await, [], "what went well is no news");
    for uid in 1..=3 {
        d.fail(uid).await;
    }
    let news = d.news().await;
    assert_eq!(kinds(&news), [(NewsKind::Failed, 3)]);
    let group = &news[0];
    assert_eq!((group.endpoint.as_str(), group.examples.len()), ("invoices", 2));
    let example = &group.examples[0];
    assert_eq!(
        (
            example.from.as_str(),
            example.subject.as_str(),
            example.reason.as_deref(),
            example.detail.as_str()
        ),
        ("eve1@example.org", "Bill", Some("exit-1"), "no")
    );
    d.reopen().await;
    assert_eq!(d.news().await, news, "not told yet");

    // What happens between the reading and the telling is told the next time.
    let (_, mark) = d.ledger.news(2).await.unwrap();
    d.fail(4).await;
    d.ledger
        .note_told(vec![], vec![], Some(mark), d.hands.now())
        .await
        .unwrap();
    let news = d.news().await;
    assert_eq!(
        (kinds(&news), news[0].examples[0].from.as_str()),
        (vec![(NewsKind::Failed, 1)], "eve4@example.org")
    );
    d.told().await;
    d.reopen().await;
    assert_eq!(d.news().await, []);
}

#[tokio::test]
async fn every_way_that_ends_badly_is_news() {
    let d = Desktop::new().await;
    d.take(vec![lacking(1, Reason::TooLarge)]).await;
    assert_eq!(kinds(&d.news().await), [(NewsKind::Held, 1)], "born held");
    d.told().await;

    d.take(vec![mail(2)]).await;
    let held = Outcome::Held {
        reason: Reason::Encrypted,
        detail: "can't be read".into(),
    };
    d.run(held, None).await;
    assert_eq!(kinds(&d.news().await), [(NewsKind::Held, 1)]);
    d.told().await;

    d.take(vec![mail(3)]).await;
    let job = d.run(done(), send()).await;
    soon(d.ledger.claim_replies("contoso", 1)).await.unwrap();
    d.ledger
        .submitted(job.id, Fence(1), Submitted::Refused("550 who?".into()))
        .await
        .unwrap();
    let news = d.news().await;
    assert_eq!(kinds(&news), [(NewsKind::Refused, 1)]);
    assert_eq!(
        (
            news[0].examples[0].reason.as_deref(),
            news[0].examples[0].detail.as_str()
        ),
        (None, "550 who?")
    );
    d.told().await;

    for (status, kind) in [(503, vec![]), (410, vec![(NewsKind::Paused, 1)])] {
        d.take(vec![mail(status)]).await;
        let job = d.claim(1).await.remove(0);
        let outcome = Outcome::Retry {
            reason: Reason::Status(u16::try_from(status).unwrap()),
            detail: "no".into(),
            not_before: None,
        };
        let due = Some(d.hands.now() + chrono::TimeDelta::days(1));
        d.ledger
            .finish(Finish {
                due,
                ..finish(&job, outcome)
            })
            .await
            .unwrap();
        assert_eq!(kinds(&d.news().await), kind, "{status}");
    }
}

#[tokio::test]
async fn a_done_job_whose_answer_can_t_be_used_is_news() {
    let d = Desktop::new().await;
    d.take(vec![mail(100)]).await;
    let lost = Outcome::Done(crate::job::Answer::unusable("the answer is no JSON"));
    d.run(lost, silent()).await;
    let news = d.news().await;
    assert_eq!(kinds(&news), [(NewsKind::Unusable, 1)]);
    let example = &news[0].examples[0];
    assert_eq!(
        (example.reason.as_deref(), example.detail.as_str()),
        (Some("bad-answer"), "the answer is no JSON")
    );
    d.told().await;
    assert_eq!(d.news().await, []);
}
