//! Jobs that wait for the operator: no attempt is used up, no sender hears of it, and they go on as soon as it is mended.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router, extract,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{MAIL, endpoint, scene::*, shell};
use crate::{
    config::{Action, Command, Endpoint, HeaderValue, Retry, Webhook},
    job::state::State,
    ledger::sqlite::OverviewRow,
    secret::SecretRef,
};

/// Only what is seen to be mended ends these waits while the test lasts.
fn patient(action: Action) -> Endpoint {
    Endpoint {
        retry: Retry {
            waits: vec![PATIENCE * 10; 3],
        },
        ..endpoint(action)
    }
}

/// A file as secrets lie about, put in place whole as the kubelet does.
fn put(file: &Path, text: &str, mode: u32) {
    let new = file.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::set_permissions(&new, fs::Permissions::from_mode(mode)).unwrap();
    fs::rename(&new, file).unwrap();
}

fn wait_for(reason: &'static str, tries: i64) -> impl Fn(&[OverviewRow]) -> bool {
    move |rows| {
        rows.iter().all(|row| {
            row.state == State::Deferred && row.reason.as_deref() == Some(reason) && i64::from(row.attempts) >= tries
        })
    }
}

/// A webhook that takes this key only, and how often it was asked.
async fn locked(key: &'static str, file: &Path) -> (Webhook, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let handle = move |extract::State(()): extract::State<()>, headers: HeaderMap| {
        count.fetch_add(1, Ordering::SeqCst);
        async move {
            match headers.get("authorization").is_some_and(|given| given == key) {
                true => StatusCode::OK,
                false => StatusCode::UNAUTHORIZED,
            }
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let value = HeaderValue::Secret(SecretRef::File(file.to_owned()));
    let webhook = Webhook {
        timeout: PATIENCE,
        allow_private_network: true,
        headers: vec![("authorization".into(), value)],
        ..Webhook::new(format!("http://{}/", listener.local_addr().unwrap()))
    };
    let app = Router::new().route("/", post(handle)).with_state(());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (webhook, asked)
}

#[tokio::test]
async fn a_nights_mails_wait_for_a_new_key_and_are_done_as_soon_as_it_is_there() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("key");
    put(&file, "ended", 0o600);
    let mails = (0..200).map(|n| format!("Subject: {n}\r\n{MAIL}")).collect();
    let mut scene = Scene::with(mails).await;
    let (webhook, asked) = locked("good", &file).await;
    scene.start(patient(Action::Webhook(webhook)));
    scene
        .until(|rows| {
            rows.iter()
                .filter(|row| row.reason.as_deref() == Some("status-401"))
                .count()
                >= 5
        })
        .await;
    let down = scene.down().unwrap();
    assert!(down.refuses() && down.said.contains("key"), "{down:?}");
    let refused = asked.load(Ordering::SeqCst);
    assert!(refused < 40, "{refused} requests by a key that has ended");
    put(&file, "good", 0o600);
    let rows = scene.ended().await;
    assert!(rows.iter().all(|row| row.state == State::Done), "{rows:?}");
    assert_eq!(scene.down(), None);
    let notes = scene.notes.0.lock().unwrap().len();
    assert_eq!(notes, 200, "of each one the sender hears once, that it is done");
    scene.stopped().await;
}

#[tokio::test]
async fn a_program_that_is_missing_may_not_run_or_has_no_interpreter_is_waited_for() {
    let folder = TempDir::new().unwrap();
    let program = folder.path().join("convert.sh");
    let mut scene = Scene::with(vec![MAIL.into()]).await;
    let command = Command {
        argv: vec![program.display().to_string()],
        ..shell("")
    };
    scene.start(patient(Action::Command(command)));
    let mut tries = 0;
    for (text, mode) in [
        (None, 0),
        (Some("#!/bin/sh\necho done\n"), 0o644),
        (Some("#!/no/such/interpreter\n"), 0o755),
        (Some("#!/usr/bin/env no-such-language\n"), 0o755),
        (Some("#!/usr/bin/env -S no-such-language -u\n"), 0o755),
    ] {
        if let Some(text) = text {
            put(&program, text, mode);
        }
        let rows = scene.until(wait_for("spawn", tries + 1)).await;
        tries = i64::from(rows[0].attempts);
        assert!(scene.notes.0.lock().unwrap().is_empty(), "no sender hears of it");
    }
    put(&program, "#!/bin/sh\necho done\n", 0o755);
    let rows = scene.ended().await;
    assert_eq!(states(&rows), [State::Done]);
    scene.stopped().await;
}

#[tokio::test]
async fn a_script_that_argv_names_and_that_is_missing_is_waited_for() {
    let folder = TempDir::new().unwrap();
    let script = folder.path().join("convert.sh");
    let mut scene = Scene::with(vec![MAIL.into()]).await;
    let command = Command {
        argv: vec!["/bin/sh".to_owned(), script.display().to_string()],
        ..shell("")
    };
    scene.start(patient(Action::Command(command)));
    scene.until(wait_for("spawn", 1)).await;
    assert!(scene.notes.0.lock().unwrap().is_empty(), "no sender hears of it");
    // What fails by itself has failed, whatever it complains of.
    put(&script, "cat /no/such/file\n", 0o644);
    let rows = scene.ended().await;
    assert_eq!(states(&rows), [State::Failed]);
    scene.stopped().await;
}

#[tokio::test]
async fn the_only_attempt_is_not_used_up_by_the_operators_mistake() {
    let mut scene = Scene::with(vec![MAIL.into()]).await;
    let (action, seen) = webhook(&[404, 403, 405, 407, 401, 200]).await;
    let once = Retry {
        waits: vec![Duration::ZERO],
    };
    scene.start(Endpoint {
        retry: once,
        ..endpoint(action)
    });
    let rows = scene.ended().await;
    assert_eq!((states(&rows), rows[0].attempts), (vec![State::Done], 6));
    assert_eq!(seen.lock().unwrap().len(), 6);
    scene.stopped().await;
}

#[tokio::test]
async fn who_starts_anew_tries_what_waits_at_once() {
    let mut scene = Scene::with(vec![MAIL.into(); 3]).await;
    let (action, _) = webhook(&[404]).await;
    scene.start(patient(action));
    scene.until(wait_for("status-404", 1)).await;
    scene.stopped().await;
    // As after its file was corrected.
    scene.stop = CancellationToken::new();
    let (action, _) = webhook(&[200]).await;
    scene.start(patient(action));
    let rows = scene.ended().await;
    assert_eq!(states(&rows), [State::Done; 3]);
    scene.stopped().await;
}
