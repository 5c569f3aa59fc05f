//! Replies that wait while nobody may sign in, and go when somebody may.

use super::*;

#[tokio::test]
async fn while_nobody_may_sign_in_every_reply_waits_unblamed() {
    let world = World::new(5, |_, line| {
        if line.starts_with("AUTH") {
            Act::Say("535 5.7.8 no")
        } else {
            Act::Usual
        }
    })
    .await;
    world.start();
    world.until_said("535 5.7.8").await;
    world.until("queued", 5).await;
    world.stop().await;
    assert_eq!(
        world.fake.connections(),
        1,
        "a wrong password is not tried again at once"
    );
    assert!(world.fake.mails().is_empty());
}

/// A server that takes this password only, said by AUTH PLAIN.
fn wants(password: &'static str) -> impl Fn(usize, &str) -> Act + Send + Sync + 'static {
    move |_, line| {
        let plain = line.strip_prefix("AUTH PLAIN ");
        let is_right = plain.is_some_and(|said| STANDARD.decode(said).unwrap().ends_with(password.as_bytes()));
        match line.starts_with("AUTH") && !is_right {
            true => Act::Say("535 5.7.8 no"),
            false => Act::Usual,
        }
    }
}

#[tokio::test]
async fn a_corrected_password_has_what_waited_sent_at_once() {
    let world = World::new(5, wants("mended")).await;
    world.start();
    world.until_said("535 5.7.8").await;
    world.until("queued", 5).await;
    // The account is left alone for a minute, and its replies are due after it: longer than the test waits.
    world.password("mended");
    world.until("sent", 5).await;
    world.stop().await;
    assert_eq!(world.fake.connections(), 2);
}

#[tokio::test]
async fn a_session_of_the_account_that_works_again_has_what_waited_tried() {
    let open = Arc::new(AtomicBool::new(false));
    let opened = open.clone();
    let world = World::new(3, move |_, line| {
        match line.starts_with("AUTH") && !opened.load(Ordering::SeqCst) {
            true => Act::Say("535 5.7.8 no"),
            false => Act::Usual,
        }
    })
    .await;
    world.start();
    world.until_said("535 5.7.8").await;
    open.store(true, Ordering::SeqCst);
    // As the watch of its mailbox says that is let in again. The loop may not have begun its pause yet.
    while world.count("sent").await < 3 {
        world.login().works();
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    world.stop().await;
}

#[tokio::test]
async fn who_starts_anew_tries_what_waits_at_once() {
    let world = World::new(3, wants("mended")).await;
    world.start();
    world.until_said("535 5.7.8").await;
    world.until("queued", 3).await;
    world.stop().await;
    let world = world.with_stop(CancellationToken::new());
    world.password("mended");
    world.start();
    world.until("sent", 3).await;
    world.stop().await;
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let issued = Arc::new(AtomicUsize::new(0));
    let count = issued.clone();
    let app = axum::Router::new().route(
        "/token",
        axum::routing::post(move || async move {
            let number = count.fetch_add(1, Ordering::SeqCst) + 1;
            (
                [("content-type", "application/json")],
                format!(r#"{{"access_token":"t{number}","token_type":"bearer"}}"#),
            )
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let token_url = format!("http://{}/token", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    // The first token is refused.
    let world = World::new(3, |connection, line| match line {
        line if line.starts_with("AUTH") && connection == 1 => Act::Say("334 e30="),
        "" | "AQ==" => Act::Say("535 5.7.8 expired"),
        _ => Act::Usual,
    })
    .await;
    world.start_as(|_| {
        Auth::OAuth(Box::new(OAuth {
            server: AuthorizationServer::Known {
                token_url: token_url.clone(),
                authorize_url: None,
                device_url: None,
            },
            client_id: "x".into(),
            client: ClientProof::Public,
            scopes: None,
            grant: Grant::ClientCredentials,
            ca_file: None,
            refresh_life: None,
        }))
    });
    world.until("sent", 3).await;
    world.stop().await;
    assert_eq!(issued.load(Ordering::SeqCst), 2);
    assert_eq!(world.fake.connections(), 2);
}
