//! Whom an endpoint accepts, and how much of it.

use std::time::Duration;

use super::{
    endpoint,
    scene::{Scene, states, webhook},
};
use crate::{
    config::{Proof, SenderList, Trust},
    job::state::State,
};

fn mail(header: &str) -> String {
    format!("{header}\r\nSubject: x\r\n\r\ntext\r\n")
}

#[tokio::test]
async fn only_who_may_and_is_proven_reaches_the_action() {
    let proven = "Authentication-Results: mx.us.example; dmarc=pass header.from=a.example\r\n";
    let by = |from: &str| mail(&format!("{proven}Received: from x by mx.us.example\r\nFrom: {from}"));
    let mut scene = Scene::with(vec![
        by("ann@a.example"),
        by("bob@a.example"),
        by("ann@b.example"),
        mail("From: ann@a.example"),
        mail(&format!(
            "Received: from x by mail.a.example\r\n{proven}From: ann@a.example"
        )),
        by("ann@a.example\r\nFrom: ann@a.example"),
    ])
    .await;
    let (action, seen) = webhook(&[200]).await;
    let mut endpoint = endpoint(action);
    endpoint.senders.allow = vec![SenderList::Domain("a.example".into())];
    endpoint.senders.deny = vec![SenderList::Address("bob@a.example".into())];
    endpoint.senders.require = Some(Proof::Dmarc);
    endpoint.senders.trust = Trust::Servers(vec!["mx.us.example".into()]);
    scene.start(endpoint);
    let rows = scene.ended().await;
    let reasons: Vec<_> = rows.iter().map(|row| row.reason.as_deref().unwrap_or("-")).collect();
    assert_eq!(
        reasons,
        ["-", "sender", "sender", "untrusted", "untrusted", "untrusted"]
    );
    assert!(states(&rows)[1..].iter().all(|state| *state == State::Ignored));
    assert_eq!(scene.notes.0.lock().unwrap().len(), 1, "who is refused is not answered");
    let payload: serde_json::Value = serde_json::from_slice(&seen.lock().unwrap()[0].2).unwrap();
    let sender = &payload["mail"]["sender"];
    assert_eq!(sender["proven_by"], "dmarc");
    assert_eq!(
        (sender["address"].as_str(), sender["sources"][0].as_str()),
        (Some("ann@a.example"), Some("mx.us.example"))
    );
}

#[tokio::test]
async fn jobs_over_the_rate_wait_and_none_is_lost() {
    let mails = (0..4)
        .map(|n| mail(&format!("From: ann@a.example\r\nX-Number: {n}")))
        .collect();
    let mut scene = Scene::with(mails).await;
    let (action, seen) = webhook(&[200]).await;
    let mut endpoint = endpoint(action);
    endpoint.rates.jobs_per_sender = "2/s".parse().ok();
    let begun = std::time::Instant::now();
    scene.start(endpoint);
    let rows = scene.ended().await;
    assert_eq!(states(&rows), [State::Done; 4]);
    assert_eq!(seen.lock().unwrap().len(), 4);
    assert!(begun.elapsed() >= Duration::from_secs(1), "the third waits for room");
    assert!(rows.iter().any(|row| row.attempts == 2), "{rows:?}");
}

#[tokio::test]
async fn an_encrypted_mail_fails_with_a_word_to_its_sender() {
    let header =
        "From: ann@a.example\r\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m";
    let mut scene = Scene::with(vec![mail(header)]).await;
    let (action, seen) = webhook(&[200]).await;
    let mut endpoint = endpoint(action);
    endpoint.filter.attachments = vec!["*.pdf".into()];
    scene.start(endpoint);
    let rows = scene.ended().await;
    assert_eq!(
        (rows[0].state, rows[0].reason.as_deref()),
        (State::Failed, Some("encrypted"))
    );
    assert!(seen.lock().unwrap().is_empty());
    assert!(format!("{:?}", scene.notes.0.lock().unwrap()).contains("without encryption"));
}
