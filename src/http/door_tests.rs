use futures_util::FutureExt as _;

use super::{
    tests::{World, world},
    *,
};
use crate::{
    config::EndpointName,
    job::{Answer, JobId, NewReply, Outcome, ReplyDecision},
    ledger::{
        Content, Cursor, Fence, Finish, Intake, MailboxKey, NewMail, Place, Raw, ReplyFilter, ReplyState, Submitted,
        WatchedMailbox,
    },
    slots::{Size, SlotKind, Slots},
};

/// A reply that has been tried once and waits for days.
async fn deferred(ledger: &dyn Ledger) -> JobId {
    let endpoint = EndpointName::new("invoices").unwrap();
    let place = Place {
        uid_validity: 1,
        uid: 1,
    };
    let mail = NewMail {
        place,
        received: None,
        told: None,
        header_key: None,
        content: Content::Whole {
            sha256: [1; 32],
            raw: Raw::Inline("x".into()),
        },
    };
    let intake = Intake {
        mailbox: WatchedMailbox::new(MailboxKey("imap://us/INBOX".into()), Fence::NONE),
        endpoints: vec![endpoint.clone()],
        cursor: Cursor {
            uid_validity: 1,
            uid_next: 2,
        },
        mails: vec![mail],
    };
    ledger.take(intake).await.unwrap();
    let quota = Slots::new(Size::Exactly(1), Size::Exactly(1)).join(SlotKind::Webhook, 1);
    let slot = quota.take(1).remove(0);
    let (job, _slot) = ledger.claim(&endpoint, &quota, slot).await.unwrap().remove(0);
    let reply = NewReply {
        conversation: None,
        account: "us".to_owned(),
        message_id: "1@us.example".to_owned(),
        sender: "us@us.example".to_owned(),
        recipients: vec!["ann@example.com".to_owned()],
        bytes: "x".into(),
    };
    let finish = Finish {
        job: job.id,
        fence: job.lease.fence(),
        outcome: Outcome::Done(Answer::default()),
        due: None,
        reply: Some(ReplyDecision::Send(reply)),
        summary: None,
        next: Vec::new(),
        gates: Vec::new(),
        trace: Default::default(),
        gone: None,
    };
    ledger.finish(finish).await.unwrap();
    let claimed = ledger.claim_replies("us", 1).await.unwrap().remove(0);
    let later = Submitted::Later {
        due: chrono::Utc::now() + chrono::TimeDelta::days(3),
        detail: "busy".to_owned(),
    };
    ledger
        .submitted(claimed.job, claimed.lease.fence(), later)
        .await
        .unwrap();
    claimed.job
}

/// A process beside would be noticed within two seconds; whoever waits for a reply is served here in the very commit that makes it due.
#[test]
fn the_api_steers_replies_in_the_process_and_not_by_the_side_door() {
    let world: World = world();
    let (ledger, replies) = (world.store.ledger(), world.store.replies());
    let job = world.runtime.block_on(deferred(ledger.as_ref()));
    let mut waiting = ledger.claim_replies("us", 1);
    let waits = world.runtime.block_on(async {
        let is_served = (&mut waiting).now_or_never().is_some();
        ledger.ping().await.unwrap();
        !is_served && (&mut waiting).now_or_never().is_none()
    });
    assert!(waits, "it is due in days");
    let own = format!("Host: localhost\r\nAuthorization: Bearer {}\r\n", tests::TOKEN);
    let (status, answer) = world.post(&format!("/api/v1/replies/{job}/retry"), &own);
    assert_eq!(status, 200, "{answer}");
    let claimed = waiting.now_or_never().expect("served before the API answered").unwrap();
    assert_eq!(claimed.iter().map(|reply| reply.job).collect::<Vec<_>>(), [job]);
    let filter = ReplyFilter {
        account: None,
        states: vec![ReplyState::Running],
        before: None,
        max: 9,
    };
    let (rows, all) = world.runtime.block_on(replies.replies(filter)).unwrap();
    assert_eq!((rows[0].job, all), (job, 1));
    let (status, listed) = world.ask("/api/v1/replies?state=running", &own);
    assert_eq!(status, 200, "{listed}");
    assert!(listed.contains(&job.to_string()), "{listed}");
}
