//! What a changed key restarts: the watch of the mailbox, the dispatch of the endpoint, both, or nothing.

use std::{path::Path, sync::Arc};

use toml::Table;

use super::*;
use crate::config::{
    Action, EndpointName,
    action::ActionKind,
    check::{self, LookKeys},
    examples_tests::accounts,
    key::{Allowed, Key, KeyDefault},
    reference::{FileKind, sections},
    routes,
};

/// Values that are others than the defaults, where no rule finds one.
const OTHERS: [(&str, &str); 27] = [
    ("description", "'x'"),
    ("mailbox.account", "'office'"),
    ("mailbox.name", "'Other'"),
    ("mailbox.auth", "{ token = { file = 'x' } }"),
    ("mailbox.user", "'other@contoso.example'"),
    ("senders.trust", "'google'"),
    ("webhook.url", "'https://other.example/'"),
    ("webhook.body", "'raw'"),
    ("command.argv", "['false']"),
    ("command.pass_env", "['X']"),
    ("command.read", "['/tmp']"),
    ("command.write", "['/tmp']"),
    ("retry.waits", "[]"),
    ("output.text", "'none'"),
    ("reply.to", "'from'"),
    ("reply.cc", "['a@b.example']"),
    ("reply.bcc", "['a@b.example']"),
    ("reply.account", "'office'"),
    ("reply.success", "false"),
    ("reply.failure", "false"),
    ("reply.original_heading", "'x'"),
    ("reply.original_subject", "true"),
    ("conversation.from", "'*@us.example'"),
    ("settle.done", "'flag'"),
    ("settle.failed", "'flag'"),
    ("settle.ignored", "'flag'"),
    ("settle.refused", "'flag'"),
];

/// Keys that say nothing by themselves, or not of the endpoint as it runs.
const ALONE: [&str; 5] = [
    "enabled",
    "mailbox.watch",
    "mailbox.timezone",
    "senders.dns_timeout",
    "reply.language",
];

fn another(path: &str, key: &Key) -> String {
    if let Some((_, other)) = OTHERS.iter().find(|(other, _)| *other == path) {
        return (*other).to_owned();
    }
    let usual = match &key.given {
        KeyDefault::Usual(usual) => usual.trim_matches('"'),
        KeyDefault::Never(_) | KeyDefault::Must(..) => "",
    };
    match (&key.allowed, &key.given) {
        (Allowed::Flag, _) => (usual == "false").to_string(),
        (Allowed::Count(_, max) | Allowed::CountOrAll(_, max), _) => max.to_string(),
        (Allowed::Duration(_, max) | Allowed::Size(_, max), _) => format!("'{max}'"),
        (Allowed::Rate, _) => "'7/d'".to_owned(),
        (Allowed::Word(words), _) => format!("'{}'", words.iter().rfind(|word| **word != usual).unwrap()),
        (_, KeyDefault::Never(shown)) => shown[0].0.to_owned(),
        (allowed, _) => panic!("{path}: say another value of {allowed:?} in OTHERS"),
    }
}

/// An endpoint with a table in which a key may be written.
fn read(table: &str, written: Option<(&str, &str)>) -> Endpoint {
    let outer = table.split('.').next();
    let own = Action::KINDS.iter().find(|kind| Some(kind.name) == outer);
    let ActionKind { name, least, .. } = own.unwrap_or(&Action::KINDS[0]);
    let mut file: Table = format!("[mailbox]\naccount = 'contoso'\n[reply]\n[{name}]\n{least}\n")
        .parse()
        .unwrap();
    let mut at = &mut file;
    for name in table.split('.').filter(|name| !name.is_empty()) {
        at = at
            .entry(name)
            .or_insert_with(|| Table::new().into())
            .as_table_mut()
            .unwrap();
    }
    if let Some((key, value)) = written {
        let value: Table = format!("value = {value}").parse().unwrap();
        at.insert(key.to_owned(), value["value"].clone());
    }
    let (name, text) = (EndpointName::new("tried").unwrap(), file.to_string());
    let part = check::endpoint(&name, Path::new("tried.toml"), &text, &accounts(), None);
    assert_eq!(part.problems, [], "{text}");
    let draft = part.value.unwrap();
    let mut endpoint = Endpoint::clone(&draft.endpoint);
    draft.said.iter().for_each(|(term, _)| term.apply(&mut endpoint));
    endpoint
}

#[test]
fn each_key_restarts_what_uses_it_and_nothing_else() {
    let watched: Vec<_> = LookKeys::section().keys.iter().map(|key| key.name).collect();
    let mut tried = 0;
    for section in sections(FileKind::Endpoint).filter(|section| section.open.is_none() && !section.name.ends_with('*'))
    {
        let before = read(section.name, None);
        for key in &section.keys {
            let path = format!("{}.{}", section.name, key.name)
                .trim_start_matches('.')
                .to_owned();
            if ALONE.contains(&path.as_str()) {
                continue;
            }
            let after = read(section.name, Some((key.name, &another(&path, key))));
            assert!(before != after, "{path} changes nothing");
            let inlet = |endpoint: &Endpoint| routes([&Arc::new(endpoint.clone())])[0].inlet();
            let restarts = (
                inlet(&before) != inlet(&after),
                before.for_dispatch() != after.for_dispatch(),
            );
            let expected = match section.name {
                // Its turn is a matter of the route.
                "mailbox" if key.name == "order" => (false, false),
                "mailbox" => (true, !watched.contains(&key.name)),
                "settle" => (true, true),
                "limits" if key.name == "size" => (true, true),
                _ => (false, true),
            };
            assert_eq!(restarts, expected, "{path}: (watch, dispatch)");
            tried += 1;
        }
    }
    assert!(tried > 90, "{tried}");
}
