//! A token server of our own that answers whatever it is told, a store that can be full, and an account between them.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use axum::{
    body::Body,
    http::{Response, header},
};
use tokio::sync::Notify;

use chrono::{DateTime, Utc};

use super::{AuthError, Credential, Login, StoreError, StoredSignIn, StoredToken, TokenStore};
use crate::{
    config::{Account, Auth, AuthorizationServer, ClientProof, Grant, OAuth, Provider, SendSecret, Server, Tls},
    secret::{ExposeSecret, SecretRef},
};

/// What the token server does with each request, by its number from 1 and its form body.
pub(super) type Answer = dyn Fn(usize, &str) -> Response<Body> + Send + Sync;

pub(super) struct TokenServer {
    pub(super) url: String,
    pub(super) requests: Arc<Mutex<Vec<String>>>,
}

impl TokenServer {
    pub(super) async fn start(answer: impl Fn(usize, &str) -> Response<Body> + Send + Sync + 'static) -> Self {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, answer): (_, Arc<Answer>) = (requests.clone(), Arc::new(answer));
        let app = axum::Router::new().route(
            "/token",
            axum::routing::post(move |form: String| async move {
                let number = {
                    let mut seen = seen.lock().unwrap();
                    seen.push(form.clone());
                    seen.len()
                };
                answer(number, &form)
            }),
        );
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/token", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, requests }
    }

    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

pub(super) fn answer(status: u16, media_type: &str, body: impl Into<Body>) -> Response<Body> {
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, media_type)
        .body(body.into())
        .unwrap()
}

pub(super) fn json(status: u16, body: &str) -> Response<Body> {
    answer(status, "application/json; charset=utf-8", body.to_owned())
}

/// A granted token `access-N`; the refresh token, when given, is rotated to it.
pub(super) fn grant(number: usize, rotated: Option<&str>) -> Response<Body> {
    let rotated = rotated.map_or(String::new(), |token| format!(r#","refresh_token":"{token}""#));
    json(
        200,
        &format!(r#"{{"access_token":"access-{number}","token_type":"bEARER","expires_in":3600{rotated}}}"#),
    )
}

#[derive(Default)]
pub(super) struct Store {
    pub(super) token: Mutex<Option<StoredToken>>,
    pub(super) refused: Mutex<Option<String>>,
    pub(super) saves: AtomicUsize,
    pub(super) full: AtomicBool,
    pub(super) saved: Notify,
}

#[async_trait]
impl TokenStore for Store {
    async fn note_refreshed(&self, _: &str, _: DateTime<Utc>) -> Result<(), StoreError> {
        *self.refused.lock().unwrap() = None;
        Ok(())
    }

    async fn note_refused(&self, _: &str, _: DateTime<Utc>, why: &str) -> Result<(), StoreError> {
        *self.refused.lock().unwrap() = Some(why.to_owned());
        Ok(())
    }

    async fn lock(&self, _: &str) -> Result<Box<dyn Send>, StoreError> {
        Ok(Box::new(()))
    }

    async fn load(&self, _: &str) -> Result<StoredSignIn, StoreError> {
        Ok(StoredSignIn {
            token: self.token.lock().unwrap().clone(),
            ..StoredSignIn::default()
        })
    }

    async fn save(&self, account: &str, token: StoredToken) -> Result<(), StoreError> {
        assert_eq!(account, "contoso");
        if self.full.load(Ordering::SeqCst) {
            return Err(StoreError::Failed("the disk is full".into()));
        }
        *self.token.lock().unwrap() = Some(token);
        self.saves.fetch_add(1, Ordering::SeqCst);
        self.saved.notify_one();
        Ok(())
    }
}

impl Store {
    pub(super) fn refresh_token(&self) -> Option<String> {
        let token = self.token.lock().unwrap();
        token
            .as_ref()
            .map(|stored| stored.refresh_token.expose_secret().to_owned())
    }
}

/// An account whose secrets are files in a folder of its own.
pub(super) struct World {
    pub(super) folder: tempfile::TempDir,
    pub(super) store: Arc<Store>,
    pub(super) login: Login,
}

pub(super) fn world(url: &str, grant: fn(PathBuf) -> Grant) -> World {
    let folder = tempfile::tempdir().unwrap();
    write_secret(&folder.path().join("refresh"), "first\n");
    write_secret(&folder.path().join("client"), "hush");
    let store = Arc::new(Store::default());
    let login = Login::new(Arc::new(account(url, folder.path(), grant)), &[], store.clone(), http());
    World { folder, store, login }
}

pub(super) fn account(url: &str, folder: &Path, grant: fn(PathBuf) -> Grant) -> Account {
    Account {
        name: "contoso".into(),
        sign_in: "contoso".into(),
        provider: Provider::Other,
        user: "invoices@contoso.example".into(),
        imap: Some(Server {
            host: "imap.contoso.example".into(),
            port: 993,
            tls: Tls::Implicit,
        }),
        pop3: None,
        smtp: None,
        auth: Auth::OAuth(Box::new(OAuth {
            server: AuthorizationServer::Known {
                token_url: url.into(),
                authorize_url: None,
                device_url: None,
            },
            client_id: "client id".into(),
            client: ClientProof::Secret {
                secret: SecretRef::File(folder.join("client")),
                send: SendSecret::Body,
                expires: None,
            },
            scopes: Some(vec!["imap".into(), "offline_access".into()]),
            grant: grant(folder.join("refresh")),
            ca_file: None,
            refresh_life: None,
        })),
        ca_file: None,
        client: None,
        from: None,
        pace: None,
        hello: None,
        smtp_auth: true,
    }
}

/// A secret file that nobody else can read.
pub(super) fn write_secret(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

pub(super) fn refreshing(file: PathBuf) -> Grant {
    Grant::RefreshToken(Some(SecretRef::File(file)))
}

pub(super) fn credentials(_file: PathBuf) -> Grant {
    Grant::ClientCredentials
}

pub(super) fn http() -> reqwest::Client {
    // The provider may be there already, from another test of this process.
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

impl World {
    pub(super) async fn token(&self) -> Result<String, AuthError> {
        match self.login.credential().await? {
            Credential::Bearer(token) => Ok(token.expose_secret().to_owned()),
            Credential::Password(_) => panic!("a password"),
        }
    }
}
