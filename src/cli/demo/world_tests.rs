//! The demo's world and files against Mailjob's own clients: what is sent arrives, what is received is what was sent, and nobody else gets in.

use std::sync::Arc;

use proptest::prelude::*;

use super::{
    cast::{self, BOSS, INVOICES, LISTS},
    folder::{DESKS, DemoFolder},
};
use crate::{
    auth::{Login, NullTokenStore},
    config::{Account, Filter, Limits, Protocol, ReadBy, SettleAction, load::load},
    net,
    post::{self, OutgoingMail, ReceiveHost, ReceiveRequest, Undelivered},
    sandbox::{Delivered, Sandbox},
    watch::visit::MailboxHost,
};

struct DemoWorld {
    sandbox: Sandbox,
    folder: DemoFolder,
}

async fn world() -> DemoWorld {
    net::tls::install_provider();
    let (sandbox, _events) = Sandbox::start(&DESKS).await.unwrap();
    let folder = DemoFolder::make(&sandbox).unwrap();
    DemoWorld { sandbox, folder }
}

impl DemoWorld {
    fn account(&self, name: &str) -> Arc<Account> {
        let mut loaded = load(&self.folder.sources());
        assert!(loaded.problems.is_empty(), "{:#?}", loaded.problems);
        loaded.accounts.remove(name).unwrap()
    }

    fn login(&self, account: &Arc<Account>) -> Login {
        let http = net::http::client(account.auth.ca_file()).unwrap();
        let uses = [Protocol::Imap, Protocol::Smtp];
        Login::new(account.clone(), &uses, Arc::new(NullTokenStore), http)
    }

    async fn send(&self, account: &Arc<Account>, to: &str, bytes: &[u8]) -> Result<(), Undelivered> {
        let mail = OutgoingMail {
            sender: account.user.clone(),
            recipients: vec![to.to_owned()],
            message_id: "m@contoso.example".into(),
            bytes: bytes.to_vec(),
        };
        let server = account.server(Protocol::Smtp).unwrap().clone();
        let sent = post::send(account, &server, &self.login(account), &mail, &|_| {}).await;
        sent.map(|_| ())
    }

    /// Receives all mails of a mailbox.
    async fn receive(&self, account: &Arc<Account>, mailbox: &str, fate: SettleAction) -> Result<Vec<Vec<u8>>, String> {
        let host = ReceiveHost {
            protocol: ReadBy::Imap,
            host: MailboxHost {
                account: account.clone(),
                server: account.server(Protocol::Imap).unwrap().clone(),
                login: self.login(account),
            },
        };
        let wanted = ReceiveRequest {
            mailbox: mailbox.to_owned(),
            filter: Filter::default(),
            media_types: Vec::new(),
            count: None,
            fate,
            limits: Limits::default(),
        };
        let mut got = Vec::new();
        let mut tell = |_: &post::Element, raw: &[u8]| {
            got.push(raw.to_vec());
            Ok(())
        };
        let received = post::receive(&host, &wanted, None, &|_| {}, &mut tell).await;
        received.map(|_| got).map_err(|error| error.to_string())
    }
}

#[tokio::test]
async fn the_demos_files_are_right_and_each_account_signs_in() {
    let world = world().await;
    let loaded = load(&world.folder.sources());
    assert!(loaded.problems.is_empty(), "{:#?}", loaded.problems);
    assert_eq!(loaded.endpoints.len(), 3);
    for name in ["invoices", "lists"] {
        let account = world.account(name);
        world
            .send(&account, BOSS, b"Subject: x\r\n\r\n.\r\n..\r\nx\r\n")
            .await
            .unwrap();
        assert_eq!(
            world.receive(&account, "INBOX", SettleAction::Keep).await,
            Ok(Vec::new())
        );
    }
    let got = world.sandbox.post_office.mails(BOSS, "INBOX");
    assert_eq!(got.len(), 2);
    for mail in got {
        assert!(mail.bytes.ends_with(b"\r\n\r\n.\r\n..\r\nx\r\n"), "{:?}", mail.bytes);
    }
}

#[tokio::test]
async fn what_is_moved_or_deleted_is_where_it_has_to_be() {
    let world = world().await;
    let account = world.account("lists");
    let office = &world.sandbox.post_office;
    for number in 1..=3 {
        let mail = cast::list(number).write().unwrap();
        office.post(&mail.from, &[LISTS.to_owned()], &mail.bytes).unwrap();
    }
    let all: Vec<_> = office
        .mails(LISTS, "INBOX")
        .iter()
        .map(|mail| mail.bytes.to_vec())
        .collect();
    for fate in [
        SettleAction::Keep,
        SettleAction::Mark,
        SettleAction::Flag,
        SettleAction::Move("Dön\"e".into()),
    ] {
        assert_eq!(world.receive(&account, "INBOX", fate).await, Ok(all.clone()));
    }
    assert_eq!(office.mails(LISTS, "INBOX").len(), 0);
    assert_eq!(world.receive(&account, "Dön\"e", SettleAction::Delete).await, Ok(all));
    assert_eq!(
        world.receive(&account, "Dön\"e", SettleAction::Keep).await,
        Ok(Vec::new())
    );
}

#[tokio::test]
async fn nobody_else_gets_in_and_nothing_gets_out() {
    let world = world().await;
    let mut stranger = Account::clone(&world.account("lists"));
    stranger.user = INVOICES.into();
    let stranger = Arc::new(stranger);
    assert!(world.receive(&stranger, "INBOX", SettleAction::Keep).await.is_err());
    assert!(matches!(
        world.send(&stranger, BOSS, b"x").await,
        Err(Undelivered::Session(_))
    ));
    // The password is right, and the authority is not trusted.
    let mut careless = Account::clone(&world.account("lists"));
    careless.ca_file = None;
    let careless = Arc::new(careless);
    let refused = world.receive(&careless, "INBOX", SettleAction::Keep).await.unwrap_err();
    assert!(refused.contains("certificate"), "{refused}");

    let account = world.account("lists");
    let outside = world.send(&account, "ann@example.com", b"Subject: x\r\n\r\n").await;
    assert!(matches!(outside, Err(Undelivered::Refused { .. })), "{outside:?}");
    let large = vec![b'x'; 21 << 20];
    let large = world.send(&account, BOSS, &large).await;
    assert!(matches!(large, Err(Undelivered::TooLarge { .. })), "{large:?}");
}

#[test]
fn what_is_cast_is_read_as_it_was_meant() {
    let mail = cast::invoice(7).write().unwrap();
    let read = Delivered::read(&mail.bytes);
    assert_eq!(
        (read.subject.as_str(), read.files.as_slice()),
        ("Invoice 7", &["invoice-7.pdf".to_owned()][..])
    );
    assert_eq!((read.message_id, mail.to), (mail.message_id, INVOICES.to_owned()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Whatever bytes a mail has, and whatever its size: what our client receives is what lies there.
    #[test]
    fn mails_of_any_size_are_received_whole(body in proptest::collection::vec(any::<u8>(), 0..60), repeats in 1_usize..6000) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let world = world().await;
            let mail = [b"From: ann@a.example\r\nSubject: x\r\n\r\n".to_vec(), body.repeat(repeats)].concat();
            world.sandbox.post_office.post("ann@a.example", &[LISTS.to_owned()], &mail).unwrap();
            let got = world.receive(&world.account("lists"), "INBOX", SettleAction::Keep).await.unwrap();
            assert_eq!(got.len(), 1);
            assert!(got[0].ends_with(&mail));
        });
    }
}
