//! The examples that we ship are right, complete, and tell the true defaults.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    Endpoint, EndpointName, Operator, Problem, Service,
    check::{self, Accounts, ServiceFile},
    reply::usual,
    sheet::Checked,
};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const CORES: usize = 4;

fn text(name: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(name)).unwrap()
}

fn examples() -> Vec<PathBuf> {
    let entries = fs::read_dir(Path::new(ROOT).join("endpoints.d")).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "example"));
    files.retain(|file| !file.ends_with("mailjob.toml.example"));
    files.sort();
    files
}

fn shared() -> ServiceFile {
    let part = check::shared(
        Path::new("mailjob.toml"),
        &text("endpoints.d/mailjob.toml.example"),
        CORES,
    );
    assert_eq!(part.problems, []);
    part.value.unwrap()
}

pub(super) fn accounts() -> Accounts {
    service(&text("endpoints.d/mailjob.toml.example"))
}

fn read(text: &str) -> Result<Endpoint, Vec<Problem>> {
    let name = EndpointName::new("tried").unwrap();
    let part = check::endpoint(&name, Path::new("tried.toml"), text, &accounts(), None);
    if part.problems.is_empty() {
        Ok(Endpoint::clone(&part.value.unwrap().endpoint))
    } else {
        Err(part.problems)
    }
}

/// The reference with its settings that begin with `#` and no blank switched on, in some sections only.
fn uncommented(text: &str, section: &str) -> String {
    let mut on = false;
    let line = |line: &str| {
        let bare = line
            .strip_prefix('#')
            .filter(|bare| !bare.starts_with(' '))
            .unwrap_or(line);
        if bare.starts_with('[') {
            on = bare.starts_with(&format!("[{section}"));
        }
        format!("{}\n", if on { bare } else { line })
    };
    text.lines().map(line).collect()
}

fn without(text: &str, section: &str) -> String {
    let mut on = true;
    let keep = |line: &&str| {
        let bare = line.trim_start_matches('#');
        if bare.starts_with('[') {
            on = !bare.starts_with(&format!("[{section}"));
        }
        on
    };
    text.lines().filter(keep).map(|line| format!("{line}\n")).collect()
}

#[test]
fn every_example_is_right() {
    let files = examples();
    assert!(files.len() >= 4, "{files:?}");
    for file in files {
        let read = read(&fs::read_to_string(&file).unwrap());
        assert!(read.is_ok(), "{}: {:#?}", file.display(), read.unwrap_err());
    }
}

/// The first look of a stranger, and what the manual shows: endpoints and a `mailjob.toml`.
#[test]
fn what_readme_and_manual_show_is_right() {
    let pages = fs::read_dir(Path::new(ROOT).join("deploy/manual")).unwrap();
    let pages = pages.map(|page| format!("deploy/manual/{}", page.unwrap().file_name().display()));
    let (mut services, mut endpoints) = (0, 0);
    for page in pages.chain(["README.md".to_owned(), "deploy/aem.md".to_owned()]) {
        let text = text(&page);
        let (shared, own): (Vec<_>, Vec<_>) = between(&text, "```toml\n", "```")
            .into_iter()
            .partition(|block| block.contains("[accounts.") || block.contains("[net]"));
        let mut known = accounts();
        for block in shared {
            services += 1;
            known.by_name.extend(service(block).by_name);
        }
        for block in own {
            endpoints += 1;
            let name = EndpointName::new("tried").unwrap();
            let part = check::endpoint(&name, Path::new("tried.toml"), block, &known, None);
            assert_eq!(part.problems, [], "{page}: {block}");
        }
    }
    assert!(services >= 4 && endpoints >= 8, "{services} {endpoints}");
}

/// What stands between these marks, each time.
fn between<'a>(text: &'a str, begin: &str, end: &str) -> Vec<&'a str> {
    text.split(begin)
        .skip(1)
        .filter_map(|rest| rest.split(end).next())
        .collect()
}

/// Reads a `mailjob.toml` in which all is right.
fn service(text: &str) -> Accounts {
    let shared = check::shared(Path::new("mailjob.toml"), text, CORES);
    assert_eq!(shared.problems, [], "{text}");
    let own = shared.value.as_ref().map(|shared| shared.service.problems.clone());
    assert_eq!(own, Some(Vec::new()), "{text}");
    let right = |(name, part): (_, Checked<_>)| {
        assert_eq!(part.problems, [], "{text}");
        (name, part.value)
    };
    Accounts {
        by_name: shared.value.unwrap().accounts.into_iter().map(right).collect(),
        more: false,
        hello: None,
    }
}

/// A guide is followed word by word: its accounts are right, its endpoints are of its accounts, and each way has five steps.
#[test]
fn what_the_guides_show_is_right() {
    for guide in ["deploy/microsoft-365.md", "deploy/google.md"] {
        let text = text(guide);
        let services = between(&text, "```toml\n", "```");
        assert_eq!(services.len(), 2, "{guide}: an account for each way");
        let mut known = Accounts::default();
        for block in services {
            assert!(block.contains("[accounts."), "{guide}: {block}");
            known.by_name.extend(service(block).by_name);
        }
        let endpoints = between(&text, "<<'END'\n", "   END\n");
        assert!(!endpoints.is_empty(), "{guide}");
        for block in endpoints {
            let name = EndpointName::new("tried").unwrap();
            let part = check::endpoint(&name, Path::new("tried.toml"), block, &known, None);
            assert_eq!(part.problems, [], "{guide}: {block}");
        }
        let steps = |section: &&str| {
            let lines = section
                .lines()
                .filter(|line| line.starts_with(|c: char| c.is_ascii_digit()));
            lines
                .filter_map(|line| line.split_once(". "))
                .map(|(n, _)| n.to_owned())
                .collect::<Vec<_>>()
        };
        let ways: Vec<_> = text
            .split("\n## ")
            .map(|section| steps(&section))
            .filter(|steps| !steps.is_empty())
            .collect();
        let five: Vec<_> = (1..=5).map(|n| n.to_string()).collect();
        assert_eq!(ways, [five.clone(), five], "{guide}");
    }
}

#[test]
fn the_reference_tells_the_true_defaults() {
    let reference = text("endpoints.d/reference.toml.example");
    let smallest = "[mailbox]\naccount = \"contoso\"\n[reply]\n";
    let webhook = "[webhook]\nurl = \"https://erp.example/hooks/invoice\"\n";
    assert_eq!(read(&reference), read(&format!("{smallest}{webhook}")));

    // A user has no default: by itself the line is a comment.
    let with_command = uncommented(&without(&reference, "webhook"), "command]")
        .replace("[command.env]", "#")
        .replace("\nuser = ", "\n#user = ");
    let command = "[command]\nargv = [\"/usr/local/bin/import\", \"--quiet\"]\n";
    assert_eq!(read(&with_command), read(&format!("{smallest}{command}")));
}

#[test]
fn the_shared_example_tells_the_true_defaults() {
    assert_eq!(shared().service.value.unwrap(), Service::on(CORES));
    let switched_on = uncommented(&text("endpoints.d/mailjob.toml.example"), "service");
    let part = check::shared(Path::new("mailjob.toml"), &switched_on, CORES);
    assert_eq!(part.problems, []);
    let operator = uncommented(&text("endpoints.d/mailjob.toml.example"), "operator");
    let part = check::shared(Path::new("mailjob.toml"), &operator, CORES);
    assert_eq!(part.problems, []);
    let operator = part.value.unwrap().operator;
    assert_eq!(operator.problems, []);
    let operator = operator.value.unwrap().unwrap();
    assert_eq!(operator, Operator::new(operator.to.clone(), operator.account.clone()));
    let way = uncommented(&text("endpoints.d/mailjob.toml.example"), "net");
    let part = check::shared(Path::new("mailjob.toml"), &way, CORES);
    assert_eq!(part.problems, []);
    let service = part.value.unwrap().service;
    assert_eq!(service.problems, []);
    let net = service.value.unwrap().net;
    assert!(matches!(
        net.proxy,
        super::ProxyChoice::Through(super::Proxy { sign_in: Some(_), .. })
    ));
    assert_eq!(net.no_proxy.map(|entries| entries.len()), Some(3));
    let pace = |name: &str| accounts().by_name[name].as_ref().unwrap().pace;
    assert_eq!(
        pace("contoso"),
        pace("contoso-app"),
        "the one that is written is the default"
    );
    assert_eq!(pace("gmail"), None);
}

#[test]
fn what_is_commented_out_is_right_too() {
    let reference = text("endpoints.d/reference.toml.example");
    for section in ["when", "inputs", "webhook", "output", "reply"] {
        let read = read(&uncommented(&reference, section));
        assert!(read.is_ok(), "{section}: {:#?}", read.unwrap_err());
    }
    let command = read(&uncommented(&without(&reference, "webhook"), "command"));
    assert!(command.is_ok(), "{:#?}", command.unwrap_err());
}

/// The usual words of replies stand in the reference as they are.
#[test]
fn the_reference_shows_the_usual_words() {
    let reply = read(&uncommented(&text("endpoints.d/reference.toml.example"), "reply"))
        .unwrap()
        .reply;
    let words = reply.success.unwrap().words;
    assert_eq!(words.subject.unwrap().source(), usual::SUBJECT);
    assert_eq!(words.text.unwrap().source(), usual::TEXT);
    assert_eq!(reply.original_heading.source(), usual::HEADING);
}

/// What nothing is written for, where the mailbox is read by POP3.
#[test]
fn pop3_is_asked_by_itself_and_deletes_what_is_done() {
    let every = |account: &str| {
        let text = format!(
            "[mailbox]\nprotocol = \"pop3\"\naccount = \"{account}\"\n[webhook]\nurl = \"https://erp.example/hooks\"\n"
        );
        let endpoint = read(&text).unwrap();
        let ends = [
            super::SettleAction::Delete,
            super::SettleAction::Keep,
            super::SettleAction::Keep,
        ];
        let settle = endpoint.settle;
        assert_eq!([settle.done, settle.failed, settle.ignored], ends);
        endpoint.mailbox.watch
    };
    let seconds = |seconds| super::WatchMode::Every(std::time::Duration::from_secs(seconds));
    assert_eq!(every("office"), seconds(10));
    assert_eq!(every("contoso"), seconds(60), "Microsoft limits sign-ins");
}
