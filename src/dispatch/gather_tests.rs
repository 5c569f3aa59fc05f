use bytes::Bytes;
use serde_json::json;

use super::*;
use crate::job::ResultFile;

fn part(number: u32, state: State) -> EndedPart {
    let failed = state == State::Failed;
    EndedPart {
        number,
        name: format!("{number}.pdf"),
        state,
        reason: failed.then(|| "exit-1".to_owned()),
        tell: (failed && number == 2).then(|| "page 3 is missing\n".to_owned()),
        kept: true,
        answer: match state {
            State::Done => Answer {
                text: (number != 3).then(|| format!("text {number}")),
                files: vec![ResultFile {
                    name: "out.pdf".into(),
                    media_type: "application/pdf".into(),
                    data: Bytes::from(number.to_string()),
                }],
                data: (number == 1).then(|| json!({ "n": 1 })),
                flaw: None,
            },
            _ => Answer::default(),
        },
    }
}

fn gathered(states: &[State], partial: Partial, combined: bool) -> Outcome {
    let parts = (1..).zip(states).map(|(number, state)| part(number, *state)).collect();
    outcome(GatheredParts { parts, size: 0 }, partial, combined)
}

#[test]
fn how_a_mail_ends_over_its_parts() {
    use State::{Done, Failed, Ignored};
    for (states, failed, done) in [
        (&[Done, Done][..], "done", "done"),
        (&[Done, Failed], "failed", "done"),
        (&[Failed, Failed], "failed", "failed"),
        (&[Failed, Ignored], "failed", "failed"),
        (&[Done, Ignored], "done", "done"),
        (&[Ignored, Ignored], "ignored", "ignored"),
        (&[], "retry", "retry"),
    ] {
        for (rule, expected) in [(Partial::Failed, failed), (Partial::Done, done)] {
            for combined in [false, true] {
                let found = match gathered(states, rule, combined) {
                    Outcome::Done(_) => "done",
                    Outcome::Failed { reason, .. } => {
                        assert_eq!(reason, Reason::Part);
                        "failed"
                    }
                    Outcome::Ignored { .. } => "ignored",
                    Outcome::Retry { .. } => "retry",
                    other => panic!("{other:?}"),
                };
                assert_eq!(found, expected, "{states:?} {rule:?}");
            }
        }
    }
}

#[test]
fn a_combined_answer_has_all_in_order() {
    use State::{Done, Failed};
    let Outcome::Done(answer) = gathered(&[Done, Failed, Done, Failed], Partial::Done, true) else {
        panic!("one is done");
    };
    assert_eq!(
        answer.text.as_deref(),
        Some("1.pdf:\ntext 1\n\n2.pdf:\nfailed (exit-1): page 3 is missing\n\n3.pdf:\ndone\n\n4.pdf:\nfailed (exit-1)")
    );
    let files: Vec<_> = answer
        .files
        .iter()
        .map(|file| (file.name.as_str(), &file.data[..]))
        .collect();
    assert_eq!(files, [("out.pdf", &b"1"[..]), ("out_1.pdf", b"3")]);
    assert_eq!(answer.data, Some(json!([{ "n": 1 }, null, null, null])));
    let Outcome::Done(answer) = gathered(&[Done], Partial::Done, false) else {
        panic!("it is done");
    };
    assert_eq!(answer, Answer::default(), "each part was answered by itself");
}

#[test]
fn a_failure_names_what_failed() {
    let states = [State::Failed; 7];
    let Outcome::Failed { detail, tell, .. } = gathered(&states, Partial::Failed, true) else {
        panic!("all failed");
    };
    assert!(detail.starts_with("7 of 7 parts failed: 1.pdf (exit-1), "), "{detail}");
    assert!(detail.ends_with(" and 2 more"), "{detail}");
    assert!(tell.unwrap().contains("7.pdf:\nfailed (exit-1)"));
}
