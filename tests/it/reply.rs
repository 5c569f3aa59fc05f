//! Replies through a real Postfix into a real mailbox.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use chrono::Utc;
use mailjob::{
    config::{Account, Auth, EndpointName, Tls},
    job::{Answer, NewReply, Outcome, ReplyDecision},
    ledger::{
        Content, Cursor, Fence, Finish, Intake, Ledger, MailboxKey, NewMail, Place, Raw, WatchedMailbox,
        sqlite::{self, ReplyRow, Sqlite},
    },
    reply::{Outbox, run},
};
use mailjob_testbed::{Options, World};
use tokio::{task::JoinHandle, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::accounts::{account, login, password, refreshing};

const USER: &str = "ada@example.test";
/// Long enough for any machine; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(120);

/// A ledger with replies, and the loop that submits them.
struct Desk {
    ledger: Arc<Sqlite>,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

impl Desk {
    /// One reply to each of these.
    async fn open(world: &World, tls: Tls, auth: Auth, recipients: &[&[&str]]) -> Self {
        let path = world.dir().join(format!("{}.db", fastrand::u64(..)));
        let ledger = Arc::new(sqlite::open(&path, Arc::new(Utc::now)).await.unwrap());
        fill(&ledger, recipients).await;
        let account = Arc::new(account(world, USER, tls, auth));
        let stop = CancellationToken::new();
        let running = tokio::spawn(run(outbox(account, ledger.clone(), stop.clone())));
        Self { ledger, stop, running }
    }

    async fn replies(&self) -> Vec<ReplyRow> {
        let mut rows = self.ledger.overview(10_000).await.unwrap();
        rows.reverse();
        rows.into_iter().filter_map(|row| row.reply).collect()
    }

    async fn until(&self, world: &World, what: impl Fn(&[ReplyRow]) -> bool) -> Vec<ReplyRow> {
        let begun = Instant::now();
        loop {
            let replies = self.replies().await;
            if what(&replies) {
                return replies;
            }
            assert!(begun.elapsed() < PATIENCE, "{replies:?}\n{}", world.postfix.log());
            sleep(Duration::from_millis(5)).await;
        }
    }

    async fn close(self) {
        self.stop.cancel();
        self.running.await.unwrap();
    }
}

fn outbox(account: Arc<Account>, ledger: Arc<Sqlite>, stop: CancellationToken) -> Outbox {
    Outbox {
        work: mailjob::budget::Budget::new(32 << 20),
        login: Arc::new(login(&account, &ledger)),
        account,
        ledger,
        health: Arc::default(),
        stop,
    }
}

async fn fill(ledger: &Sqlite, recipients: &[&[&str]]) {
    let endpoint = EndpointName::new("invoices").unwrap();
    let count = u32::try_from(recipients.len()).unwrap();
    let mail = |uid: u32| NewMail {
        place: Place { uid_validity: 1, uid },
        received: None,
        told: None,
        header_key: None,
        content: Content::Whole {
            sha256: std::array::from_fn(|i| uid.to_be_bytes()[i % 4]),
            raw: Raw::Inline("x".into()),
        },
    };
    let intake = Intake {
        mailbox: WatchedMailbox::new(MailboxKey("imap://us/INBOX".into()), Fence::NONE),
        endpoints: vec![endpoint.clone()],
        cursor: Cursor {
            uid_validity: 1,
            uid_next: count + 1,
        },
        mails: (1..=count).map(mail).collect(),
    };
    ledger.take(intake).await.unwrap();
    for (job, recipients) in ledger
        .claim_jobs(&endpoint, recipients.len())
        .await
        .unwrap()
        .iter()
        .zip(recipients)
    {
        let message_id = format!("{}.reply@example.test", job.id);
        let reply = NewReply {
            conversation: None,
            account: "us".into(),
            bytes: mail_to(&message_id),
            message_id,
            sender: USER.into(),
            recipients: recipients.iter().map(|r| (*r).to_owned()).collect(),
        };
        let finish = Finish {
            job: job.id,
            fence: job.lease.fence(),
            outcome: Outcome::Done(Answer::default()),
            due: None,
            reply: Some(ReplyDecision::Send(reply)),
            summary: None,
            next: Vec::new(),
            gates: Vec::new(),
            trace: Default::default(),
            gone: None,
        };
        ledger.finish(finish).await.unwrap();
    }
}

/// A mail with lines that SMTP would misread, were they not escaped. Postfix adds From and Date where they are missing.
fn mail_to(message_id: &str) -> Bytes {
    format!(
        "From: <{USER}>\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\nMessage-ID: <{message_id}>\r\nSubject: result\r\n\
         \r\n.\r\n..\r\n.hidden\r\n\r\nend\r\n"
    )
    .into()
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_arrive_byte_for_byte_however_we_sign_in() {
    let world = World::start(Options::default()).await.unwrap();
    let first = world.oauth.refresh_token(USER, "mailjob").await.unwrap();
    let ways = [
        ("one@example.test", Tls::StartTls, password(&world)),
        ("two@example.test", Tls::Implicit, refreshing(&world, &first)),
    ];
    for (recipient, tls, auth) in ways {
        let desk = Desk::open(&world, tls, auth, &[&[recipient], &[recipient]]).await;
        let replies = desk
            .until(&world, |replies| replies.iter().all(|reply| reply.state == "sent"))
            .await;
        desk.close().await;
        world.dovecot.wait_for(recipient, "INBOX", 2, PATIENCE).await.unwrap();
        let mut mails = world.dovecot.mailbox(recipient, "INBOX").await.unwrap();
        for reply in replies {
            assert_eq!(reply.attempts, 1);
            assert!(
                reply.detail.as_ref().unwrap().starts_with("250 2.0.0 Ok: queued as"),
                "{reply:?}"
            );
            let whole = mail_to(&reply.message_id);
            let found = mails.iter().position(|mail| mail.ends_with(&whole));
            mails.remove(found.expect("the mail, as it was stored, below what the servers put before it"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postfix_refuses_and_defers_one_reply_and_takes_the_next() {
    let mut world = World::start(Options::default()).await.unwrap();
    let answers = [
        ("gone@example.test", "550 5.1.1 nobody here"),
        ("busy@example.test", "450 4.2.1 later"),
    ];
    world.postfix.answer_recipients(&answers).await.unwrap();
    let (gone, busy, bob) = ("gone@example.test", "busy@example.test", "bob@example.test");
    let desk = Desk::open(
        &world,
        Tls::Implicit,
        password(&world),
        &[&[gone], &[busy], &[bob, gone], &[bob]],
    )
    .await;
    let replies = desk
        .until(&world, |replies| {
            replies
                .iter()
                .all(|reply| reply.detail.is_some() && reply.state != "running")
        })
        .await;
    desk.close().await;
    let states: Vec<_> = replies.iter().map(|reply| reply.state.as_str()).collect();
    assert_eq!(states, ["refused", "queued", "sent", "sent"]);
    let said = |place: usize| replies[place].detail.as_deref().unwrap();
    assert!(said(0).contains("550 5.1.1"), "{}", said(0));
    assert!(said(1).contains("450 4.2.1"), "{}", said(1));
    assert!(
        said(2).contains("queued as") && said(2).contains("refused gone@example.test: at RCPT TO: 550"),
        "{}",
        said(2)
    );
    world.dovecot.wait_for(bob, "INBOX", 2, PATIENCE).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_sign_in_replies_wait() {
    let world = World::start(Options::default()).await.unwrap();
    let first = world.oauth.refresh_token(USER, "mailjob").await.unwrap();
    world.oauth.revoke(USER).await.unwrap();
    let bob = "bob@example.test";
    let desk = Desk::open(&world, Tls::Implicit, refreshing(&world, &first), &[&[bob], &[bob]]).await;
    let replies = desk
        .until(&world, |replies| {
            replies
                .iter()
                .all(|reply| reply.state == "queued" && reply.detail.is_some())
        })
        .await;
    desk.close().await;
    assert!(
        replies
            .iter()
            .all(|reply| reply.detail.as_ref().unwrap().contains("invalid_grant")),
        "{replies:?}"
    );
    assert_eq!(world.dovecot.count(bob, "INBOX").await.unwrap(), 0);
}
