//! Maildrops at a stand-in that speaks as Exchange Online does: two-line XOAUTH2 only, a lock, sessions that end where it hurts.

use std::time::Duration;

use mailjob_testbed::{
    Answer, Mailjob, Options, Receiver, Request, Start, World,
    standin::{Pop3, Pop3Quirk},
};
use tokio::time::{Instant, sleep};

use super::{PATIENCE, USER, endpoint};

const MAILS: [&[u8]; 2] = [
    b"Message-ID: <1@example.test>\r\nFrom: a@example.test\r\nSubject: one\r\n\r\n.\r\n..dots\r\n",
    b"Message-ID: <2@example.test>\r\nFrom: a@example.test\r\nSubject: two\r\n\r\ntext\r\n",
];

/// The program before a stand-in with these mails, which go to a receiver that is content.
pub(super) struct Played {
    pub(super) mailjob: Mailjob,
    pub(super) receiver: Receiver,
    pub(super) pop3: Pop3,
    _world: World,
}

impl Played {
    async fn start(start: Start, quirk: Pop3Quirk, mails: &[&[u8]]) -> Self {
        Self::start_with(start, quirk, mails, |_| Answer::text("ok"), "").await
    }

    /// The same with a receiver that answers so, and more lines in the endpoint's file.
    pub(super) async fn start_with(
        start: Start,
        quirk: Pop3Quirk,
        mails: &[&[u8]],
        answer: impl Fn(&Request) -> Answer + Send + Sync + 'static,
        more: &str,
    ) -> Self {
        let world = World::start(Options::default()).await.unwrap();
        let receiver = Receiver::start(answer).await.unwrap();
        let pop3 = Pop3::start(&world.tls, start, quirk, mails).await.unwrap();
        let mut mailjob = Mailjob::new(&world, env!("CARGO_BIN_EXE_mailjob")).unwrap();
        mailjob.secret("token", "canary-of-an-access-token").unwrap();
        let tls = match start {
            Start::Implicit => "implicit",
            Start::StartTls => "starttls",
        };
        let lines = format!(
            "provider = \"microsoft\"\nuser = \"{USER}\"\nca_file = \"{}\"\ntoken = {{ file = \"secrets/token\" }}\n\
             pop3 = {{ host = \"localhost\", port = {}, tls = \"{tls}\" }}",
            world.tls.ca.display(),
            pop3.server.port
        );
        mailjob.account_as("ada", &lines).unwrap();
        mailjob
            .endpoint("ada", &endpoint("ada", &receiver.url("/"), more))
            .unwrap();
        mailjob.start().unwrap();
        Self {
            mailjob,
            receiver,
            pop3,
            _world: world,
        }
    }

    /// What the clients said that begins so.
    pub(super) fn said(&self, words: &str) -> usize {
        let said = self.pop3.server.said();
        said.iter().filter(|line| line.starts_with(words)).count()
    }

    /// Waits until this holds.
    pub(super) async fn until(&self, holds: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds(self) {
            assert!(
                Instant::now() < deadline,
                "{:?}\n{}",
                self.pop3.server.said(),
                self.mailjob.log()
            );
            sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_maildrop_of_exchange_online_is_emptied() {
    for start in [Start::Implicit, Start::StartTls] {
        let mut played = Played::start(start, Pop3Quirk::Microsoft, &MAILS).await;
        played.until(|played| played.pop3.left().is_empty()).await;
        assert_eq!(played.mailjob.term().unwrap(), 0);
        let mut taken: Vec<_> = played
            .receiver
            .requests()
            .iter()
            .map(|request| request.body.to_vec())
            .collect();
        taken.sort();
        let mut sent = MAILS.map(<[u8]>::to_vec);
        sent.sort();
        assert_eq!(taken, sent, "byte for byte, each once");
        assert_eq!((played.said("RETR "), played.said("DELE ")), (2, 2));
        assert_eq!(played.said("AUTH "), played.said("AUTH XOAUTH2"));
        assert_eq!(played.said("USER "), 0, "no way but the token's");
        // An initial response would have ended the connection, a second session at a time would have been told so.
        let log = played.mailjob.log();
        assert!(
            !log.contains("the session with the mailbox ended; connecting again"),
            "{log}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ends_before_its_deletions_has_them_done_anew() {
    let played = Played::start(Start::Implicit, Pop3Quirk::DropsBeforeQuit, &MAILS[..1]).await;
    played.until(|played| played.said("DELE 1") >= 2).await;
    assert_eq!(played.pop3.left(), ["uid-1717171717-1"]);
    assert_eq!(played.receiver.requests().len(), 1, "{}", played.mailjob.log());
    assert_eq!(played.said("RETR "), 1, "what was taken is not asked for again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ends_after_its_deletions_is_understood() {
    let mut played = Played::start(Start::Implicit, Pop3Quirk::DropsAfterQuit, &MAILS[..1]).await;
    played.until(|played| played.pop3.left().is_empty()).await;
    let sessions = played.pop3.server.sessions();
    played
        .until(|played| played.pop3.server.sessions() > sessions + 1)
        .await;
    assert_eq!(played.mailjob.term().unwrap(), 0);
    assert_eq!((played.said("RETR "), played.said("DELE ")), (1, 1));
    assert_eq!(played.receiver.requests().len(), 1, "{}", played.mailjob.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_mail_is_none() {
    let played = Played::start(Start::Implicit, Pop3Quirk::DropsInRetr, &MAILS[..1]).await;
    played.until(|played| played.said("RETR 1") >= 2).await;
    assert_eq!(played.receiver.requests().len(), 0);
    assert_eq!((played.said("DELE "), played.pop3.left().len()), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_told_apart() {
    for (quirk, words) in [
        (Pop3Quirk::InUse, "another session has the maildrop"),
        (Pop3Quirk::LoginDelay, "the server wants 60 s between two sign-ins"),
        (Pop3Quirk::MicrosoftRefused, "POP.AccessAsUser.All"),
    ] {
        let mut played = Played::start(Start::Implicit, quirk, &MAILS).await;
        played.mailjob.wait_log(words, PATIENCE).await.unwrap();
        assert_eq!(played.mailjob.term().unwrap(), 0);
        let log = played.mailjob.log();
        // A token that is refused is asked for once more; a maildrop that is locked says nothing against it.
        let tries = if quirk == Pop3Quirk::MicrosoftRefused { 2 } else { 1 };
        assert_eq!(played.said("AUTH XOAUTH2"), tries, "{quirk:?}: {log}");
        assert_eq!(
            (played.said("UIDL"), played.receiver.requests().len()),
            (0, 0),
            "{quirk:?}"
        );
    }
}
