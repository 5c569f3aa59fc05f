//! The files of the crate, and what each brings into scope.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// A file of the crate, as far as its imports go. Tests are not looked at.
#[derive(Debug, Default)]
pub(crate) struct Module {
    /// Its text without comments and tests.
    pub(crate) text: String,
    /// The file, below `src/`.
    pub(crate) file: String,
    pub(crate) children: BTreeSet<String>,
    /// Names that it brings into its own scope, and what they stand for. Globs stand under `*`.
    pub(crate) names: Vec<(String, Vec<String>)>,
}

pub(crate) type Modules = BTreeMap<Vec<String>, Module>;

/// Every file that the crate has outside its tests, by the path of its module.
pub(crate) fn read(source: &Path) -> Modules {
    let mut modules = Modules::new();
    let mut open = vec![(Vec::new(), "lib.rs".to_owned())];
    while let Some((path, file)) = open.pop() {
        let text = code(&fs::read_to_string(source.join(&file)).unwrap());
        let folder = file.strip_suffix("mod.rs").map_or_else(
            || match &*file {
                "lib.rs" => String::new(),
                file => format!("{}/", file.trim_end_matches(".rs")),
            },
            str::to_owned,
        );
        let children: BTreeSet<String> = declared(&text);
        for child in &children {
            let inner: Vec<String> = path.iter().chain([child]).cloned().collect();
            let flat = format!("{folder}{child}.rs");
            let deep = format!("{folder}{child}/mod.rs");
            open.push((inner, if source.join(&flat).exists() { flat } else { deep }));
        }
        let names = names(&text);
        modules.insert(
            path,
            Module {
                text,
                file,
                children,
                names,
            },
        );
    }
    modules
}

/// A file without comments, without its tests, and without the words that only say who may see something.
pub(crate) fn code(text: &str) -> String {
    let mut code = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim() == "#[cfg(test)]" {
            // Attributes, and the item: one line, or up to the brace that closes it at this depth.
            let depth = line.len() - line.trim_start().len();
            let mut is_open = false;
            for line in lines.by_ref() {
                is_open |= line.trim_end().ends_with('{');
                let closes = line.starts_with(&format!("{}}}", " ".repeat(depth)));
                if closes || (!is_open && line.trim_end().ends_with(';')) {
                    break;
                }
            }
            continue;
        }
        code.push_str(line.split("//").next().unwrap_or_default());
        code.push('\n');
    }
    let mut seen = String::new();
    let mut rest = code.as_str();
    while let Some(at) = rest.find("pub(") {
        seen.push_str(&rest[..at]);
        seen.push_str("pub ");
        rest = rest[at..].split_once(')').map_or("", |(_, rest)| rest);
    }
    seen + rest
}

/// The files that it declares to be its children.
pub(crate) fn declared(text: &str) -> BTreeSet<String> {
    let words = |line: &str| -> Option<String> {
        let name = line
            .trim()
            .trim_start_matches("pub ")
            .trim()
            .strip_prefix("mod ")?
            .strip_suffix(';')?;
        Some(name.to_owned())
    };
    text.lines().filter_map(words).collect()
}

/// What its `use` statements bring into scope.
pub(crate) fn names(text: &str) -> Vec<(String, Vec<String>)> {
    let mut names = Vec::new();
    for statement in text.split(';') {
        let Some(at) = statement.rfind("use ").filter(|at| starts_a_line(statement, *at)) else {
            continue;
        };
        let mut leaves = Vec::new();
        tree(&statement[at + 4..], &mut Vec::new(), &mut leaves);
        for (path, name) in leaves {
            names.push((name, path));
        }
    }
    names
}

pub(crate) fn starts_a_line(text: &str, at: usize) -> bool {
    let line = text[..at].rsplit('\n').next().unwrap_or_default();
    matches!(line.trim(), "" | "pub")
}

/// The leaves of one tree of paths, each with the name that it has here; what follows the tree.
pub(crate) fn tree<'a>(text: &'a str, above: &mut Vec<String>, leaves: &mut Vec<(Vec<String>, String)>) -> &'a str {
    let mut text = text.trim_start();
    let depth = above.len();
    loop {
        if let Some(mut group) = text.strip_prefix('{') {
            loop {
                group = group.trim_start().trim_start_matches(',').trim_start();
                if let Some(rest) = group.strip_prefix('}') {
                    above.truncate(depth);
                    return rest;
                }
                if group.is_empty() {
                    return group;
                }
                let before = group.len();
                group = tree(group, above, leaves);
                if group.len() == before {
                    return group;
                }
            }
        }
        let word: String = text
            .chars()
            .take_while(|c| c.is_alphanumeric() || "_*".contains(*c))
            .collect();
        if word.is_empty() {
            above.truncate(depth);
            return text;
        }
        text = &text[word.len()..];
        above.push(word);
        if let Some(rest) = text.strip_prefix("::") {
            text = rest;
            continue;
        }
        let mut path = above.clone();
        if path.last().is_some_and(|last| last == "self") && path.len() > 1 {
            path.pop();
        }
        let mut name = path.last().cloned().unwrap_or_default();
        if let Some(rest) = text.trim_start().strip_prefix("as ") {
            name = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            text = &rest[name.len()..];
        }
        leaves.push((path, name));
        above.truncate(depth);
        return text;
    }
}
