//! Mails that are moved or deleted by what the server can do, and servers that only say that they did.

use super::*;

#[tokio::test]
async fn without_move_it_is_copy_and_uid_expunge() {
    let world = World::new();
    world.memory.due(7, &[1, 3], MailOutcome::Done);
    let can = ImapCapabilities { moves: false, ..all() };
    let script = [
        "C: UID COPY 1,3 \"Processed\"",
        "S: $ OK [COPYUID 1 1,3 1:2] copied",
        "C: UID STORE 1,3 +FLAGS.SILENT (\\Deleted)",
        "S: $ OK",
        "C: UID EXPUNGE 1,3",
        "S: * 1 EXPUNGE",
        "S: * 2 EXPUNGE",
        "S: $ OK",
    ];
    assert_eq!(settled(&world, can, &script).await, (vec![1, 3], false));
}

#[tokio::test]
async fn a_server_that_says_ok_and_deletes_nothing_has_refused() {
    let mut world = World::new();
    world.settle().done = SettleAction::Delete;
    world.memory.due(7, &[1, 3], MailOutcome::Done);
    let script = [
        "C: UID STORE 1,3 +FLAGS.SILENT (\\Deleted)",
        "S: $ OK",
        "C: UID EXPUNGE 1,3",
        "S: * 1 EXPUNGE",
        "S: $ OK",
        "C: UID FETCH 1,3 (UID)",
        "S: * 1 FETCH (UID 3)",
        "S: $ OK",
        // Mail 1 is gone, as the next question shows; mail 3 is tried once more, alone.
        "C: UID FETCH 1,3 (UID)",
        "S: * 1 FETCH (UID 3)",
        "S: $ OK",
        "C: UID STORE 3 +FLAGS.SILENT (\\Deleted)",
        "S: $ OK",
        "C: UID EXPUNGE 3",
        "S: $ OK",
        "C: UID FETCH 3 (UID)",
        "S: * 1 FETCH (UID 3)",
        "S: $ OK",
    ];
    assert_eq!(settled(&world, all(), &script).await, (vec![1], true));
}

/// A server that says OK to UID MOVE, and mails stay: they are copied, but for those that it copied by its own word, and deleted.
#[tokio::test(start_paused = true)]
async fn a_move_that_moves_nothing_is_seen() {
    for (copied, copies) in [("", true), ("S: * OK [COPYUID 1 1:3 1:3] moved", false)] {
        let world = World::new();
        world.memory.due(7, &[1, 2, 3], MailOutcome::Done);
        let mut settler = world.settler();
        let copy = ["C: UID COPY 2:3 \"Processed\"", "S: $ OK"];
        let rest = [
            "C: UID STORE 2:3 +FLAGS.SILENT (\\Deleted)",
            "S: $ OK",
            "C: UID EXPUNGE 2:3",
            "S: * 1 EXPUNGE",
            "S: $ OK",
            "C: UID FETCH 2:3 (UID)",
            "S: * 1 FETCH (UID 3)",
            "S: $ OK",
        ];
        let begin = [
            "C: UID MOVE 1:3 \"Processed\"",
            copied,
            "S: * 1 EXPUNGE",
            "S: $ OK",
            "C: UID FETCH 1:3 (UID)",
            "S: * 1 FETCH (UID 2)",
            "S: * 2 FETCH (UID 3)",
            "S: $ OK",
        ];
        // Mail 3 stays for good; it is tried once more, alone, and told.
        let end = [
            "C: UID FETCH 1:3 (UID)",
            "S: * 1 FETCH (UID 3)",
            "S: $ OK",
            "C: UID STORE 3 +FLAGS.SILENT (\\Deleted)",
            "S: $ OK",
            "C: UID EXPUNGE 3",
            "S: $ OK",
            "C: UID FETCH 3 (UID)",
            "S: * 1 FETCH (UID 3)",
            "S: $ OK",
        ];
        let script = begin
            .iter()
            .chain(copy.iter().filter(|_| copies))
            .chain(&rest)
            .chain(&end);
        let script: Vec<&str> = script.copied().filter(|line| !line.is_empty()).collect();
        assert_eq!(
            settled_by(&mut settler, &world, all(), &script).await,
            (vec![1, 2], true)
        );
        let (mails, why) = unsettled(&world).unwrap();
        assert!(mails == 1 && why.contains("is still there"), "{why}");
        // Nor is it copied again.
        tokio::time::advance(settler.again().unwrap() - Instant::now()).await;
        let script = [
            "C: UID STORE 3 +FLAGS.SILENT (\\Deleted)",
            "S: $ OK",
            "C: UID EXPUNGE 3",
            "S: * 1 EXPUNGE",
            "S: $ OK",
        ];
        assert_eq!(
            settled_by(&mut settler, &world, all(), &script).await,
            (vec![1, 2, 3], false)
        );
    }
}

#[tokio::test]
async fn without_uidplus_nothing_is_expunged() {
    let mut world = World::new();
    world.settle().done = SettleAction::Delete;
    world.memory.due(7, &[1], MailOutcome::Done);
    let script = ["C: UID STORE 1 +FLAGS.SILENT (\\Deleted)", "S: $ OK"];
    assert_eq!(
        settled(&world, ImapCapabilities::default(), &script).await,
        (vec![1], false)
    );
}

#[tokio::test(start_paused = true)]
async fn a_copy_whose_mail_cannot_be_deleted_is_not_made_again() {
    let world = World::new();
    world.memory.due(7, &[1], MailOutcome::Done);
    let can = ImapCapabilities { moves: false, ..all() };
    let mut settler = world.settler();
    let script = [
        "C: UID COPY 1 \"Processed\"",
        "S: $ OK",
        "C: UID STORE 1 +FLAGS.SILENT (\\Deleted)",
        "S: $ NO no right to delete",
        // A server that doesn't know the mailbox yet might mean that.
        "C: CREATE \"Processed\"",
        "S: $ NO [ALREADYEXISTS] there",
        "C: UID STORE 1 +FLAGS.SILENT (\\Deleted)",
        "S: $ NO no right to delete",
        "C: UID FETCH 1 (UID)",
        "S: * 1 FETCH (UID 1)",
        "S: $ OK",
    ];
    assert_eq!(settled_by(&mut settler, &world, can, &script).await, (vec![], true));
    tokio::time::advance(settler.again().unwrap() - Instant::now()).await;
    let script = [
        "C: UID STORE 1 +FLAGS.SILENT (\\Deleted)",
        "S: $ OK",
        "C: UID EXPUNGE 1",
        "S: * 1 EXPUNGE",
        "S: $ OK",
    ];
    assert_eq!(settled_by(&mut settler, &world, can, &script).await, (vec![1], false));
}
