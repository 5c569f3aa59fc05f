use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use super::*;

const ENDPOINT: &str = r#"
    [mailbox]
    account = { user = "orders", password = { file = "secret.txt" }, imap = { host = "mail.example.com" } }
    [webhook]
    url = "https://erp.example/hook?key=1"
"#;

fn checked(files: &[(&str, &str)]) -> (String, String, Loaded) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files.iter().chain(&[("secret.txt", "s3cret")]) {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let sources = Sources {
        endpoints: folder.path().to_owned(),
        config: None,
    };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let loaded = load(&sources);
    report(&loaded, loaded.start().is_some(), &mut out, &mut err).unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace(&prefix(folder.path()), "");
    (text(out), text(err), loaded)
}

fn prefix(folder: &Path) -> String {
    format!("{}/", folder.display())
}

#[test]
fn what_is_right_is_listed() {
    let (out, err, loaded) = checked(&[("a.toml", ENDPOINT)]);
    assert_eq!(
        out,
        "a: orders INBOX, as it comes from the first start on (what lies there before is left) → POST https://erp.example/hook → no reply\n\
         1 endpoint would run, 0 would not; no problems\n"
    );
    assert_eq!(err, "");
    assert!(loaded.problems.is_empty());
}

#[test]
fn what_becomes_of_old_mail_is_said() {
    for (backlog, said) in [
        ("\"skip\"", "from the first start on (what lies there before is left)"),
        ("\"process\"", "at the first start also all that lies there"),
        (
            "{ since = \"7d\" }",
            "at the first start also what came in the 7 days before",
        ),
        (
            "{ since = \"36h\" }",
            "at the first start also what came in the 36 hours before",
        ),
        (
            "{ since = \"2026-11-01\" }",
            "at the first start also what came since 2026-11-01 00:00:00 UTC",
        ),
        (
            "{ since = 2026-11-01T08:00:00+01:00 }",
            "at the first start also what came since 2026-11-01 07:00:00 UTC",
        ),
    ] {
        let file = ENDPOINT.replace("[webhook]", &format!("backlog = {backlog}\n[webhook]"));
        let (out, err, _) = checked(&[("a.toml", &file)]);
        assert!(out.contains(said), "{backlog}: {out}{err}");
    }
    let old = ENDPOINT.replace("[webhook]", "backlog_limit = 7\n[webhook]");
    let (_, err, _) = checked(&[("a.toml", &old)]);
    assert!(
        err.contains("`mailbox.backlog_limit` has no use any more") && !err.contains("unknown key"),
        "{err}"
    );
}

#[test]
fn the_next_times_of_a_cron_pattern_are_shown() {
    let file = ENDPOINT.replace(
        "[webhook]",
        "cron = \"0 6 * * MON-FRI\"\ntimezone = \"Europe/Berlin\"\n[webhook]",
    );
    let (_, err, loaded) = checked(&[("a.toml", &file)]);
    assert_eq!(err, "");
    let friday = DateTime::parse_from_rfc3339("2026-11-27T04:59:00Z").unwrap().to_utc();
    let endpoint = loaded.endpoints.values().next().unwrap();
    let line = line(endpoint, friday);
    let next = "(next: Fri 2026-11-27 06:00, Mon 2026-11-30 06:00, Tue 2026-12-01 06:00)";
    assert!(line.contains(next), "{line}");
}

#[test]
fn what_is_disabled_or_looks_often_is_said() {
    let often = ENDPOINT.replace("[webhook]", "every = \"9s\"\n[webhook]");
    let disabled = format!("enabled = false\n{ENDPOINT}");
    let (out, err, _) = checked(&[("a.toml", &often), ("b.toml", &disabled)]);
    assert!(out.starts_with("a: orders INBOX, every 9s (often: "), "{out}");
    assert!(
        out.ends_with("\nb: disabled\n1 endpoint would run, 0 would not; no problems\n"),
        "{out}"
    );
    assert_eq!(err, "");
}

#[test]
fn what_is_wrong_goes_to_stderr_and_is_counted() {
    let (out, err, _) = checked(&[("a.toml", ENDPOINT), ("b.toml", "concurency = 1\n")]);
    assert!(
        out.ends_with("1 endpoint would run, 1 would not; 3 problems\n"),
        "{out}"
    );
    assert!(
        err.contains("b.toml:1:1: unknown key `concurency`\n    1 | concurency …\n"),
        "{err}"
    );
    assert_eq!(err.matches("      = ").count(), 3);
}

#[test]
fn a_document_tells_what_is_wrong_without_a_look_at_servers() {
    let (_, _, loaded) = checked(&[("a.toml", ENDPOINT), ("b.toml", "concurency = 1\n")]);
    let read: serde_json::Value = serde_json::from_str(&document(&loaded)).unwrap();
    assert_eq!(
        (&read["well"], read["findings"].as_array().unwrap().len()),
        (&false.into(), 3)
    );
    let first = &read["findings"][0];
    assert!(first["name"].as_str().unwrap().ends_with("b.toml:1:1"), "{first}");
    assert_eq!(first["stage"], "config");
    let (_, _, loaded) = checked(&[("a.toml", ENDPOINT)]);
    let read: serde_json::Value = serde_json::from_str(&document(&loaded)).unwrap();
    assert_eq!(read["well"], true);
}

#[test]
fn the_exit_code_is_for_scripts() {
    let sources = |endpoints: &str| Sources {
        endpoints: endpoints.into(),
        config: None,
    };
    let folder = tempfile::tempdir().unwrap();
    let code = |code: ExitCode| format!("{code:?}");
    assert_eq!(
        code(check(
            &sources(folder.path().to_str().unwrap()),
            Depth::Machine,
            ReportFormat::Human
        )),
        code(ExitCode::SUCCESS)
    );
    for form in [ReportFormat::Human, ReportFormat::Json] {
        let missing = check(&sources("/no/such/folder"), Depth::Files, form);
        assert_eq!(code(missing), code(ExitCode::from(78)));
    }
}

/// Each way in which a ledger can't be used: `check` says what `run` says, and leaves nothing behind.
#[test]
fn a_ledger_that_can_t_be_used_is_a_problem() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("endpoints.d")).unwrap();
    fs::create_dir(path("folder.db")).unwrap();
    fs::write(path("text.db"), "shopping list").unwrap();
    let others = rusqlite::Connection::open(path("others.db")).unwrap();
    others
        .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE tracks (name TEXT);")
        .unwrap();
    drop(others);
    let before = || fs::read_dir(folder.path()).unwrap().count();
    for (ledger, depth, said) in [
        ("new.db", Depth::Machine, None),
        ("others.db", Depth::Machine, Some("is the database of another program")),
        ("others.db", Depth::Files, Some("is the database of another program")),
        ("folder.db", Depth::ButSecrets, Some("is no file")),
        ("text.db", Depth::Machine, Some("is no database")),
        ("none/new.db", Depth::Machine, Some("there is no folder")),
        ("none/new.db", Depth::Files, None),
        ("none/new.db", Depth::ButSecrets, None),
    ] {
        let config = path("mailjob.toml");
        fs::write(&config, format!("[service]\nledger = \"{ledger}\"\n")).unwrap();
        let sources = Sources {
            endpoints: path("endpoints.d"),
            config: Some(config),
        };
        let mut loaded = load(&sources);
        let count = before();
        let starts = look_beside(&sources, &mut loaded, depth);
        assert_eq!((starts, before()), (said.is_none(), count), "{ledger}");
        let told: Vec<_> = loaded.problems.iter().map(ToString::to_string).collect();
        match said {
            None => assert!(told.is_empty(), "{ledger}: {told:?}"),
            Some(said) => assert!(told.len() == 1 && told[0].contains(said), "{ledger}: {told:?}"),
        }
        let code = check(&sources, depth, ReportFormat::Json);
        assert_eq!(
            format!("{code:?}") == format!("{:?}", ExitCode::SUCCESS),
            said.is_none(),
            "{ledger}"
        );
    }
}

#[test]
fn a_folder_in_which_every_endpoint_is_called_otherwise_is_a_problem() {
    let (name, text) = ("a.tml", ENDPOINT);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), text).unwrap();
    let sources = Sources {
        endpoints: folder.path().to_owned(),
        config: None,
    };
    let mut loaded = load(&sources);
    look_beside(&sources, &mut loaded, Depth::Files);
    let told: Vec<_> = loaded.problems.iter().map(ToString::to_string).collect();
    assert!(told.len() == 1 && told[0].contains("a.tml is not read"), "{told:?}");
}
