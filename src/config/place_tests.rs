use proptest::prelude::*;

use super::*;

fn show(text: &str, fault: &str) -> (usize, usize, Option<String>) {
    let start = text.find(fault).unwrap();
    let place = Place::of(text, &(start..start + fault.len()));
    (place.line, place.column, place.show())
}

#[test]
fn a_place_counts_characters_and_shows_its_line() {
    let text = "first = 1\r\n\tgröße = \"ü\" # more\r\nlast = 3";
    let look = "    2 |  größe = \"ü\" …\n      |          ^^^";
    assert_eq!(show(text, "\"ü\""), (2, 10, Some(look.to_owned())));
    let look = "    3 | last = 3\n      | ^^^^";
    assert_eq!(show(text, "last").2.unwrap(), look.replace("last = 3", "last …"));
}

#[test]
fn only_the_first_line_of_a_fault_is_shown() {
    let look = "    1 | a = [\n      |     ^";
    assert_eq!(show("a = [\n1,\n2]\n", "[\n1,\n2]").2.unwrap(), look);
}

#[test]
fn a_line_that_may_hold_a_secret_is_not_shown() {
    for text in [
        "password = hunter2",
        "x = { Authorization = \"hunter2\" }",
        "API_KEY = hunter2",
        "db.pw = hunter2",
    ] {
        assert_eq!(show(text, "hunter2").2, None, "{text}");
    }
    // What is misspelt is not known as a secret; so nothing behind it is shown.
    let look = show("pasword = \"hunter2\"", "pasword").2.unwrap();
    assert!(!look.contains("hunter2"), "{look}");
    let look = show("psswrd = \"hunter2\"", "psswrd").2.unwrap();
    assert!(!look.contains("hunter2"), "{look}");
}

#[test]
fn a_long_line_is_cut() {
    let text = format!("{}fault{}", "a".repeat(100_000), "b".repeat(100_000));
    let (line, column, look) = show(&text, "fault");
    assert_eq!((line, column), (1, 100_001));
    assert!(look.unwrap().chars().count() < 4 * AROUND);
}

proptest! {
    #[test]
    fn no_span_of_any_text_panics(text in any::<String>(), start in 0..200_usize, end in 0..200_usize) {
        let place = Place::of(&text, &(start..end));
        let shown = place.show().unwrap_or_default();
        prop_assert!(place.line >= 1 && place.column >= 1);
        prop_assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{:?}", shown);
    }
}
