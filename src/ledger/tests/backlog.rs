//! Mails that lay in a mailbox before it was watched.

use super::*;
use crate::ledger::{BacklogChoice, BacklogLedger, BacklogSummary, BacklogWish, JobTable, OldMail};

fn cursor(uid_validity: u32, uid_next: u32) -> Cursor {
    Cursor { uid_validity, uid_next }
}

/// A mail that came so many seconds after the first look, known by a key.
fn old(d: &Desktop, uid: u32, key: u8, seconds: i64) -> OldMail {
    let at = d.hands.now() + chrono::TimeDelta::seconds(seconds);
    OldMail {
        uid,
        key: Some([key; 32]),
        received: Some(at),
        written: Some(at),
        size: 100 + u64::from(uid),
        sender: format!("{uid}@example.com"),
        subject: format!("mail {uid}"),
    }
}

async fn note(d: &Desktop, uid_validity: u32, mails: Vec<OldMail>) -> BacklogSummary {
    assert!(d.ledger.backlog_try(&nobodys(&mailbox())).await.unwrap() > 0);
    d.ledger
        .backlog_note(&nobodys(&mailbox()), uid_validity, mails)
        .await
        .unwrap();
    d.ledger.backlog_listed(&nobodys(&mailbox()), 0).await.unwrap()
}

async fn wanted(d: &Desktop) -> Vec<u32> {
    d.ledger.backlog_wanted(&mailbox(), 100).await.unwrap()
}

async fn jobs(d: &Desktop) -> ExternalSqlite {
    ExternalSqlite::open(&d.path()).await.unwrap()
}

fn maildrop() -> MailboxKey {
    MailboxKey("pop3://invoices@example.com/INBOX".into())
}

async fn left(d: &Desktop) -> Vec<u32> {
    left_in(d, &mailbox()).await
}

async fn left_in(d: &Desktop, mailbox: &MailboxKey) -> Vec<u32> {
    let page = jobs(d).await.backlog_page("e", Some(mailbox), None, None, 100).await;
    page.unwrap()
        .mails
        .iter()
        .filter(|mail| !mail.wanted)
        .map(|mail| mail.uid)
        .collect()
}

/// All that is asked of it, for the plans.
pub(in crate::ledger) async fn exercise(d: &mut Desktop) {
    d.ledger.backlog_choice(&mailbox()).await.unwrap();
    d.ledger.backlog_begun(&nobodys(&mailbox())).await.unwrap();
    d.ledger.backlog_wait(&nobodys(&mailbox()), cursor(1, 1)).await.unwrap();
    d.ledger.knows_account("u@h").await.unwrap();
    d.ledger.installation().await.unwrap();
    for validity in [7, 8] {
        d.ledger
            .backlog_begin(&nobodys(&mailbox()), cursor(validity, 9), None)
            .await
            .unwrap();
        let mails = vec![old(d, 1, 1, -9), old(d, 2, 2, -9)];
        note(d, validity, mails).await;
    }
    d.ledger.backlog(&mailbox()).await.unwrap();
    d.ledger.backlog_want(&nobodys(&mailbox()), None).await.unwrap();
    assert_eq!(wanted(d).await, [1, 2]);
    d.ledger.backlog_taken(&nobodys(&mailbox()), vec![1]).await.unwrap();
    let name = MaildropName {
        uidl: "o".into(),
        size: 1,
    };
    let sorted = vec![(name, old(d, 0, 9, -9))];
    d.ledger.maildrop_sort(&nobodys(&mailbox()), sorted).await.unwrap();
    let wish = BacklogWish {
        since: None,
        uids: vec![2],
    };
    let door: &dyn JobTable = &*d.ledger;
    door.backlog_take("e", Some(&mailbox()), wish).await.unwrap();
    door.backlog_skip("e", Some(&mailbox())).await.unwrap();
    door.backlog_page("e", Some(&mailbox()), None, None, 9).await.unwrap();
}

#[tokio::test]
async fn what_lay_there_is_left_until_it_is_wanted() {
    let mut d = Desktop::new().await;
    assert_eq!(d.ledger.backlog(&mailbox()).await.unwrap(), None);
    let since = d.hands.now() - chrono::TimeDelta::seconds(50);
    d.ledger
        .backlog_begin(&nobodys(&mailbox()), cursor(7, 10), Some(since))
        .await
        .unwrap();
    assert_eq!(d.ledger.cursor(&mailbox()).await.unwrap(), Some(cursor(7, 10)));
    d.reopen().await;
    let mails = vec![old(&d, 9, 9, -10), old(&d, 5, 5, -60), old(&d, 3, 3, -90)];
    let backlog = note(&d, 7, mails.clone()).await;
    assert_eq!((backlog.left, backlog.wanted, backlog.listed), (2, 1, true));
    assert_eq!((wanted(&d).await, left(&d).await), (vec![9], vec![5, 3]));
    // A session that ended in the midst lists them again.
    note(&d, 7, mails).await;
    assert_eq!(left(&d).await, [5, 3]);
    d.ledger.backlog_taken(&nobodys(&mailbox()), vec![9]).await.unwrap();
    let wish = |uids: &[u32], since| BacklogWish {
        since,
        uids: uids.to_vec(),
    };
    let jobs = jobs(&d).await;
    let take = async |wish| jobs.backlog_take("e", Some(&mailbox()), wish).await.unwrap();
    let now = d.hands.now();
    assert_eq!(take(wish(&[77], None)).await.taken, 0);
    assert_eq!(take(wish(&[3], Some(now))).await.taken, 0);
    assert_eq!(take(wish(&[3], None)).await.taken, 1);
    assert_eq!(wanted(&d).await, [3]);
    let rest = take(BacklogWish::default()).await;
    assert_eq!((rest.taken, rest.backlog.unwrap().left), (1, 0));
    assert_eq!(wanted(&d).await, [3, 5]);
}

#[tokio::test]
async fn a_renumbered_mailbox_keeps_its_past() {
    let mut d = Desktop::new().await;
    d.ledger
        .backlog_begin(&nobodys(&mailbox()), cursor(7, 10), None)
        .await
        .unwrap();
    let mails = vec![old(&d, 1, 1, -90), old(&d, 2, 2, -80), old(&d, 3, 3, -70)];
    note(&d, 7, mails).await;
    d.ledger
        .backlog_want(
            &nobodys(&mailbox()),
            Some(d.hands.now() - chrono::TimeDelta::seconds(75)),
        )
        .await
        .unwrap();
    assert_eq!(wanted(&d).await, [3]);
    // One came since, and was taken.
    let taken = NewMail {
        header_key: Some([4; 32]),
        ..at(7, 10, "taken")
    };
    d.take(vec![taken]).await;
    d.pass(3600).await;
    for round in 0..3 {
        let validity = 8 + round;
        d.ledger
            .backlog_begin(&nobodys(&mailbox()), cursor(validity, 20), None)
            .await
            .unwrap();
        assert!(!d.ledger.backlog(&mailbox()).await.unwrap().unwrap().listed);
        d.reopen().await;
        // A restore gave all of them new dates; 5 came in the meantime, 6 is older than the rows go.
        let mails = vec![
            old(&d, 11, 1, 0),
            old(&d, 12, 2, 0),
            old(&d, 13, 3, 0),
            old(&d, 14, 4, 0),
            old(&d, 15, 5, 0),
            old(&d, 16, 6, -9_000_000),
        ];
        let backlog = note(&d, validity, mails).await;
        assert_eq!(
            (wanted(&d).await, left(&d).await),
            (vec![13, 14, 15], vec![16, 12, 11]),
            "{round}"
        );
        assert_eq!(backlog.left, 3);
    }
    assert_eq!(
        d.count("SELECT count(*) FROM backlog_mail").await,
        6,
        "rounds of before are dropped"
    );
}

#[tokio::test]
async fn where_the_numbers_stayed_nothing_is_taken_again() {
    let d = Desktop::new().await;
    d.ledger
        .backlog_begin(&nobodys(&mailbox()), cursor(7, 10), None)
        .await
        .unwrap();
    note(&d, 7, vec![old(&d, 1, 1, -90)]).await;
    let taken = NewMail {
        header_key: Some([4; 32]),
        ..at(7, 10, "taken")
    };
    d.take(vec![taken]).await;
    // UIDNEXT went down, and a mail that was taken is where it was.
    d.ledger
        .backlog_begin(&nobodys(&mailbox()), cursor(7, 12), None)
        .await
        .unwrap();
    note(&d, 7, vec![old(&d, 1, 1, -90), old(&d, 10, 4, 9), old(&d, 11, 5, 9)]).await;
    assert_eq!((wanted(&d).await, left(&d).await), (vec![11], vec![1]));
}

#[tokio::test]
async fn maildrops_know_what_is_left_under_other_names() {
    let d = Desktop::new().await;
    let name = |uidl: &str| MaildropName {
        uidl: uidl.into(),
        size: 1,
    };
    let since = Some(d.hands.now() - chrono::TimeDelta::seconds(50));
    let first = vec![
        (name("a"), old(&d, 0, 1, -90)),
        (name("b"), old(&d, 0, 2, -80)),
        (name("c"), old(&d, 0, 3, -10)),
    ];
    d.ledger
        .maildrop_first(&nobodys(&maildrop()), cursor(1, 1), since, first)
        .await
        .unwrap();
    d.ledger.backlog_listed(&nobodys(&maildrop()), 0).await.unwrap();
    let known = async || {
        let mut known: Vec<_> = d.ledger.maildrop(&maildrop()).await.unwrap();
        known.sort_by_key(|mail| mail.uid);
        let shown = known
            .into_iter()
            .map(|mail| format!("{}{}", mail.name.uidl, if mail.skipped { "*" } else { "" }));
        shown.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(known().await, "a* b*");
    d.pass(3600).await;
    let renamed = vec![
        (name("x"), old(&d, 0, 1, 0)),
        (name("y"), old(&d, 0, 7, -9_000_000)),
        (name("z"), old(&d, 0, 8, 0)),
    ];
    d.ledger.maildrop_sort(&nobodys(&maildrop()), renamed).await.unwrap();
    d.ledger.maildrop_left(&nobodys(&maildrop()), vec![1]).await.unwrap();
    assert_eq!(
        (known().await.as_str(), left_in(&d, &maildrop()).await),
        ("b* x* y*", vec![4, 3, 2])
    );
    let wish = BacklogWish {
        since: None,
        uids: vec![2],
    };
    let answer = jobs(&d).await.backlog_take("e", Some(&maildrop()), wish).await.unwrap();
    assert_eq!((answer.taken, answer.backlog.unwrap().left), (1, 2));
    assert_eq!(known().await, "b x* y*");
}

#[tokio::test]
async fn a_word_before_the_first_look_counts_at_it() {
    let d = Desktop::new().await;
    assert_eq!(d.ledger.backlog_waited(&mailbox()).await.unwrap(), None);
    for (asked, noted) in [
        (cursor(7, 5), cursor(7, 5)),
        (cursor(7, 9), cursor(7, 5)),
        (cursor(8, 2), cursor(8, 2)),
    ] {
        assert_eq!(d.ledger.backlog_wait(&nobodys(&mailbox()), asked).await.unwrap(), noted);
    }
    assert_eq!(d.ledger.backlog_choice(&mailbox()).await.unwrap(), None);
    let jobs = jobs(&d).await;
    let one = BacklogWish {
        since: None,
        uids: vec![7],
    };
    let told = jobs.backlog_take("e", Some(&mailbox()), one).await.unwrap();
    assert_eq!((told.taken, told.backlog), (0, None));
    let noted = d.ledger.backlog_choice(&mailbox()).await.unwrap();
    assert_eq!(noted, None, "a word on one UID is none on all of them");
    let since = Some(d.hands.now());
    let wish = BacklogWish { since, uids: vec![] };
    assert_eq!(
        jobs.backlog_take("e", Some(&mailbox()), wish).await.unwrap().backlog,
        None
    );
    assert_eq!(
        d.ledger.backlog_choice(&mailbox()).await.unwrap(),
        Some(BacklogChoice::Take { since })
    );
    jobs.backlog_skip("e", Some(&mailbox())).await.unwrap();
    assert_eq!(
        d.ledger.backlog_choice(&mailbox()).await.unwrap(),
        Some(BacklogChoice::Skip)
    );
    assert_eq!(d.ledger.backlog_waited(&mailbox()).await.unwrap(), Some(cursor(8, 2)));
    d.ledger
        .backlog_begin(&nobodys(&mailbox()), cursor(1, 1), None)
        .await
        .unwrap();
    assert_eq!(d.ledger.backlog_choice(&mailbox()).await.unwrap(), None);
    assert!(jobs.backlog_take("e", None, BacklogWish::default()).await.is_err());
}

/// The moment from which mails count is that of the first try, whatever follows, until those that lay there were listed.
#[tokio::test]
async fn a_mailbox_is_watched_since_it_was_first_tried() {
    let d = Desktop::new().await;
    let first = Some(d.hands.now());
    assert_eq!(d.ledger.backlog_begun(&nobodys(&mailbox())).await.unwrap(), first);
    d.pass(600).await;
    assert_eq!(d.ledger.backlog_begun(&nobodys(&mailbox())).await.unwrap(), first);
    d.ledger.backlog_wait(&nobodys(&mailbox()), cursor(7, 5)).await.unwrap();
    assert_eq!(
        d.ledger.backlog_choice(&mailbox()).await.unwrap(),
        None,
        "nobody said anything"
    );
    d.ledger
        .backlog_begin(&nobodys(&mailbox()), cursor(7, 9), None)
        .await
        .unwrap();
    assert_eq!(
        d.ledger.backlog_begun(&nobodys(&mailbox())).await.unwrap(),
        first,
        "it is not listed yet"
    );
    let mails = vec![old(&d, 1, 1, -900), old(&d, 2, 2, -300)];
    d.ledger.backlog_note(&nobodys(&mailbox()), 7, mails).await.unwrap();
    d.ledger.backlog_came(&nobodys(&mailbox()), vec![]).await.unwrap();
    assert_eq!(wanted(&d).await, [0_u32; 0]);
    d.ledger.backlog_came(&nobodys(&mailbox()), vec![2]).await.unwrap();
    let backlog = d.ledger.backlog_listed(&nobodys(&mailbox()), 0).await.unwrap();
    assert_eq!((wanted(&d).await, left(&d).await, backlog.left), (vec![2], vec![1], 1));
    assert_eq!(
        d.ledger.backlog_begun(&nobodys(&mailbox())).await.unwrap(),
        None,
        "and it is none any more"
    );

    // An operator's word on what lies there is the newer one.
    let other = MailboxKey("imap://other@example.com/INBOX".into());
    d.ledger.backlog_begun(&nobodys(&other)).await.unwrap();
    jobs(&d).await.backlog_skip("e", Some(&other)).await.unwrap();
    assert_eq!(d.ledger.backlog_begun(&nobodys(&other)).await.unwrap(), None);
    assert_eq!(
        d.ledger.backlog_choice(&other).await.unwrap(),
        Some(BacklogChoice::Skip)
    );
}

#[tokio::test]
async fn a_mailbox_of_which_all_was_taken_is_decided_though_none_is_left() {
    let d = Desktop::new().await;
    let jobs: Arc<dyn JobTable> = d.ledger.clone();
    assert!(!d.ledger.is_decided(&mailbox()).await.unwrap());
    jobs.backlog_take("e", Some(&mailbox()), BacklogWish::default())
        .await
        .unwrap();
    assert!(d.ledger.is_decided(&mailbox()).await.unwrap(), "somebody said it");
    d.take(vec![]).await;
    let page = jobs.backlog_page("e", Some(&mailbox()), None, None, 1).await.unwrap();
    assert_eq!(page.backlog, None);
    assert!(d.ledger.is_decided(&mailbox()).await.unwrap(), "it was looked at");
}

#[tokio::test]
async fn an_account_is_known_by_any_of_its_mailboxes_with_a_mail() {
    let d = Desktop::new().await;
    let key = mailbox();
    let account = key.0.split("://").nth(1).unwrap().split('/').next().unwrap();
    assert!(!d.ledger.knows_account(account).await.unwrap());
    d.take(vec![]).await;
    assert!(
        !d.ledger.knows_account(account).await.unwrap(),
        "it was seen, and nothing was done"
    );
    d.take(vec![mail(1)]).await;
    assert!(d.ledger.knows_account(account).await.unwrap());
    let beside = MailboxKey(format!("imap://{account}/Other").into());
    assert!(d.ledger.is_decided(&beside).await.unwrap(), "their work lies there");
    assert!(!d.ledger.knows_account("else@example.com").await.unwrap());
    let id = d.ledger.installation().await.unwrap();
    assert_ne!(id, [0; 16]);
    assert_ne!(id, Desktop::new().await.ledger.installation().await.unwrap());
}

#[tokio::test]
async fn where_our_probes_lie_is_known_after_a_restart() {
    let d = Desktop::new().await;
    let other = MailboxKey("imap://bob@mail.example/INBOX".into());
    let places = async |mailbox: &MailboxKey| d.ledger.probes(mailbox).await.unwrap();
    assert_eq!(places(&mailbox()).await, []);
    d.ledger
        .note_probes(&nobodys(&mailbox()), vec![(7, 9), (7, 12)])
        .await
        .unwrap();
    d.ledger.note_probes(&nobodys(&other), vec![(1, 2)]).await.unwrap();
    assert_eq!(places(&mailbox()).await, [(7, 9), (7, 12)]);
    d.ledger.note_probes(&nobodys(&mailbox()), vec![(7, 12)]).await.unwrap();
    assert_eq!(places(&mailbox()).await, [(7, 12)]);
    d.ledger.note_probes(&nobodys(&mailbox()), vec![]).await.unwrap();
    assert_eq!((places(&mailbox()).await, places(&other).await), (vec![], vec![(1, 2)]));
}
