use super::*;
use crate::{
    ledger::MailOutcome,
    watch::{fakes::World, imap::ImapCapabilities},
};

fn all() -> ImapCapabilities {
    ImapCapabilities {
        moves: true,
        uidplus: true,
        ..ImapCapabilities::default()
    }
}

/// Settles what is due; gives back the mails that had their touch, and whether the server refused.
async fn settled(world: &World, can: ImapCapabilities, script: &[&str]) -> (Vec<u32>, bool) {
    settled_by(&mut world.settler(), world, can, script).await
}

/// The same by a settler that may remember what was refused before.
async fn settled_by(settler: &mut Settler, world: &World, can: ImapCapabilities, script: &[&str]) -> (Vec<u32>, bool) {
    let script = told(script);
    let script: Vec<&str> = script.iter().map(String::as_str).collect();
    let (session, server) = world.session(&script, can);
    settler.settle(session, &world.looking()).await.unwrap();
    server.finished().await;
    let mut uids = world.memory.settled_uids();
    uids.sort_unstable();
    (uids, settler.again().is_some())
}

/// A server tells of each mail that it moves, where the script doesn't say otherwise.
fn told(script: &[&str]) -> Vec<String> {
    let mut told: Vec<String> = Vec::new();
    for line in script {
        let moves = told.last().and_then(|asked| asked.strip_prefix("C: UID MOVE "));
        if let Some(set) = moves.filter(|_| *line == "S: $ OK") {
            let mails = if set.starts_with('*') { 1000 } else { counted(set) };
            told.extend(vec!["S: * 1 EXPUNGE".to_owned(); mails]);
        }
        told.push((*line).to_owned());
    }
    told
}

/// The mails of a set.
fn counted(set: &str) -> usize {
    let set = set.split(' ').next().unwrap_or_default();
    let one = |part: &str| {
        let (first, last) = part.split_once(':').unwrap_or((part, part));
        last.parse::<usize>().unwrap() + 1 - first.parse::<usize>().unwrap()
    };
    set.split(',').map(one).sum()
}

#[tokio::test]
async fn each_fate_by_one_command() {
    let world = World::new();
    world.memory.due(7, &[1, 2, 3, 9], MailOutcome::Done);
    world.memory.due(7, &[4], MailOutcome::Failed);
    world.memory.due(7, &[5], MailOutcome::Ignored);
    world.memory.due(6, &[8], MailOutcome::Done);
    let script = [
        "C: UID MOVE 1:3,9 \"Processed\"",
        "S: * OK [COPYUID 1 1:3,9 1:4] moved",
        "S: * 1 EXPUNGE",
        "S: $ OK",
        // It tells of fewer than it moved.
        "C: UID FETCH 1:3,9 (UID)",
        "S: $ OK",
        "C: UID STORE 4 +FLAGS.SILENT (\\Flagged)",
        "S: $ OK",
    ];
    assert_eq!(settled(&world, all(), &script).await, (vec![1, 2, 3, 4, 5, 9], false));
}

#[tokio::test]
async fn a_missing_mailbox_is_made() {
    for missing in [
        "NO [TRYCREATE] no such mailbox",
        "NO [NONEXISTENT] no such mailbox",
        "NO no such mailbox",
    ] {
        let world = World::new();
        world.memory.due(7, &[1], MailOutcome::Done);
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
    world.memory.due(7, &[1], MailOutcome::Done);
    let script = [
        "C: UID MOVE 1 \"Processed\"",
        "S: $ NO [TRYCREATE] Mailbox does not exist",
        "C: CREATE \"Processed\"",
        "S: $ NO Client tried to access nonexistent namespace",
        "C: STATUS \"Processed\" (UIDVALIDITY)",
        "S: $ NO no such mailbox",
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
    world.memory.due(7, &[1], MailOutcome::Done);
    world.memory.due(7, &[2], MailOutcome::Failed);
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
    world.memory.due(7, &[1, 2, 3], MailOutcome::Done);
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
    world.memory.due(7, &[1], MailOutcome::Done);
    let (session, _server) = world.session(&["C: UID MOVE *", "S: * 1 EXPUNGE", "EOF"], all());
    world.settler().settle(session, &world.looking()).await.err().unwrap();
    assert!(world.memory.settled_uids().is_empty());
}

#[tokio::test]
async fn a_name_from_the_configuration_is_no_command() {
    let mut world = World::new();
    world.settle().done = SettleAction::Move("a\"\r\nA9 DELETE INBOX".into());
    world.memory.due(7, &[1], MailOutcome::Done);
    let (session, _server) = world.session(&["WAIT 1"], all());
    let error = world.settler().settle(session, &world.looking()).await.err().unwrap();
    assert!(matches!(error, WatchError::Name(_)), "{error:?}");
}

#[tokio::test]
async fn many_mails_take_few_commands() {
    let world = World::new();
    let uids: Vec<u32> = (1..=1000).map(|n| n * 2).collect();
    world.memory.due(7, &uids, MailOutcome::Done);
    let script = ["C: UID MOVE *", "S: $ OK"];
    let (touched, _) = settled(&world, all(), &script).await;
    assert_eq!(touched, uids);
}

/// What a settler says of the mails that it couldn't settle.
fn unsettled(world: &World) -> Option<(usize, String)> {
    let unsettled = world.health.state().unsettled?;
    Some((unsettled.mails, unsettled.why))
}

#[tokio::test(start_paused = true)]
async fn one_mail_that_is_refused_holds_up_no_other_and_is_tried_again() {
    let world = World::new();
    world.memory.due(7, &[1, 2, 3, 4, 5], MailOutcome::Done);
    let mut settler = world.settler();
    let script = [
        "C: UID MOVE 1:5 \"Processed\"",
        "S: $ NO [OVERQUOTA] full",
        "C: UID FETCH 1:5 (UID)",
        "S: * 1 FETCH (UID 1)",
        "S: * 2 FETCH (UID 2)",
        "S: * 3 FETCH (UID 3)",
        "S: * 4 FETCH (UID 4)",
        "S: * 5 FETCH (UID 5)",
        "S: $ OK",
        "C: UID MOVE 1:3 \"Processed\"",
        "S: $ OK",
        "C: UID MOVE 4:5 \"Processed\"",
        "S: $ NO [OVERQUOTA] full",
        "C: UID MOVE 4 \"Processed\"",
        "S: $ NO [OVERQUOTA] full",
        "C: UID MOVE 5 \"Processed\"",
        "S: $ OK",
    ];
    assert_eq!(
        settled_by(&mut settler, &world, all(), &script).await,
        (vec![1, 2, 3, 5], true)
    );
    let why = "can't be moved to Processed: the server said NO [OVERQUOTA] full".to_owned();
    assert_eq!(unsettled(&world), Some((1, why.clone())));

    // Others that are due meanwhile go at once, and nobody is asked again for the one.
    world.memory.due(7, &[6], MailOutcome::Done);
    let script = ["C: UID MOVE 6 \"Processed\"", "S: $ OK"];
    assert_eq!(
        settled_by(&mut settler, &world, all(), &script).await,
        (vec![1, 2, 3, 5, 6], true)
    );
    assert_eq!(unsettled(&world), Some((1, why)));

    tokio::time::advance(settler.again().unwrap() - Instant::now()).await;
    let script = ["C: UID MOVE 4 \"Processed\"", "S: $ OK"];
    assert_eq!(
        settled_by(&mut settler, &world, all(), &script).await,
        (vec![1, 2, 3, 4, 5, 6], false)
    );
    assert_eq!(unsettled(&world), None);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_refuses_all_is_asked_a_few_times() {
    let world = World::new();
    let uids: Vec<u32> = (1..=1000).collect();
    world.memory.due(7, &uids, MailOutcome::Done);
    let mut script = vec!["C: UID MOVE 1:1000 *".to_owned(), "S: $ NO [NOPERM] no".to_owned()];
    script.push("C: UID FETCH 1:1000 (UID)".to_owned());
    script.extend(uids.iter().map(|uid| format!("S: * {uid} FETCH (UID {uid})")));
    script.push("S: $ OK".to_owned());
    for _ in 1..32 {
        script.extend(["C: UID MOVE *".to_owned(), "S: $ NO [NOPERM] no".to_owned()]);
    }
    let script: Vec<&str> = script.iter().map(String::as_str).collect();
    let mut settler = world.settler();
    assert_eq!(settled_by(&mut settler, &world, all(), &script).await, (vec![], true));
    assert_eq!(unsettled(&world).unwrap().0, 1000);

    // Those that were refused with others come first when they are tried again.
    tokio::time::advance(settler.again().unwrap() - Instant::now()).await;
    let script = ["C: UID MOVE 13:1000 *", "S: $ OK", "C: UID MOVE 1:12 *", "S: $ OK"];
    assert_eq!(settled_by(&mut settler, &world, all(), &script).await, (uids, false));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_wants_to_be_left_alone_is_left_alone() {
    let world = World::new();
    world.memory.due(7, &[1, 2], MailOutcome::Done);
    let script = [
        "C: UID MOVE 1:2 *",
        "S: $ NO Request is throttled. Suggested Backoff Time: 300000 milliseconds",
        "C: UID FETCH 1:2 (UID)",
        "S: * 1 FETCH (UID 1)",
        "S: * 2 FETCH (UID 2)",
        "S: $ OK",
    ];
    let mut settler = world.settler();
    assert_eq!(settled_by(&mut settler, &world, all(), &script).await, (vec![], true));
    assert!(settler.again().unwrap() - Instant::now() >= std::time::Duration::from_secs(300));
}

#[tokio::test]
async fn a_mailbox_that_is_there_is_found_though_no_code_says_so() {
    let world = World::new();
    world.memory.due(7, &[1], MailOutcome::Done);
    let refused = "S: $ NO Error in IMAP command received by server.";
    let script = [
        "C: UID MOVE 1 \"Processed\"",
        refused,
        "C: CREATE \"Processed\"",
        refused,
        "C: STATUS \"Processed\" (UIDVALIDITY)",
        refused,
        "C: LIST \"\" \"\"",
        "S: * LIST (\\Noselect) \".\" \"\"",
        "S: $ OK",
        "C: CREATE \"INBOX.Processed\"",
        refused,
        "C: STATUS \"INBOX.Processed\" (UIDVALIDITY)",
        "S: * STATUS \"INBOX.Processed\" (UIDVALIDITY 1)",
        "S: $ OK",
        "C: UID MOVE 1 \"INBOX.Processed\"",
        "S: $ OK",
    ];
    assert_eq!(settled(&world, all(), &script).await, (vec![1], false));
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_a_process_before_this_one_left_is_deleted() {
    let world = World::new();
    let mut rivals = Rivals::default();
    // One of another round of numbers is nobody's any more.
    world.memory.state.lock().unwrap().probes = vec![(7, 3), (6, 4)];
    let script = [
        "C: UID STORE 3 +FLAGS.SILENT (\\Deleted)",
        "S: $ OK",
        "C: UID EXPUNGE 3",
        "S: * 3 EXPUNGE",
        "S: $ OK",
    ];
    let (session, server) = world.session(&script, all());
    let left = || world.memory.state.lock().unwrap().probes.clone();
    // Whom it is for may not have seen it yet.
    let session = probe(session, &world.looking(), &mut rivals).await.unwrap();
    assert_eq!(left(), [(7, 3)]);
    tokio::time::advance(std::time::Duration::from_secs(61)).await;
    probe(session, &world.looking(), &mut rivals).await.unwrap();
    server.finished().await;
    assert_eq!(left(), []);
}

#[tokio::test(start_paused = true)]
async fn where_a_probe_of_ours_lies_is_known_before_it_is_deleted() {
    let world = World::new();
    let mut rivals = Rivals::default();
    world.looking().health.probe([7; 16], (7, 4));
    let (session, server) = world.session(&[], all());
    probe(session, &world.looking(), &mut rivals).await.unwrap();
    server.finished().await;
    assert_eq!(world.memory.state.lock().unwrap().probes, [(7, 4)]);
}

#[path = "moved_tests.rs"]
mod moved;
