//! After another has taken over: whatever was done on behalf of who had it before is refused and changes nothing. Every method of the loops'
//! faces is in one of the lists here.

use std::collections::BTreeSet;

use futures_util::future::BoxFuture;

use super::*;
use crate::{
    job::Trace,
    ledger::{BacklogLedger, OldMail},
};

/// What a watch writes: each carries the fence of the mailbox.
const OF_A_WATCH: [&str; 21] = [
    "abandon",
    "backlog_begin",
    "backlog_begun",
    "backlog_came",
    "backlog_listed",
    "backlog_note",
    "backlog_taken",
    "backlog_try",
    "backlog_wait",
    "backlog_want",
    "maildrop_first",
    "maildrop_left",
    "maildrop_number",
    "maildrop_seen",
    "maildrop_skip",
    "maildrop_sort",
    "note_probes",
    "settled",
    "take",
    "unfetched",
    "upload",
];

/// What is written of a job or a reply that runs: each carries its fence.
const OF_A_RUN: [&str; 6] = [
    "accept_answer",
    "admit",
    "finish",
    "finish_and_claim",
    "release",
    "submitted",
];

/// What takes something, and so makes a fence.
const TAKES: [&str; 3] = ["claim", "claim_replies", "watch"];

/// What is written for nobody who holds something: by whoever finds it so, and again with no more effect.
const OF_NOBODY: [&str; 9] = [
    "account_mended",
    "announce",
    "bounced",
    "forget",
    "mended",
    "ping",
    "reassign_orphans",
    "rename_mailbox",
    "resume_changed",
];

/// What only looks.
const LOOKS: [&str; 21] = [
    "backlog",
    "backlog_choice",
    "backlog_waited",
    "backlog_wanted",
    "changed_outside",
    "conversation",
    "cursor",
    "installation",
    "knows_account",
    "last_taken",
    "letter",
    "mailboxes",
    "maildrop",
    "parts",
    "probes",
    "raw",
    "settle_due",
    "settling",
    "strays",
    "submissions",
    "wanted",
];

/// The methods of a trait in this source, each with all that stands between its parentheses.
fn methods(source: &'static str, of: &str) -> Vec<(&'static str, &'static str)> {
    let body = source.split_once(of).expect("the trait is there").1;
    let body = body.split_once("\n}").expect("it has an end").0;
    let methods = body.split("fn ").skip(1);
    methods
        .map(|method| {
            let (name, rest) = method.split_once('(').unwrap();
            (name, rest.split_once(';').unwrap().0)
        })
        .collect()
}

#[test]
fn whatever_the_loops_ask_of_a_ledger_is_in_one_list_and_carries_the_fence_that_it_says() {
    let mut found = methods(include_str!("../mod.rs"), "pub trait Ledger");
    found.extend(methods(include_str!("../faces.rs"), "pub trait BacklogLedger"));
    let lists = [&OF_A_WATCH[..], &OF_A_RUN, &TAKES, &OF_NOBODY, &LOOKS];
    let mut listed: Vec<_> = lists.concat();
    listed.sort_unstable();
    let names: BTreeSet<_> = found.iter().map(|(name, _)| *name).collect();
    assert_eq!(names.into_iter().collect::<Vec<_>>(), listed);
    for (name, asked) in found {
        let fenced = ["WatchedMailbox", "Intake", "Fence", "Finish"].map(|by| asked.contains(by));
        let [watch, intake, fence, finish] = fenced;
        assert_eq!(watch || intake, OF_A_WATCH.contains(&name), "{name}");
        assert_eq!(fence || finish, OF_A_RUN.contains(&name), "{name}");
    }
}

const UPLOAD: UploadId = UploadId(uuid::Uuid::from_u128(7));
const CURSOR: Cursor = Cursor {
    uid_validity: 1,
    uid_next: 9,
};

fn drop_name() -> MaildropName {
    MaildropName {
        uidl: "a".into(),
        size: 7,
    }
}

fn old(uid: u32) -> OldMail {
    OldMail {
        uid,
        ..OldMail::default()
    }
}

fn lack() -> Lack {
    Lack {
        reason: Reason::TooLarge,
        detail: "too large".into(),
        size: 9,
        upload: None,
    }
}

/// Does this on behalf of a watch.
fn write<'a>(name: &str, ledger: &'a Tested, by: &'a WatchedMailbox) -> BoxFuture<'a, Result<(), Error>> {
    let place = Place {
        uid_validity: 1,
        uid: 1,
    };
    match name {
        "abandon" => ledger.abandon(by, UPLOAD),
        "backlog_begin" => ledger.backlog_begin(by, CURSOR, None),
        "backlog_begun" => Box::pin(ledger.backlog_begun(by).map(|done| done.map(drop))),
        "backlog_came" => ledger.backlog_came(by, vec![3]),
        "backlog_listed" => Box::pin(ledger.backlog_listed(by, 5).map(|done| done.map(drop))),
        "backlog_note" => ledger.backlog_note(by, 1, vec![old(3), old(4)]),
        "backlog_taken" => ledger.backlog_taken(by, vec![3]),
        "backlog_try" => Box::pin(ledger.backlog_try(by).map(|done| done.map(drop))),
        "backlog_wait" => Box::pin(ledger.backlog_wait(by, CURSOR).map(|done| done.map(drop))),
        "backlog_want" => Box::pin(ledger.backlog_want(by, None).map(|done| done.map(drop))),
        "maildrop_first" => ledger.maildrop_first(by, CURSOR, None, vec![(drop_name(), old(0))]),
        "maildrop_left" => ledger.maildrop_left(by, vec![1]),
        "maildrop_number" => Box::pin(
            ledger
                .maildrop_number(by, vec![drop_name(); 3])
                .map(|done| done.map(drop)),
        ),
        "maildrop_seen" => ledger.maildrop_seen(by, vec![(1, [8; 32])]),
        "maildrop_skip" => ledger.maildrop_skip(by, vec![drop_name(); 2]),
        "maildrop_sort" => ledger.maildrop_sort(by, vec![(drop_name(), old(0))]),
        "note_probes" => ledger.note_probes(by, vec![(1, 8)]),
        "settled" => Box::pin(async move { ledger.settled(by, &[place]).await }),
        "take" => Box::pin(
            ledger
                .take(Intake {
                    mailbox: by.clone(),
                    endpoints: vec![endpoint("invoices")],
                    cursor: CURSOR,
                    mails: vec![mail(5)],
                })
                .map(|done| done.map(drop)),
        ),
        "unfetched" => ledger.unfetched(by, MailId(2), lack()),
        "upload" => ledger.upload(by, UPLOAD, 0, Bytes::from_static(b"half")),
        other => panic!("{other} is not tried"),
    }
}

/// Everything that is in the ledger.
async fn contents(d: &Desktop) -> Vec<String> {
    d.ledger.look(|db| engine::contents(db)).await
}

/// A mailbox of which there is something for each write to change.
async fn watched() -> (Desktop, Lease, WatchedMailbox) {
    let d = Desktop::new().await;
    let lease = Ledger::watch(&*d.ledger, &mailbox()).await.unwrap();
    let by = WatchedMailbox::new(mailbox(), lease.fence());
    let intake = Intake {
        mailbox: by.clone(),
        endpoints: vec![endpoint("invoices")],
        cursor: CURSOR,
        mails: vec![mail(1), lacking(2, Reason::TooLarge)],
    };
    d.ledger.take(intake).await.unwrap();
    d.ledger.backlog_begin(&by, CURSOR, None).await.unwrap();
    d.ledger.backlog_note(&by, 1, vec![old(3), old(6)]).await.unwrap();
    d.ledger.maildrop_number(&by, vec![drop_name()]).await.unwrap();
    d.ledger
        .upload(&by, UPLOAD, 0, Bytes::from_static(b"half"))
        .await
        .unwrap();
    (d, lease, by)
}

/// As where another process has taken everything that has an owner, since this one's time was over.
async fn taken_over(d: &Desktop) {
    let over = "UPDATE lease SET owner = 7, fence = fence + 1, who = 'process 7 on b';
        UPDATE job SET owner = 7, fence = fence + 1 WHERE state = 'running';
        UPDATE reply SET owner = 7, fence = fence + 1 WHERE state = 'running'";
    d.ledger.change(|tx| Ok(tx.db.execute_batch(over)?)).await.unwrap();
}

#[tokio::test]
async fn whatever_a_watch_writes_is_refused_once_another_process_has_the_mailbox() {
    for name in OF_A_WATCH {
        let (d, _lease, by) = watched().await;
        write(name, &d.ledger, &by)
            .await
            .unwrap_or_else(|error| panic!("{name} while it is ours: {error}"));
        let (d, _lease, by) = watched().await;
        taken_over(&d).await;
        let before = contents(&d).await;
        let done = write(name, &d.ledger, &by).await;
        assert!(matches!(done, Err(Error::Watched { .. })), "{name}: {done:?}");
        let done = write(name, &d.ledger, &nobodys(&mailbox())).await;
        assert!(
            matches!(done, Err(Error::Watched { .. })),
            "{name}, without a fence: {done:?}"
        );
        assert_eq!(contents(&d).await, before, "{name}");
    }
}

#[tokio::test]
async fn nor_is_an_earlier_watch_of_the_same_process_believed() {
    for name in OF_A_WATCH {
        let (d, lease, earlier) = watched().await;
        drop(lease);
        let lease = Ledger::watch(&*d.ledger, &mailbox()).await.unwrap();
        let before = contents(&d).await;
        let done = write(name, &d.ledger, &earlier).await;
        assert!(matches!(done, Err(Error::Watched { .. })), "{name}: {done:?}");
        assert_eq!(contents(&d).await, before, "{name}");
        // Half a mail stays with the watch that began it, below.
        if name != "upload" {
            let now = WatchedMailbox::new(mailbox(), lease.fence());
            let done = write(name, &d.ledger, &now).await;
            done.unwrap_or_else(|error| panic!("{name} by the present one: {error}"));
        }
    }
}

#[tokio::test]
async fn half_a_mail_is_of_the_watch_that_began_it() {
    let (d, lease, _) = watched().await;
    drop(lease);
    let lease = Ledger::watch(&*d.ledger, &mailbox()).await.unwrap();
    let by = WatchedMailbox::new(mailbox(), lease.fence());
    let more = d.ledger.upload(&by, UPLOAD, 1, Bytes::from_static(b"more")).await;
    assert!(matches!(more, Err(Error::Missing(_))), "{more:?}");
    let whole = NewMail {
        content: Content::Whole {
            raw: Raw::Uploaded {
                upload: UPLOAD,
                size: 4,
            },
            sha256: Sha256::digest("half").into(),
        },
        ..mail(5)
    };
    let intake = Intake {
        mailbox: by.clone(),
        endpoints: vec![endpoint("invoices")],
        cursor: CURSOR,
        mails: vec![whole],
    };
    let taken = d.ledger.take(intake).await;
    assert!(matches!(taken, Err(Error::Missing(_))), "{taken:?}");
    d.ledger.abandon(&by, UPLOAD).await.unwrap();
    assert_eq!(
        d.count("SELECT count(*) FROM upload").await,
        1,
        "it is not this one's to drop"
    );
}

#[tokio::test]
async fn whatever_is_written_of_a_run_is_refused_once_another_process_has_it() {
    for name in OF_A_RUN {
        let d = Desktop::new().await;
        d.take(vec![mail(1), mail(2)]).await;
        d.run(done(), send()).await;
        let job = d.claim(1).await.remove(0);
        let reply = soon(d.ledger.claim_replies("contoso", 1)).await.unwrap().remove(0);
        taken_over(&d).await;
        let before = contents(&d).await;
        let (id, fence) = (job.id, job.lease.fence());
        let key = ConversationKey([7; 32]);
        let finish = Finish {
            trace: Trace::default(),
            reply: send(),
            ..finish(&job, done())
        };
        let done: Result<(), Error> = match name {
            "accept_answer" => d.ledger.accept_answer(key, id, fence).await.map(drop),
            "admit" => d.ledger.admit(id, fence, Vec::new()).await.map(drop),
            "finish" => d.ledger.finish(finish).await.map(drop),
            "finish_and_claim" => d.ledger.finish_and_claim(finish, &endpoint("invoices")).await.map(drop),
            "release" => d.ledger.release(id, fence).await,
            "submitted" => {
                let sent = Submitted::Sent("250".into());
                d.ledger.submitted(reply.job, reply.lease.fence(), sent).await
            }
            other => panic!("{other} is not tried"),
        };
        assert!(matches!(done, Err(Error::Stale(_))), "{name}: {done:?}");
        assert_eq!(contents(&d).await, before, "{name}");
    }
}
