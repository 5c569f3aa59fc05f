use super::*;
use crate::config::{ApiAccess, Service};

fn loaded(shared: Option<&str>, endpoints: &[(&str, &str)], away: &[&str]) -> Loaded {
    let name = |name: &str| EndpointName::new(name).unwrap();
    Loaded {
        service: Some(Service::on(1)),
        operator: Some(None),
        api: ApiAccess::Loopback,
        accounts: BTreeMap::new(),
        endpoints: BTreeMap::new(),
        broken: endpoints.iter().map(|(of, _)| name(of)).collect(),
        disabled: BTreeSet::new(),
        listed: true,
        standing: BTreeMap::new(),
        held: BTreeMap::new(),
        away: away.iter().map(|of| name(of)).collect(),
        texts: Texts {
            shared: shared.filter(|text| !text.is_empty()).map(FileText::from),
            has_shared: shared.is_some(),
            endpoints: endpoints
                .iter()
                .filter(|(_, text)| !text.is_empty())
                .map(|(of, text)| (name(of), FileText::from(*text)))
                .collect(),
        },
        unfinished: BTreeSet::new(),
        hints: Vec::new(),
        problems: Vec::new(),
    }
}

/// What is kept after these changes: each file with its text, its number and that of the `mailjob.toml` beside it.
fn rows(kept: &[KeptVersion]) -> Vec<String> {
    let row = |kept: &KeptVersion| {
        let beside = kept
            .version
            .beside
            .map_or_else(String::new, |number| format!("@{number}"));
        format!("{}#{}={}{beside}", kept.file, kept.number, kept.version.text.as_str())
    };
    kept.iter().map(row).collect()
}

#[test]
fn a_file_is_kept_beside_the_settings_that_it_was_right_beside() {
    let mut versions = Versions::default();
    let mut table = BTreeMap::<(String, i64), KeptVersion>::new();
    let mut all_at_once = Revision::default();
    let mut look = |loaded: Loaded, changes: usize| {
        let revision = versions.take(&loaded, DateTime::UNIX_EPOCH);
        assert_eq!(revision.keep.len() + revision.dropped.len(), changes, "{revision:?}");
        all_at_once.then(revision.clone());
        revision.dropped.into_iter().for_each(|key| drop(table.remove(&key)));
        for kept in revision.keep {
            table.insert((kept.file.clone(), kept.number), kept);
        }
        let kept: Vec<_> = table.values().cloned().collect();
        let mut at_once = all_at_once.keep.clone();
        at_once.sort_by_key(|kept| (kept.file.clone(), kept.number));
        assert_eq!(at_once, kept, "several as one");
        assert_eq!(Versions::of(kept.clone()), versions, "a restart knows the same");
        rows(&kept)
    };
    let all = look(loaded(Some("s1"), &[("a", "a1"), ("b", "b1")], &[]), 3);
    assert_eq!(all, ["a#0=a1@1", "b#0=b1@1", "mailjob.toml#1=s1"]);
    look(loaded(Some("s1"), &[("a", "a1"), ("b", "b1")], &[]), 0);

    // b breaks, then the shared file changes without it: b's own version of that stays.
    look(loaded(Some("s1"), &[("a", "a1"), ("b", "")], &[]), 0);
    let all = look(loaded(Some("s2"), &[("a", "a1"), ("b", "")], &[]), 2);
    assert_eq!(all, ["a#0=a1@2", "b#0=b1@1", "mailjob.toml#1=s1", "mailjob.toml#2=s2"]);
    // The shared file breaks; what is right beside it is kept beside the last good one.
    let all = look(loaded(Some(""), &[("a", "a2"), ("b", "")], &[]), 1);
    assert_eq!(all[0], "a#0=a2@2");

    // Mended: nobody needs the older one. Away is not removed; removed is.
    let all = look(loaded(Some("s2"), &[("a", "a2"), ("b", "b2")], &[]), 2);
    assert_eq!(all, ["a#0=a2@2", "b#0=b2@2", "mailjob.toml#2=s2"]);
    look(loaded(Some("s2"), &[("a", "a2")], &["b"]), 0);
    let all = look(loaded(Some("s2"), &[("a", "a2")], &[]), 1);
    assert_eq!(all, ["a#0=a2@2", "mailjob.toml#2=s2"]);
    let mut unlisted = loaded(Some("s2"), &[], &[]);
    unlisted.listed = false;
    look(unlisted, 0);
    // Without shared settings there is nothing beside it.
    let all = look(loaded(None, &[("a", "a2")], &[]), 1);
    assert_eq!(all, ["a#0=a2", "mailjob.toml#2=s2"]);
}

#[test]
fn a_text_is_never_printed() {
    let loaded = loaded(Some("password = \"canary\""), &[("a", "canary")], &[]);
    let mut versions = Versions::default();
    let revision = versions.take(&loaded, DateTime::UNIX_EPOCH);
    assert!(!format!("{loaded:?} {versions:?} {revision:?}").contains("canary"));
}
