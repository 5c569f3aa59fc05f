//! The whole program with accounts that are spelt out, and the side door to its sign-ins.

use std::{sync::Arc, time::Duration};

use mailjob::{
    app,
    auth::{Login, TokenStore as _},
    config::load::{Loaded, Sources, load},
    ledger::Vault,
    net,
};
use mailjob_testbed::{Mailjob, World};
use tokio::time::{Instant, sleep};

/// How long anything may take that needs no time to pass.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
/// Who sends the mails.
pub(crate) const SENDER: &str = "sender@example.test";
/// An action that is done at once.
pub(crate) const COMMAND: &str = "[command]\nargv = [\"/bin/sh\", \"-c\", \"echo received\"]\n";
/// The sender hears of it.
pub(crate) const REPLY: &str = "[reply]\nto = \"sender\"\n";

/// An installation without accounts.
pub(crate) fn program(world: &World) -> Mailjob {
    Mailjob::new(world, env!("CARGO_BIN_EXE_mailjob")).unwrap()
}

/// The lines of an account of `user` at the world's servers that signs in so.
pub(crate) fn account(world: &World, user: &str, sign_in: &str) -> String {
    format!(
        "user = \"{user}\"\nca_file = \"{ca}\"\nimap = {{ host = \"localhost\", port = {imap} }}\n\
         smtp = {{ host = \"localhost\", port = {smtp}, tls = \"implicit\" }}\n{sign_in}",
        ca = world.tls.ca.display(),
        imap = world.dovecot.imaps,
        smtp = world.postfix.submissions,
    )
}

/// The lines of a client at the world's authorization server.
pub(crate) fn client(world: &World, id: &str, lines: &str) -> String {
    let oauth = &world.oauth;
    format!(
        "client_id = \"{id}\"\n{lines}\n\
         oauth = {{ token_url = \"{}\", authorize_url = \"{}\", device_url = \"{}\", scopes = [\"mail\"] }}",
        oauth.token_url(),
        oauth.authorize_url(),
        oauth.device_url()
    )
}

/// The lines of the public client with a refresh token in `secrets/NAME`, fresh from the server.
pub(crate) async fn refreshing(world: &World, mailjob: &Mailjob, name: &str, user: &str) -> String {
    let token = world.oauth.refresh_token(user, "mailjob-public").await.unwrap();
    mailjob.secret(name, &token).unwrap();
    let lines = format!("refresh_token = {{ file = \"secrets/{name}\" }}");
    client(world, "mailjob-public", &lines)
}

/// An endpoint of an account that does its job at once.
pub(crate) fn endpoint(account: &str, further: &str) -> String {
    format!("[mailbox]\naccount = \"{account}\"\n{COMMAND}{further}")
}

/// Waits until so many mails of a user were processed.
pub(crate) async fn processed(world: &World, mailjob: &Mailjob, user: &str, count: usize) {
    let waited = world.dovecot.wait_for(user, "Processed", count, PATIENCE).await;
    waited.unwrap_or_else(|error| panic!("{error}\n{}", mailjob.log()));
}

/// Waits until so many replies lie in the sender's mailbox.
pub(crate) async fn answered(world: &World, mailjob: &Mailjob, count: usize) {
    let waited = world.dovecot.wait_for(SENDER, "INBOX", count, PATIENCE).await;
    waited.unwrap_or_else(|error| panic!("{error}\n{}", mailjob.log()));
}

/// Waits until the program's log holds these words so many times, or more.
pub(crate) async fn said(mailjob: &Mailjob, words: &str, count: usize) {
    let deadline = Instant::now() + PATIENCE;
    while mailjob.log().matches(words).count() < count {
        assert!(
            Instant::now() < deadline,
            "not {count} times {words:?}:\n{}",
            mailjob.log()
        );
        sleep(Duration::from_millis(20)).await;
    }
}

/// Its configuration.
pub(crate) fn loaded(mailjob: &Mailjob) -> Loaded {
    load(&Sources {
        endpoints: mailjob.dir().join("endpoints.d"),
        config: Some(mailjob.dir().join("mailjob.toml")),
    })
}

/// The sign-ins of an installation, as a command has them that may run beside it.
pub(crate) async fn vault(mailjob: &Mailjob) -> Vault {
    app::sign_ins(&loaded(mailjob).service.unwrap()).await.unwrap()
}

/// A sign-in of another process than the program's.
pub(crate) async fn login(mailjob: &Mailjob, account: &str) -> Login {
    net::tls::install_provider();
    let account = loaded(mailjob).accounts.remove(account).unwrap();
    let http = net::http::client(None).unwrap();
    Login::new(account, &[], Arc::new(vault(mailjob).await), http)
}

/// Why the sign-in needs a person, as the ledger has it.
pub(crate) async fn refused(mailjob: &Mailjob, sign_in: &str) -> Option<String> {
    let known = vault(mailjob).await.load(sign_in).await.unwrap();
    known.refused.map(|refused| refused.why)
}

/// Waits until the ledger has it that the sign-in needs a person, and why.
pub(crate) async fn needs_person(mailjob: &Mailjob, sign_in: &str) -> String {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(why) = refused(mailjob, sign_in).await {
            return why;
        }
        assert!(Instant::now() < deadline, "{sign_in} needs nobody:\n{}", mailjob.log());
        sleep(Duration::from_millis(20)).await;
    }
}

/// A page of the program, by the token of its own user; nothing where nobody answers within this time.
pub(crate) async fn page(mailjob: &Mailjob, path: &str, patience: Duration) -> Option<reqwest::Response> {
    let http = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .build()
        .unwrap();
    let asked = http.get(mailjob.health_url(path)).timeout(patience);
    asked.bearer_auth(mailjob.token()).send().await.ok()
}
