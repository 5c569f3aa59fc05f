use std::{env, fs, path::Path};

use super::*;
use crate::{
    config::{self, HeaderValue},
    dispatch::{
        action::{
            command::{self, rehearsal::process},
            webhook::{self, rehearsal::request},
        },
        tests::{MAIL, shell, with_work},
    },
    secret::SecretRef,
};

fn webhook(kind: config::BodyFormat) -> config::Webhook {
    config::Webhook {
        body: kind,
        headers: vec![
            ("X-Tenant".into(), HeaderValue::Plain("seven".into())),
            (
                "authorization".into(),
                HeaderValue::Secret(SecretRef::Env("PATH".into())),
            ),
        ],
        ..config::Webhook::new("https://erp.example/hook?key=canary".into())
    }
}

#[tokio::test]
async fn a_request_is_shown_as_an_attempt_would_send_it() {
    for kind in [
        config::BodyFormat::Json,
        config::BodyFormat::Multipart,
        config::BodyFormat::Raw,
    ] {
        let hook = webhook(kind);
        let (shown, (headers, sent)) = with_work(MAIL, move |work| {
            let shown = request(&hook, work, u64::MAX).unwrap();
            (shown, webhook::prepare(&hook, work).unwrap().into_parts())
        })
        .await;
        assert_eq!(shown.body.shown, sent);
        assert!(shown.body.is_whole() && shown.refused.is_none());
        assert_eq!(shown.url, "https://erp.example/hook?…");
        assert_eq!(shown.headers.len(), headers.len());
        for (name, value) in &shown.headers {
            match value {
                PlannedHeader::Text(text) => assert_eq!(text.as_bytes(), headers[name].as_bytes(), "{name}"),
                PlannedHeader::Secret(secret) => assert_eq!(
                    (name.as_str(), secret),
                    ("authorization", &SecretRef::Env("PATH".into()))
                ),
                PlannedHeader::Signature(_) => panic!("there is no key"),
            }
        }
    }
}

#[tokio::test]
async fn a_signature_names_its_keys_and_reads_none() {
    let mut hook = webhook(config::BodyFormat::Json);
    hook.secrets = vec![SecretRef::Env("MAILJOB_NO_SUCH_VARIABLE".into())];
    let keys = hook.secrets.clone();
    let shown = with_work(MAIL, move |work| request(&hook, work, 10).unwrap()).await;
    let signature = ("webhook-signature".to_owned(), PlannedHeader::Signature(keys));
    assert!(shown.headers.contains(&signature), "{:?}", shown.headers);
    assert_eq!(shown.body.shown.len(), 10);
    assert!(!shown.body.is_whole());
}

#[test]
fn an_excerpt_is_text_where_only_its_last_character_is_cut() {
    let text = |shown: &'static [u8], size| {
        let excerpt = Excerpt {
            shown: Bytes::from_static(shown),
            size,
        };
        excerpt.text().map(str::to_owned)
    };
    assert_eq!(text("aä".as_bytes(), 3).as_deref(), Some("aä"));
    assert_eq!(text(b"a\xc3", 3).as_deref(), Some("a"));
    assert_eq!(text(b"a\xc3", 2), None);
    assert_eq!(text(b"a\xffb", 9), None);
}

fn below(folder: &Path) -> Vec<(String, Option<u64>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            found.push((format!("{name}/"), None));
            let inside = below(&path).into_iter();
            found.extend(inside.map(|(path, size)| (format!("{name}/{path}"), size)));
        } else {
            found.push((name, Some(path.metadata().unwrap().len())));
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn a_process_is_shown_as_an_attempt_would_start_it() {
    let mut command = shell("true");
    command.pass_env = vec!["PATH".into(), "MAILJOB_NO_SUCH_VARIABLE".into(), "HOME".into()];
    command.env = vec![
        ("HOME".into(), HeaderValue::Plain("/nowhere".into())),
        ("TOKEN".into(), HeaderValue::Secret(SecretRef::Env("PATH".into()))),
        ("MAILJOB_JOB".into(), HeaderValue::Plain("mine".into())),
    ];
    let home = crate::guest::Guests::default().home().await.unwrap();
    let (shown, (folder, argv, environment)) = with_work(MAIL, move |work| {
        let shown = process(&command, work, u64::MAX).unwrap();
        (shown, command::prepare(&command, work, &home).unwrap().into_parts())
    })
    .await;
    assert_eq!(shown.files, below(folder.path()));
    assert_eq!(shown.files.len(), 6);
    assert_eq!(shown.argv, argv);
    let message = fs::read(folder.path().join("message.json")).unwrap();
    assert_eq!(shown.message.shown, message);
    let names = environment.iter().map(|(name, _)| name.to_str().unwrap());
    assert!(shown.environment.iter().map(|(name, _)| name.as_str()).eq(names));
    for ((name, origin), (_, value)) in shown.environment.iter().zip(&environment) {
        match origin {
            Origin::Text(text) => assert_eq!(value, text.as_str(), "{name}"),
            Origin::Ours => assert_eq!(Some(value), env::var_os(name).as_ref()),
            Origin::Secret(_) => assert_eq!(name, "TOKEN"),
            Origin::Folder => assert_eq!(value, folder.path()),
            Origin::Attachments(_) => panic!("there are no inputs"),
        }
    }
    let names: Vec<_> = shown.environment.iter().map(|(name, _)| name.as_str()).collect();
    let all = [
        "HOME",
        "MAILJOB_ATTEMPT",
        "MAILJOB_DIR",
        "MAILJOB_ENDPOINT",
        "MAILJOB_JOB",
        "MAILJOB_SENDER",
        "MAILJOB_SENDER_PROVEN",
        "PATH",
        "TMPDIR",
        "TOKEN",
    ];
    assert_eq!(names, all);
}
