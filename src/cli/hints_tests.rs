//! Hints: what they name is there, and none leads back to where one came from.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::{CommandFactory as _, Parser as _};

use super::{Cli, beside, rehearse};
use crate::config::load::{Loaded, Sources, load};

/// What the program is said to do, and be, in sentences that are no hints.
const PROSE: [&str; 17] = [
    "as", "can", "could", "does", "file", "is", "makes", "read", "runs", "says", "sign", "to", "verifies", "waits",
    "writes", "process", "reads",
];

fn sources_of(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => sources_of(&path, files),
            false if path.extension().is_some_and(|ending| ending == "rs") => files.push(path),
            false => {}
        }
    }
}

/// Each `mailjob …` in a text of the program, as far as words go.
fn named(line: &str) -> Vec<Vec<&str>> {
    let texts = line.split('"').skip(1).step_by(2);
    let hints = texts.flat_map(|text| {
        text.match_indices("mailjob ")
            .map(move |(at, found)| text.get(at + found.len()..))
    });
    let words = |rest: &str| -> usize {
        rest.find(|c: char| !c.is_ascii_lowercase() && c != ' ')
            .unwrap_or(rest.len())
    };
    hints
        .flatten()
        .map(|rest| {
            rest.get(..words(rest))
                .unwrap_or_default()
                .split(' ')
                .filter(|word| !word.is_empty())
                .collect()
        })
        .collect()
}

#[test]
fn every_command_that_a_hint_names_is_there() {
    let mut files = Vec::new();
    sources_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    let cli = Cli::command();
    let mut found = 0;
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for words in named(line) {
                let Some(first) = words.first().filter(|first| !PROSE.contains(first)) else {
                    continue;
                };
                let command = cli.find_subcommand(first);
                let command =
                    command.unwrap_or_else(|| panic!("{}: there is no mailjob {first}: {line}", file.display()));
                found += 1;
                if let (true, Some(second)) = (command.has_subcommands(), words.get(1)) {
                    assert!(
                        command.find_subcommand(second).is_some(),
                        "{}: mailjob {first} {second}: {line}",
                        file.display()
                    );
                }
            }
        }
    }
    assert!(found > 50, "{found}");
}

fn loaded(files: &[(&str, &str)]) -> Loaded {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("endpoints.d")).unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let config = folder.path().join("mailjob.toml");
    load(&Sources {
        endpoints: folder.path().join("endpoints.d"),
        config: config.exists().then_some(config),
    })
}

/// Who is sent to `mailjob check` finds something there.
#[test]
fn a_hint_at_check_is_given_only_where_check_has_something_to_say() {
    let right = "[accounts.office]\nuser = \"a\"\ntoken = { command = [\"/bin/true\"] }\nimap = { host = \"mail.example.com\" }\n";
    let endpoint = "[mailbox]\naccount = \"office\"\n[webhook]\nurl = \"https://erp.example/\"\n";
    for files in [
        &[][..],
        &[("mailjob.toml", "[service]\n")],
        &[("mailjob.toml", right)],
        &[("mailjob.toml", right), ("endpoints.d/a.toml", endpoint)],
        &[
            ("mailjob.toml", "[accounts.office]\nuser = 5\n"),
            ("endpoints.d/a.toml", endpoint),
        ],
        &[("mailjob.toml", "[accounts.office\n"), ("endpoints.d/a.toml", endpoint)],
        &[("endpoints.d/a.toml", endpoint)],
    ] {
        let loaded = loaded(files);
        let has_something = loaded.told().next().is_some();
        let accounts = beside::known_accounts(&loaded, "contoso");
        assert_eq!(
            accounts.contains("mailjob check"),
            has_something,
            "{files:?}: {accounts}"
        );
        assert!(accounts.len() > 15, "{accounts}");
        let endpoints = rehearse::missing(&loaded, "invoices");
        assert!(
            !endpoints.contains("mailjob check") && !endpoints.ends_with(": "),
            "{endpoints}"
        );
        // What is told of one file only because of another is told there.
        assert!(loaded.problems.is_empty() || has_something, "{files:?}");
    }
}

/// The doctor is where others send to: it sends nobody to itself but for another look.
#[test]
fn the_doctor_names_itself_for_another_look_only() {
    let mut files = Vec::new();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for room in ["doctor", "refusal"] {
        sources_of(&source.join(room), &mut files);
    }
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            let doctor = named(line).into_iter().find(|words| words.first() == Some(&"doctor"));
            assert!(
                doctor.is_none_or(|words| words.get(1) == Some(&"again")),
                "{}: {line}",
                file.display()
            );
        }
    }
}

/// The command lines of `mailjob` in a page's shells, without what surrounds them.
fn shown(page: &str) -> Vec<String> {
    let blocks = page.split("```sh\n").skip(1);
    let text: String = blocks.filter_map(|rest| rest.split("```").next()).collect();
    let text = text.replace("\\\n", " ");
    let lines = text.lines().filter_map(|line| line.split(" # ").next()).map(str::trim);
    let parts = lines.flat_map(|line| line.split(['|', ';', '&'])).map(str::trim);
    let ours = parts.filter_map(|part| match part.split_once("-- mailjob ") {
        Some((_, arguments)) => Some(arguments),
        None => part.strip_prefix("mailjob "),
    });
    ours.map(|arguments| arguments.split(" >").next().unwrap_or_default().to_owned())
        .collect()
}

/// Words as a shell makes them of a line without variables.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in line.chars() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('"' | '\'', None) => quote = Some(c),
            (' ', None) => words.push(std::mem::take(&mut word)),
            (c, _) => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

fn pages_of(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => pages_of(&path, files),
            false if path.extension().is_some_and(|ending| ending == "md") => files.push(path),
            false => {}
        }
    }
}

#[test]
fn every_command_line_in_readme_and_manual_is_understood() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = vec![root.join("README.md")];
    pages_of(&root.join("deploy"), &mut pages);
    pages_of(&root.join("endpoints.d"), &mut pages);
    let mut found = 0;
    for page in pages {
        for line in shown(&fs::read_to_string(&page).unwrap()) {
            found += 1;
            let arguments = words(&line);
            let read = Cli::try_parse_from(std::iter::once("mailjob".to_owned()).chain(arguments));
            assert!(
                !read.as_ref().is_err_and(clap::Error::use_stderr),
                "{}: mailjob {line}: {}",
                page.display(),
                read.unwrap_err()
            );
        }
    }
    assert!(found >= 35, "{found}");
}
