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

fn line(stream: Box<dyn Io>) -> UnauthenticatedImap {
    UnauthenticatedImap {
        wire: Ok(ImapConnection::after_greeting(stream, Words::default())),
        handshake: None,
    }
}

async fn sign_in(script: &str) -> (Result<ProbeSession, WatchError>, Script) {
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
        C: UID FETCH 7 (UID INTERNALDATE RFC822.SIZE BODY.PEEK[]<0.1048576>)
        S: * 3 FETCH (UID 7 BODY[]<0> \"half\")
        S: $ OK
        C: UID FETCH 7 (UID INTERNALDATE RFC822.SIZE BODY.PEEK[]<0.1048580>)
        S: * 3 FETCH (UID 7 BODY[]<0> \"half\")
        S: $ OK
        C: UID FETCH 7 (UID INTERNALDATE RFC822.SIZE BODY.PEEK[])
        S: * 3 FETCH (UID 7 BODY[] \"half\")
        S: $ OK
        C: UID FETCH 7 (UID INTERNALDATE RFC822.SIZE BODY.PEEK[])
        S: * 3 FETCH (UID 7 BODY[] \"half\")
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
    let newest = newest.unwrap();
    let trouble = newest.trouble.unwrap().to_string();
    assert!(
        newest.uid == 7 && trouble.contains("100 bytes, and gives 4"),
        "{trouble}"
    );
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
            WatchError::Credential { answer, .. } => assert!(
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
    assert!(matches!(error, WatchError::Credential { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_none_is_not_sent() {
    let (session, _script) = sign_in("S: $ OK\nC: NOOP\nS: $ OK").await;
    let error = session.unwrap().examine("a\r\nA9 DELETE INBOX").await.err().unwrap();
    assert!(matches!(error, WatchError::Name(_)), "{error}");
}
