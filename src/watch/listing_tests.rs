//! What a server says unasked is nobody's.

use super::*;
use crate::watch::{
    error::Words,
    imap::{ImapConnection, Io},
    script::{play, play_lines},
};

fn wire(script: &str) -> ImapConnection {
    let stream: Box<dyn Io> = Box::new(play(script).0);
    ImapConnection::after_greeting(stream, Words::default())
}

#[tokio::test]
async fn only_mails_that_were_asked_for_are_present_and_each_once() {
    let script = "
        C: UID FETCH 3,5 (UID)
        S: * 1 FETCH (UID 3)
        S: * 9 FETCH (UID 9)
        S: * 1 FETCH (UID 3)
        S: $ OK";
    let (_, there) = present(wire(script), &[3, 5]).await.unwrap();
    assert_eq!(there.into_iter().collect::<Vec<_>>(), [3]);
}

#[tokio::test]
async fn a_mail_whose_size_is_not_told_is_listed() {
    let script = "
        C: UID FETCH 3:* (UID RFC822.SIZE)
        S: * 1 FETCH (UID 3 RFC822.SIZE NIL)
        S: * 2 FETCH (UID 5 RFC822.SIZE 10)
        S: * 2 FETCH (FLAGS (\\Seen))
        S: * 3 FETCH (UID 7)
        S: * 2 FETCH (UID 5 RFC822.SIZE 10)
        S: $ OK";
    let (_, listed, more) = list(wire(script), 3).await.unwrap();
    let listed: Vec<_> = listed.into_iter().map(|mail| (mail.uid, mail.size)).collect();
    assert_eq!((listed, more), (vec![(3, None), (5, Some(10)), (7, None)], false));
}

/// A server that names mails without end, new ones or the same, ends its session, and what is kept of them is bounded.
#[tokio::test]
async fn a_listing_without_end_has_one() {
    for same in [true, false] {
        let mut script = vec!["C: *".to_owned()];
        for part in 0..210 {
            let line = |n: u32| format!("* 1 FETCH (UID {})\r\n", if same { 7 } else { part * 1000 + n + 1 });
            script.push(format!("B: {}", (0..1000).map(line).collect::<String>()));
        }
        let stream: Box<dyn Io> = Box::new(play_lines(script).0);
        let error = list(ImapConnection::after_greeting(stream, Words::default()), 1)
            .await
            .err()
            .unwrap();
        assert!(matches!(error, WatchError::Flood { .. }), "{error:?}");
    }
}
