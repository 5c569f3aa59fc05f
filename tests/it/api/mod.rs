//! The API of the whole program: who is let in, what it tells, what it does, and the commands that ask it.

mod commands;

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use mailjob_testbed::{Mailjob, Options, PASSWORD, World};
use reqwest::{Client, RequestBuilder, StatusCode, header::HeaderMap};
use serde_json::{Value, json};
use tokio::time::{Duration, Instant, sleep};

use crate::program::{PATIENCE, REPLY, account, endpoint, program};

const ADA: &str = "ada@example.test";
const TOKEN: &str = "the-first-token-of-0123456789";

/// A program with one endpoint, `ada`.
fn installed(world: &World) -> Mailjob {
    let mut mailjob = program(world);
    mailjob.secret("ada", PASSWORD).unwrap();
    let lines = account(world, ADA, "password = { file = \"secrets/ada\" }");
    mailjob.account_as("ada", &lines).unwrap();
    mailjob.endpoint("ada", &endpoint("ada", REPLY)).unwrap();
    mailjob
}

async fn started(mailjob: &mut Mailjob) -> Client {
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    client(&mailjob.token())
}

/// A program that shows this token, if it has one.
fn client(token: &str) -> Client {
    let mut headers = HeaderMap::new();
    if !token.is_empty() {
        headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
    }
    let client = Client::builder().no_proxy().tls_certs_only([]);
    client.default_headers(headers).build().unwrap()
}

/// Status, header fields and body of an answer; a problem is one in every respect.
async fn ask(request: RequestBuilder) -> (u16, HeaderMap, Value) {
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    let text = answer.text().await.unwrap();
    let body: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    if status != StatusCode::OK {
        assert_eq!(headers["content-type"], "application/problem+json");
        assert_eq!(body["status"], status.as_u16());
        for field in ["type", "title", "detail", "cure"] {
            assert!(
                body[field].as_str().is_some_and(|text| !text.is_empty()),
                "{field}: {body}"
            );
        }
    }
    assert_eq!(headers["cache-control"], "no-store");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    (status.as_u16(), headers, body)
}

async fn get(http: &Client, mailjob: &Mailjob, path: &str) -> (u16, Value) {
    let (status, _, body) = ask(http.get(mailjob.health_url(path))).await;
    (status, body)
}

async fn post(http: &Client, mailjob: &Mailjob, path: &str, body: &Value) -> (u16, Value) {
    let request = http
        .post(mailjob.health_url(path))
        .header("content-type", "application/json");
    let (status, _, body) = ask(request.body(body.to_string())).await;
    (status, body)
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_of_its_own_user_are_let_in_and_no_page_is() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = installed(&world);
    mailjob.endpoint("broken", "[mailbox]\nacount = \"ada\"\n").unwrap();
    mailjob
        .endpoint("off", &format!("enabled = false\n{}", endpoint("ada", "")))
        .unwrap();
    let http = started(&mut mailjob).await;

    let (status, body) = get(&http, &mailjob, "/api/v1/endpoints").await;
    assert_eq!(status, 200, "{body}");
    let rows = body["endpoints"].as_array().unwrap();
    let states: Vec<_> = rows.iter().map(|row| (&row["name"], &row["state"])).collect();
    let expected = [("ada", "running"), ("broken", "broken"), ("off", "disabled")];
    assert_eq!(json!(states), json!(expected));
    let port = world.dovecot.imaps;
    assert_eq!(rows[0]["mailbox"], format!("imap://{ADA}@localhost:{port}/INBOX"));
    assert_eq!(rows[0]["action"], json!({ "command": "/bin/sh" }));
    assert_eq!(rows[1]["problems"].as_array().unwrap().len(), 3, "{body:#}");
    let (status, body) = get(&http, &mailjob, "/api/v1/endpoints/ada/settings").await;
    assert!(
        status == 200 && body["toml"].as_str().unwrap().contains("# ada.toml:"),
        "{body}"
    );

    // Another user of this machine, who can't read the token, and whoever stands behind a proxy.
    let stranger = client("");
    for path in ["/status", "/api/v1/jobs", "/api/v1/endpoints", "/api/v1/nothing"] {
        let (status, _, body) = ask(stranger.get(mailjob.health_url(path))).await;
        assert!(
            status == 401 && body["cure"].as_str().unwrap().contains("mailjob.token"),
            "{path} {body}"
        );
        let passed_on = http
            .get(mailjob.health_url(path))
            .header("x-forwarded-for", "127.0.0.1");
        assert_eq!(ask(passed_on).await.0, 403, "{path}");
    }
    let pause = stranger.post(mailjob.health_url("/api/v1/endpoints/ada/pause"));
    assert_eq!(
        ask(pause.header("content-type", "application/json").body("{}")).await.0,
        401
    );

    // Names that lead here, and pages of other sites.
    for (name, value) in [
        ("host", "evil.example"),
        ("origin", "http://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
    ] {
        let url = mailjob.health_url("/api/v1/endpoints/ada/pause");
        let request = http.post(url).header("content-type", "application/json").body("{}");
        assert_eq!(ask(request.header(name, value)).await.0, 403, "{name}: {value}");
        let livez = http
            .get(mailjob.health_url("/livez"))
            .header(name, value)
            .send()
            .await
            .unwrap();
        assert_eq!(livez.status(), 200, "probes are open: {name}: {value}");
    }
    let own = mailjob.health_url("");
    let request = http.get(mailjob.health_url("/api/v1/endpoints")).header("origin", own);
    assert_eq!(ask(request).await.0, 200, "a page of our own");

    for (expected, path) in [
        (404, "/api/v1/endpoints/nobody"),
        (404, "/api/v1/endpoints/nobody/settings"),
        (409, "/api/v1/endpoints/off/settings"),
        (404, "/api/v1/nothing"),
        (400, "/api/v1/replies?limit=0"),
        (400, "/api/v1/replies?stat=sent"),
        (400, "/api/v1/endpoints?x=1"),
        (404, "/api/v1/jobs/0198"),
        (400, "/api/v1/jobs/no-id"),
    ] {
        let (status, body) = get(&http, &mailjob, path).await;
        assert_eq!(status, expected, "{path} {body}");
    }
    let url = mailjob.health_url("/api/v1/replies/retry");
    let json = |body: String| http.post(&url).header("content-type", "application/json").body(body);
    assert_eq!(ask(http.post(&url).body("{\"state\":\"queued\"}")).await.0, 415);
    assert_eq!(ask(json("{\"state\":\"queued\",\"all\":true}".to_owned())).await.0, 400);
    assert_eq!(ask(json("{".to_owned())).await.0, 400);
    assert_eq!(ask(json("[\"queued\"]".to_owned())).await.0, 400, "a list is no object");
    assert_eq!(
        ask(json(format!("{{\"state\":\"{}\"}}", "a".repeat(70_000)))).await.0,
        413
    );
    assert_eq!(ask(json("{\"state\":\"queued\"}".to_owned())).await.0, 200);
    let (status, headers, _) = ask(http.delete(&url)).await;
    assert_eq!((status, headers["allow"].to_str().unwrap()), (405, "POST"));
    assert_eq!(mailjob.term().unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_that_of_the_program_and_every_path_of_it_answers() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = installed(&world);
    let http = started(&mut mailjob).await;
    let (_, document) = get(&http, &mailjob, "/api/v1/openapi.json").await;
    assert_eq!(document, mailjob::http::api::openapi());
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() > 10, "{document:#}");
    for (path, methods) in paths {
        // Ids and names that there are not.
        let asked = path
            .replace("{job}", "01980000000070008000000000000000")
            .replace("{name}", "nobody");
        for (method, operation) in methods.as_object().unwrap() {
            let request = match method.as_str() {
                "get" => http.get(mailjob.health_url(&asked)),
                _ => http
                    .post(mailjob.health_url(&asked))
                    .header("content-type", "application/json")
                    .body("{}"),
            };
            let (status, _, body) = ask(request).await;
            assert!(status < 500, "{method} {path}: {body}");
            assert_ne!(body["detail"], "There is no such path.", "{method} {path}");
            assert!(
                operation["responses"][status.to_string()].is_object(),
                "{method} {path}: {status} {body}"
            );
        }
    }
    assert_eq!(mailjob.term().unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_lets_in_whoever_has_it_and_counts_as_it_is_in_its_file() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = installed(&world);
    mailjob.secret("token", TOKEN).unwrap();
    mailjob
        .service("\n[api]\ntoken = { file = \"secrets/token\" }")
        .unwrap();
    let http = started(&mut mailjob).await;
    let url = mailjob.health_url("/api/v1/endpoints");
    let with = |token: &str| http.get(&url).bearer_auth(token).header("host", "mailjob.example:8025");
    let (status, headers, body) = ask(client("").get(&url)).await;
    assert_eq!(
        (status, headers["www-authenticate"].to_str().unwrap()),
        (401, "Bearer realm=\"mailjob\"")
    );
    assert!(body["cure"].as_str().unwrap().contains("[api]"), "{body}");
    assert_eq!(ask(with("the-first-token-of-0123456780")).await.0, 401);
    assert_eq!(ask(with(TOKEN)).await.0, 200);
    let (_, _, document) = ask(http.get(mailjob.health_url("/api/v1/openapi.json")).bearer_auth(TOKEN)).await;
    assert_eq!(document["security"], json!([{ "token": [] }]));
    assert_eq!(
        http.get(mailjob.health_url("/metrics")).send().await.unwrap().status(),
        200
    );

    // As Kubernetes and people rotate it; and what can't be a token lets nobody in.
    mailjob.secret("token", "the-second-token-of-0123456789").unwrap();
    assert_eq!(ask(with(TOKEN)).await.0, 401);
    assert_eq!(ask(with("the-second-token-of-0123456789")).await.0, 200);
    mailjob.secret("token", "short").unwrap();
    for _ in 0..3 {
        let (status, _, body) = ask(with("short")).await;
        assert!(
            status == 503 && !body.to_string().contains("characters"),
            "{status} {body}"
        );
    }
    assert_eq!(
        mailjob.log().matches("it has fewer than 16 characters").count(),
        1,
        "told once, in the log"
    );

    // Taken away from the configuration, without a restart.
    mailjob.secret("token", TOKEN).unwrap();
    mailjob.service("").unwrap();
    let deadline = Instant::now() + PATIENCE;
    while ask(http.get(&url)).await.0 != 200 {
        assert!(Instant::now() < deadline, "{}", mailjob.log());
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(mailjob.term().unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_others_can_reach_needs_a_token() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = installed(&world);
    let file = mailjob.dir().join("mailjob.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("health = \"127.0.0.1:", "health = \"0.0.0.0:")).unwrap();
    let http = started(&mut mailjob).await;
    assert_eq!(
        get(&http, &mailjob, "/api/v1/endpoints").await.0,
        200,
        "its own user on this machine"
    );
    let http = client("");
    let (status, body) = get(&http, &mailjob, "/api/v1/endpoints").await;
    assert!(
        status == 403 && body["cure"].as_str().unwrap().contains("[api] token"),
        "{status} {body}"
    );
    let pause = post(&http, &mailjob, "/api/v1/endpoints/ada/pause", &json!({})).await;
    assert_eq!(pause.0, 403);
    assert_eq!(mailjob.term().unwrap(), 0);
}

/// A command of user 65534, who has the files of the configuration and nothing else.
async fn as_nobody(mailjob: &Mailjob, folder: &Path, arguments: &[&str]) -> (i32, String) {
    let output = mailjob
        .command(arguments)
        .current_dir(folder)
        .uid(65534)
        .gid(65534)
        .output();
    let output = output.await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), text)
}

#[tokio::test(flavor = "multi_thread")]
async fn another_user_of_the_machine_sees_and_steers_nothing() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = installed(&world);
    started(&mut mailjob).await;
    let token = mailjob.dir().join("mailjob.token");
    assert_eq!(fs::metadata(&token).unwrap().permissions().mode() & 0o7777, 0o600);
    let own = mailjob.command(&["status"]).output().await.unwrap();
    assert_eq!(own.status.code(), Some(0), "{own:?}");
    let url = mailjob.health_url("");
    let listed = mailjob
        .command(&["jobs", "list", "--url", &url])
        .output()
        .await
        .unwrap();
    assert_eq!(listed.status.code(), Some(0), "{listed:?}");

    // A copy of the program that this user can reach, and of the settings with their ledger.
    let folder = tempfile::Builder::new()
        .permissions(Permissions::from_mode(0o755))
        .tempdir()
        .unwrap();
    let settings = format!(
        "[service]\nledger = {:?}\nhealth = \"{}\"\n",
        mailjob.dir().join("mailjob.db"),
        url.trim_start_matches("http://")
    );
    fs::write(folder.path().join("mailjob.toml"), settings).unwrap();
    let (code, text) = as_nobody(&mailjob, folder.path(), &["status", "--config", "mailjob.toml"]).await;
    assert!(
        code == 77 && text.contains("mailjob.token") && text.contains("ermission denied"),
        "{code} {text}"
    );
    let pause = ["pause", "ada", "--config", "mailjob.toml", "--url", &url];
    let (code, text) = as_nobody(&mailjob, folder.path(), &pause).await;
    assert!(code == 74 && text.contains("mailjob.token"), "{code} {text}");
    assert_eq!(mailjob.term().unwrap(), 0);
}
