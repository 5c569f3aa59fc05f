use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::Value;
use toml::{Table, Value as Toml};

use super::*;
use crate::config::{
    EndpointName, Problem, check,
    examples_tests::accounts,
    key::{Allowed, Key, KeyDefault, Section},
};

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A small file, and more in one of its tables.
fn file_with(file: FileKind, path: &str, entries: Table) -> Table {
    let outer = path.split('.').next();
    let own = Action::KINDS.iter().find(|kind| Some(kind.name) == outer);
    let crate::config::action::ActionKind { name, least, .. } = own.unwrap_or(&Action::KINDS[0]);
    let small = match file {
        FileKind::Endpoint => format!("[mailbox]\naccount = \"office\"\n[{name}]\n{least}\n"),
        FileKind::Shared => String::new(),
    };
    let mut whole: Table = small.parse().unwrap();
    let mut table = &mut whole;
    for name in path.split('.').filter(|name| !name.is_empty()) {
        let inner = table.entry(name).or_insert_with(|| Table::new().into());
        table = inner.as_table_mut().unwrap();
    }
    table.extend(entries);
    whole
}

fn problems_of(file: FileKind, whole: &Table) -> Vec<Problem> {
    let text = whole.to_string();
    match file {
        FileKind::Endpoint => {
            let name = EndpointName::new("tried").unwrap();
            check::endpoint(&name, Path::new("tried.toml"), &text, &accounts(), None).problems
        }
        FileKind::Shared => {
            let read = check::shared(Path::new("mailjob.toml"), &text, 4);
            let of = read.value.unwrap();
            let each = of.accounts.into_values().map(|account| account.problems);
            let own = [of.service.problems, of.operator.problems, of.api.problems];
            own.into_iter().chain(each).flatten().chain(read.problems).collect()
        }
    }
}

/// Problems of one value that is written into a small file.
fn problems_with(file: FileKind, section: &Section, key: &str, value: Toml) -> Vec<Problem> {
    let path = section.name.replace('*', "de");
    let entries = [(key.to_owned(), value)].into_iter().collect();
    let mut problems = problems_of(file, &file_with(file, &path, entries));
    let path = format!("`{}`", format!("{path}.{key}").trim_start_matches('.'));
    problems.retain(|problem| problem.cause.contains(&path));
    problems
}

const BOTH: [FileKind; 2] = [FileKind::Endpoint, FileKind::Shared];

#[test]
fn the_committed_references_are_those_that_are_made() {
    for (file, name) in BOTH.into_iter().zip(["reference.toml.example", "mailjob.toml.example"]) {
        let committed = repository("endpoints.d").join(name);
        if env::var_os("BLESS").is_some() {
            fs::write(&committed, reference(file)).unwrap();
        }
        assert_eq!(
            fs::read_to_string(committed).unwrap(),
            reference(file),
            "set BLESS to write it anew"
        );
    }
}

/// Asks each table of the parser what it knows, by a key that it can't know.
#[test]
fn each_table_has_the_keys_that_are_read_and_no_others() {
    for (file, section) in BOTH
        .into_iter()
        .flat_map(|file| sections(file).map(move |section| (file, section)))
    {
        if section.open.is_some() || section.name == "defaults" {
            continue;
        }
        let problems = problems_with(file, section, "no_such_key", true.into());
        let known = problems.iter().find_map(|problem| {
            let none = (problem.cure == "remove it; this table has no keys").then_some("");
            none.or(problem.cure.split_once("known here: ").map(|(_, known)| known))
        });
        let known = known.unwrap_or_else(|| panic!("[{}]: {problems:?}", section.name));
        let known = known.split(", ").filter(|name| !name.is_empty());
        let known: BTreeSet<_> = known.map(str::to_owned).collect();
        let tables = sections(file).filter_map(|inner| match inner.name.trim_end_matches(".*").rsplit_once('.') {
            Some((outer, name)) => (outer == section.name).then_some(name),
            None => (section.name.is_empty() && !inner.name.is_empty()).then_some(inner.name.trim_end_matches(".*")),
        });
        let described: BTreeSet<_> = section
            .keys
            .iter()
            .map(|key| key.name)
            .chain(tables)
            .map(str::to_owned)
            .collect();
        assert_eq!(described, known, "[{}]", section.name);
    }
}

#[test]
fn limits_are_those_that_are_read() {
    let mut tried = 0;
    for file in BOTH {
        for section in sections(file) {
            for key in &section.keys {
                for (value, right) in edges(&key.allowed) {
                    let problems = problems_with(file, section, key.name, value.clone());
                    let fits = !problems.iter().any(|problem| problem.cause.contains("out of range"));
                    assert_eq!(fits, right, "{}.{} = {value}: {problems:?}", section.name, key.name);
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 80, "{tried}");
}

/// The values at the edges of what is allowed and just beyond, and whether they are right.
fn edges(allowed: &Allowed) -> Vec<(Toml, bool)> {
    let text = |number: u64, unit: &str| Toml::from(format!("{number}{unit}"));
    let with_unit = |min: &str, max: &str, unit: &str, scale: fn(&str) -> u64| {
        let (min, max) = (scale(min), scale(max));
        let below = min.checked_sub(1).map(|below| (text(below, unit), false));
        let inside = [
            (text(min, unit), true),
            (text(max, unit), true),
            (text(max + 1, unit), false),
        ];
        below.into_iter().chain(inside).collect()
    };
    match allowed {
        Allowed::Count(min, max) => vec![
            (Toml::from(i64::try_from(*min).unwrap() - 1), false),
            (Toml::try_from(*min).unwrap(), true),
            (Toml::try_from(*max).unwrap(), true),
            (Toml::try_from(max + 1).unwrap(), false),
        ],
        Allowed::Duration(min, max) => with_unit(min, max, "ms", milliseconds),
        Allowed::Size(min, max) => with_unit(min, max, "B", bytes),
        _ => Vec::new(),
    }
}

fn amount(text: &str) -> (u64, &str) {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap();
    (text[..digits].parse().unwrap(), &text[digits..])
}

fn milliseconds(text: &str) -> u64 {
    let (number, unit) = amount(text);
    let units = [
        ("ms", 1),
        ("s", 1_000),
        ("m", 60_000),
        ("h", 3_600_000),
        ("d", 86_400_000),
    ];
    number * units.iter().find(|(name, _)| *name == unit).unwrap().1
}

fn bytes(text: &str) -> u64 {
    let (number, unit) = amount(text);
    let units = [("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];
    number * units.iter().find(|(name, _)| *name == unit).unwrap().1
}

/// The schema, ready to judge.
struct Judge(boon::Schemas, boon::SchemaIndex);

impl Judge {
    fn new(file: FileKind) -> Self {
        let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
        compiler.add_resource("endpoint.json", schema(file)).unwrap();
        let index = compiler.compile("endpoint.json", &mut schemas).unwrap();
        Self(schemas, index)
    }

    /// What is wrong with a file.
    fn fault(&self, text: &str) -> Option<String> {
        let file: Toml = toml::from_str(text).unwrap();
        self.0
            .validate(&as_editors_see(file), self.1)
            .err()
            .map(|error| error.to_string())
    }
}

/// A file as JSON; a date is text there.
fn as_editors_see(value: Toml) -> Value {
    match value {
        Toml::Datetime(date) => date.to_string().into(),
        Toml::Array(items) => items.into_iter().map(as_editors_see).collect(),
        Toml::Table(table) => table
            .into_iter()
            .map(|(key, value)| (key, as_editors_see(value)))
            .collect(),
        plain => serde_json::to_value(plain).unwrap(),
    }
}

#[test]
fn the_schema_takes_what_is_right() {
    let judge = Judge::new(FileKind::Endpoint);
    let mut files: Vec<_> = fs::read_dir(repository("endpoints.d"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.extend(
        fs::read_dir(repository("tests/data/config/valid"))
            .unwrap()
            .map(|entry| entry.unwrap().path()),
    );
    let endpoint = |file: &&PathBuf| {
        let name = file.file_name().unwrap().to_string_lossy();
        !name.starts_with("mailjob") && (name.ends_with(".toml") || name.ends_with(".toml.example"))
    };
    let files: Vec<_> = files.iter().filter(endpoint).collect();
    assert!(files.len() >= 8, "{files:?}");
    for file in files {
        let text = fs::read_to_string(file).unwrap();
        let fault = judge.fault(text.trim_start_matches('\u{feff}'));
        assert_eq!(fault, None, "{}", file.display());
    }
}

#[test]
fn the_schema_refuses_what_an_editor_can_see() {
    let judge = Judge::new(FileKind::Endpoint);
    let right = "[mailbox]\naccount = \"a\"\n[webhook]\nurl = \"https://erp.example/\"\n";
    assert_eq!(judge.fault(right), None);
    for wrong in [
        "[mailbox]\naccount = \"a\"\n",
        "[mailbox]\naccount = \"a\"\n[webhook]\nurl = \"https://erp.example/\"\n[command]\nargv = [\"true\"]\n",
        "[mailbox]\nacount = \"a\"\n[webhook]\nurl = \"https://erp.example/\"\n",
        "[mailbox]\naccount = \"a\"\nlook = \"3 minutes\"\n[webhook]\nurl = \"https://erp.example/\"\n",
        "concurrency = 0\n[mailbox]\naccount = \"a\"\n[webhook]\nurl = \"https://erp.example/\"\n",
        "[mailbox]\naccount = \"a\"\n[webhook]\nurl = \"https://erp.example/\"\nsecret = \"hunter2\"\n",
        "[mailbox]\naccount = \"a\"\n[webhook]\nurl = \"https://erp.example/\"\n[settle]\ndone = \"gone\"\n",
    ] {
        assert!(judge.fault(wrong).is_some(), "{wrong}");
    }
}

#[test]
fn every_key_has_its_words_and_its_default_in_the_schema() {
    let schema = schema(FileKind::Endpoint);
    let timeout = &schema["properties"]["webhook"]["properties"]["timeout"];
    assert_eq!(timeout["default"], "30s");
    assert_eq!(timeout["description"], "of the whole exchange");
    assert_eq!(
        schema["properties"]["settle"]["properties"]["done"]["default"]["move"],
        "Processed"
    );
    assert_eq!(
        schema["properties"]["webhook"]["properties"]["headers"]["type"],
        "object"
    );
}

/// Where a table is shown by examples, none of its keys is missing, nor one of a table in it that has a header of its own.
#[test]
fn examples_of_whole_tables_have_every_key_with_its_words() {
    let text = reference(FileKind::Shared);
    let accounts = sections(FileKind::Shared).find(|section| section.name == "accounts.*");
    let keys = &accounts.unwrap().keys;
    let oauth = keys.iter().find(|key| key.name == "oauth").unwrap();
    let Allowed::Table(inner) = &oauth.allowed else {
        panic!()
    };
    for key in keys.iter().chain(&inner.keys).filter(|key| key.name != "oauth") {
        let is_told = |line: &str| {
            let line = line.trim_start_matches('#');
            line.starts_with(&format!("{} = ", key.name)) && line.contains(&format!(" # {}", key.about))
        };
        assert!(text.lines().any(is_told), "{}", key.name);
    }
}

#[test]
fn the_schema_of_the_shared_file_takes_what_is_right_and_nothing_else() {
    let judge = Judge::new(FileKind::Shared);
    for file in [
        "endpoints.d/mailjob.toml.example",
        "deploy/package/mailjob.toml",
        "tests/data/config/mailjob.toml",
        "tests/data/config/valid/mailjob-everything.toml",
    ] {
        let fault = judge.fault(&fs::read_to_string(repository(file)).unwrap());
        assert_eq!(fault, None, "{file}");
    }
    let account = "[accounts.a]\nuser = \"a\"\npassword = { file = \"a\" }\nimap = { host = \"h\" }\n";
    assert_eq!(judge.fault(account), None);
    for wrong in [
        "[service]\nhealth = 5",
        "[service]\nport = 5",
        "[servce]",
        "[retention]\nmails = 5",
        "[operator]\nto = \"a@b.example\"",
        "[defaults.webhook]\ntimeot = \"5s\"",
        "[accounts.a]\nimap = { host = \"h\" }",
        &account.replace("file", "plain"),
    ] {
        assert!(judge.fault(wrong).is_some(), "{wrong}");
    }
    assert_eq!(
        judge.fault("[defaults.webhook]\ntimeout = \"5s\""),
        None,
        "the URL is the endpoint's"
    );
}

/// What clashes for the reader clashes in the editor, and nothing else does: whichever keys of a table are written, each with its example.
#[test]
fn keys_that_exclude_or_need_each_other_do_so_in_the_schema() {
    let mut tried = BTreeSet::new();
    for file in BOTH {
        let judge = Judge::new(file);
        for section in sections(file) {
            let (path, inner) = match &section.open {
                Some(Allowed::Table(inner)) => (format!("{}.de", section.name), inner.clone()),
                Some(_) => continue,
                None => (section.name.replace('*', "de"), section.clone().inner()),
            };
            if inner.rules.is_empty() {
                continue;
            }
            tried.insert(section.name);
            let entries: Table = inner.keys.iter().filter_map(example).collect();
            let must = |key: &str| ["user", "account"].contains(&key);
            let is_rule = |problem: &Problem| {
                let cause = problem.cause.as_str();
                ["stands beside", "has no use without", "imap` is missing"]
                    .iter()
                    .any(|words| cause.contains(words))
            };
            let chosen = prop::collection::vec(prop::bool::weighted(0.25), entries.len());
            let outcome = TestRunner::default().run(&chosen, |chosen| {
                let written = entries.clone().into_iter().zip(chosen);
                let written = written.filter(|((key, _), chosen)| *chosen || must(key));
                let whole = file_with(file, &path, written.map(|(entry, _)| entry).collect());
                let problems = problems_of(file, &whole);
                let told = problems.iter().find(|problem| is_rule(problem));
                let fault = judge.fault(&whole.to_string());
                prop_assert_eq!(fault.is_some(), told.is_some(), "{}\n{:?}\n{:?}", whole, fault, told);
                Ok(())
            });
            outcome.unwrap();
        }
    }
    assert_eq!(tried, ["accounts.*", "inputs", "mailbox", "net"].into());
}

/// A key with the value that its declaration shows.
fn example(key: &Key) -> Option<(String, Toml)> {
    let shown = match &key.given {
        KeyDefault::Must(value, _) => (*value).to_owned(),
        KeyDefault::Usual(value) => value.clone(),
        KeyDefault::Never(values) => values.first()?.0.to_owned(),
    };
    let shown = shown.replace("\"contoso\"", "\"office\"");
    let table: Table = format!("it = {shown}").parse().ok()?;
    Some((key.name.to_owned(), table.get("it")?.clone()))
}
