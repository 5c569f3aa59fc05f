//! A job for each attachment, from the split to the last word.

use super::{
    endpoint,
    scene::{Scene, states, webhook},
    shell,
};
use crate::{
    config::{Action, Endpoint, Jobs, Oversize, PartReply, Partial, Per},
    job::{Answer, Outcome, Reason, state::State},
};

/// A mail with three files of these contents.
fn mail(contents: [&str; 3]) -> String {
    let file = |(n, content): (usize, &str)| {
        format!(
            "--b\r\nContent-Type: text/plain; name=\"{n}.txt\"\r\nContent-Disposition: attachment\r\n\r\n{content}\r\n"
        )
    };
    let files: String = (1..).zip(contents).map(file).collect();
    format!(
        "From: ann@supplier.example\r\nSubject: three\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{files}--b--\r\n"
    )
}

fn per_attachment(action: Action, reply: PartReply, partial: Partial) -> Endpoint {
    Endpoint {
        jobs: Jobs {
            per: Per::Attachment,
            reply,
            partial,
        },
        concurrency: 1,
        ..endpoint(action)
    }
}

/// Writes what it got to `out.txt`, and fails where that is `bad`.
fn script() -> Action {
    Action::Command(shell(
        "f=$(ls attachments); echo \"$MAILJOB_PART of $MAILJOB_PARTS: $f\"; cp attachments/$f out/out.txt; ! grep -q bad out/out.txt",
    ))
}

async fn outcomes(endpoint: Endpoint, mail: String) -> (Vec<State>, Vec<Outcome>) {
    let mut scene = Scene::with(vec![mail]).await;
    scene.start(endpoint);
    let rows = scene.ended().await;
    scene.stopped().await;
    let notes = scene.notes.0.lock().unwrap();
    (
        states(&rows),
        notes.iter().map(|(_, _, outcome)| outcome.clone()).collect(),
    )
}

fn answer(outcome: &Outcome) -> (&str, Vec<(&str, &[u8])>) {
    let Outcome::Done(Answer { text, files, .. }) = outcome else {
        panic!("{outcome:?}");
    };
    let files = files.iter().map(|file| (file.name.as_str(), &*file.data));
    (text.as_deref().unwrap_or_default(), files.collect())
}

#[tokio::test]
async fn each_attachment_has_its_own_word() {
    let jobs = per_attachment(script(), PartReply::Each, Partial::Failed);
    let (states, told) = outcomes(jobs, mail(["one", "two", "three"])).await;
    assert_eq!(states, [State::Done; 4]);
    assert_eq!(told.len(), 3, "the mail's own job says nothing more");
    assert_eq!(answer(&told[1]), ("2 of 3: 2.txt", vec![("out.txt", &b"two"[..])]));
}

#[tokio::test]
async fn one_word_has_all_of_them() {
    let jobs = per_attachment(script(), PartReply::Combined, Partial::Failed);
    let (states, told) = outcomes(jobs, mail(["one", "two", "three"])).await;
    assert_eq!(states, [State::Done; 4]);
    let [all] = told.as_slice() else {
        panic!("{told:?}");
    };
    let (text, files) = answer(all);
    assert_eq!(
        text,
        "1.txt:\n1 of 3: 1.txt\n\n2.txt:\n2 of 3: 2.txt\n\n3.txt:\n3 of 3: 3.txt"
    );
    assert_eq!(
        files,
        [("out.txt", &b"one"[..]), ("out_1.txt", b"two"), ("out_2.txt", b"three")]
    );
}

#[tokio::test]
async fn a_part_that_fails_is_judged_by_the_rule() {
    for (reply, words) in [(PartReply::Each, 3), (PartReply::Combined, 1)] {
        for (partial, state) in [(Partial::Failed, State::Failed), (Partial::Done, State::Done)] {
            let (states, told) =
                outcomes(per_attachment(script(), reply, partial), mail(["one", "bad", "three"])).await;
            assert_eq!(
                states,
                [state, State::Done, State::Failed, State::Done],
                "{reply:?} {partial:?}"
            );
            assert_eq!(told.len(), words);
            let told = told.last().unwrap();
            match (reply, told) {
                (PartReply::Each, _) => {}
                (PartReply::Combined, Outcome::Failed { reason, tell, .. }) => {
                    assert_eq!((*reason, partial), (Reason::Part, Partial::Failed));
                    assert!(tell.as_ref().unwrap().contains("2.txt:\nfailed (exit-1)"), "{tell:?}");
                }
                (PartReply::Combined, done) => {
                    assert_eq!(answer(done).1.len(), 2);
                    assert!(answer(done).0.contains("2.txt:\nfailed (exit-1)"));
                }
            }
        }
    }
}

#[tokio::test]
async fn a_mail_without_attachments_is_ignored() {
    let jobs = per_attachment(script(), PartReply::Each, Partial::Failed);
    let (states, told) = outcomes(jobs, "Subject: none\r\n\r\ntext".to_owned()).await;
    assert_eq!((states, told.len()), (vec![State::Ignored], 0));
}

#[tokio::test]
async fn all_parts_together_are_limited() {
    let mut jobs = per_attachment(script(), PartReply::Combined, Partial::Failed);
    jobs.output.max_size = 1_100;
    let long = "x".repeat(600);
    let (states, told) = outcomes(jobs.clone(), mail([&long, &long, &long])).await;
    assert_eq!(states, [State::Done; 4], "the work is done");
    let Outcome::Done(large) = &told[0] else {
        panic!("{told:?}")
    };
    assert_eq!(
        (large.files.len(), large.flaw.as_ref().unwrap().reason),
        (0, Reason::Oversize)
    );
    assert!(large.text.as_ref().unwrap().contains("may be mailed"), "{large:?}");
    jobs.output.oversize = Oversize::Zip;
    let (states, told) = outcomes(jobs, mail([&long, &long, &long])).await;
    assert_eq!(states[0], State::Done);
    assert_eq!(answer(&told[0]).1.len(), 1);
}

#[tokio::test]
async fn each_part_has_its_own_id_over_its_attempts() {
    let (action, seen) = webhook(&[503, 200]).await;
    let jobs = per_attachment(action, PartReply::Each, Partial::Failed);
    let (states, _) = outcomes(jobs, mail(["one", "two", "three"])).await;
    assert_eq!(states, [State::Done; 4]);
    let seen = seen.lock().unwrap();
    let bodies: Vec<serde_json::Value> = seen
        .iter()
        .map(|(.., body)| serde_json::from_slice(body).unwrap())
        .collect();
    assert_eq!(seen.len(), 4, "one was asked twice");
    let mut ids: Vec<_> = seen.iter().map(|(id, ..)| id.clone()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3);
    for (body, (id, ..)) in bodies.iter().zip(seen.iter()) {
        assert_eq!(body["job"], id.as_str());
        assert_eq!(body["parts"], 3);
        assert_eq!(body["mail_job"], bodies[0]["mail_job"]);
        let file = &body["mail"]["attachments"];
        assert_eq!(file.as_array().unwrap().len(), 1);
        assert_eq!(file[0]["file"], format!("{}.txt", body["part"]));
    }
}
