//! No circle of files in `src/`: what imports one another is one thing in two files, or one of them has something that belongs below both.
//!
//! What a file uses of the `mod.rs` above it is not counted: that is the frame in which it stands.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use super::modules::{Module, Modules, code, declared, names, read, starts_a_line, tree};

/// Circles that still stand, each by its files. They may only shrink: one that is cut is struck from here.
const STANDING: &[&[&str]] = &[
    &["app/notices/jobs.rs", "app/notices/words.rs"],
    &[
        "config/files.rs",
        "config/load.rs",
        "config/loaded.rs",
        "config/remembered.rs",
        "config/standing.rs",
        "config/versions.rs",
    ],
    &["doctor/account.rs", "doctor/examine.rs", "doctor/sign_in.rs"],
    &["message/attachment.rs", "message/nested.rs"],
    &["message/sealed.rs", "message/view.rs"],
    &["net/exchange.rs", "net/http.rs"],
    &["post/address.rs", "post/draft.rs"],
    &["refusal/smtp.rs", "refusal/submission.rs"],
    &["reply/answer.rs", "reply/trouble.rs", "reply/wire.rs"],
    &["secret/known.rs", "secret/redaction.rs"],
];

#[test]
fn no_files_import_each_other_in_a_circle() {
    let modules = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(modules.len() > 100, "found only {} files", modules.len());
    let found = circles(&imports(&modules));
    let standing: Vec<BTreeSet<&str>> = STANDING.iter().map(|files| files.iter().copied().collect()).collect();
    let within =
        |circle: &BTreeSet<String>, known: &BTreeSet<&str>| circle.iter().all(|file| known.contains(file.as_str()));
    let new: Vec<_> = found
        .iter()
        .filter(|circle| !standing.iter().any(|known| within(circle, known)))
        .collect();
    assert!(new.is_empty(), "files import each other in a circle: {new:#?}");
    let cut: Vec<_> = standing
        .iter()
        .filter(|known| !found.iter().any(|circle| within(circle, known)))
        .collect();
    assert!(
        cut.is_empty(),
        "these circles are cut: strike them from STANDING: {cut:#?}"
    );
}

/// Which file uses which.
fn imports(modules: &Modules) -> BTreeMap<String, BTreeSet<String>> {
    let mut all = BTreeMap::<String, BTreeSet<String>>::new();
    for (path, module) in modules {
        let used = all.entry(module.file.clone()).or_default();
        for named in mentions(path, module, modules) {
            used.extend(file_of(path, &named, modules, 0));
        }
        used.remove(&module.file);
        for above in 0..path.len() {
            used.remove(&modules[&path[..above]].file);
        }
    }
    all
}

/// Every path in a file that leads into this crate, but those that it only passes on to others by `pub use`.
pub(crate) fn mentions(path: &[String], module: &Module, modules: &Modules) -> Vec<Vec<String>> {
    // Names in scope that stand for modules: what is behind them is what is used.
    let mut rooms: BTreeMap<&str, Vec<String>> = module
        .children
        .iter()
        .map(|c| (c.as_str(), vec!["self".into(), c.clone()]))
        .collect();
    for (name, target) in &module.names {
        if place(path, target, modules).is_some_and(|(at, rest)| rest.is_empty() && modules.contains_key(&at)) {
            rooms.insert(name, target.clone());
        }
    }
    let mut found = Vec::new();
    let mut text = String::new();
    for statement in module.text.split_inclusive(';') {
        let passes_on = statement.rfind("use ").is_some_and(|at| {
            starts_a_line(statement, at) && statement[..at].rsplit('\n').next().unwrap_or_default().trim() == "pub"
        });
        if !passes_on {
            text.push_str(statement);
        }
    }
    for (at, _) in text.match_indices("::") {
        let before = &text[..at];
        let start = before
            .rfind(|c: char| !(c.is_alphanumeric() || c == '_'))
            .map_or(0, |at| at + 1);
        let first = &before[start..];
        if before[..start].ends_with("::") || before[..start].ends_with('{') && first.is_empty() {
            continue;
        }
        let mut above = match (first, rooms.get(first)) {
            ("crate" | "super" | "self", _) => vec![first.to_owned()],
            (_, Some(target)) => target.clone(),
            _ => continue,
        };
        let mut leaves = Vec::new();
        tree(&text[at + 2..], &mut above, &mut leaves);
        found.extend(leaves.into_iter().map(|(path, _)| path));
    }
    found
}

/// Where a path leads, as far as modules go, and what is left of it; nothing outside this crate.
fn place(from: &[String], path: &[String], modules: &Modules) -> Option<(Vec<String>, Vec<String>)> {
    let mut rest = path.iter();
    let mut at = match rest.next()?.as_str() {
        "crate" => Vec::new(),
        "self" => from.to_vec(),
        "super" => from.split_last()?.1.to_vec(),
        child if modules.get(from)?.children.contains(child) => {
            from.iter().cloned().chain([child.to_owned()]).collect()
        }
        _ => return None,
    };
    let mut rest: Vec<String> = rest.cloned().collect();
    while let Some(next) = rest.first().cloned() {
        if next == "super" {
            at.pop()?;
        } else if modules.get(&at).is_some_and(|module| module.children.contains(&next)) {
            at.push(next);
        } else {
            break;
        }
        rest.remove(0);
    }
    Some((at, rest))
}

/// The file in which what is named stands. What a module only passes on stands where it is from; a module that is named alone is not used.
pub(crate) fn file_of(from: &[String], path: &[String], modules: &Modules, depth: usize) -> Option<String> {
    let (at, rest) = place(from, path, modules)?;
    let module = modules.get(&at)?;
    let name = rest.first()?;
    if depth < 8 && !defines(&module.text, name) {
        let passed = module.names.iter().find(|(known, _)| known == name);
        let globs = module.names.iter().filter(|(known, _)| known == "*");
        for (_, target) in passed.into_iter().chain(globs) {
            let whole: Vec<String> = match target.split_last() {
                Some((last, room)) if last == "*" => room.iter().cloned().chain([name.clone()]).collect(),
                _ => target.clone(),
            };
            if let Some(file) = file_of(&at, &whole, modules, depth + 1) {
                return Some(file);
            }
            if place(&at, &whole, modules).is_some_and(|(_, rest)| rest.is_empty()) {
                return None;
            }
        }
        if module.names.iter().any(|(known, _)| known == name) {
            return None;
        }
    }
    Some(module.file.clone())
}

fn defines(text: &str, name: &str) -> bool {
    [
        "struct",
        "enum",
        "trait",
        "fn",
        "const",
        "static",
        "type",
        "union",
        "macro_rules!",
    ]
    .iter()
    .any(|kind| {
        text.match_indices(&format!("{kind} {name}")).any(|(at, found)| {
            let next = text[at + found.len()..].chars().next();
            !next.is_some_and(|c| c.is_alphanumeric() || c == '_')
        })
    })
}

/// The sets of files that reach each other.
fn circles(imports: &BTreeMap<String, BTreeSet<String>>) -> Vec<BTreeSet<String>> {
    let reached: BTreeMap<&String, BTreeSet<String>> = imports.keys().map(|file| (file, from(file, imports))).collect();
    let mut circles = Vec::<BTreeSet<String>>::new();
    for (file, all) in &reached {
        if circles.iter().any(|circle| circle.contains(*file)) || !all.contains(*file) {
            continue;
        }
        let back = |other: &&String| reached.get(other).is_some_and(|all| all.contains(*file));
        circles.push(all.iter().filter(back).cloned().collect());
    }
    circles
}

fn from(file: &String, imports: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<String> {
    let (mut all, mut open) = (BTreeSet::new(), vec![file]);
    while let Some(file) = open.pop() {
        for next in imports.get(file).into_iter().flatten() {
            if all.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    all
}

/// A file of this text.
pub(crate) fn module(file: &str, text: &str) -> Module {
    let text = code(text);
    Module {
        file: file.to_owned(),
        children: declared(&text),
        names: names(&text),
        text,
    }
}

#[test]
fn circles_are_found_through_every_form_of_import() {
    let path = |text: &str| -> Vec<String> {
        text.split("::")
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let modules: Modules = [
        ("", module("lib.rs", "pub mod a;\npub mod b;")),
        ("a", module("a/mod.rs", "mod one;\nmod two;\nmod three;\npub use self::two::{Two, deep as Deep};\nstruct Own;")),
        ("a::one", module("a/one.rs", "// use crate::b::B;\nuse super::{Two, three};\nfn f() { three::g(); }\n#[cfg(test)]\nmod tests {\n    use crate::b::B;\n}")),
        ("a::two", module("a/two.rs", "pub(in crate::b) struct Two;\nfn deep() -> super::one::F { super::Own }")),
        ("a::three", module("a/three.rs", "use crate::{a::Deep as D, b::{self, B}};\nfn g() { b::h(); }")),
        ("b", module("b.rs", "pub struct B;")),
    ]
    .into_iter()
    .map(|(name, module)| (path(name), module))
    .collect();
    let found = imports(&modules);
    let of = |file: &str| found[file].iter().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(of("a/mod.rs"), Vec::<&str>::new());
    assert_eq!(of("a/one.rs"), ["a/three.rs", "a/two.rs"]);
    assert_eq!(of("a/two.rs"), ["a/one.rs"]);
    assert_eq!(of("a/three.rs"), ["a/two.rs", "b.rs"]);
    let circle: BTreeSet<String> = ["a/one.rs", "a/three.rs", "a/two.rs"].map(str::to_owned).into();
    assert_eq!(circles(&found), [circle]);
}
