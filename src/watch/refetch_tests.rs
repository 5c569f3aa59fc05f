use super::*;
use crate::{
    job::Reason,
    ledger::{Content, NewMail, Place},
    watch::{fakes::World, imap::ImapCapabilities},
};

/// A ledger in which mail 6 did not come whole, and is wanted.
fn wanted(world: &World) {
    let lacking = NewMail {
        place: Place {
            uid_validity: 7,
            uid: 6,
        },
        received: None,
        told: None,
        header_key: None,
        content: Content::Lacking(Lack {
            reason: Reason::TooLarge,
            detail: "too large".into(),
            size: 0,
            upload: None,
        }),
    };
    let mut state = world.memory.state.lock().unwrap();
    state.mails.insert(lacking.place, lacking);
    state.wanted.push(6);
}

async fn refetch(world: &World, refetcher: &mut Refetcher, script: &[&str]) -> Result<Session, WatchError> {
    let (session, server) = world.session(script, ImapCapabilities::default());
    let session = refetcher
        .refetch(session, &world.looking(), &mut FetchFailures::default())
        .await;
    server.finished().await;
    session
}

const PART: &str = "C: UID FETCH 6 (UID INTERNALDATE RFC822.SIZE BODY.PEEK[]<0.1048576>)";

#[tokio::test]
async fn a_mail_that_is_wanted_is_fetched_and_the_cursor_stays() {
    let world = World::new();
    wanted(&world);
    let script = [PART, "S: * 1 FETCH (UID 6 RFC822.SIZE 4 BODY[]<0> \"mail\")", "S: $ OK"];
    refetch(&world, &mut Refetcher::default(), &script).await.unwrap();
    assert_eq!(world.memory.bytes(6), b"mail");
    assert_eq!(world.memory.cursor_now().unwrap().uid_next, 5);
    assert!(world.memory.state.lock().unwrap().unfetched.is_empty());
    refetch(&world, &mut Refetcher::default(), &[]).await.unwrap();
}

#[tokio::test]
async fn what_can_not_be_fetched_is_told_in_words_and_the_session_goes_on() {
    for (limit, script, words) in [
        (
            1 << 20,
            vec![PART, "S: $ OK", "C: UID FETCH 6 (UID)", "S: $ OK"],
            "not in its mailbox any more",
        ),
        (
            1 << 20,
            vec![
                PART,
                "S: $ NO [SERVERBUG] broken",
                "C: UID FETCH 6 (UID INTERNALDATE RFC822.SIZE BODY.PEEK[])",
                "S: $ NO [SERVERBUG] broken",
            ],
            "broken",
        ),
        (
            3,
            vec![
                "C: UID FETCH 6 (UID INTERNALDATE RFC822.SIZE BODY.PEEK[]<0.4>)",
                "S: * 1 FETCH (UID 6 RFC822.SIZE 20 BODY[]<0> \"mail\")",
                "S: $ OK",
            ],
            "limit",
        ),
    ] {
        let mut world = World::new();
        world.inlet.size = limit;
        wanted(&world);
        refetch(&world, &mut Refetcher::default(), &script).await.unwrap();
        let state = world.memory.state.lock().unwrap();
        assert!(
            state.unfetched[0].1.detail.contains(words) && state.wanted.is_empty(),
            "{words}: {:?}",
            state.unfetched
        );
    }
}

#[tokio::test]
async fn a_mail_over_which_sessions_end_is_held_again() {
    let world = World::new();
    wanted(&world);
    let mut refetcher = Refetcher::default();
    for _ in 0..TRIES {
        assert!(world.memory.state.lock().unwrap().unfetched.is_empty());
        refetch(&world, &mut refetcher, &[PART, "EOF"]).await.err().unwrap();
    }
    let state = world.memory.state.lock().unwrap();
    assert_eq!((state.unfetched.len(), state.wanted.len()), (1, 0));
}

#[tokio::test]
async fn a_mail_without_a_place_is_not_looked_for() {
    let world = World::new();
    world.memory.state.lock().unwrap().wanted.push(6);
    refetch(&world, &mut Refetcher::default(), &[]).await.unwrap();
    assert!(world.ledger.wanted(&world.mailbox, 7).await.unwrap().is_empty());
}
