//! Every mail becomes what its attempt came to, once, whatever fails around it.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::net::TcpListener;

use super::{
    MAIL, endpoint,
    scene::{PATIENCE, Scene, states, webhook},
    shell,
};
use crate::{
    budget::Memory,
    config::{self, Action, Endpoint, OriginalAs},
    job::{Outcome, Reason, state::State},
    slots::{Size, Slots},
};

#[tokio::test]
async fn every_mail_is_one_request_and_one_decision() {
    let mut scene = Scene::with(vec![MAIL.to_owned(); 50]).await;
    let (action, seen) = webhook(&[200]).await;
    scene.start(endpoint(action));
    let rows = scene.ended().await;
    assert!(
        rows.iter()
            .all(|row| row.state == State::Done && row.attempts == 1 && row.silent.as_deref() == Some("off"))
    );
    assert_eq!(rows[0].summary.from, "ann@supplier.example");
    assert_eq!(rows[0].summary.subject, "Grüße");
    scene.stopped().await;
    let ids: HashSet<_> = seen.lock().unwrap().iter().map(|(id, ..)| id.clone()).collect();
    assert_eq!(
        (
            ids.len(),
            seen.lock().unwrap().len(),
            scene.notes.0.lock().unwrap().len()
        ),
        (50, 50, 50)
    );
}

#[tokio::test]
async fn each_kind_of_mail_ends_in_its_state_and_none_stops_the_next() {
    let bomb = "Content-Type: message/rfc822\r\n\r\n".repeat(100_000);
    let other = MAIL.replace("ann@supplier", "ann@other");
    let large = MAIL.to_owned() + &"x".repeat(5_000_000);
    let mut scene = Scene::with(vec![MAIL.into(), other, bomb, "\0".into(), large, MAIL.into()]).await;
    let (action, seen) = webhook(&[422]).await;
    let mut endpoint = endpoint(action);
    endpoint.filter.from = vec!["*@supplier.example".into()];
    endpoint.limits.size = 4_000_000;
    scene.start(endpoint);
    let rows = scene.ended().await;
    let ends: Vec<_> = rows
        .iter()
        .map(|row| (row.state, row.reason.as_deref().unwrap_or_default()))
        .collect();
    assert_eq!(
        ends,
        [
            (State::Failed, "status-422"),
            (State::Ignored, "from"),
            (State::Held, "too-large"),
            (State::Held, "unreadable"),
            (State::Held, "too-large"),
            (State::Failed, "status-422"),
        ]
    );
    scene.stopped().await;
    assert_eq!(seen.lock().unwrap().len(), 2);
    assert_eq!(
        scene.notes.0.lock().unwrap().len(),
        2,
        "only done and failed jobs are asked about"
    );
}

#[tokio::test]
async fn another_attempt_has_the_same_id_and_the_same_bytes() {
    let mut scene = Scene::with(vec![MAIL.into()]).await;
    let (action, seen) = webhook(&[503, 200]).await;
    scene.start(endpoint(action));
    let rows = scene.ended().await;
    assert_eq!((rows[0].state, rows[0].attempts), (State::Done, 2));
    scene.stopped().await;
    let seen = seen.lock().unwrap();
    assert_eq!((seen[0].1.as_str(), seen[1].1.as_str()), ("1", "2"));
    assert_eq!((&seen[0].0, &seen[0].2), (&seen[1].0, &seen[1].2));
}

#[tokio::test]
async fn a_job_fails_when_its_attempts_are_used_up() {
    let mut scene = Scene::with(vec![MAIL.into()]).await;
    let (action, seen) = webhook(&[503]).await;
    scene.start(endpoint(action));
    let rows = scene.ended().await;
    assert_eq!(
        (rows[0].state, rows[0].reason.as_deref()),
        (State::Failed, Some("exhausted"))
    );
    scene.stopped().await;
    assert_eq!(seen.lock().unwrap().len(), 3);
    let notes = scene.notes.0.lock().unwrap();
    assert!(matches!(
        notes[0].2,
        Outcome::Failed {
            reason: Reason::Exhausted,
            ..
        }
    ));
}

#[tokio::test]
async fn what_the_operator_has_to_mend_waits_for_him_and_no_sender_hears_of_it() {
    for status in [401, 403, 404] {
        let mut scene = Scene::with(vec![MAIL.into()]).await;
        // More often than there are attempts: none of them is used up.
        let (action, seen) = webhook(&[status, status, status, status, status, 503, 503, 200]).await;
        scene.start(endpoint(action));
        let rows = scene.ended().await;
        assert_eq!((rows[0].state, rows[0].attempts), (State::Done, 8), "{status}");
        scene.stopped().await;
        assert_eq!(seen.lock().unwrap().len(), 8);
        let notes = scene.notes.0.lock().unwrap();
        assert!(
            matches!(&notes[..], [only] if matches!(only.2, Outcome::Done(_))),
            "{status}: one reply, and it is no refusal"
        );
    }
}

#[tokio::test]
async fn gone_pauses_the_endpoint_and_loses_nothing() {
    let mut scene = Scene::with(vec![MAIL.into(); 3]).await;
    let (action, seen) = webhook(&[410]).await;
    let one_by_one = Endpoint {
        concurrency: 1,
        ..endpoint(action)
    };
    scene.start(one_by_one);
    let rows = scene.until(|rows| rows[0].state == State::Deferred).await;
    assert_eq!(rows[0].reason.as_deref(), Some("status-410"));
    assert!(scene.running.try_join_next().is_none(), "it waits to be stopped");
    scene.stopped().await;
    assert_eq!(seen.lock().unwrap().len(), 1);
    let rows = scene.ledger.inner.overview(9).await.unwrap();
    assert!(rows.iter().all(|row| !row.state.ended()), "{rows:?}");
}

#[tokio::test]
async fn an_outcome_waits_for_a_ledger_that_fails() {
    let mut scene = Scene::with(vec![MAIL.into()]).await;
    scene.ledger.claims.store(2, Ordering::SeqCst);
    scene.ledger.finishes.store(2, Ordering::SeqCst);
    let (action, seen) = webhook(&[200]).await;
    scene.start(endpoint(action));
    assert_eq!(states(&scene.ended().await), [State::Done]);
    scene.stopped().await;
    assert_eq!(seen.lock().unwrap().len(), 1, "the action is not run again for that");
}

#[tokio::test]
async fn a_panic_costs_one_job_or_one_reply() {
    let panicking = "Subject: panic\r\n\r\nx".to_owned();
    let mut scene = Scene::with(vec![MAIL.into(), panicking, MAIL.into()]).await;
    scene.ledger.panics.store(1, Ordering::SeqCst);
    let (action, _) = webhook(&[200]).await;
    let one_by_one = Endpoint {
        concurrency: 1,
        ..endpoint(action)
    };
    scene.start(one_by_one);
    let rows = scene.ended().await;
    assert_eq!(states(&rows), [State::Held, State::Done, State::Done]);
    assert_eq!(rows[0].reason.as_deref(), Some("panicked"));
    assert_eq!(rows[1].silent.as_deref(), Some("unbuildable"));
    scene.stopped().await;
}

#[tokio::test]
async fn a_stop_gives_back_what_was_not_begun() {
    let mut scene = Scene::with(vec![MAIL.into(); 2]).await;
    let (action, seen) = webhook(&[200]).await;
    let all = scene.memory.work.take(u64::MAX).await;
    scene.start(endpoint(action));
    scene
        .until(|rows| rows.iter().all(|row| row.state == State::Running))
        .await;
    scene.stopped().await;
    let rows = scene
        .until(|rows| rows.iter().all(|row| row.state == State::Queued))
        .await;
    assert!(rows.iter().all(|row| row.attempts == 0), "{rows:?}");
    assert!(seen.lock().unwrap().is_empty());
    drop(all);
}

#[tokio::test]
async fn a_stop_waits_for_what_runs() {
    let folder = TempDir::new().unwrap();
    let gate = folder.path().join("gate");
    let script = format!(
        "echo begun >{0}; while [ -e {0} ]; do sleep 0.02; done; echo ready",
        gate.display()
    );
    let mut scene = Scene::with(vec![MAIL.into()]).await;
    let command = crate::config::Command {
        write: vec![folder.path().to_owned()],
        ..shell(&script)
    };
    scene.start(endpoint(Action::Command(command)));
    let end = Instant::now() + PATIENCE;
    while !gate.exists() {
        assert!(Instant::now() < end, "the command did not begin");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    scene.stop.cancel();
    std::fs::remove_file(gate).unwrap();
    scene.stopped().await;
    assert_eq!(states(&scene.ended().await), [State::Done]);
    let notes = scene.notes.0.lock().unwrap();
    assert!(matches!(&notes[0].2, Outcome::Done(answer) if answer.text.as_deref() == Some("ready")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_of_many_mails_run() {
    let mut scene = Scene::with(vec![MAIL.into(); 20]).await;
    scene.start(endpoint(Action::Command(shell(
        "cat attachments/invoice.pdf; cp attachments/* out/",
    ))));
    let rows = scene.ended().await;
    assert!(rows.iter().all(|row| row.state == State::Done), "{rows:?}");
    scene.stopped().await;
    for (_, _, outcome) in scene.notes.0.lock().unwrap().iter() {
        assert!(
            matches!(outcome, Outcome::Done(answer) if answer.text.as_deref() == Some("%PDF-1.4") && answer.files.len() == 2)
        );
    }
}

#[tokio::test]
async fn a_mail_that_is_not_meant_goes_to_the_next_endpoint() {
    let mut scene = Scene::with(vec![MAIL.into(), MAIL.replace("ann@", "eve@")]).await;
    let next = crate::config::EndpointName::new("next").unwrap();
    scene.next = vec![next];
    let (action, seen) = webhook(&[200]).await;
    let filter = crate::config::Filter {
        from: vec!["eve@*".into()],
        ..crate::config::Filter::default()
    };
    scene.start(Endpoint {
        filter,
        ..endpoint(action)
    });
    let rows = scene
        .until(|rows| rows.len() == 3 && rows[1].state == State::Done)
        .await;
    let ends: Vec<_> = rows.iter().map(|row| (row.endpoint.as_str(), row.state)).collect();
    let expected = [
        ("invoices", State::Ignored),
        ("invoices", State::Done),
        ("next", State::Queued),
    ];
    assert_eq!(ends, expected);
    scene.stopped().await;
    assert_eq!(seen.lock().unwrap().len(), 1);
}

/// Each of these commands fails when another one runs.
#[tokio::test]
async fn no_more_jobs_run_at_once_than_may() {
    let mut scene = Scene::with((0..12).map(|n| format!("{MAIL}{n}")).collect()).await;
    scene.slots = Slots::new(Size::Exactly(1), Size::Exactly(2));
    let lock = tempfile::tempdir().unwrap();
    let write = vec![lock.path().to_owned()];
    let lock = lock.path().join("lock").display().to_string();
    let script = "mkdir $0 && i=0 && while [ $i -lt 3000 ]; do i=$((i+1)); done && rmdir $0";
    let argv = ["sh", "-c", script, &lock].map(str::to_owned).to_vec();
    let command = crate::config::Command {
        write,
        ..crate::config::Command::new(argv)
    };
    scene.start(endpoint(Action::Command(command)));
    let rows = scene.ended().await;
    let ends: Vec<_> = rows.iter().map(|row| (row.state, row.detail.clone())).collect();
    assert!(ends.iter().all(|(state, _)| *state == State::Done), "{ends:?}");
    scene.stopped().await;
}

/// Each job needs more than there is in all, and its reply the mail once more: they take their turns, and who works at a result is alone.
#[tokio::test]
async fn jobs_that_need_more_than_there_is_take_turns() {
    let mut scene = Scene::with(vec![MAIL.into(); 6]).await;
    scene.memory = Memory::new(0);
    let mut quoting = Endpoint {
        concurrency: 6,
        ..endpoint(Action::Command(shell("head -c 3000000 /dev/zero > out/large.bin")))
    };
    quoting.reply.original = OriginalAs::Quote;
    scene.start(quoting);
    let rows = scene.ended().await;
    assert_eq!(states(&rows), [State::Done; 6]);
    assert_eq!((scene.memory.work.taken(), scene.memory.work.waiting()), (0, 0));
    scene.stopped().await;
}

/// A webhook that takes its time holds no room: others go on, also where there is little.
#[tokio::test]
async fn who_waits_for_a_webhook_holds_no_room() {
    let mut scene = Scene::with(vec![MAIL.into(); 3]).await;
    scene.memory = Memory::new(0);
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let mut open = Vec::new();
        loop {
            open.push(silent.accept().await.unwrap());
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    let mut hook = config::Webhook::new(url);
    hook.allow_private_network = true;
    let work = scene.memory.work.clone();
    scene.start(Endpoint {
        concurrency: 3,
        ..endpoint(Action::Webhook(hook))
    });
    let end = Instant::now() + PATIENCE;
    while asked.load(Ordering::SeqCst) < 3 || work.taken() > 0 {
        assert!(Instant::now() < end, "{} bytes are held", work.taken());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    scene.running.abort_all();
    server.abort();
}
