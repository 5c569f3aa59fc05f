//! Accounts at the mail world, as a configuration would have them.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use mailjob::{
    auth::{Login, SealKey},
    config::{Account, Auth, AuthorizationServer, ClientProof, Grant, OAuth, Provider, SendSecret, Server, Tls},
    ledger::{Vault, sqlite::Sqlite},
    net,
    secret::{Secret, SecretRef},
};
use mailjob_testbed::{APP_SECRET, CLIENT_SECRET, PASSWORD, World};

/// Ada's account with Postfix for its replies.
pub(crate) fn account(world: &World, user: &str, tls: Tls, auth: Auth) -> Account {
    let server = |port| Server {
        host: "localhost".into(),
        port,
        tls,
    };
    let (dovecot, postfix) = (&world.dovecot, &world.postfix);
    let (imap, pop3, smtp) = match tls {
        Tls::Implicit => (dovecot.imaps, dovecot.pop3s, postfix.submissions),
        Tls::StartTls => (dovecot.imap, dovecot.pop3, postfix.submission),
    };
    Account {
        name: "us".into(),
        sign_in: "us".into(),
        provider: Provider::Other,
        user: user.into(),
        imap: Some(server(imap)),
        pop3: Some(server(pop3)),
        smtp: Some(server(smtp)),
        auth,
        ca_file: Some(world.tls.ca.clone()),
        client: None,
        from: None,
        pace: None,
        hello: None,
        smtp_auth: true,
    }
}

/// The password of every user.
pub(crate) fn password(world: &World) -> Auth {
    Auth::Password(secret(world, "password", PASSWORD))
}

/// The refresh token grant, of the client `mailjob`, with this token.
pub(crate) fn refreshing(world: &World, token: &str) -> Auth {
    let grant = Grant::RefreshToken(Some(secret(world, "refresh-token", token)));
    oauth(world, "mailjob", Some(CLIENT_SECRET), SendSecret::Body, grant)
}

/// The client credentials grant, of the application that may act for `user`.
pub(crate) fn application(world: &World, user: &str) -> Auth {
    let client = format!("app.{user}");
    oauth(
        world,
        &client,
        Some(APP_SECRET),
        SendSecret::Body,
        Grant::ClientCredentials,
    )
}

/// A client of the OAuth server.
pub(crate) fn oauth(world: &World, client: &str, client_secret: Option<&str>, send: SendSecret, grant: Grant) -> Auth {
    let scopes = match grant {
        Grant::RefreshToken(_) => Vec::new(),
        Grant::ClientCredentials | Grant::ServiceAccount { .. } => vec!["mail".to_owned()],
    };
    let client_secret = client_secret.map(|text| secret(world, "client-secret", text));
    Auth::OAuth(Box::new(OAuth {
        server: AuthorizationServer::Known {
            token_url: world.oauth.token_url(),
            authorize_url: Some(world.oauth.authorize_url()),
            device_url: Some(world.oauth.device_url()),
        },
        client_id: client.into(),
        client: client_secret.map_or(ClientProof::Public, |secret| ClientProof::Secret {
            secret,
            send,
            expires: None,
        }),
        scopes: Some(scopes),
        grant,
        ca_file: None,
        refresh_life: None,
    }))
}

/// A secret in a file of the world, for its owner's eyes only.
pub(crate) fn secret(world: &World, name: &str, text: &str) -> SecretRef {
    let path: PathBuf = world.dir().join(name);
    write_secret(&path, text);
    SecretRef::File(path)
}

/// Writes a file that nobody else can read.
pub(crate) fn write_secret(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// A sign-in whose rotated tokens live in the ledger, sealed.
pub(crate) fn login(account: &Arc<Account>, ledger: &Arc<Sqlite>) -> Login {
    net::tls::install_provider();
    let http = net::http::client(None).unwrap();
    Login::new(account.clone(), &[], Arc::new(vault(ledger)), http)
}

/// The ledger's sign-ins under the key of all tests.
pub(crate) fn vault(ledger: &Arc<Sqlite>) -> Vault {
    let key = SealKey::parse(&Secret::from("6b".repeat(32))).unwrap();
    Vault::new(ledger.clone(), Arc::new(key))
}
