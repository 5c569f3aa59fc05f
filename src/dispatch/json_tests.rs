use proptest::prelude::*;
use serde_json::json;

use super::*;

#[test]
fn what_is_asked_for_is_a_slice_of_the_text() {
    let text = r#"{"a": [1, {"b": "x"}], "c": null, "a": {"d": [0, 1, "two"]}, "e": 1, "f": 2}"#;
    let object = whole(text).unwrap();
    let picked = pick(object, ["a", "c", "none"]).unwrap();
    assert_eq!(
        picked.values[0].unwrap().get(),
        r#"{"d": [0, 1, "two"]}"#,
        "the last counts"
    );
    assert!(picked.values[1].is_none() && picked.values[2].is_none());
    assert_eq!((picked.others, picked.more), (vec!["e".to_owned(), "f".to_owned()], 0));
    for (pointer, found) in [
        ("/a/d/2", Some("\"two\"")),
        ("/a/d/02", None),
        ("/a/d/3", None),
        ("/a/d/-", None),
        ("/e/x", None),
        ("e", None),
        ("", Some(text)),
    ] {
        assert_eq!(at(object, pointer).unwrap().map(RawValue::get), found, "{pointer}");
    }
    let odd = whole(r#"{"a/b": {"~": 1}}"#).unwrap();
    assert_eq!(at(odd, "/a~1b/~0").unwrap().map(RawValue::get), Some("1"));
}

#[test]
fn what_is_not_kept_is_only_counted() {
    let many = format!("[{}0]", "0,".repeat(1_000_000));
    let (first, count) = elements(whole(&many).unwrap(), 3).unwrap();
    assert_eq!((first.len(), count), (3, 1_000_001));
    let deep = format!("{{\"a\":{}{},\"b\":1}}", "[".repeat(1_000_000), "]".repeat(1_000_000));
    assert_eq!(at(whole(&deep).unwrap(), "/b").unwrap().map(RawValue::get), Some("1"));
    let keys: Vec<_> = (0..1_000).map(|n| format!("\"{n}\":0")).collect();
    let keys = format!("{{{}}}", keys.join(","));
    let picked = pick(whole(&keys).unwrap(), ["999"]).unwrap();
    assert_eq!((picked.others.len(), picked.more), (MAX_NAMED, 999 - MAX_NAMED));
}

#[test]
fn what_is_larger_than_may_be_kept_is_never_built() {
    for (text, least_bytes) in [
        ("[ 1,\n 2 ]", 3),
        (r#""a\n""#, 4),
        (r#""\u00fc\u65e5\ud83d\ude00\u0041""#, 2 + 2 + 3 + 4 + 1),
        (r#"{"a": 1.5e300}"#, 6),
    ] {
        assert_eq!(least(text), least_bytes, "{text}");
    }
    let many = format!("[{}]", vec!["[0]"; 1_000].join(","));
    assert!(
        built(whole(&many).unwrap(), 1_000)
            .unwrap_err()
            .contains("1000 at most")
    );
    let spread = json!([1, 2, 3])
        .to_string()
        .replace(',', &format!(",{}", " ".repeat(1_000)));
    assert_eq!(built(whole(&spread).unwrap(), 10), Ok(json!([1, 2, 3])));
    let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
    assert!(
        built(whole(&deep).unwrap(), 100_000)
            .unwrap_err()
            .contains("can't be read")
    );
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(|n| Value::from(f64::from(n) / 8.0)),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map("[a-c/~0-2]{0,2}", inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    /// A pointer finds what it finds in the value that is built, and the length that is looked at first never refuses what may be kept.
    #[test]
    fn looking_is_as_good_as_building(value in value(), pointer in "(/([a-c/~0-2]{0,2}|[0-5]|~0|~1)){0,3}", pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let raw = whole(&text).unwrap();
        let found = at(raw, &pointer).unwrap().map(|found| serde_json::from_str::<Value>(found.get()).unwrap());
        let expected = value.pointer(&pointer).cloned();
        // Null and nothing are the same to whoever asks.
        prop_assert_eq!(found.unwrap_or_default(), expected.unwrap_or_default());
        prop_assert!(least(&text) <= value.to_string().len());
        let size = value.to_string().len();
        prop_assert_eq!(built(raw, size), Ok(value.clone()));
        prop_assert!(size == 0 || built(raw, size - 1).is_err());
    }
}
