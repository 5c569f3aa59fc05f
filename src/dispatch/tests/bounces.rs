//! Bounces of our own replies, through the loop and a real ledger.

use std::sync::Arc;

use super::{
    endpoint,
    scene::{Scene, webhook},
};
use crate::{
    config::{Filter, Machines},
    job::{Ending, JobId, NewReply, Replier, ReplyDecision, state::State},
    ledger::{Ledger, NewsKind, NoticeTable, Submitted},
};

/// Answers whatever was done, as the real one does.
struct Answering;

impl Replier for Answering {
    fn reply(&self, ending: &Ending<'_>) -> ReplyDecision {
        ReplyDecision::Send(NewReply {
            account: "contoso".into(),
            message_id: message_id(ending.job),
            sender: "us@us.example".into(),
            recipients: vec!["ann@a.example".into()],
            bytes: "Subject: Re\r\n\r\nDone\r\n".into(),
            conversation: None,
        })
    }
}

fn message_id(job: JobId) -> String {
    format!("{job}.reply@us.example")
}

fn bounce(action: &str, id: &str) -> String {
    format!(
        "From: MAILER-DAEMON@mx.example\r\nSubject: Undelivered Mail\r\nMessage-ID: <{action}@mx.example>\r\n\
         Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n\r\n\
         Final-Recipient: rfc822; ann@a.example\r\nAction: {action}\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 who?\r\n\r\n\
         --b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <{id}>\r\n\r\nDone\r\n--b--\r\n"
    )
}

#[tokio::test]
async fn a_bounce_of_our_reply_is_no_work_for_anybody() {
    let mut scene = Scene::with(vec!["From: ann@a.example\r\nSubject: Order\r\n\r\n7\r\n".into()]).await;
    scene.next = vec![crate::config::EndpointName::new("other").unwrap()];
    let (action, seen) = webhook(&[200]).await;
    scene.start_with(endpoint(action), Arc::new(Answering));
    let job = scene.ended().await[0].job;
    let reply = scene.ledger.inner.claim_replies("contoso", 1).await.unwrap().remove(0);
    let sent = Submitted::Sent("250 ok".into());
    scene
        .ledger
        .inner
        .submitted(job, reply.lease.fence(), sent)
        .await
        .unwrap();

    let id = message_id(job);
    let stranger = message_id(JobId(uuid::Uuid::from_u128(7)));
    let mails = [
        bounce("delayed", &id),
        bounce("failed", &stranger),
        bounce("failed", &id),
    ];
    for (uid, mail) in (2..).zip(mails) {
        scene.deliver(uid, vec![mail]).await;
        let all = usize::try_from(uid).unwrap();
        scene
            .until(|rows| rows.len() == all && rows.iter().all(|row| row.state.ended()))
            .await;
    }
    let rows = scene.ended().await;
    let ends: Vec<_> = rows.iter().map(|row| (row.state, row.reason.as_deref())).collect();
    assert_eq!(
        ends,
        [
            (State::Done, None),
            (State::Done, None),
            (State::Done, None),
            (State::Ignored, Some("bounced"))
        ],
        "who is not told of ours is a mail like any other, and no other endpoint gets it"
    );
    assert_eq!(seen.lock().unwrap().len(), 3);
    let detail = rows[3].detail.as_deref().unwrap();
    assert_eq!(detail, format!("the reply of job {job} came back: 550 5.1.1 who?"));
    assert_eq!(rows[3].summary.from, "MAILER-DAEMON@mx.example");
    assert_eq!(rows[0].reply.as_ref().unwrap().state, "bounced");
    let (news, _) = scene.ledger.inner.news(1).await.unwrap();
    assert_eq!((news[0].kind, news[0].count), (NewsKind::Bounced, 1));
    scene.stopped().await;
}

#[tokio::test]
async fn who_wants_machines_only_does_not_get_it_either() {
    let mut scene = Scene::with(vec![
        "From: ann@a.example\r\nAuto-Submitted: auto-generated\r\n\r\n7\r\n".into(),
    ])
    .await;
    let (action, seen) = webhook(&[200]).await;
    let mut endpoint = endpoint(action);
    endpoint.filter = Filter {
        automatic: Machines::Only,
        ..Filter::default()
    };
    scene.start_with(endpoint, Arc::new(Answering));
    let job = scene.ended().await[0].job;
    scene.deliver(2, vec![bounce("failed", &message_id(job))]).await;
    let rows = scene.until(|rows| rows.len() == 2 && rows[1].state.ended()).await;
    assert_eq!(rows[1].reason.as_deref(), Some("bounced"));
    assert_eq!(rows[0].reply.as_ref().unwrap().state, "queued", "it was not sent yet");
    assert_eq!(seen.lock().unwrap().len(), 1);
    scene.stopped().await;
}
