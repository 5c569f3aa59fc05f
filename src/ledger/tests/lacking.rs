//! Mails of which we don't hold all bytes: nobody gets them for the mail, and they are fetched again.

use proptest::prelude::*;

use super::*;
use crate::{
    job::state::State,
    ledger::{JobTable, NoticeTable, Steer, Steered, TouchState, Unsteerable},
};

mod identity;

impl Desktop {
    async fn wanted(&self) -> Vec<RefetchRequest> {
        self.ledger.wanted(&mailbox(), 1).await.unwrap()
    }

    /// The job of the mail that was taken last.
    async fn last_job(&self) -> JobId {
        self.ledger.overview(1).await.unwrap().remove(0).job
    }

    async fn is_sound(&self) {
        let found = inspect(&self.path()).await.unwrap().findings;
        assert!(found.is_empty(), "{found:?}");
    }
}

fn awaits(job: JobId) -> Steered {
    Steered {
        job,
        state: Some(State::Held),
        refused: None,
    }
}

#[tokio::test]
async fn nobody_gets_a_part_of_a_mail_for_the_mail() {
    let d = Desktop::new().await;
    d.take(vec![lacking(1, Reason::TooLarge)]).await;
    let job = d.last_job().await;
    let mail = d.row().await.mail;
    assert!(d.nothing_due().await);
    assert!(matches!(d.ledger.raw(mail).await, Err(Error::Incomplete(_))));
    assert!(matches!(
        JobTable::mail(&*d.ledger, job).await,
        Err(Error::Incomplete(_))
    ));
    let story = d.story(job).await;
    assert_eq!(
        (story.mail.has_bytes, story.mail.size, story.mail.sha256.as_str()),
        (false, 100, "")
    );
    assert_eq!(story.mail.incomplete.as_deref(), Some("mail 1 did not come whole"));
    for steer in [Steer::Retry, Steer::Replay] {
        assert_eq!(d.steer(steer, job).await, awaits(job));
        assert!(d.nothing_due().await, "it waits for its mail");
    }
    assert!(d.row().await.detail.unwrap().contains("fetched again"));
    let (news, _) = d.ledger.news(9).await.unwrap();
    assert!(news.is_empty(), "whoever asked for it knows: {news:?}");
    d.is_sound().await;
}

#[tokio::test]
async fn a_mail_that_is_fetched_again_is_worked_on_once_with_all_its_bytes() {
    for wanted in [true, false] {
        let d = Desktop::new().await;
        d.take(vec![lacking(1, Reason::TooLarge), mail(2)]).await;
        d.claim(9).await;
        let job = d.ledger.overview(9).await.unwrap()[1].job;
        if wanted {
            assert_eq!(d.steer(Steer::Retry, job).await, awaits(job));
            let found = d.wanted().await;
            assert_eq!(
                found[0].place,
                Some(Place {
                    uid_validity: 1,
                    uid: 1
                })
            );
        }
        let taken = d.take(vec![mail(1)]).await;
        assert_eq!((taken.new, taken.known, taken.completed), (0, 0, 1));
        assert_eq!(d.wanted().await, []);
        let claimed = d.claim(1).await.remove(0);
        assert_eq!((claimed.id, claimed.size, claimed.attempt), (job, 6, 1));
        assert_eq!(d.ledger.raw(claimed.mail).await.unwrap(), "mail 1");
        d.is_sound().await;
        d.ledger
            .finish(Finish {
                reply: silent(),
                ..finish(&claimed, done())
            })
            .await
            .unwrap();
        assert_eq!(d.settling().await, [(1, MailOutcome::Done)]);
        assert_eq!(d.take(vec![mail(1)]).await.known, 1, "as any other from now on");
    }
}

#[tokio::test]
async fn a_large_one_is_fetched_again_in_pieces() {
    let d = Desktop::new().await;
    let half = UploadId(uuid::Uuid::now_v7());
    d.ledger
        .upload(&nobodys(&mailbox()), half, 0, Bytes::from(vec![1; 300_000]))
        .await
        .unwrap();
    let mut cut = lacking(1, Reason::TooLarge);
    if let Content::Lacking(lack) = &mut cut.content {
        lack.upload = Some(half);
    }
    d.take(vec![cut]).await;
    assert_eq!(d.count("SELECT count(*) FROM chunk").await, 0, "nothing is kept of it");
    d.steer(Steer::Retry, d.last_job().await).await;
    let whole = UploadId(uuid::Uuid::now_v7());
    for n in 0..3 {
        d.ledger
            .upload(&nobodys(&mailbox()), whole, n, Bytes::from(vec![n as u8; 300_000]))
            .await
            .unwrap();
    }
    let again = NewMail {
        content: Content::Whole {
            raw: Raw::Uploaded {
                upload: whole,
                size: 900_000,
            },
            sha256: [3; 32],
        },
        ..mail(1)
    };
    assert_eq!(d.take(vec![again]).await.completed, 1);
    let claimed = d.claim(1).await.remove(0);
    let raw = d.ledger.raw(claimed.mail).await.unwrap();
    assert_eq!((raw.len(), raw[0], raw[899_999]), (900_000, 0, 2));
    d.is_sound().await;
}

#[tokio::test]
async fn what_can_still_not_be_fetched_is_held_with_new_words_and_told() {
    let d = Desktop::new().await;
    d.take(vec![lacking(1, Reason::TooLarge)]).await;
    let job = d.last_job().await;
    let why = |detail: &str| Lack {
        reason: Reason::Unreadable,
        detail: detail.into(),
        size: 0,
        upload: None,
    };
    let mail = d.row().await.mail;
    d.ledger
        .unfetched(&nobodys(&mailbox()), mail, why("nobody asked"))
        .await
        .unwrap();
    assert_eq!(d.row().await.detail.as_deref(), Some("mail 1 did not come whole"));
    // By what the watcher says, and by what comes again.
    for (detail, by_word) in [("it is gone", true), ("it is still too large", false)] {
        d.steer(Steer::Retry, job).await;
        let before = JobTable::newest_event(&*d.ledger).await.unwrap();
        if by_word {
            d.ledger
                .unfetched(&nobodys(&mailbox()), mail, why(detail))
                .await
                .unwrap();
        } else {
            let again = NewMail {
                content: Content::Lacking(why(detail)),
                ..self::mail(1)
            };
            assert_eq!(d.take(vec![again]).await.known, 1);
        }
        assert_eq!(d.wanted().await, []);
        let row = d.row().await;
        assert_eq!(
            (row.state, row.reason.as_deref(), row.detail.as_deref()),
            (State::Held, Some("unreadable"), Some(detail))
        );
        let (news, _) = d.ledger.news(9).await.unwrap();
        assert_eq!(news.len(), 1, "{news:?}");
        let events = JobTable::events(&*d.ledger, before, None, 9).await.unwrap().events;
        assert_eq!(events.len(), 1, "{events:?}");
    }
    assert!(d.nothing_due().await);
    d.is_sound().await;
}

#[tokio::test]
async fn a_mail_that_was_never_read_is_not_touched_when_its_job_is_discarded() {
    let d = Desktop::new().await;
    d.take(vec![lacking(1, Reason::Unreadable)]).await;
    let job = d.last_job().await;
    assert_eq!(d.steer(Steer::Discard, job).await.state, Some(State::Failed));
    assert_eq!(d.settling().await, []);
    let story = d.story(job).await;
    let place = &story.mail.places[0];
    assert_eq!((place.touch, place.verdict), (TouchState::Settled, None));
    assert!(story.job.detail.unwrap().contains("stays in its mailbox as it is"));
    d.is_sound().await;
    assert_eq!(d.take(vec![mail(1)]).await.known, 1, "it is not worked on unasked");
    assert!(d.nothing_due().await);

    assert_eq!(d.steer(Steer::Retry, job).await, awaits(job), "it may be regretted");
    assert_eq!(d.take(vec![mail(1)]).await.completed, 1);
    d.run(done(), silent()).await;
    assert_eq!(d.settling().await, [(1, MailOutcome::Done)]);
    d.is_sound().await;
}

#[tokio::test]
async fn without_a_place_there_is_nothing_to_fetch_it_from() {
    let d = Desktop::new().await;
    d.take(vec![lacking(1, Reason::Unreadable)]).await;
    let job = d.last_job().await;
    d.steer(Steer::Retry, job).await;
    // The mailbox was renumbered.
    d.take(vec![at(2, 1, "another")]).await;
    assert_eq!(d.ledger.wanted(&mailbox(), 2).await.unwrap()[0].place, None);
    let refused = d.steer(Steer::Retry, job).await;
    assert_eq!(refused.refused, Some(Unsteerable::Unreachable));
}

#[tokio::test]
async fn a_mail_that_comes_again_elsewhere_is_told_and_worked_on_when_a_person_says_so() {
    let d = Desktop::new().await;
    d.take(vec![mail(1), lacking(2, Reason::Unreadable)]).await;
    let first = d.run(done(), silent()).await;
    let job = d.last_job().await;
    d.steer(Steer::Retry, job).await;
    let again = NewMail {
        place: Place {
            uid_validity: 1,
            uid: 2,
        },
        ..mail(1)
    };
    assert_eq!(d.take(vec![again]).await.completed, 1);
    let row = d.story(job).await.job;
    assert!(row.state == State::Held && row.detail.unwrap().contains(&first.id.to_string()));
    assert!(d.nothing_due().await);
    assert_eq!(d.steer(Steer::Retry, job).await.state, Some(State::Queued));
    d.is_sound().await;
}

#[tokio::test]
async fn a_place_is_one_mail_whatever_comes_of_it() {
    let keyed = |mail: NewMail, key: u8| NewMail {
        header_key: Some([key; 32]),
        ..mail
    };
    let told = |mail: NewMail, told: u64| NewMail {
        told: Some(told),
        ..mail
    };
    let other = |text: &str| at(1, 1, text);
    let missing = || lacking(1, Reason::Unreadable);
    // What is known of the place, what comes there, and whether that is another mail.
    for (known, comes, is_new) in [
        (mail(1), missing(), false),
        (keyed(mail(1), 1), missing(), false),
        (keyed(mail(1), 1), keyed(missing(), 1), false),
        (keyed(mail(1), 1), keyed(missing(), 2), true),
        (told(mail(1), 6), told(missing(), 6), false),
        (told(mail(1), 6), told(missing(), 7), true),
        (missing(), mail(1), false),
        (missing(), keyed(mail(1), 1), false),
        (keyed(missing(), 1), keyed(mail(1), 1), false),
        (keyed(missing(), 1), keyed(mail(1), 2), true),
        (missing(), missing(), false),
        (keyed(mail(1), 1), keyed(other("rendered anew"), 1), false),
        (keyed(mail(1), 1), keyed(other("another"), 2), true),
        (keyed(mail(1), 1), other("another"), true),
        (mail(1), other("rendered anew, as far as we know"), false),
        (told(mail(1), 6), told(other("another"), 7), true),
        (told(mail(1), 6), told(mail(1), 7), false),
    ] {
        let d = Desktop::new().await;
        d.take(vec![known.clone()]).await;
        let taken = d.take(vec![comes.clone()]).await;
        assert_eq!(taken.new == 1, is_new, "{known:?} {comes:?}");
        d.is_sound().await;
    }
}

/// Something that happens to a mail.
#[derive(Debug, Clone, Copy)]
enum Happens {
    Whole,
    Lacking,
    Unfetched,
    Retried,
    Replayed,
    Discarded,
    Worked,
    Settled,
}

fn happens() -> impl Strategy<Value = Happens> {
    use Happens::*;
    prop::sample::select(vec![
        Whole, Lacking, Unfetched, Retried, Replayed, Discarded, Worked, Settled,
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// Whatever happens to a mail in whatever order: its bytes are its own or none, its action gets no others, and it is touched only
    /// when we hold it.
    #[test]
    fn nothing_is_done_with_what_we_do_not_hold(all in prop::collection::vec(happens(), 1..14)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let d = Desktop::new().await;
            d.take(vec![lacking(1, Reason::TooLarge)]).await;
            let (job, mail_row) = (d.last_job().await, d.row().await.mail);
            let mut held = false;
            for one in all {
                match one {
                    Happens::Whole => held |= d.take(vec![mail(1)]).await.completed == 1,
                    Happens::Lacking => assert_eq!(d.take(vec![lacking(1, Reason::Unreadable)]).await.new, 0),
                    Happens::Unfetched => {
                        let why = Lack { reason: Reason::Unreadable, detail: "gone".into(), size: 0, upload: None };
                        d.ledger.unfetched(&nobodys(&mailbox()), mail_row, why).await.unwrap();
                    }
                    Happens::Retried => assert_eq!(d.steer(Steer::Retry, job).await.job, job),
                    Happens::Replayed => assert_eq!(d.steer(Steer::Replay, job).await.job, job),
                    Happens::Discarded => assert_eq!(d.steer(Steer::Discard, job).await.job, job),
                    Happens::Worked => {
                        let claimed = at_once(&d.ledger, d.ledger.claim_jobs(&endpoint("invoices"), 1)).await;
                        if let Some(claimed) = claimed.and_then(|mut claimed| claimed.pop()) {
                            assert!(held, "it was claimed without its mail");
                            d.ledger.finish(Finish { reply: silent(), ..finish(&claimed, done()) }).await.unwrap();
                        }
                    }
                    Happens::Settled => {
                        let due = d.settling().await;
                        assert!(held || due.is_empty(), "{due:?}");
                        if !due.is_empty() {
                            d.settled(1).await;
                        }
                    }
                }
                match JobTable::mail(&*d.ledger, job).await {
                    Ok(bytes) => assert!(held && bytes == "mail 1"),
                    Err(error) => assert!(!held && matches!(error, Error::Incomplete(_)), "{error}"),
                }
            }
            d.is_sound().await;
            d.ledger.close().await;
        });
    }
}
