//! A look at a maildrop before anything is done with it.

use std::{sync::Arc, time::Duration};

use mailjob::{
    auth::Credential,
    config::{Mailbox, ReadBy, Tls},
    net,
    secret::Secret,
    watch::{
        error::WatchError,
        pop3::probe::{MaildropProbe, secure},
    },
};
use mailjob_testbed::{Options, PASSWORD, World};

use super::USER;
use crate::{
    accounts::{account, password},
    letters::letter,
    raw::Lines,
};

fn maildrop(world: &World, tls: Tls) -> Mailbox {
    let account = Arc::new(account(world, USER, tls, password(world)));
    let server = account.pop3.clone().unwrap();
    Mailbox::inbox(account, ReadBy::Pop3, server)
}

async fn probe(mailbox: &Mailbox, credential: &Credential) -> Result<MaildropProbe, WatchError> {
    let (server, account) = (&mailbox.server, &mailbox.account);
    let socket = net::tcp(server, Duration::from_secs(60)).await?;
    let line = secure(socket, server, account.tls()).await?;
    line.sign_in(&account.user, server, credential).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_tells_what_is_there_and_touches_nothing() {
    mailjob::net::tls::install_provider();
    let world = World::start(Options::default()).await.unwrap();
    world.dovecot.deliver_all(USER, (1..=3).map(letter)).await.unwrap();
    let token = Secret::from(world.oauth.access_token(USER).await.unwrap());
    for (tls, credential) in [
        (Tls::Implicit, Credential::Password(Secret::from(PASSWORD))),
        (Tls::StartTls, Credential::Bearer(token)),
    ] {
        let found = probe(&maildrop(&world, tls), &credential).await.unwrap();
        assert_eq!(found.mails, 3);
        let words: Vec<_> = found.capabilities.iter().map(ToString::to_string).collect();
        assert!(words.contains(&"UIDL".to_owned()), "{words:?}");
    }
    let flags = world.dovecot.flags(USER, "INBOX").await.unwrap();
    assert!(flags.iter().all(String::is_empty), "{flags:?}");
    // Dovecot says why in a challenge, and waits for an answer to it.
    let invented = Credential::Bearer(Secret::from("invented"));
    let error = probe(&maildrop(&world, Tls::Implicit), &invented).await.unwrap_err();
    assert!(
        matches!(
            &error,
            WatchError::Credential {
                mechanism: "XOAUTH2",
                ..
            }
        ),
        "{error:?}"
    );
    assert!(error.to_string().contains("\"status\":\"401\""), "{error}");
    let wrong = Credential::Password(Secret::from("wrong"));
    let error = probe(&maildrop(&world, Tls::Implicit), &wrong).await.unwrap_err();
    assert!(
        matches!(&error, WatchError::Credential { mechanism: "PLAIN", .. }),
        "{error:?}"
    );

    let mut session = Lines::tls(world.dovecot.pop3s, &world.tls.ca).await;
    session.until(&["+OK"]).await;
    session.ask(&format!("USER {USER}"), &["+OK"]).await;
    session.ask(&format!("PASS {PASSWORD}"), &["+OK"]).await;
    assert!(session.ask("STAT", &["+OK"]).await.starts_with("+OK 3 "));
}
