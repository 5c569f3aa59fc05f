use proptest::prelude::*;

use super::*;

fn given(name: &str, value: Option<InputValue>) -> ResolvedInput {
    ResolvedInput {
        name: name.into(),
        label: Some("The word".into()),
        value,
        ours: name == "ours",
    }
}

fn text(text: &str) -> Option<InputValue> {
    Some(InputValue::Text(text.into()))
}

fn filled(template: &[&str], inputs: &[ResolvedInput]) -> Result<Vec<String>, Unmet> {
    let argv = template.iter().map(|&argument| argument.to_owned()).collect();
    arguments(&Command::new(argv), inputs, |name| format!("/tmp/job/{name}"))
}

fn all() -> Vec<ResolvedInput> {
    vec![
        given("word", text("a b; $(c)")),
        given("dash", text("-rf")),
        given("none", None),
        given("ours", text("--fast")),
        given("count", Some(InputValue::Integer(-5))),
        given("file", Some(InputValue::File("a b.pdf".into()))),
        given("files", Some(InputValue::Files(vec!["a.pdf".into(), "-b.pdf".into()]))),
        given(
            "list",
            Some(InputValue::List(vec![
                InputValue::Integer(1),
                InputValue::Text("x".into()),
            ])),
        ),
        given(
            "bad",
            Some(InputValue::List(vec![
                InputValue::Text("x".into()),
                InputValue::Text("-x".into()),
            ])),
        ),
        given("nul", text("a\0b")),
        given("long", text(&"x".repeat((64 << 10) + 1))),
    ]
}

#[test]
fn names_become_values_and_arguments_stay_arguments() {
    for (template, expected) in [
        ("plain {{x}}", vec!["plain {x}"]),
        ("{word}", vec!["a b; $(c)"]),
        ("--word={word}!", vec!["--word=a b; $(c)!"]),
        ("--number={count}", vec!["--number=-5"]),
        ("{none}", vec![""]),
        ("[{none}]", vec!["[]"]),
        ("{ours}", vec!["--fast"]),
        ("--dash={dash}", vec!["--dash=-rf"]),
        ("{file}", vec!["/tmp/job/a b.pdf"]),
        ("--in={file}", vec!["--in=/tmp/job/a b.pdf"]),
        ("{files}", vec!["/tmp/job/a.pdf", "/tmp/job/-b.pdf"]),
        ("{list}", vec!["1", "x"]),
    ] {
        let found = filled(&["/bin/{word}", template], &all()).unwrap();
        assert_eq!(found.get(1..).unwrap(), expected, "{template}");
        assert_eq!(found.first().unwrap(), "/bin/{word}", "the program is as written");
    }
}

#[test]
fn what_no_process_should_get_is_refused() {
    for template in [
        "{dash}",
        "{none}{dash}",
        "{count}",
        "{bad}",
        "{nul}",
        "--x={nul}",
        "{long}",
    ] {
        let unmet = filled(&["/bin/x", template], &all());
        let crate::job::Outcome::Failed { reason, tell, .. } = unmet.unwrap_err().into() else {
            panic!("{template}");
        };
        assert_eq!(reason, crate::job::Reason::Input);
        assert!(tell.unwrap().starts_with("The word "), "{template}");
    }
    let many = vec!["{word}"; 3];
    let inputs = [given("word", text(&"x".repeat(60 << 10)))];
    assert!(filled(&[&["/bin/x"], &*many].concat(), &inputs).is_ok());
    let many = vec!["{word}"; 20];
    assert!(
        filled(&[&["/bin/x"], &*many].concat(), &inputs).is_err(),
        "all together are too long"
    );
}

#[test]
fn without_inputs_braces_are_braces() {
    let script = ["/bin/sh", "-c", "for f in *; do echo ${f}; done; awk '{print}'"];
    assert_eq!(filled(&script, &[]).unwrap(), script);
}

proptest! {
    #[test]
    fn a_mail_adds_no_argument_and_no_option(word in "(?s).*", before in "[a-z=-]{0,3}") {
        let inputs = [given("word", text(&word))];
        let template = format!("{before}{{word}}");
        if let Ok(found) = filled(&["/bin/x", &template], &inputs) {
            prop_assert_eq!(found.len(), 2);
            prop_assert_eq!(found[1].starts_with('-'), before.starts_with('-'));
            prop_assert_eq!(&found[1], &format!("{before}{word}"));
        }
    }
}
