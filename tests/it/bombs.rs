//! Mails made to bring a reader down: each costs itself at most, and the next mail is done.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use mailjob::{
    job::state::State,
    ledger::{Upkeep as _, sqlite},
};
use mailjob_testbed::{Answer, Mailjob, Options, Receiver, SignIn, Start, World, mails::bombs};

use crate::letters::letter;

const USER: &str = "ada@example.test";

#[tokio::test(flavor = "multi_thread")]
async fn every_bomb_is_done_or_held_and_the_next_mail_is_done() {
    let world = World::start(Options::default()).await.unwrap();
    let receiver = Receiver::start(|_| Answer::text("received")).await.unwrap();
    let mut mailjob = Mailjob::new(&world, env!("CARGO_BIN_EXE_mailjob")).unwrap();
    mailjob
        .account(&world, "ada", USER, SignIn::Password, Start::Implicit)
        .await
        .unwrap();
    let endpoint = format!(
        "[mailbox]\naccount = \"ada\"\n[webhook]\nurl = \"{}\"\nallow_private_network = true\n[reply]\nto = \"sender\"\n",
        receiver.url("/")
    );
    mailjob.endpoint("ada", &endpoint).unwrap();
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    let process = mailjob.pid();

    let bombs = bombs::all();
    assert!(bombs.len() >= 10, "only {} bombs", bombs.len());
    for (number, (name, bomb)) in bombs.iter().enumerate() {
        world
            .dovecot
            .append(USER, "INBOX", bomb)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        world.dovecot.append(USER, "INBOX", &letter(number)).await.unwrap();
    }
    let deadline = tokio::time::Instant::now() + Duration::from_secs(240);
    while mailjob.log().matches("attempt ended").count() < 2 * bombs.len() {
        assert!(
            tokio::time::Instant::now() < deadline,
            "not every mail had its attempt:\n{}",
            mailjob.log()
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(mailjob.pid(), process);
    assert_eq!(mailjob.term().unwrap(), 0);

    let ledger = sqlite::open(&mailjob.dir().join("mailjob.db"), Arc::new(chrono::Utc::now))
        .await
        .unwrap();
    let jobs = ledger.overview(10 * bombs.len()).await.unwrap();
    ledger.close().await;
    assert_eq!(jobs.len(), 2 * bombs.len());
    let mut letters = 0;
    let mut states = BTreeMap::<&str, usize>::new();
    for job in &jobs {
        let state = match job.state {
            State::Done => "done",
            State::Held => "held",
            other => panic!("{other:?}: {job:?}"),
        };
        *states.entry(state).or_default() += 1;
        if job.summary.message_id.starts_with("letter-") {
            assert_eq!(job.state, State::Done, "{job:?}");
            letters += 1;
        }
        assert_eq!((job.attempts, job.interrupted), (1, 0), "{job:?}");
    }
    assert_eq!(letters, bombs.len());
    println!("{} bombs between {letters} letters: {states:?}", bombs.len());
}
