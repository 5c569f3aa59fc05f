use std::{fs, path::Path, sync::LazyLock};

use proptest::prelude::*;

use super::*;
use crate::config::{EndpointName, sheet::Checked};

static REFERENCE: LazyLock<String> = LazyLock::new(|| example("endpoints.d/reference.toml.example"));
static SHARED: LazyLock<String> = LazyLock::new(|| example("endpoints.d/mailjob.toml.example"));

/// An example with all that is commented out switched on, so that every key is read; clashes do no harm here.
fn example(name: &str) -> String {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap();
    let line = |line: &str| format!("{}\n", line.strip_prefix('#').unwrap_or(line));
    text.lines().map(line).collect()
}

/// Reads a text as an endpoint and as shared settings. Whatever it is, it has a value or a problem.
fn read_both(text: &str) -> Result<(), TestCaseError> {
    let shared = shared(Path::new("mailjob.toml"), text, 4);
    told(&shared)?;
    let mut accounts = Accounts::default();
    // In a file with lines that are not TOML those are what is said.
    let whole = shared.problems.is_empty();
    if let Some(shared) = shared.value.filter(|_| whole) {
        told(&shared.service)?;
        for (name, part) in shared.accounts {
            told(&part)?;
            accounts
                .by_name
                .insert(name, part.value.filter(|_| part.problems.is_empty()));
        }
    }
    let name = EndpointName::new("tried").unwrap();
    told(&endpoint(&name, Path::new("tried.toml"), text, &accounts, None))
}

fn told<T>(part: &Checked<T>) -> Result<(), TestCaseError> {
    prop_assert!(part.value.is_some() || !part.problems.is_empty(), "nothing is said");
    for problem in &part.problems {
        let rendered = problem.render();
        prop_assert!(!rendered.chars().any(|c| c.is_control() && c != '\n'), "{:?}", rendered);
        prop_assert!(!problem.to_string().contains('\n'));
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_text_has_a_value_or_a_problem(text in any::<String>()) {
        read_both(&text)?;
    }

    /// Lines of the examples, some left out, some with a value in the place of another.
    #[test]
    fn any_mix_of_keys_and_values_has_a_value_or_a_problem(
        lines in prop::collection::vec((0..200_usize, 0..200_usize, any::<bool>()), 0..60),
        keep in prop::collection::vec(prop::bool::weighted(0.9), 200),
    ) {
        for text in [&*REFERENCE, &*SHARED] {
            let all: Vec<_> = text.lines().collect();
            let mut mixed: Vec<_> = all.iter().map(|line| (*line).to_owned()).collect();
            for (to, from, swap) in lines.iter().filter(|(_, _, swap)| *swap) {
                let (to, from) = (to % all.len(), from % all.len());
                if let (Some((key, _)), Some((_, value)), true) = (all[to].split_once('='), all[from].split_once('='), *swap) {
                    mixed[to] = format!("{key}={value}");
                }
            }
            let kept = mixed.iter().zip(keep.iter().cycle()).filter(|(_, keep)| **keep);
            let text: String = kept.map(|(line, _)| format!("{line}\n")).collect();
            read_both(&text)?;
        }
    }

    /// A secret that stands where it must not is never shown, nor is it under a misspelt key.
    #[test]
    fn a_secret_in_the_wrong_place_is_not_shown(key in "(pass|secret|token|[a-z_]{1,12})", quote in "[\"']?") {
        for section in ["webhook", "mailbox.account", "command.env", "webhook.headers"] {
            let text = format!("[{section}]\n{key} = {quote}hunter2{quote}\nsecret = {quote}hunter2{quote}\n");
            let name = EndpointName::new("tried").unwrap();
            let part = endpoint(&name, Path::new("tried.toml"), &text, &Accounts::default(), None);
            for problem in part.problems {
                prop_assert!(!problem.render().contains("hunter2"), "{}", problem.render());
            }
        }
    }
}

#[test]
fn a_file_full_of_faults_is_told_in_bounds() {
    let unknown: String = (0..20_000).map(|n| format!("key_{n} = {n}\n")).collect();
    let name = EndpointName::new("tried").unwrap();
    let part = endpoint(&name, Path::new("tried.toml"), &unknown, &Accounts::default(), None);
    assert_eq!(part.problems.len(), 100);
    let long = format!("{} = 1\n", "k".repeat(1 << 20));
    let part = endpoint(&name, Path::new("tried.toml"), &long, &Accounts::default(), None);
    assert!(!part.problems.is_empty());
    let deep = format!("a = {}1{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(
        !endpoint(&name, Path::new("tried.toml"), &deep, &Accounts::default(), None)
            .problems
            .is_empty()
    );
    let nested = format!("[{}a]", "a.".repeat(100_000));
    assert!(
        !endpoint(&name, Path::new("tried.toml"), &nested, &Accounts::default(), None)
            .problems
            .is_empty()
    );
}
