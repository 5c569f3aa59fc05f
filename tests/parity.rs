//! What the pages say: that no row of `parity.md` is missing, that every test exists that it or `README.md` names, and that links lead somewhere.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Rows of the first table, and of the second.
const ROWS: (usize, usize) = (60, 15);

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The cells of a table's rows, without its head.
fn rows<'a>(text: &'a str, heading: &str) -> Vec<Vec<&'a str>> {
    let section = text.split("\n## ").find(|part| part.starts_with(heading)).unwrap();
    let lines = section.lines().filter(|line| line.starts_with('|')).skip(2);
    let cells = |line: &'a str| line.trim_matches('|').split('|').map(str::trim).collect();
    lines.map(cells).collect()
}

/// What stands in backticks and is a path.
fn named(cell: &str) -> Vec<&str> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .filter(|name| name.contains("::"))
        .collect()
}

/// The test of this path: a function of its last word in a file that the words before it name.
fn exists(path: &str) -> bool {
    let mut words: Vec<_> = path.split("::").collect();
    let test = format!("fn {}(", words.pop().unwrap());
    let mut folders = vec![words.join("/")];
    while words.last().is_some() {
        words.pop();
        folders.push(words.join("/"));
    }
    let files = folders.iter().filter(|folder| !folder.is_empty()).flat_map(|folder| {
        ["src", "tests"]
            .map(|top| root().join(top).join(folder))
            .into_iter()
            .flat_map(|at| [at.with_extension("rs"), at.join("mod.rs"), at.join("tests.rs")])
    });
    let found = |file: std::path::PathBuf| {
        let text = fs::read_to_string(file).unwrap_or_default();
        let mut lines = text.lines().rev().skip_while(|line| !line.contains(&test)).skip(1);
        lines.next().is_some_and(|line| line.contains("test"))
    };
    files.into_iter().any(found)
}

#[test]
fn every_row_is_there_and_every_test_it_names() {
    let text = fs::read_to_string(root().join("tests/parity.md")).unwrap();
    let (features, observations) = (rows(&text, "Features"), rows(&text, "Observations"));
    assert_eq!((features.len(), observations.len()), ROWS);
    for (number, row) in features.iter().enumerate() {
        assert_eq!(row[0], (number + 1).to_string());
    }
    let shown = features.iter().chain(&observations).map(|row| *row.last().unwrap());
    let mut wrong = Vec::new();
    for cell in shown {
        let tests = named(cell);
        if tests.is_empty() && !cell.starts_with("not met: ") {
            wrong.push(format!("neither shown nor said not to be: {cell}"));
        }
        wrong.extend(
            tests
                .into_iter()
                .filter(|test| !exists(test))
                .map(|test| format!("no such test: {test}")),
        );
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_test_that_shows_a_promise_exists() {
    let text = fs::read_to_string(root().join("tests/README.md")).unwrap();
    let rows: Vec<_> = text.lines().filter(|line| line.starts_with('|')).skip(2).collect();
    assert!(!rows.is_empty());
    for row in rows {
        let tests = named(row);
        assert!(!tests.is_empty(), "nothing shows it: {row}");
        for test in tests {
            assert!(exists(test), "no such test: {test}");
        }
    }
}

/// The pages of the project.
fn pages(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        match path.is_dir() {
            true if !["target", "node_modules", ".git"].contains(&&*name) => pages(&path, found),
            false if name.ends_with(".md") => found.push(path),
            _ => {}
        }
    }
}

/// The name that a heading has in links.
fn anchor(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || [' ', '-', '_'].contains(c);
    heading
        .to_lowercase()
        .chars()
        .filter(kept)
        .collect::<String>()
        .trim()
        .replace(' ', "-")
}

#[test]
fn every_link_in_the_pages_leads_somewhere() {
    let mut all = Vec::new();
    pages(root(), &mut all);
    let (mut wrong, mut links) = (Vec::new(), 0);
    for page in all {
        let text = fs::read_to_string(&page).unwrap();
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for target in targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:")) {
            links += 1;
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let file = if file.is_empty() {
                page.clone()
            } else {
                page.parent().unwrap().join(file)
            };
            let has_heading = || {
                let text = fs::read_to_string(&file).unwrap_or_default();
                text.lines()
                    .filter_map(|line| line.split_once("# "))
                    .any(|(_, title)| anchor(title) == heading)
            };
            if !file.exists() || !heading.is_empty() && !has_heading() {
                wrong.push(format!("{}: {target}", page.display()));
            }
        }
    }
    assert!(links > 50, "{links}");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
