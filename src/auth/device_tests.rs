use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use super::*;
use crate::{
    auth::{
        Login, TokenStore,
        login_world::{Store, TokenServer, account, http, json, refreshing},
    },
    config::{Auth, AuthorizationServer, ClientProof, Grant},
    secret::ExposeSecret,
};

const BEGUN: &str = r#"{"device_code":"dc","user_code":"ABCD-EFGH","verification_uri":"https://example.com/device","expires_in":900,"interval":5}"#;

/// A login whose server answers the token requests, by their number from 1.
async fn login(answer: impl Fn(usize) -> (u16, String) + Send + Sync + 'static) -> (Login, TokenServer, Arc<Store>) {
    let server = TokenServer::start(move |number, _| {
        if number == 1 {
            json(200, BEGUN)
        } else {
            let (status, body) = answer(number - 1);
            json(status, &body)
        }
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let mut account = account(&server.url, folder.path(), refreshing);
    if let Auth::OAuth(oauth) = &mut account.auth {
        oauth.grant = Grant::RefreshToken(None);
        oauth.client = ClientProof::Public;
        oauth.server = AuthorizationServer::Known {
            token_url: server.url.clone(),
            authorize_url: None,
            device_url: Some(server.url.clone()),
        };
    }
    let store = Arc::new(Store::default());
    let login = Login::new(Arc::new(account), &[], store.clone(), http());
    (login, server, store)
}

fn error(code: &str) -> (u16, String) {
    (
        400,
        format!(r#"{{"error":"{code}","error_description":"AADSTS70000: words"}}"#),
    )
}

#[tokio::test(start_paused = true)]
async fn the_person_is_waited_for_as_slowly_as_the_server_wants() {
    let granted = r#"{"access_token":"t","token_type":"bearer","refresh_token":"r1","expires_in":3600}"#;
    let (login, server, store) = login(move |number| match number {
        1 | 3 => error("authorization_pending"),
        2 => error("slow_down"),
        _ => (200, granted.to_owned()),
    })
    .await;
    let device = login.device().await.unwrap();
    assert_eq!(
        (device.url(), device.code()),
        ("https://example.com/device", "ABCD-EFGH")
    );
    assert_eq!(device.life(), Duration::from_secs(900));
    let begun = tokio::time::Instant::now();
    login.await_device(&device).await.unwrap();
    // 5 s, and 5 more after slow_down (RFC 8628 section 3.5).
    assert!(begun.elapsed() >= Duration::from_secs(25), "{:?}", begun.elapsed());
    assert_eq!(server.requests().len(), 5);
    let known = store.load("contoso").await.unwrap().token.unwrap();
    assert_eq!(known.refresh_token.expose_secret(), "r1");
}

#[tokio::test(start_paused = true)]
async fn both_sets_of_names_end_it() {
    for (code, is) in [
        ("access_denied", DeviceError::Denied.to_string()),
        ("authorization_declined", DeviceError::Denied.to_string()),
        ("expired_token", DeviceError::Expired.to_string()),
    ] {
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = asked.clone();
        let (login, ..) = login(move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            error(code)
        })
        .await;
        let device = login.device().await.unwrap();
        let ended = login.await_device(&device).await.unwrap_err();
        assert_eq!(ended.to_string(), is, "{code}");
        assert_eq!(asked.load(Ordering::SeqCst), 1, "{code}");
    }
    let (login, ..) = login(|_| error("bad_verification_code")).await;
    let device = login.device().await.unwrap();
    let ended = login.await_device(&device).await.unwrap_err().to_string();
    assert!(
        ended.contains("bad_verification_code") && ended.contains("AADSTS70000"),
        "{ended}"
    );
}
