use super::*;
use crate::{
    secret::Secret,
    watch::{
        imap::Io,
        script::{Server as Script, play},
    },
};

fn server() -> Server {
    Server {
        host: "imap.example".into(),
        port: 993,
        tls: crate::config::Tls::Implicit,
    }
}

fn line(stream: Box<dyn Io>) -> Line {
    Line {
        wire: Ok(Wire::after_greeting(stream)),
        handshake: None,
    }
}

async fn sign_in(script: &str) -> (Result<Session, Error>, Script) {
    let greeting = "
        C: CAPABILITY
        S: * CAPABILITY IMAP4rev1 AUTH=XOAUTH2 SASL-IR ID IDLE UIDPLUS
        S: $ OK
        C: AUTHENTICATE XOAUTH2 *
        S: $ OK AUTHENTICATE completed.
        C: CAPABILITY
        S: * CAPABILITY IMAP4rev1 AUTH=XOAUTH2 SASL-IR ID IDLE UIDPLUS
        S: $ OK
        C: ID *
    ";
    let (stream, script) = play(&format!("{greeting}{script}"));
    let stream: Box<dyn Io> = Box::new(stream);
    let line = line(stream);
    let credential = Credential::Bearer(Secret::from("token"));
    (line.sign_in("ada", &server(), &credential).await, script)
}

#[tokio::test(start_paused = true)]
async fn mailboxes_are_looked_at_with_the_watchs_own_eyes() {
    let (session, script) = sign_in(
        "
        S: $ OK
        C: NOOP
        S: $ OK
        C: EXAMINE \"INBOX\"
        S: * 3 EXISTS
        S: * 3 RECENT
        S: * OK [UIDVALIDITY 14] yes
        S: * OK [UIDNEXT 9] yes
        S: * GARBAGE
        S: $ OK [READ-ONLY] done
        C: UID FETCH 8:* (UID RFC822.SIZE)
        S: * 3 FETCH (UID 7 RFC822.SIZE 100)
        S: $ OK
        C: UID FETCH 7 (UID INTERNALDATE BODY.PEEK[]<0.262144>)
        S: * 3 FETCH (UID 7 BODY[]<0> \"\")
        S: $ OK
        C: EXAMINE \"B&APw-ro\"
        S: $ NO [NONEXISTENT] no such mailbox
        C: EXAMINE \"Bare\"
        S: * 0 EXISTS
        S: $ OK done
        C: LOGOUT
        S: * BYE
        EOF
        ",
    )
    .await;
    let session = session.unwrap();
    assert_eq!(session.offers(), (vec!["IDLE", "UIDPLUS"], vec!["MOVE"]));
    let (session, inbox) = session.examine("INBOX").await.unwrap();
    assert_eq!(
        inbox,
        Ok(Examined {
            mails: 3,
            numbered: true,
            uid_next: Some(9),
        })
    );
    let (mut session, newest) = session.newest(&inbox.unwrap()).await.unwrap();
    let trouble = newest.unwrap().trouble().unwrap();
    assert!(trouble.contains("UID 7") && trouble.contains("100"), "{trouble}");
    assert_eq!(session.unread().unwrap().to_string(), "* GARBAGE");
    let (session, missing) = session.examine("Büro").await.unwrap();
    assert!(missing.unwrap_err().is("NONEXISTENT"));
    let (session, bare) = session.examine("Bare").await.unwrap();
    assert!(!bare.unwrap().numbered);
    session.leave().await;
    script.finished().await;
}

#[tokio::test(start_paused = true)]
async fn exchange_says_late_that_a_sign_in_did_not_work() {
    for script in [
        "
        S: $ BAD User is authenticated but not connected.
        S: * BYE Connection closed. 14
        EOF
        ",
        "
        S: $ OK
        C: NOOP
        S: $ BAD User is authenticated but not connected.
        ",
    ] {
        let (session, _script) = sign_in(script).await;
        match session.err().unwrap() {
            Error::Credential { answer, .. } => assert!(
                answer.diagnosis(MailHost::Other).cure.contains("FullAccess"),
                "{answer}"
            ),
            error => panic!("{error}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn exchange_says_so_at_the_first_command_whichever_that_is() {
    let (stream, _script) = play(
        "
        C: CAPABILITY
        S: * CAPABILITY IMAP4rev1 AUTH=XOAUTH2 SASL-IR ID
        S: $ OK
        C: AUTHENTICATE XOAUTH2 *
        S: $ OK AUTHENTICATE completed.
        C: CAPABILITY
        S: $ BAD User is authenticated but not connected.
        S: * BYE Connection closed. 14
        EOF
        ",
    );
    let stream: Box<dyn Io> = Box::new(stream);
    let credential = Credential::Bearer(Secret::from("token"));
    let error = line(stream).sign_in("ada", &server(), &credential).await.err().unwrap();
    assert!(matches!(error, Error::Credential { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_none_is_not_sent() {
    let (session, _script) = sign_in("S: $ OK\nC: NOOP\nS: $ OK").await;
    let error = session.unwrap().examine("a\r\nA9 DELETE INBOX").await.err().unwrap();
    assert!(matches!(error, Error::Name(_)), "{error}");
}

#[test]
fn what_is_wrong_with_the_newest_mail() {
    for (told, came, wrong) in [
        (Some(113), Some(0), true),
        (Some(113), None, true),
        (None, Some(0), true),
        (Some(100_000), Some(10), true),
        (Some(113), Some(113), false),
        // Counts the body alone (GreenMail 2.1), estimates (Exchange), or is larger than a piece.
        (Some(13), Some(113), false),
        (Some(130), Some(113), false),
        (Some(9_000_000), Some(262_144), false),
        (None, Some(5), false),
    ] {
        let newest = Newest { uid: 7, told, came };
        assert_eq!(newest.trouble().is_some(), wrong, "{newest:?}");
    }
}
