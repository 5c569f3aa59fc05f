//! The commands that see and steer a Mailjob by its API.

use std::fs;

use mailjob_testbed::{Mailjob, Options, World};
use serde_json::{Value, json};
use tokio::time::{Duration, Instant, sleep};

use super::{ADA, TOKEN, get, installed, post, started};
use crate::{
    letters::letter,
    program::{PATIENCE, SENDER, answered},
};

/// Runs a command against the API, from a folder that has no configuration; its exit code and what it printed.
async fn command(mailjob: &Mailjob, arguments: &[&str]) -> (i32, String) {
    // That of [api] where there is one, else the machine's own.
    let configured = "secrets/token";
    let token = match mailjob.dir().join(configured).exists() {
        true => configured,
        false => "mailjob.token",
    };
    let elsewhere = tempfile::tempdir().unwrap();
    let mut command = mailjob.command(arguments);
    command
        .current_dir(elsewhere.path())
        .env_remove("MAILJOB_CONFIG")
        .env_remove("MAILJOB_ENDPOINTS")
        .env("MAILJOB_URL", mailjob.health_url(""))
        .env("MAILJOB_TOKEN_FILE", mailjob.dir().join(token));
    let output = command.output().await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    assert_eq!(mailjob.leaks(&text), Vec::<String>::new());
    (output.status.code().unwrap(), text)
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_replies_are_listed_and_tried_again_from_elsewhere() {
    let mut world = World::start(Options::default()).await.unwrap();
    let mut mailjob = installed(&world);
    mailjob.secret("token", TOKEN).unwrap();
    mailjob
        .service("\n[api]\ntoken = { file = \"secrets/token\" }")
        .unwrap();
    world
        .postfix
        .answer_recipients(&[(SENDER, "550 5.1.1 nobody here")])
        .await
        .unwrap();
    started(&mut mailjob).await;
    world.dovecot.deliver(ADA, &letter(1)).await.unwrap();
    let deadline = Instant::now() + PATIENCE;
    let job = loop {
        let (code, text) = command(&mailjob, &["replies", "list", "--state", "refused", "--json"]).await;
        assert_eq!(code, 0, "{text}");
        let listed: Value = serde_json::from_str(&text).unwrap();
        if let Some(job) = listed["replies"][0]["job"].as_str() {
            break job.to_owned();
        }
        assert!(Instant::now() < deadline, "{listed}\n{}", mailjob.log());
        sleep(Duration::from_millis(50)).await;
    };
    world.postfix.answer_recipients(&[]).await.unwrap();
    assert_eq!(
        command(&mailjob, &["replies", "retry", "01980000000070008000000000000000"])
            .await
            .0,
        1
    );
    let (code, text) = command(&mailjob, &["replies", "retry", &job]).await;
    assert!(code == 0 && text.starts_with("1 due now"), "{code} {text}");
    answered(&world, &mailjob, 1).await;
    fs::write(mailjob.dir().join("secrets/token"), "another-token-of-0123456789").unwrap();
    mailjob.secret("other", TOKEN).unwrap();
    let (code, text) = command(
        &mailjob,
        &[
            "replies",
            "list",
            "--token-file",
            mailjob.dir().join("secrets/other").to_str().unwrap(),
        ],
    )
    .await;
    assert!(
        code == 74 && text.contains("The token is another one."),
        "{code} {text}"
    );
    assert_eq!(mailjob.term().unwrap(), 0);
    let (code, text) = command(&mailjob, &["replies", "list"]).await;
    assert!(code == 74 && text.contains("can't be asked"), "{code} {text}");
}

/// Waits until so many jobs are in these states, and answers them.
async fn jobs(mailjob: &Mailjob, states: &[&str]) -> Vec<Value> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (code, text) = command(mailjob, &["jobs", "list", "--json"]).await;
        assert_eq!(code, 0, "{text}");
        let mut page: Value = serde_json::from_str(&text).unwrap();
        let rows = page["jobs"].as_array_mut().map(std::mem::take).unwrap();
        if rows.iter().map(|row| &row["state"]).eq(states.iter()) {
            return rows;
        }
        assert!(Instant::now() < deadline, "{rows:#?}\n{}", mailjob.log());
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_seen_and_steered_from_elsewhere() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = installed(&world);
    let http = started(&mut mailjob).await;
    let (code, text) = command(&mailjob, &["pause", "ada"]).await;
    assert!(code == 0 && text.contains("is paused"), "{code} {text}");
    let (code, text) = command(&mailjob, &["pause", "nobody"]).await;
    assert!(
        code == 1 && text.contains("nobody"),
        "as where there is no API: {code} {text}"
    );
    world.dovecot.deliver(ADA, &letter(1)).await.unwrap();
    let id = jobs(&mailjob, &["queued"]).await[0]["id"].as_str().unwrap().to_owned();
    for part in [&id[..], &id[24..], &id[..8]] {
        let (status, body) = get(&http, &mailjob, &format!("/api/v1/jobs/{part}")).await;
        assert!(status == 200 && body["job"]["id"] == id, "{part}: {body}");
    }
    let (status, body) = get(&http, &mailjob, "/api/v1/jobs/ffffffff").await;
    assert!(
        status == 404 && body["detail"].as_str().unwrap().contains("ffffffff"),
        "{body}"
    );
    let (_, body) = get(&http, &mailjob, "/api/v1/endpoints/ada").await;
    assert_eq!(body["paused"]["by"], "operator", "{body}");
    let (code, text) = command(&mailjob, &["resume", "ada", "--json"]).await;
    let resumed: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(code == 0 && resumed["was"]["waiting"] == 1, "{code} {text}");
    jobs(&mailjob, &["done"]).await;
    answered(&world, &mailjob, 1).await;

    let (code, text) = command(&mailjob, &["jobs", "show", &id]).await;
    assert!(code == 0 && text.contains("received"), "{code} {text}");
    let answer = http
        .get(mailjob.health_url(&format!("/api/v1/jobs/{id}/mail")))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.headers()["content-type"], "message/rfc822");
    assert!(answer.text().await.unwrap().contains("Subject: Letter 1"));
    let reply = http
        .get(mailjob.health_url(&format!("/api/v1/jobs/{id}/reply")))
        .send()
        .await
        .unwrap();
    assert!(reply.text().await.unwrap().contains("Subject: Re: Letter 1"));
    let (status, body) = post(&http, &mailjob, &format!("/api/v1/jobs/{id}/retry"), &json!({})).await;
    assert_eq!(status, 409, "it is done: {body}");
    let (status, body) = post(&http, &mailjob, &format!("/api/v1/jobs/{id}/replay"), &json!({})).await;
    assert!(status == 200 && body["job"] == id.as_str(), "{status} {body}");
    answered(&world, &mailjob, 2).await;
    let (_, events) = get(&http, &mailjob, "/api/v1/events?after=0&endpoint=ada").await;
    let kinds: Vec<_> = events["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["kind"].as_str().unwrap())
        .collect();
    for kind in ["paused", "made", "resumed", "done", "reply-sent"] {
        assert!(kinds.contains(&kind), "{kind}: {kinds:?}");
    }
    let (code, text) = command(&mailjob, &["tail", "--once"]).await;
    assert!(code == 0 && text.contains("Letter 1"), "{code} {text}");
    assert_eq!(mailjob.term().unwrap(), 0);
}
