//! Commits that fail: each of them, in turn. What was not committed was not done, and what is done again comes to the same.

use super::*;
use crate::ledger::db;

/// What the loops do about one mail, each in a commit of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Announce,
    Watch,
    Upload,
    Take,
    Claim,
    Release,
    ClaimAgain,
    Admit,
    Finish,
    ClaimReply,
    Submit,
    Settle,
    LockSignIn,
    StoreSignIn,
    Pause,
    Resume,
}

const STORY: [Step; 16] = [
    Step::Announce,
    Step::Watch,
    Step::Upload,
    Step::Take,
    Step::Claim,
    Step::Release,
    Step::ClaimAgain,
    Step::Admit,
    Step::Finish,
    Step::ClaimReply,
    Step::Submit,
    Step::Settle,
    Step::LockSignIn,
    Step::StoreSignIn,
    Step::Pause,
    Step::Resume,
];

/// What the loops have in hand.
#[derive(Default)]
struct InHand {
    watch: Option<Lease>,
    job: Option<ClaimedJob>,
    reply: Option<ClaimedReply>,
    turn: Option<Box<dyn Send>>,
}

impl InHand {
    fn watched(&self) -> WatchedMailbox {
        WatchedMailbox::new(mailbox(), self.watch.as_ref().map_or(Fence::NONE, Lease::fence))
    }
}

const UPLOAD: UploadId = UploadId(uuid::Uuid::from_u128(7));

async fn act(d: &Desktop, hands: &mut InHand, step: Step) -> Result<(), Error> {
    let ledger = &d.ledger;
    match step {
        Step::Announce => ledger.announce(vec![(mailbox(), vec![endpoint("invoices")])]).await,
        Step::Watch => {
            hands.watch = Some(Ledger::watch(&**ledger, &mailbox()).await?);
            Ok(())
        }
        Step::Upload => {
            ledger
                .upload(&hands.watched(), UPLOAD, 0, Bytes::from_static(b"mail 1"))
                .await
        }
        Step::Take => {
            let large = NewMail {
                content: Content::Whole {
                    raw: Raw::Uploaded {
                        upload: UPLOAD,
                        size: 6,
                    },
                    sha256: Sha256::digest("mail 1").into(),
                },
                ..mail(1)
            };
            let intake = Intake {
                mailbox: hands.watched(),
                endpoints: vec![endpoint("invoices")],
                cursor: Cursor {
                    uid_validity: 1,
                    uid_next: 2,
                },
                mails: vec![large],
            };
            ledger.take(intake).await.map(drop)
        }
        Step::Claim | Step::ClaimAgain => {
            hands.job = ledger.claim_jobs(&endpoint("invoices"), 1).await?.pop();
            Ok(())
        }
        Step::Release => {
            let job = hands.job.as_ref().unwrap();
            ledger.release(job.id, job.lease.fence()).await
        }
        Step::Admit => {
            let job = hands.job.as_ref().unwrap();
            let gate = RateLimit {
                key: "sender".into(),
                rate: "1/h".parse().unwrap(),
                code: "rate",
            };
            let admitted = ledger.admit(job.id, job.lease.fence(), vec![gate]).await?;
            assert_eq!(admitted, Admission::Now);
            Ok(())
        }
        Step::Finish => {
            let end = Finish {
                reply: send(),
                ..finish(hands.job.as_ref().unwrap(), done())
            };
            ledger.finish(end).await.map(drop)
        }
        Step::ClaimReply => {
            hands.reply = ledger.claim_replies("contoso", 1).await?.pop();
            Ok(())
        }
        Step::Submit => {
            let reply = hands.reply.as_ref().unwrap();
            let sent = Submitted::Sent("250".into());
            ledger.submitted(reply.job, reply.lease.fence(), sent).await
        }
        Step::Settle => {
            let place = Place {
                uid_validity: 1,
                uid: 1,
            };
            ledger.settled(&hands.watched(), &[place]).await
        }
        Step::LockSignIn => {
            hands.turn = Some(ledger.lock_sign_in("contoso").await?);
            Ok(())
        }
        Step::StoreSignIn => {
            let token = SealedToken {
                sealed: b"token".to_vec(),
                origin: None,
                issued: d.hands.now(),
                signed_in: d.hands.now(),
            };
            ledger.store_sign_in("contoso", token).await
        }
        Step::Pause => JobTable::pause(&**ledger, "invoices").await.map(drop),
        Step::Resume => JobTable::resume(&**ledger, "invoices").await.map(drop),
    }
}

/// What came of all of it, but for times and random ids.
async fn outcome(d: &Desktop) -> Vec<String> {
    let looked = d.ledger.look(|db: &dyn db::SqlEngine| {
        let mut all = Vec::new();
        for sql in [
            "SELECT state || attempt || ' ' || fence || coalesce(reason, '') FROM job",
            "SELECT state || attempt || ' ' || fence FROM reply",
            "SELECT touch FROM place",
            "SELECT kind FROM event ORDER BY id",
            "SELECT kind || name || fence || (owner IS NULL) FROM lease ORDER BY id",
            "SELECT 'token ' || account FROM sign_in",
            "SELECT 'said ' || endpoint FROM owner_endpoint",
            "SELECT 'attempt ' || number || outcome FROM attempt",
            "SELECT 'begun ' || begun FROM rated",
        ] {
            let rows = db.prepare(sql).query_map((), |row| row.get::<String>(0))?;
            for row in rows {
                all.push(row?);
            }
        }
        Ok(all)
    });
    looked.await
}

#[tokio::test]
async fn whichever_commit_fails_it_was_not_done_and_is_done_again() {
    let mut wanted = None;
    for broken in [None].into_iter().chain(STORY.map(Some)) {
        let d = Desktop::new().await;
        let mut hands = InHand::default();
        for step in STORY {
            if broken == Some(step) {
                let failed = d.ledger.failing(act(&d, &mut hands, step)).await;
                assert!(!matches!(failed, Some(Ok(()))), "{step:?} was not committed");
            }
            let acted = soon(act(&d, &mut hands, step)).await;
            acted.unwrap_or_else(|error| panic!("{step:?} after {broken:?}: {error}"));
        }
        let came = outcome(&d).await;
        let wanted = wanted.get_or_insert_with(|| came.clone());
        assert_eq!(&came, wanted, "{broken:?}");
    }
}
