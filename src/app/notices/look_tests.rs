use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::time::Instant;

use super::*;
use crate::{
    auth::{BlockedSignIn, NullTokenStore},
    config::{Auth, Provider, Server, Tls},
    ledger::{SignInRow, sqlite},
    secret::SecretRef,
};

/// An account whose server hangs up on everybody, and how often it was asked.
async fn deaf() -> (Account, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            drop(socket);
        }
    });
    let account = Account {
        name: "office".into(),
        sign_in: "office".into(),
        provider: Provider::Other,
        user: "mailjob@example.com".into(),
        imap: None,
        pop3: None,
        smtp: Some(Server {
            host: "127.0.0.1".into(),
            port,
            tls: Tls::StartTls,
        }),
        auth: Auth::Password(SecretRef::Env("PATH".into())),
        ca_file: None,
        client: None,
        from: Some("mailjob@example.com".into()),
        pace: None,
        hello: None,
        smtp_auth: true,
    };
    (account, asked)
}

#[tokio::test]
async fn what_can_t_be_sent_stays_due_and_the_server_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(Utc::now);
    let ledger = Arc::new(sqlite::open(&folder.path().join("mailjob.db"), clock).await.unwrap());
    ledger.note_refused("office", Utc::now(), "no").await.unwrap();
    let (account, asked) = deaf().await;
    let account = Arc::new(account);
    crate::net::tls::install_provider();
    let http = crate::net::http::client(None).unwrap();
    let operator = Operator::new(vec!["ops@example.com".into()], account.clone());
    let desk = NoticeSettings {
        sign_ins: [("office".to_owned(), account.clone())].into(),
        mailboxes: BTreeMap::new(),
        senders: BTreeMap::new(),
        broken: BTreeMap::new(),
        operator: Some((
            operator,
            Arc::new(Login::new(account, &[], Arc::new(NullTokenStore), http)),
        )),
    };
    let notices = Notices {
        desk: watch::channel(desk.clone()).1,
        sign_ins: ledger.clone(),
        told: ledger.clone(),
        counts: ledger.clone(),
        metrics: Metrics::new(),
        speaker: speaker(&Service::on(1)),
        stop: CancellationToken::new(),
    };
    let mut memory = NoticeMemory::default();
    for _look in 0..3 {
        notices.look(&desk, &mut memory).await.unwrap();
    }
    assert_eq!(
        (asked.load(Ordering::SeqCst), notices.metrics.notices_failed.get()),
        (1, 1)
    );
    assert_eq!(ledger.told().await.unwrap().len(), 0);

    memory.rest = Some(Instant::now());
    notices.look(&desk, &mut memory).await.unwrap();
    assert_eq!(
        notices.metrics.notices_failed.get(),
        2,
        "due again when the rest is over"
    );
    let text = notices.metrics.encode().unwrap();
    assert!(
        text.contains("mailjob_sign_in_state{account=\"office\",state=\"needs_sign_in\"} 1\n"),
        "{text}"
    );
}

#[tokio::test]
async fn without_an_operator_nothing_is_noted_as_told() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = sqlite::open(&folder.path().join("mailjob.db"), Arc::new(Utc::now)).await;
    let ledger = Arc::new(ledger.unwrap());
    ledger.note_refused("office", Utc::now(), "no").await.unwrap();
    let (account, _) = deaf().await;
    let desk = NoticeSettings {
        sign_ins: [("office".to_owned(), Arc::new(account))].into(),
        mailboxes: BTreeMap::new(),
        senders: BTreeMap::new(),
        broken: BTreeMap::new(),
        operator: None,
    };
    let notices = Notices {
        desk: watch::channel(desk.clone()).1,
        sign_ins: ledger.clone(),
        told: ledger.clone(),
        counts: ledger.clone(),
        metrics: Metrics::new(),
        speaker: speaker(&Service::on(1)),
        stop: CancellationToken::new(),
    };
    let mut memory = NoticeMemory::default();
    notices.look(&desk, &mut memory).await.unwrap();
    assert_eq!((memory.logged.len(), ledger.told().await.unwrap().len()), (1, 0));
    let refused = |row: SignInRow| row.refused.map(|BlockedSignIn { why, .. }| why);
    assert_eq!(
        ledger.sign_in("office").await.unwrap().and_then(refused),
        Some("no".into())
    );
}
