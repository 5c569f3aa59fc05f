//! One word, one thing: the name of a type stands once in `src/`, or twice where two rooms each own one and no file sees both.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use super::{
    circles::{file_of, mentions},
    modules::{Module, Modules, read},
};

/// Names that still stand for several things. They may only shrink: one that stands for one thing is struck from here.
const STANDING: &[&str] = &[
    // What an endpoint's file says of its action, and the trait by which `dispatch` does it.
    "Action",
];

#[test]
fn the_name_of_a_type_stands_for_one_thing() {
    let modules = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(modules.len() > 100, "found only {} files", modules.len());
    let several = several(&modules);
    let new: Vec<_> = several
        .iter()
        .filter(|(name, _)| !STANDING.contains(&name.as_str()))
        .collect();
    assert!(
        new.is_empty(),
        "these names stand for several things; call them what they are: {new:#?}"
    );
    let cured: Vec<_> = STANDING.iter().filter(|name| !several.contains_key(**name)).collect();
    assert!(
        cured.is_empty(),
        "these names stand for one thing: strike them from STANDING: {cured:?}"
    );
}

/// The names that stand for more than one thing, and where.
fn several(modules: &Modules) -> BTreeMap<String, Vec<String>> {
    let mut all = BTreeMap::<String, Vec<&Module>>::new();
    for module in modules.values() {
        for name in types(&module.text) {
            all.entry(name).or_default().push(module);
        }
    }
    all.retain(|name, owners| match owners.as_slice() {
        [_] => false,
        [one, other] => room(one) == room(other) || somebody_sees_both(name, [one, other], modules),
        _ => true,
    });
    all.into_iter()
        .map(|(name, owners)| (name, owners.iter().map(|owner| owner.file.clone()).collect()))
        .collect()
}

/// The types that a file declares. What a trait or an implementation calls a type of its own is none.
fn types(text: &str) -> Vec<String> {
    let declared = |line: &str| -> Option<String> {
        let words = line.trim_start().trim_start_matches("pub ").trim_start();
        let (kind, name) = words.split_once(' ')?;
        let is_one = ["struct", "enum", "trait", "union"].contains(&kind) || kind == "type" && !line.starts_with(' ');
        is_one.then(|| name.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
    };
    text.lines()
        .filter_map(declared)
        .filter(|name| !name.is_empty())
        .collect()
}

fn room(module: &Module) -> &str {
    let first = module.file.split('/').next().unwrap_or_default();
    first.strip_suffix(".rs").unwrap_or(first)
}

fn somebody_sees_both(name: &str, owners: [&Module; 2], modules: &Modules) -> bool {
    modules.iter().any(|(path, module)| {
        let mut seen: BTreeSet<String> = mentions(path, module, modules)
            .into_iter()
            .filter(|named| named.iter().any(|part| part == name))
            .filter_map(|named| file_of(path, &named, modules, 0))
            .collect();
        if types(&module.text).iter().any(|own| own == name) {
            seen.insert(module.file.clone());
        }
        owners.iter().all(|owner| seen.contains(&owner.file))
    })
}

#[test]
fn names_are_told_apart_by_room_and_by_who_sees_them() {
    let module = super::circles::module;
    let modules: Modules = [
        ("", module("lib.rs", "pub mod a;\npub mod b;\npub mod c;")),
        (
            "a",
            module(
                "a/mod.rs",
                "mod one;\nmod two;\npub struct Alone;\npub(crate) enum Twice {}\npub trait T { type Own; }\nimpl T for X {\n    type Own = X;\n}",
            ),
        ),
        ("a::one", module("a/one.rs", "struct Near;\ntype Alias = u8;\n#[cfg(test)]\nmod tests {\n    struct Alone;\n}")),
        ("a::two", module("a/two.rs", "enum Near<T> { A(T) }\nstruct Met;")),
        ("b", module("b.rs", "pub struct Twice;\npub type Alias = u16;\npub struct Met;\nstruct Often;\nuse crate::a::Alone;")),
        ("c", module("c.rs", "use crate::{a, b};\nfn f(_: a::two::Met, _: b::Met) {}\nstruct Often;\ntype Own = u8;")),
        ("a::three", module("a/three.rs", "struct Often;")),
    ]
    .into_iter()
    .map(|(name, module)| {
        let path = name.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
        (path, module)
    })
    .collect();
    let found = several(&modules);
    assert_eq!(found.keys().collect::<Vec<_>>(), ["Met", "Near", "Often"]);
    assert_eq!(found["Near"], ["a/one.rs", "a/two.rs"]);
}
