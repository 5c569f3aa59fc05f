//! Which mails are known, and their bytes.

use super::*;

fn keyed(uid_validity: u32, uid: u32, text: &str, key: u8) -> NewMail {
    NewMail {
        header_key: Some([key; 32]),
        ..at(uid_validity, uid, text)
    }
}

#[tokio::test]
async fn a_mail_is_one_job_however_often_it_is_seen() {
    let table = [
        ("the same place", at(1, 1, "a"), true),
        ("the same place, re-rendered", keyed(1, 1, "a re-rendered", 1), true),
        (
            "the same place, another mail: its UID was given twice",
            keyed(1, 1, "b", 2),
            false,
        ),
        ("the same bytes elsewhere", at(1, 2, "a"), true),
        ("the same bytes, UIDVALIDITY changed", at(2, 1, "a"), true),
        (
            "other bytes, UIDVALIDITY changed, the same header",
            keyed(2, 1, "a re-rendered", 1),
            true,
        ),
        (
            "other bytes, the same UIDVALIDITY, the same header",
            keyed(1, 2, "b", 1),
            false,
        ),
        (
            "other bytes, UIDVALIDITY changed, another header",
            keyed(2, 1, "b", 2),
            false,
        ),
        ("other bytes elsewhere without a header", at(1, 2, "b"), false),
    ];
    for (what, again, known) in table {
        let d = Desktop::new().await;
        d.take(vec![keyed(1, 1, "a", 1)]).await;
        let taken = d.take(vec![again]).await;
        assert_eq!(
            (taken.known, taken.new),
            (usize::from(known), usize::from(!known)),
            "{what}"
        );
        assert_eq!(
            d.ledger.overview(9).await.unwrap().len(),
            2 - usize::from(known),
            "{what}"
        );
    }
}

#[tokio::test]
async fn two_mails_of_one_header_stay_two_after_a_change_of_uidvalidity() {
    let d = Desktop::new().await;
    d.take(vec![keyed(1, 1, "a", 1), keyed(1, 2, "b", 1)]).await;
    let taken = d
        .take(vec![keyed(2, 1, "a2", 1), keyed(2, 2, "b2", 1), keyed(2, 3, "c2", 1)])
        .await;
    assert_eq!(
        taken,
        IntakeResult {
            new: 1,
            known: 2,
            completed: 0
        }
    );
}

#[tokio::test]
async fn another_mailbox_is_another_mail() {
    let d = Desktop::new().await;
    d.take(vec![mail(1)]).await;
    let intake = Intake {
        mailbox: WatchedMailbox::new(MailboxKey("imap://else@example.com/INBOX".into()), Fence::NONE),
        endpoints: vec![endpoint("orders")],
        cursor: Cursor {
            uid_validity: 1,
            uid_next: 2,
        },
        mails: vec![mail(1)],
    };
    assert_eq!(
        d.ledger.take(intake).await.unwrap(),
        IntakeResult {
            new: 1,
            known: 0,
            completed: 0
        }
    );
}

#[tokio::test]
async fn an_intake_may_be_repeated() {
    let d = Desktop::new().await;
    d.take((1..=3).map(mail).collect()).await;
    assert_eq!(
        d.take((1..=4).map(mail).collect()).await,
        IntakeResult {
            new: 1,
            known: 3,
            completed: 0
        }
    );
    assert_eq!(d.take(vec![]).await, IntakeResult::default(), "only the cursor moves");
    assert_eq!(d.ledger.overview(9).await.unwrap().len(), 4);
}

#[tokio::test]
async fn a_known_mail_that_has_ended_is_due_at_its_new_place() {
    let d = Desktop::new().await;
    d.take(vec![mail(1), mail(2)]).await;
    d.run(done(), silent()).await;
    d.touched([1]).await;
    d.take(vec![at(1, 8, "mail 1"), at(1, 9, "mail 2")]).await;
    assert_eq!(d.settling().await, [(8, MailOutcome::Done)], "the other runs still");
    d.run(failed(), silent()).await;
    assert_eq!(
        d.settling().await,
        [
            (2, MailOutcome::Failed),
            (8, MailOutcome::Done),
            (9, MailOutcome::Failed)
        ]
    );
    assert_eq!(d.settling_in(2).await, []);
}

fn large(uid: u32, upload: UploadId, size: u64) -> NewMail {
    let sha256 = Sha256::digest(format!("mail {uid}")).into();
    NewMail {
        content: Content::Whole {
            raw: Raw::Uploaded { upload, size },
            sha256,
        },
        ..mail(uid)
    }
}

async fn chunks(d: &Desktop) -> i64 {
    d.count("SELECT count(*) FROM chunk").await
}

#[tokio::test]
async fn a_large_mail_comes_in_pieces() {
    let d = Desktop::new().await;
    let upload = UploadId(uuid::Uuid::now_v7());
    let piece = |n: u8| Bytes::from(vec![n; 300_000]);
    let late = d.ledger.upload(&nobodys(&mailbox()), upload, 1, piece(1)).await;
    assert!(matches!(late, Err(Error::Missing(_))), "the first piece comes first");
    d.ledger
        .upload(&nobodys(&mailbox()), upload, 0, piece(0))
        .await
        .unwrap();
    d.take(vec![mail(1)]).await;
    d.ledger
        .upload(&nobodys(&mailbox()), upload, 1, piece(1))
        .await
        .unwrap();
    d.ledger
        .upload(&nobodys(&mailbox()), upload, 1, piece(1))
        .await
        .unwrap();
    let cursor = Cursor {
        uid_validity: 1,
        uid_next: 3,
    };
    let intake = |size| Intake {
        mailbox: WatchedMailbox::new(mailbox(), Fence::NONE),
        endpoints: vec![endpoint("invoices")],
        cursor,
        mails: vec![large(2, upload, size)],
    };
    assert!(
        matches!(d.ledger.take(intake(700_000)).await, Err(Error::Missing(_))),
        "a piece is missing"
    );
    d.ledger.take(intake(600_000)).await.unwrap();
    let jobs = d.claim(9).await;
    assert_eq!(d.ledger.raw(jobs[0].mail).await.unwrap(), "mail 1");
    let raw = d.ledger.raw(jobs[1].mail).await.unwrap();
    assert_eq!((raw.len(), raw[299_999], raw[300_000]), (600_000, 0, 1));
    assert_eq!(jobs[1].size, 600_000);
}

#[tokio::test]
async fn an_inline_mail_of_several_pieces_is_read_whole() {
    let d = Desktop::new().await;
    let text = "0123456789abcdef".repeat(40_000);
    d.take(vec![at(1, 1, &text)]).await;
    let job = d.claim(1).await.pop().unwrap();
    let (fresh, stored) = (
        d.ledger.raw(job.mail).await.unwrap(),
        d.ledger.raw(job.mail).await.unwrap(),
    );
    assert!(fresh == text && stored == text);
    assert_eq!(chunks(&d).await, 3);
    assert!(matches!(d.ledger.raw(MailId(99)).await, Err(Error::Missing(_))));
}

#[tokio::test]
async fn uploads_that_nobody_takes_go() {
    let mut d = Desktop::new().await;
    let (known, orphan) = (UploadId(uuid::Uuid::now_v7()), UploadId(uuid::Uuid::now_v7()));
    d.take(vec![mail(1)]).await;
    for upload in [known, orphan] {
        d.ledger
            .upload(&nobodys(&mailbox()), upload, 0, Bytes::from_static(b"mail 1"))
            .await
            .unwrap();
    }
    assert_eq!(chunks(&d).await, 3);
    assert_eq!(d.take(vec![large(1, known, 6)]).await.known, 1);
    assert_eq!(chunks(&d).await, 2, "a known mail's pieces go at once");
    d.reopen().await;
    assert_eq!(chunks(&d).await, 1, "the orphan goes at the next start");
    d.take(vec![mail(2)]).await;
    assert_eq!(d.claim(9).await.len(), 2);
}

#[tokio::test]
async fn bytes_are_forgotten_when_nobody_needs_them() {
    let d = Desktop::new().await;
    d.take((1..=4).map(mail).collect()).await;
    d.run(done(), silent()).await;
    let replied = d.run(done(), send()).await;
    soon(d.ledger.claim_replies("contoso", 1)).await.unwrap();
    d.ledger
        .submitted(replied.id, Fence(1), Submitted::Sent("250".into()))
        .await
        .unwrap();
    d.run(done(), send()).await;
    d.pass(100).await;
    let now = d.hands.now();
    let forget = async |before| d.forget_all(before, Kinds::Mails).await.bytes();
    assert_eq!(forget(now).await, 0, "none had its last touch");
    d.ledger
        .settled(
            &nobodys(&mailbox()),
            &[1, 2, 3].map(|uid| Place { uid_validity: 1, uid }),
        )
        .await
        .unwrap();
    assert_eq!(forget(now).await, 0, "settled just now");
    d.pass(100).await;
    let freed = forget(d.hands.now()).await;
    assert_eq!(
        freed,
        6 + 6,
        "the third's reply is still to go, the fourth has not ended"
    );
    assert_eq!(forget(d.hands.now()).await, 0);
    assert!(d.ledger.raw(replied.mail).await.is_ok(), "still in memory");
    assert!(matches!(d.ledger.raw(replied.mail).await, Err(Error::Missing(_))));
    let rest = d.claim(1).await.pop().unwrap();
    assert_eq!(d.ledger.raw(rest.mail).await.unwrap(), "mail 4");
}

#[tokio::test]
async fn forgetting_much_takes_many_small_steps() {
    let d = Desktop::new().await;
    let text = "x".repeat(1 << 20);
    for uid in 1..=20 {
        d.take(vec![at(1, uid, &format!("{uid} {text}"))]).await;
        d.run(ignored(), None).await;
        d.ledger
            .settled(&nobodys(&mailbox()), &[Place { uid_validity: 1, uid }])
            .await
            .unwrap();
    }
    d.take((100..300).map(mail).collect()).await;
    for job in d.claim(200).await {
        d.ledger.finish(finish(&job, ignored())).await.unwrap();
    }
    let places: Vec<_> = (100..300).map(|uid| Place { uid_validity: 1, uid }).collect();
    d.ledger.settled(&nobodys(&mailbox()), &places).await.unwrap();
    d.pass(1).await;
    assert!(d.forget(d.hands.now()).await > 20 << 20);
    assert_eq!(chunks(&d).await, 0);
}

#[tokio::test]
async fn a_mail_lost_with_its_old_uidvalidity_is_forgotten_too() {
    let d = Desktop::new().await;
    d.take(vec![mail(1)]).await;
    d.run(done(), silent()).await;
    d.take(vec![at(2, 1, "new")]).await;
    d.pass(1).await;
    assert_eq!(d.forget_all(d.hands.now(), Kinds::All).await.mails.bytes, 6);
}
