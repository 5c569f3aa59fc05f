//! What a table says and nobody knows is an error, never another word.

use super::*;
use crate::ledger::{JobFilter, JobTable, NoticeTable, ReplyFilter, ReplyState};

#[tokio::test]
async fn a_word_that_nobody_knows_is_an_error() {
    for (sql, who_sees) in [
        ("UPDATE news SET kind = 'odd'", "news"),
        ("UPDATE reply SET state = 'odd'", "list story"),
        ("UPDATE reply SET recipients = 'odd'", "replies story claim"),
        ("UPDATE pause SET by = 'odd'", "pauses"),
        ("UPDATE job SET state = 'odd'", "list story"),
        ("SELECT 1", ""),
    ] {
        let d = Desktop::new().await;
        d.take(vec![mail(1), mail(2)]).await;
        let job = d.run(done(), send()).await;
        d.run(failed(), silent()).await;
        d.ledger.pause("invoices").await.unwrap();
        d.unwatched();
        engine::unchecked(&d.address(), sql);
        let filter = ReplyFilter {
            account: None,
            states: vec![ReplyState::Queued],
            before: None,
            max: 9,
        };
        let door = d.beside().await;
        for (name, is_error) in [
            ("news", d.ledger.news(1).await.is_err()),
            ("list", d.ledger.list(JobFilter::default()).await.is_err()),
            ("story", d.ledger.story(job.id).await.is_err()),
            ("replies", door.replies(filter).await.is_err()),
            ("pauses", d.ledger.pauses().await.is_err()),
            ("claim", at_once_or_error(&d).await),
        ] {
            assert_eq!(is_error, who_sees.split(' ').any(|who| who == name), "{sql}: {name}");
        }
    }
}

/// Whether a claim of replies fails.
async fn at_once_or_error(d: &Desktop) -> bool {
    let claim = d.ledger.claim_replies("contoso", 1);
    tokio::pin!(claim);
    if let Some(claimed) = (&mut claim).now_or_never() {
        return claimed.is_err();
    }
    d.ledger.ping().await.unwrap();
    claim.now_or_never().is_some_and(|claimed| claimed.is_err())
}
