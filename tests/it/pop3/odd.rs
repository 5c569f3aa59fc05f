//! Servers that do what no server should: each costs what it must, and no mail.

use std::time::Duration;

use mailjob_testbed::{Answer, Start, standin::Pop3Quirk};

use super::{PATIENCE, peculiar::Played, subject};

/// The bodies that the receiver got, in order.
fn bodies(played: &Played) -> Vec<Vec<u8>> {
    let mut bodies: Vec<_> = played
        .receiver
        .requests()
        .iter()
        .map(|request| request.body.to_vec())
        .collect();
    bodies.sort();
    bodies
}

fn sorted(mails: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut mails: Vec<_> = mails.iter().map(|mail| mail.to_vec()).collect();
    mails.sort();
    mails
}

async fn start(quirk: Pop3Quirk, mails: &[&[u8]]) -> Played {
    Played::start_with(Start::Implicit, quirk, mails, |_| Answer::text("ok"), "").await
}

/// A mail that ends at a line of its own: it is not taken, not deleted, and told; the ones beside it are.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_doubles_no_dots_costs_the_mails_that_have_some() {
    let mails: [&[u8]; 5] = [
        b"From: a@example.test\r\nSubject: one\r\n\r\nfirst\r\n",
        b"From: a@example.test\r\nSubject: two\r\n\r\nbefore\r\n.\r\nafter\r\n",
        b"From: a@example.test\r\nSubject: three\r\n\r\nthe last line\r\n.\r\n",
        b"From: a@example.test\r\nSubject: four\r\n\r\n.hidden\r\n",
        b"From: a@example.test\r\nSubject: five\r\n\r\nlast\r\n",
    ];
    let mut played = start(Pop3Quirk::Undoubled, &mails).await;
    played
        .until(|played| played.pop3.left() == ["uid-1717171717-2", "uid-1717171717-3"])
        .await;
    assert_eq!(
        bodies(&played),
        sorted(&[mails[0], mails[3], mails[4]]),
        "byte for byte"
    );
    let log = played.mailjob.log();
    assert!(log.contains("bytes that nobody asked for came before"), "{log}");
    assert_eq!(played.mailjob.term().unwrap(), 0);
}

/// Three mails of one id and one size: each is done, and each is read again before it's deleted.
#[tokio::test(flavor = "multi_thread")]
async fn mails_of_one_name_are_three_mails() {
    let mails: [&[u8]; 3] = [
        b"From: a@example.test\r\nSubject: one\r\n\r\nfirst\r\n",
        b"From: a@example.test\r\nSubject: two\r\n\r\nsecond\r\n",
        b"From: a@example.test\r\nSubject: three\r\n\r\nthird\r\n",
    ];
    let played = start(Pop3Quirk::OneName, &mails).await;
    played.until(|played| played.pop3.left().is_empty()).await;
    assert_eq!(bodies(&played), sorted(&mails), "{}", played.mailjob.log());
}

const OLD: &[u8] = b"From: a@example.test\r\nSubject: old\r\n\r\nsame size\r\n";
const NEW: &[u8] = b"From: a@example.test\r\nSubject: new\r\n\r\nSAME SIZE\r\n";

/// GreenMail is started anew, and a new mail has id and size of one whose work is over and which waits for its last touch.
#[tokio::test(flavor = "multi_thread")]
async fn a_mail_under_the_id_of_one_that_is_to_be_deleted_is_not_deleted_unread() {
    let played = start(Pop3Quirk::GreenMail, &[OLD]).await;
    played.receiver.wait_for(1, PATIENCE).await.unwrap();
    played.pop3.restart(&[NEW]);
    played.until(|played| played.receiver.requests().len() == 2).await;
    played.until(|played| played.pop3.left().is_empty()).await;
    assert_eq!(bodies(&played), sorted(&[OLD, NEW]), "{}", played.mailjob.log());
}

/// The same with one that failed and is kept: the new one is not "known".
#[tokio::test(flavor = "multi_thread")]
async fn a_mail_under_the_id_of_one_that_is_kept_is_taken() {
    let answer = |request: &mailjob_testbed::Request| match subject(request).as_str() {
        "old" => Answer::status(422),
        _ => Answer::text("ok"),
    };
    let mails: [&[u8]; 2] = [OLD, b"From: a@example.test\r\nSubject: no body\r\n\r\n"];
    let played = Played::start_with(Start::Implicit, Pop3Quirk::GreenMail, &mails, answer, "").await;
    // The second has no size that could be read, and is taken as well.
    played.until(|played| played.pop3.left() == ["1"]).await;
    assert!(played.mailjob.log().contains("LIST: 2 -1"), "{}", played.mailjob.log());
    played.pop3.restart(&[NEW]);
    played.until(|played| played.pop3.left().is_empty()).await;
    assert_eq!(
        bodies(&played),
        sorted(&[OLD, mails[1], NEW]),
        "{}",
        played.mailjob.log()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_echoes_puts_no_token_into_the_log() {
    let played = start(Pop3Quirk::Echoes, &[OLD]).await;
    played.mailjob.wait_log("bad credentials", PATIENCE).await.unwrap();
    let log = played.mailjob.log();
    for said in played.pop3.server.said().iter().filter(|line| line.len() > 30) {
        assert!(!log.contains(said.as_str()), "{log}");
    }
    assert!(
        log.contains("***") && !log.contains("canary-of-an-access-token"),
        "{log}"
    );
}

/// A million ids cost no more memory than what is kept of them.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_ids_has_a_bound() {
    let played = start(Pop3Quirk::Floods, &[OLD]).await;
    played.until(|played| played.said("LIST") > 0).await;
    let pid = played.mailjob.pid().unwrap();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kib: u64 = peak.split_ascii_whitespace().next().unwrap().parse().unwrap();
    // A test's program is larger than a release; what counts is that it does not grow with what the server says.
    assert!(kib < 120_000, "{kib} KiB at the peak");
}

/// A mail over the limit is held; once the limit is raised, `jobs retry` fetches all of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_mail_over_the_limit_is_fetched_again_when_the_limit_is_raised() {
    let mut large = b"From: a@example.test\r\nSubject: large\r\n\r\n".to_vec();
    while large.len() < 400_000 {
        large.extend_from_slice(b"0123456789 0123456789 0123456789 0123456789\r\n");
    }
    let limit = "[limits]\nsize = \"100KiB\"\n";
    let played = Played::start_with(
        Start::Implicit,
        Pop3Quirk::Microsoft,
        &[&large],
        |_| Answer::text("ok"),
        limit,
    )
    .await;
    played.until(|played| played.said("RETR ") > 0).await;
    let retry = async |played: &Played| {
        let output = played
            .mailjob
            .command(&["jobs", "retry", "--all", "--state", "held"])
            .output()
            .await
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    // Before the limit is raised it's held again.
    let url = played.receiver.url("/");
    let reads = played.said("RETR ");
    retry(&played).await;
    played.until(|played| played.said("RETR ") > reads).await;
    assert!(played.receiver.requests().is_empty());
    played
        .mailjob
        .endpoint("ada", &super::endpoint("ada", &url, ""))
        .unwrap();
    for _ in 0..60 {
        retry(&played).await;
        if !played.receiver.requests().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    played.until(|played| played.pop3.left().is_empty()).await;
    assert_eq!(bodies(&played), [large], "{}", played.mailjob.log());
}
