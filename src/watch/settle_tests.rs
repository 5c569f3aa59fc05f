use super::*;
use crate::{
    ledger::Verdict,
    watch::{fakes::World, imap::Capabilities},
};

fn all() -> Capabilities {
    Capabilities {
        moves: true,
        uidplus: true,
        ..Capabilities::default()
    }
}

/// Settles what is due; gives back the mails that had their touch, and whether the server refused.
async fn settled(world: &World, can: Capabilities, script: &[&str]) -> (Vec<u32>, bool) {
    let (session, server) = world.session(script, can);
    let (_, answer) = settle(session, &world.looking(), &mut Rivals::default()).await.unwrap();
    server.finished().await;
    let mut uids = world.memory.settled_uids();
    uids.sort_unstable();
    (uids, answer.is_err())
}

#[tokio::test]
async fn each_fate_by_one_command() {
    let world = World::new();
    world.memory.due(7, &[1, 2, 3, 9], Verdict::Done);
    world.memory.due(7, &[4], Verdict::Failed);
    world.memory.due(7, &[5], Verdict::Ignored);
    world.memory.due(6, &[8], Verdict::Done);
    let script = [
        "C: UID MOVE 1:3,9 \"Processed\"",
        "S: * OK [COPYUID 1 1:3,9 1:4] moved",
        "S: * 1 EXPUNGE",
        "S: $ OK",
        "C: UID STORE 4 +FLAGS.SILENT (\\Flagged)",
        "S: $ OK",
    ];
    assert_eq!(settled(&world, all(), &script).await, (vec![1, 2, 3, 4, 5, 9], false));
}

#[tokio::test]
async fn without_move_it_is_copy_and_uid_expunge() {
    let world = World::new();
    world.memory.due(7, &[1, 3], Verdict::Done);
    let can = Capabilities { moves: false, ..all() };
    let script = [
        "C: UID COPY 1,3 \"Processed\"",
        "S: $ OK [COPYUID 1 1,3 1:2] copied",
        "C: UID STORE 1,3 +FLAGS.SILENT (\\Deleted)",
        "S: $ OK",
        "C: UID EXPUNGE 1,3",
        "S: * 1 EXPUNGE",
        "S: $ OK",
    ];
    assert_eq!(settled(&world, can, &script).await, (vec![1, 3], false));
}

#[tokio::test]
async fn without_uidplus_nothing_is_expunged() {
    let mut world = World::new();
    world.settle().done = Fate::Delete;
    world.memory.due(7, &[1], Verdict::Done);
    let script = ["C: UID STORE 1 +FLAGS.SILENT (\\Deleted)", "S: $ OK"];
    assert_eq!(
        settled(&world, Capabilities::default(), &script).await,
        (vec![1], false)
    );
}

#[tokio::test]
async fn a_missing_mailbox_is_made() {
    for missing in [
        "NO [TRYCREATE] no such mailbox",
        "NO [NONEXISTENT] no such mailbox",
        "NO no such mailbox",
    ] {
        let world = World::new();
        world.memory.due(7, &[1], Verdict::Done);
        let refusal = format!("S: $ {missing}");
        let script = [
            "C: UID MOVE 1 \"Processed\"",
            &refusal,
            "C: CREATE \"Processed\"",
            "S: $ OK",
            "C: UID MOVE 1 \"Processed\"",
            "S: $ OK",
        ];
        assert_eq!(settled(&world, all(), &script).await, (vec![1], false), "{missing}");
    }
}

#[tokio::test]
async fn a_server_that_takes_mailboxes_below_inbox_only() {
    let world = World::new();
    world.memory.due(7, &[1], Verdict::Done);
    let script = [
        "C: UID MOVE 1 \"Processed\"",
        "S: $ NO [TRYCREATE] Mailbox does not exist",
        "C: CREATE \"Processed\"",
        "S: $ NO Client tried to access nonexistent namespace",
        "C: LIST \"\" \"\"",
        "S: * LIST (\\Noselect) \".\" \"\"",
        "S: $ OK",
        "C: CREATE \"INBOX.Processed\"",
        "S: $ NO [ALREADYEXISTS] there",
        "C: UID MOVE 1 \"INBOX.Processed\"",
        "S: $ OK",
    ];
    assert_eq!(settled(&world, all(), &script).await, (vec![1], false));
}

#[tokio::test]
async fn a_refused_touch_is_kept_for_later_and_holds_up_nobody() {
    let world = World::new();
    world.memory.due(7, &[1], Verdict::Done);
    world.memory.due(7, &[2], Verdict::Failed);
    let script = [
        "C: UID MOVE 1 \"Processed\"",
        "S: $ NO [OVERQUOTA] full",
        "C: UID FETCH 1 (UID)",
        "S: * 1 FETCH (UID 1)",
        "S: $ OK",
        "C: UID STORE 2 *",
        "S: $ OK",
    ];
    assert_eq!(settled(&world, all(), &script).await, (vec![2], true));
}

#[tokio::test]
async fn a_mail_that_is_gone_has_had_its_touch() {
    let world = World::new();
    world.memory.due(7, &[1, 2, 3], Verdict::Done);
    let script = [
        "C: UID MOVE 1:3 \"Processed\"",
        "S: $ NO [CANNOT] some are gone",
        "C: UID FETCH 1:3 (UID)",
        "S: * 1 FETCH (UID 1)",
        "S: * 2 FETCH (UID 3)",
        "S: $ OK",
        "C: UID MOVE 1,3 \"Processed\"",
        "S: $ OK",
    ];
    assert_eq!(settled(&world, all(), &script).await, (vec![1, 2, 3], false));
}

#[tokio::test]
async fn nothing_is_noted_before_the_servers_ok() {
    let world = World::new();
    world.memory.due(7, &[1], Verdict::Done);
    let (session, _server) = world.session(&["C: UID MOVE *", "S: * 1 EXPUNGE", "EOF"], all());
    settle(session, &world.looking(), &mut Rivals::default())
        .await
        .err()
        .unwrap();
    assert!(world.memory.settled_uids().is_empty());
}

#[tokio::test]
async fn a_name_from_the_configuration_is_no_command() {
    let mut world = World::new();
    world.settle().done = Fate::Move("a\"\r\nA9 DELETE INBOX".into());
    world.memory.due(7, &[1], Verdict::Done);
    let (session, _server) = world.session(&["WAIT 1"], all());
    let error = settle(session, &world.looking(), &mut Rivals::default())
        .await
        .err()
        .unwrap();
    assert!(matches!(error, Error::Name(_)), "{error:?}");
}

#[tokio::test]
async fn many_mails_take_few_commands() {
    let world = World::new();
    let uids: Vec<u32> = (1..=1000).map(|n| n * 2).collect();
    world.memory.due(7, &uids, Verdict::Done);
    let script = ["C: UID MOVE *", "S: $ OK"];
    let (touched, _) = settled(&world, all(), &script).await;
    assert_eq!(touched, uids);
}
