//! Which mail it is, when little or nothing of it is held.

use super::*;

/// A mail that arrived then, with a size that the server tells.
fn arrived(mail: NewMail, told: u64, second: i64) -> NewMail {
    NewMail {
        told: Some(told),
        received: DateTime::from_timestamp(1_800_000_000 + second, 0),
        ..mail
    }
}

/// A mail that can't be had has no second job when the server numbers its mails anew.
#[tokio::test]
async fn what_is_held_without_a_byte_is_known_by_its_arrival() {
    let missing = |uid: u32, told: u64, second: i64| arrived(lacking(uid, Reason::Unreadable), told, second);
    let anew = |mail: NewMail| NewMail {
        place: Place {
            uid_validity: 2,
            uid: mail.place.uid + 10,
        },
        ..mail
    };
    let keyed = |mail: NewMail| NewMail {
        header_key: Some([1; 32]),
        ..mail
    };
    for (known, comes, new, completed) in [
        (vec![missing(1, 50, 0)], vec![anew(missing(1, 50, 0))], 0, 0),
        (vec![missing(1, 50, 0)], vec![anew(missing(1, 51, 0))], 1, 0),
        (vec![missing(1, 50, 0)], vec![anew(missing(1, 50, 1))], 1, 0),
        (
            vec![lacking(1, Reason::Unreadable)],
            vec![anew(lacking(1, Reason::Unreadable))],
            1,
            0,
        ),
        // The server gives it now.
        (
            vec![missing(1, 50, 0)],
            vec![anew(keyed(arrived(mail(1), 50, 0)))],
            0,
            1,
        ),
        // Two stay two.
        (
            vec![missing(1, 50, 0), missing(2, 50, 0)],
            vec![anew(missing(1, 50, 0)), anew(missing(2, 50, 0))],
            0,
            0,
        ),
        (
            vec![missing(1, 50, 0)],
            vec![anew(missing(1, 50, 0)), anew(missing(2, 50, 0))],
            1,
            0,
        ),
    ] {
        let d = Desktop::new().await;
        d.take(known.clone()).await;
        let taken = d.take(comes.clone()).await;
        assert_eq!((taken.new, taken.completed), (new, completed), "{known:?} {comes:?}");
        d.is_sound().await;
    }
}

#[tokio::test]
async fn mails_are_not_one_because_nothing_is_known_of_them() {
    let told = |mail: NewMail, told: Option<u64>| NewMail { told, ..mail };
    for (first, second, new) in [
        (at(1, 1, ""), at(1, 2, ""), 2),
        (at(1, 1, "\r\n"), at(1, 2, "\r\n"), 2),
        // Of one second, and with the size that the server tells.
        (arrived(at(1, 1, "\r\n"), 2, 0), arrived(at(1, 2, "\r\n"), 2, 0), 1),
        (arrived(at(1, 1, "\r\n"), 2, 0), arrived(at(1, 2, "\r\n"), 2, 1), 2),
        (arrived(at(1, 1, "\r\n"), 9, 0), arrived(at(1, 2, "\r\n"), 9, 0), 2),
        (arrived(at(1, 1, ""), 0, 0), arrived(at(1, 2, ""), 0, 0), 2),
        (lacking(1, Reason::TooLarge), lacking(2, Reason::TooLarge), 2),
        (at(1, 1, "a copy"), at(1, 2, "a copy"), 1),
        (told(at(1, 1, "a copy"), Some(6)), told(at(1, 2, "a copy"), Some(6)), 1),
        (told(at(1, 1, "a copy"), Some(6)), told(at(1, 2, "a copy"), None), 1),
        (
            told(at(1, 1, "please wait"), Some(600)),
            told(at(1, 2, "please wait"), Some(700)),
            2,
        ),
    ] {
        let d = Desktop::new().await;
        assert_eq!(
            d.take(vec![first.clone(), second.clone()]).await.new,
            new,
            "{first:?} {second:?}"
        );
        d.is_sound().await;
    }
}

#[tokio::test]
async fn a_mailbox_keeps_what_is_known_of_it_under_another_name() {
    let d = Desktop::new().await;
    d.take(vec![mail(1)]).await;
    let other = MailboxKey("imap://invoices@example.com:3143/INBOX".into());
    assert!(d.ledger.rename_mailbox(&mailbox(), &other).await.unwrap());
    assert_eq!(d.ledger.mailboxes().await.unwrap(), std::slice::from_ref(&other));
    assert_eq!(d.ledger.cursor(&other).await.unwrap().unwrap().uid_next, 2);
    d.take(vec![mail(1)]).await;
    assert!(
        !d.ledger.rename_mailbox(&mailbox(), &other).await.unwrap(),
        "that name is taken"
    );
}
