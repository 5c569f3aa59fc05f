use std::{collections::HashMap, path::Path, sync::LazyLock};

use toml::{Table, Value};

use super::*;
use crate::config::{
    EndpointName, Problem,
    check::{self, Accounts},
    examples_tests::accounts,
    homes::known_keys,
    key::KeyDefault,
    reference::sections,
};

const ENDPOINT: &str = "\
enabled = true
[mailbox]
account = \"office\"
cron = \"0 6 * * *\"
[when]
from = \"*@a.example\"
[senders]
deny = \"b@a.example\"
[rates]
[jobs]
[inputs.order]
field = \"subject\"
[retry]
[output]
[reply]
to = \"sender\"
[reply.languages.de]
text = \"Fertig\"
[settle]
[limits]
";
const SHARED: &str = "\
[service]
[net]
[retention]
[api]
[operator]
to = \"ops@a.example\"
account = \"office\"
[accounts.office]
user = \"orders@example.com\"
password = { file = \"secret\" }
imap = { host = \"imap.example.com\" }
smtp = { host = \"smtp.example.com\" }
";
const ACTIONS: [&str; 2] = [
    "[webhook]\nurl = \"https://erp.example/\"\n[webhook.headers]\nX-Tenant = \"a\"\n",
    "[command]\nargv = [\"true\"]\n[command.env]\nTENANT = \"a\"\n",
];

/// The problems of a file that name a path.
fn problems(file: FileKind, text: &Table, path: &str) -> Vec<Problem> {
    static ACCOUNTS: LazyLock<Accounts> = LazyLock::new(accounts);
    let text = text.to_string();
    let problems = match file {
        FileKind::Endpoint => {
            let name = EndpointName::new("tried").unwrap();
            check::endpoint(&name, Path::new("tried.toml"), &text, &ACCOUNTS, None).problems
        }
        FileKind::Shared => {
            let part = check::shared(Path::new("mailjob.toml"), &text, 2);
            let shared = part.value.unwrap();
            let parts = [shared.service.problems, shared.operator.problems, shared.api.problems];
            let accounts = shared.accounts.into_values().flat_map(|account| account.problems);
            part.problems
                .into_iter()
                .chain(parts.concat())
                .chain(accounts)
                .collect()
        }
    };
    let named = format!("`{path}`");
    // That a key needs another one beside it or excludes one, what the words of a template may ask for, and whether patterns of addresses
    // do, is no matter of its place.
    let by_others = [
        "has no use",
        "stands beside",
        "goes with",
        "does not exist",
        "do not exist",
        "mail address",
        "names are not matched",
        "is for Microsoft only",
        "out of range",
        // Beside `command` alone.
        "token.pass_env",
    ];
    let is_own = |problem: &Problem| {
        problem.cause.contains(&named) && !by_others.iter().any(|words| problem.cause.contains(words))
    };
    problems.into_iter().filter(is_own).collect()
}

/// The table at a path as it is written, made where it isn't there; nothing where something else is.
fn table<'a>(root: &'a mut Table, path: &str) -> Option<&'a mut Table> {
    let mut table = root;
    for part in path.split('.').filter(|part| !part.is_empty()) {
        table = table
            .entry(part)
            .or_insert_with(|| Table::new().into())
            .as_table_mut()?;
    }
    Some(table)
}

/// A path of a table with names in place of what is open.
fn named(path: &str) -> String {
    let name = match path.split('.').next().unwrap_or_default() {
        "accounts" => "office",
        "inputs" => "order",
        _ => "de",
    };
    path.replace('*', name).replace("NAME", name)
}

/// Values that the declaration of a key shows.
fn shown(file: FileKind, path: &str, name: &str) -> Option<Value> {
    let section = sections(file).find(|section| section.name == path && section.open.is_none())?;
    let key = section.keys.iter().find(|key| key.name == name)?;
    let text = match &key.given {
        KeyDefault::Must(value, _) => (*value).to_owned(),
        KeyDefault::Usual(value) => value.clone(),
        KeyDefault::Never(values) => values.first()?.0.to_owned(),
    };
    let table: Table = format!("it = {}", text.replace("\"contoso\"", "\"office\""))
        .parse()
        .ok()?;
    table.get("it").cloned()
}

/// Every table that the cure names, in which file.
fn cures(file: FileKind, cure: &str) -> Vec<(FileKind, String)> {
    let (cure, _) = cure.split_once(", or did you mean").unwrap_or((cure, ""));
    let (cure, _) = cure.split_once(';').unwrap_or((cure, ""));
    if cure == "it is a key of the file itself: move it above the first table" {
        return vec![(file, String::new())];
    }
    if cure.ends_with("above the first table") {
        return vec![(FileKind::Endpoint, String::new())];
    }
    let file = match cure {
        cure if cure.starts_with("write it in mailjob.toml, ") => FileKind::Shared,
        cure if cure.starts_with("write it in the file of an endpoint, ") => FileKind::Endpoint,
        _ => file,
    };
    let is_as = cure.contains(" as [");
    let tables = match cure.split_once(": move it above ") {
        Some((tables, _)) => tables,
        None => cure.rsplit_once(": write it as ").map_or(cure, |(_, tables)| tables),
    };
    let tables = tables
        .split('[')
        .skip(1)
        .filter_map(|rest| rest.split_once(']'))
        .map(|(table, _)| table);
    let outer = |table: &str| match is_as {
        true => table.rsplit_once('.').map_or("", |(outer, _)| outer).to_owned(),
        false => table.to_owned(),
    };
    tables.map(|table| (file, named(&outer(table)))).collect()
}

/// A key of any table that is written into any other one is told of, and where it is told to stand it is right.
#[test]
fn a_key_in_the_wrong_table_is_told_where_it_is_right() {
    let (mut tried, mut faults, mut right) = (0, Vec::new(), HashMap::new());
    for action in ACTIONS {
        let files = [
            (
                FileKind::Endpoint,
                format!("{ENDPOINT}{action}").parse::<Table>().unwrap(),
            ),
            (FileKind::Shared, SHARED.parse::<Table>().unwrap()),
        ];
        let of = |file: FileKind| files.iter().find(|(kind, _)| *kind == file).unwrap().1.clone();
        let other = if action.contains("[webhook]") {
            "command"
        } else {
            "webhook"
        };
        let with = |home: &KeyTable, key: &str, value: &Value| {
            let mut file = of(home.file);
            let there = table(&mut file, &named(&home.path))?;
            (!there.contains_key(key)).then(|| there.insert(key.to_owned(), value.clone()))?;
            Some(file)
        };
        // Tables that are read where the rest is as it is.
        let tables: Vec<_> = known_keys()
            .tables
            .iter()
            .filter(|home| !home.path.starts_with(other) && home.path.split('.').count() < 4)
            .filter(|home| {
                let Some(file) = with(home, "no_such_key", &true.into()) else {
                    return false;
                };
                !problems(home.file, &file, &path_of(&named(&home.path), "no_such_key")).is_empty()
            })
            .collect();
        assert!(tables.len() > 45, "{}", tables.len());
        for home in &tables {
            for (key, _) in &home.keys {
                let Some(value) = shown(home.file, &home.path, key) else {
                    continue;
                };
                // What has nothing to do with the action was tried with the first one.
                let is_new = |wrong: &&&KeyTable| {
                    other != "webhook" || [&home.path, &wrong.path].iter().any(|path| path.starts_with("command"))
                };
                for wrong in tables.iter().filter(|wrong| !wrong.has(key)).filter(is_new) {
                    let path = path_of(&named(&wrong.path), key);
                    let Some(file) = with(wrong, key, &value) else { continue };
                    let told = problems(wrong.file, &file, &path);
                    let Some(told) = told.first() else {
                        // What one names oneself may be called so.
                        if wrong.entries.is_none() {
                            faults.push(format!("{path} = {value}: nothing is said"));
                        }
                        continue;
                    };
                    let meant = told
                        .cure
                        .strip_prefix("did you mean `")
                        .and_then(|rest| rest.split_once('`'));
                    let (targets, key) = match meant {
                        Some((other, _)) => (vec![(wrong.file, named(&wrong.path))], other),
                        None => (cures(wrong.file, &told.cure), *key),
                    };
                    let mut leads_to = String::from("nowhere");
                    let is_right = targets.iter().any(|(kind, target)| {
                        let at = (*kind, target.clone(), key.to_owned(), value.to_string(), action);
                        let left = right.entry(at).or_insert_with(|| {
                            let mut mended = of(*kind);
                            let there = table(&mut mended, target)?;
                            there.insert(key.to_owned(), value.clone());
                            Some(problems(*kind, &mended, &path_of(target, key)))
                        });
                        leads_to = format!("{left:?}");
                        left.as_ref().is_some_and(Vec::is_empty)
                    });
                    tried += 1;
                    if !is_right && (wrong.entries.is_none() || told.cause.contains("unknown key")) {
                        faults.push(format!("{path} = {value}: {}\n        leads to {leads_to}", told.cure));
                    }
                }
            }
        }
    }
    let shown: Vec<_> = faults.iter().take(200).cloned().collect();
    assert!(faults.is_empty(), "{} of {tried}:\n{}", faults.len(), shown.join("\n"));
    assert!(tried > 5000, "{tried}");
}
