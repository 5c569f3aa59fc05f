//! What else may lie in the folder than files that are right.

use std::{fs, os::unix::fs::symlink};

use mailjob::{
    config::{ApiAccess, Auth, SettleAction, load::load},
    secret::SecretRef,
};

use crate::{Machine, endpoint, name, told};

#[test]
fn one_broken_file_disables_only_itself() {
    let machine = Machine::new();
    machine.endpoint("right", "A");
    machine.write("endpoints.d/wrong.toml", "[mailbox");
    let loaded = machine.load();
    assert!(loaded.endpoints.contains_key(&name("right")));
    assert!(loaded.broken.contains(&name("wrong")));
    assert!(loaded.start().is_some());
}

#[test]
fn a_broken_account_disables_only_the_endpoints_that_use_it() {
    let machine = Machine::new();
    machine.endpoint("right", "A");
    machine.write("endpoints.d/wrong.toml", &endpoint("B").replace("plain", "broken"));
    let loaded = machine.load();
    assert_eq!(loaded.endpoints.keys().cloned().collect::<Vec<_>>(), [name("right")]);
    assert!(told(&machine, &loaded, "endpoints.d/wrong.toml").contains("which has problems in mailjob.toml"));
}

#[test]
fn nothing_starts_with_shared_settings_that_cannot_be_known() {
    for text in ["[service", "[service]\ndrain = 5\n", "[accounts.a\nuser = 5\n"] {
        let machine = Machine::new();
        machine.write("mailjob.toml", text);
        assert!(machine.load().start().is_none(), "{text}");
    }
    let machine = Machine::new();
    machine.endpoint("a", "A");
    machine.remove("mailjob.toml");
    let loaded = machine.load();
    assert!(loaded.start().is_none());
    assert!(told(&machine, &loaded, "mailjob.toml").contains("No such file"));
    assert!(told(&machine, &loaded, "endpoints.d/a.toml").contains("can't be known while mailjob.toml can't be used"));
    let machine = Machine::new();
    fs::remove_dir_all(machine.path("endpoints.d")).unwrap();
    let loaded = machine.load();
    assert!(loaded.start().is_none());
    assert!(!loaded.listed);
}

#[test]
fn an_api_that_cannot_be_read_lets_nobody_in_and_a_token_may_come_later() {
    for (text, api) in [
        ("", ApiAccess::Loopback),
        ("[api]\n", ApiAccess::Loopback),
        (
            "[api]\ntoken = { env = \"TOKEN_THAT_IS_NOWHERE\" }\n",
            ApiAccess::Token(SecretRef::Env("TOKEN_THAT_IS_NOWHERE".to_owned())),
        ),
        ("[api]\ntoken = \"plain\"\n", ApiAccess::Closed),
        ("[api]\ntokn = { env = \"HOME\" }\n", ApiAccess::Closed),
        ("api = 1\n", ApiAccess::Closed),
        ("[api\n", ApiAccess::Closed),
    ] {
        let machine = Machine::new();
        machine.write("mailjob.toml", text);
        assert_eq!(machine.load().api, api, "{text}");
    }
}

#[test]
fn a_mailjob_toml_is_not_needed() {
    let machine = Machine::new();
    let own =
        "account = { user = \"a\", password = { file = \"secret.txt\" }, imap = { host = \"mail.example.com\" } }";
    machine.write(
        "endpoints.d/own.toml",
        &endpoint("A").replace("account = \"plain\"", own),
    );
    let mut sources = machine.sources();
    sources.config = None;
    let loaded = load(&sources);
    assert_eq!(loaded.problems, []);
    let endpoint = &loaded.endpoints[&name("own")];
    let Auth::Password(secret) = &endpoint.mailbox.account.auth else {
        panic!("{endpoint:#?}")
    };
    assert_eq!(endpoint.mailbox.account.name, "own");
    assert_eq!(*secret, SecretRef::File(machine.path("endpoints.d/secret.txt")));
    assert_eq!(endpoint.settle.done, SettleAction::Move("Processed".to_owned()));
}

#[test]
fn port_0_is_the_usual_port() {
    for (server, port) in [
        ("port = 0", 993),
        ("port = 0, tls = \"starttls\"", 143),
        ("port = 1993, tls = \"implicit\"", 1993),
    ] {
        let machine = Machine::new();
        let own = format!(
            "account = {{ user = \"a\", password = {{ file = \"secret.txt\" }}, imap = {{ host = \"mail.example.com\", {server} }} }}"
        );
        machine.write(
            "endpoints.d/own.toml",
            &endpoint("A").replace("account = \"plain\"", &own),
        );
        assert_eq!(
            machine.load().endpoints[&name("own")].mailbox.server.port,
            port,
            "{server}"
        );
    }
}

#[test]
fn an_own_account_needs_a_name_of_its_own() {
    let machine = Machine::new();
    let own =
        "account = { user = \"a\", password = { file = \"secret.txt\" }, imap = { host = \"mail.example.com\" } }";
    machine.write(
        "endpoints.d/plain.toml",
        &endpoint("A").replace("account = \"plain\"", own),
    );
    let told = told(&machine, &machine.load(), "endpoints.d/plain.toml");
    assert!(
        told.contains("would be called \"plain\" like an account in mailjob.toml"),
        "{told}"
    );
}

#[test]
fn other_names_are_not_ours() {
    let machine = Machine::new();
    for other in [
        ".swp.toml",
        "..data.toml",
        "a.toml~",
        "#a.toml#",
        "4913",
        "a.toml.example",
        "README.md",
    ] {
        machine.write(&format!("endpoints.d/{other}"), "not toml at all [");
    }
    let loaded = machine.load();
    assert_eq!(told(&machine, &loaded, "endpoints.d"), "");
    assert!(loaded.broken.is_empty(), "{:?}", loaded.broken);
    assert!(loaded.endpoints.is_empty());
}

#[test]
fn everything_may_lie_in_one_folder() {
    let machine = Machine::new();
    machine.endpoint("a", "A");
    fs::rename(machine.path("mailjob.toml"), machine.path("endpoints.d/mailjob.toml")).unwrap();
    let mut sources = machine.sources();
    sources.config = Some(machine.path("endpoints.d/../endpoints.d/mailjob.toml"));
    let loaded = load(&sources);
    assert!(loaded.endpoints.contains_key(&name("a")));
    assert!(loaded.broken.is_empty(), "{:?}", loaded.broken);
}

#[test]
fn what_no_endpoint_file_can_be_is_told() {
    let machine = Machine::new();
    let folder = machine.path("endpoints.d");
    fs::create_dir(folder.join("folder.toml")).unwrap();
    symlink("nowhere", folder.join("link.toml")).unwrap();
    symlink("circle.toml", folder.join("circle.toml")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        folder.join("pipe.toml"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    fs::write(folder.join("bytes.toml"), b"description = \"\xe9\"").unwrap();
    fs::write(folder.join("wide.toml"), b"\xff\xfed\0").unwrap();
    fs::write(folder.join("large.toml"), "#".repeat((1 << 20) + 1)).unwrap();
    fs::write(folder.join("Wrong Name.toml"), endpoint("A")).unwrap();
    let loaded = machine.load();
    for (file, cause) in [
        ("folder", "is not a file"),
        ("link", "No such file"),
        ("circle", "can't be read"),
        ("pipe", "is not a file"),
        ("bytes", "is not UTF-8 (byte 15)"),
        ("wide", "is in UTF-16"),
        ("large", "is over 1 MiB"),
        ("Wrong Name", "can't be the name"),
    ] {
        let told = told(&machine, &loaded, &format!("endpoints.d/{file}.toml"));
        assert!(told.contains(cause), "{file}: {told}");
        assert_eq!(told.lines().count(), 1, "{file}: {told}");
    }
    assert_eq!(loaded.broken.len(), 8);
}

#[test]
fn endpoints_share_a_mailbox_and_agree_on_it() {
    let machine = Machine::new();
    machine.endpoint("a", "inbox");
    machine.endpoint("b", "INBOX");
    machine.endpoint("c", "Other");
    let every = |seconds| format!("name = \"inbox\"\nevery = \"{seconds}s\"");
    machine.write(
        "endpoints.d/d.toml",
        &endpoint("inbox").replace("name = \"inbox\"", &every(5)),
    );
    machine.write(
        "endpoints.d/e.toml",
        &endpoint("inbox").replace("name = \"inbox\"", &every(6)),
    );
    let loaded = machine.load();
    let routes = loaded.start().unwrap().routes();
    let names: Vec<_> = routes.iter().map(mailjob::config::Route::names).collect();
    assert_eq!(names, [vec![name("a"), name("b"), name("d")], vec![name("c")]]);
    let told = told(&machine, &loaded, "endpoints.d/e.toml");
    assert!(
        told.starts_with("e.toml:4:1: how the mailbox is watched (watch, look, every, cron) is another than in the endpoint \"d\" (d.toml)"),
        "{told}"
    );
    assert!(loaded.broken.contains(&name("e")));
}

#[test]
fn all_problems_of_all_files_come_in_order() {
    let machine = Machine::new();
    machine.write("endpoints.d/a.toml", "x = 1\ny = 2\n");
    machine.write("endpoints.d/b.toml", "z = 1\n");
    let loaded = machine.load();
    let places: Vec<_> = loaded
        .problems
        .iter()
        .map(|problem| (&problem.file, &problem.place))
        .collect();
    assert!(places.is_sorted());
    assert!(places.len() >= 7, "{places:#?}");
}

#[test]
fn a_problem_is_shown_at_its_place() {
    let machine = Machine::new();
    let text = endpoint("A").replace("name =", "\tnane =").replace("https:", "htps:");
    machine.write("endpoints.d/a.toml", &text);
    let loaded = machine.load();
    let of_file = |problem: &&mailjob::config::Problem| problem.file == machine.path("endpoints.d/a.toml");
    let shown: String = loaded
        .problems
        .iter()
        .filter(of_file)
        .map(|problem| problem.render())
        .collect();
    let folder = format!("{}/", machine.path("endpoints.d").display());
    assert_eq!(
        shown.replace(&folder, ""),
        "\
a.toml:3:2: unknown key `mailbox.nane`
    3 |  nane …
      |  ^^^^
      = did you mean `name`?
a.toml:5:7: `webhook.url` is neither http nor https
    5 | url = \"htps://erp.example/\"
      |       ^^^^^^^^^^^^^^^^^^^^^
      = write url = \"https://…\"
"
    );
}

/// One file can't say where another endpoint's mail is.
#[test]
fn answers_go_to_the_mailbox_of_the_endpoint_that_gets_them() {
    let of_contoso = |mailbox| endpoint(mailbox).replace("plain", "contoso");
    let asking = format!(
        "{}[reply]\n[conversation]\nproof = \"none\"\nendpoint = \"answers\"\n",
        of_contoso("A")
    );
    let loaded = |answers: &str| {
        let machine = Machine::new();
        machine.write("endpoints.d/asking.toml", &asking);
        machine.write("endpoints.d/answers.toml", answers);
        let loaded = machine.load();
        let told = told(&machine, &loaded, "endpoints.d/asking.toml");
        (loaded, told)
    };
    let (right, told) = loaded(&of_contoso("B"));
    assert_eq!(told, "");
    let conversation = right.endpoints[&name("asking")].conversation.as_ref().unwrap();
    assert_eq!(conversation.address, "invoices@contoso.example");
    for (answers, why) in [
        (
            "[mailbox".to_owned(),
            "\"answers\", which has problems of its own; mend answers.toml",
        ),
        (endpoint("B"), "answers have no address"),
    ] {
        let (wrong, told) = loaded(&answers);
        assert!(told.contains(why), "{told}");
        assert!(wrong.broken.contains(&name("asking")));
    }
}
