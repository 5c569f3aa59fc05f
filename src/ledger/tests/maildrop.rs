//! Maildrops: numbers for mails that have no UID.

use super::*;

fn name(uidl: &str, size: u64) -> MaildropName {
    MaildropName {
        uidl: uidl.into(),
        size,
    }
}

async fn number(d: &Desktop, names: &[(&str, u64)]) -> Vec<u32> {
    let names = names.iter().map(|(uidl, size)| name(uidl, *size)).collect();
    d.ledger.maildrop_number(&nobodys(&mailbox()), names).await.unwrap()
}

/// What has a number: `uidl/size=number`, with a star when it was taken.
async fn known(d: &Desktop) -> Vec<String> {
    let mut mails = d.ledger.maildrop(&mailbox()).await.unwrap();
    mails.sort_by_key(|mail| mail.uid);
    let shown = mails.into_iter().map(|mail| {
        let star = if mail.taken { "*" } else { "" };
        format!("{}/{}={}{star}", mail.name.uidl, mail.name.size, mail.uid)
    });
    shown.collect()
}

#[tokio::test]
async fn a_mail_keeps_its_number_until_it_leaves() {
    let mut d = Desktop::new().await;
    assert!(known(&d).await.is_empty());
    assert_eq!(number(&d, &[("a", 1), ("b", 1)]).await, [1, 2]);
    assert_eq!(
        number(&d, &[("b", 1), ("c", 1), ("a", 9)]).await,
        [2, 3, 4],
        "another size is another mail"
    );
    d.take(vec![mail(2)]).await;
    d.reopen().await;
    assert_eq!(known(&d).await, ["a/1=1", "b/1=2*", "c/1=3", "a/9=4"]);
}

#[tokio::test]
async fn mails_of_one_name_have_a_number_each() {
    let d = Desktop::new().await;
    assert_eq!(number(&d, &[("a", 1), ("a", 1), ("a", 1)]).await, [1, 2, 3]);
    assert_eq!(number(&d, &[("a", 1), ("a", 1)]).await, [1, 2], "none was taken yet");
    d.take(vec![mail(1), mail(3)]).await;
    assert_eq!(number(&d, &[("a", 1), ("a", 1)]).await, [2, 4]);
    d.ledger.maildrop_left(&nobodys(&mailbox()), vec![1]).await.unwrap();
    assert_eq!(known(&d).await, ["a/1=2", "a/1=3*", "a/1=4"]);
}

#[tokio::test]
async fn what_was_read_of_a_mail_is_remembered() {
    let d = Desktop::new().await;
    d.ledger
        .maildrop_skip(&nobodys(&mailbox()), vec![name("a", 1), name("b", 1)])
        .await
        .unwrap();
    number(&d, &[("c", 1)]).await;
    d.take(vec![mail(3)]).await;
    let keys = vec![(1, [7; 32]), (99, [9; 32])];
    d.ledger.maildrop_seen(&nobodys(&mailbox()), keys).await.unwrap();
    let mut mails = d.ledger.maildrop(&mailbox()).await.unwrap();
    mails.sort_by_key(|mail| mail.uid);
    let prints: Vec<_> = mails
        .iter()
        .map(|mail| (mail.print.header_key, mail.print.sha256.is_some()))
        .collect();
    assert_eq!(prints[..2], [(Some([7; 32]), false), (None, false)]);
    assert!(prints[2].1, "what we hold is known by its bytes");
}

#[tokio::test]
async fn what_is_skipped_is_never_taken_until_it_leaves() {
    let mut d = Desktop::new().await;
    d.ledger
        .maildrop_skip(&nobodys(&mailbox()), vec![name("a", 1), name("b", 1)])
        .await
        .unwrap();
    d.reopen().await;
    assert_eq!(number(&d, &[("c", 1)]).await, [3]);
    assert_eq!(known(&d).await, ["a/1=1*", "b/1=2*", "c/1=3"]);
    d.ledger.maildrop_left(&nobodys(&mailbox()), vec![1]).await.unwrap();
    assert_eq!(known(&d).await, ["b/1=2*", "c/1=3"]);
    let elsewhere = MailboxKey("pop3://else@example.com/INBOX".into());
    assert_eq!(d.ledger.cursor(&elsewhere).await.unwrap(), None);
    d.ledger.maildrop_skip(&nobodys(&elsewhere), Vec::new()).await.unwrap();
    assert!(
        d.ledger.cursor(&elsewhere).await.unwrap().is_some(),
        "an empty maildrop was seen too"
    );
}

#[tokio::test]
async fn maildrops_do_not_share_numbers() {
    let d = Desktop::new().await;
    number(&d, &[("a", 1), ("b", 1)]).await;
    let other = MailboxKey("pop3://else@example.com/INBOX".into());
    let names = vec![name("b", 1)];
    assert_eq!(d.ledger.maildrop_number(&nobodys(&other), names).await.unwrap(), [1]);
    d.ledger.maildrop_left(&nobodys(&other), vec![1, 2]).await.unwrap();
    assert_eq!(known(&d).await, ["a/1=1", "b/1=2"]);
}

#[tokio::test]
async fn what_left_has_had_its_last_touch_and_its_number_is_not_given_again() {
    let d = Desktop::new().await;
    number(&d, &[("a", 1), ("b", 1), ("c", 1), ("d", 1)]).await;
    d.take(vec![mail(1), mail(2), mail(3)]).await;
    d.run(done(), silent()).await;
    assert_eq!(d.settling().await, [(1, MailOutcome::Done)]);
    d.ledger
        .maildrop_left(&nobodys(&mailbox()), vec![1, 3, 4, 77])
        .await
        .unwrap();
    assert!(d.settling().await.is_empty());
    assert_eq!(known(&d).await, ["b/1=2*"]);
    // The server uses a name again: it means another mail, and nobody's place.
    assert_eq!(number(&d, &[("c", 1), ("a", 1)]).await, [4, 5]);
    d.run(done(), silent()).await;
    d.run(done(), silent()).await;
    assert_eq!(
        d.settling().await,
        [(2, MailOutcome::Done)],
        "the third is gone already"
    );
}

#[tokio::test]
async fn a_renumbered_maildrop_is_known_by_its_bytes() {
    let d = Desktop::new().await;
    assert_eq!(number(&d, &[("a", 1), ("b", 1)]).await, [1, 2]);
    d.take(vec![mail(1), mail(2)]).await;
    d.run(done(), silent()).await;
    d.ledger.maildrop_left(&nobodys(&mailbox()), vec![1, 2]).await.unwrap();
    assert_eq!(number(&d, &[("x", 1), ("y", 1)]).await, [3, 4]);
    let again = vec![at(1, 3, "mail 1"), at(1, 4, "mail 2")];
    assert_eq!(
        d.take(again).await,
        IntakeResult {
            new: 0,
            known: 2,
            completed: 0
        }
    );
    assert_eq!(
        d.settling().await,
        [(3, MailOutcome::Done)],
        "deleted again, not done again"
    );
    d.run(done(), silent()).await;
    assert_eq!(d.settling().await, [(3, MailOutcome::Done), (4, MailOutcome::Done)]);
}
