//! The watch room against a real Dovecot, with a real ledger.

mod watched;

use std::{
    collections::BTreeSet,
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use mailjob::{
    config::{Auth, Endpoint, SettleAction, Tls},
    job::{Outcome, Reason},
    ledger::Ledger,
    watch,
};
use mailjob_testbed::{Options, World};

use crate::accounts::{account, application, password, refreshing};

use self::watched::{PATIENCE, USER, Watched, done, endpoint, mail};

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_is_taken_byte_for_byte() {
    let world = World::start(Options::default()).await.unwrap();
    // Sizes around the borders of one piece, and some in several.
    let sizes = [
        100, 6_000, 200_000, 262_000, 262_300, 300_000, 1_048_000, 1_311_000, 3_000_000, 9_000_000,
    ];
    let mails: Vec<Vec<u8>> = (0..300)
        .map(|n| mail(n, if n % 30 == 7 { sizes[n / 30] } else { 500 + n }))
        .collect();
    world.dovecot.deliver_all(USER, &mails).await.unwrap();
    let watched = Watched::start(&world, password(&world)).await;
    watched.has_jobs(300).await;
    let stored: BTreeSet<Vec<u8>> = world
        .dovecot
        .mailbox(USER, "INBOX")
        .await
        .unwrap()
        .into_iter()
        .collect();
    let mut taken = BTreeSet::new();
    while taken.len() < 300 {
        for job in watched.claim(50).await {
            taken.insert(watched.ledger.raw(job.mail).await.unwrap().to_vec());
            watched.finish(&job, done()).await;
        }
    }
    assert!(taken == stored, "the ledger has what the mailbox has");
    // All of them leave, and are where they belong, without a second job.
    world.dovecot.wait_for(USER, "INBOX", 0, PATIENCE).await.unwrap();
    world
        .dovecot
        .wait_for(USER, "Processed/B&APw-ro &- Co", 300, PATIENCE)
        .await
        .unwrap();
    watched.has_jobs(300).await;
    watched.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_wakes_and_is_settled_as_it_ended() {
    let world = World::start(Options::default()).await.unwrap();
    let delete = |endpoint: &mut Endpoint| endpoint.settle.done = SettleAction::Delete;
    let watched = Watched::start_with(&world, Tls::StartTls, password(&world), delete).await;
    watched.is_connected().await;
    for n in 1..=3 {
        let begin = Instant::now();
        world.dovecot.deliver(USER, &mail(n, 1000)).await.unwrap();
        watched.has_jobs(n).await;
        assert!(
            begin.elapsed() < Duration::from_secs(30),
            "pushed, not polled: {:?}",
            begin.elapsed()
        );
    }
    let jobs = watched.claim(3).await;
    watched.finish(&jobs[0], done()).await;
    let failed = Outcome::Failed {
        reason: Reason::Exit(1),
        detail: "x".into(),
        tell: None,
    };
    watched.finish(&jobs[1], failed).await;
    let ignored = Outcome::Ignored {
        reason: Reason::Subject,
        detail: "x".into(),
    };
    watched.finish(&jobs[2], ignored).await;
    world.dovecot.wait_for(USER, "INBOX", 2, PATIENCE).await.unwrap();
    assert_eq!(world.dovecot.uids(USER, "INBOX").await.unwrap(), [2, 3]);
    let deadline = Instant::now() + PATIENCE;
    loop {
        let flags = world.dovecot.flags(USER, "INBOX").await.unwrap();
        if flags == ["\\Flagged", ""] {
            break;
        }
        assert!(Instant::now() < deadline, "{flags:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    watched.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renumbered_mailbox_makes_jobs_of_its_new_mails_only() {
    let world = World::start(Options::default()).await.unwrap();
    let mails: Vec<Vec<u8>> = (0..200).map(|n| mail(n, 400)).collect();
    world.dovecot.deliver_all(USER, &mails).await.unwrap();
    let watched = Watched::start(&world, password(&world)).await;
    watched.has_jobs(200).await;
    world.dovecot.reset_uid_validity(USER, "INBOX").await.unwrap();
    let new: Vec<Vec<u8>> = (500..503).map(|n| mail(n, 400)).collect();
    world.dovecot.deliver_all(USER, &new).await.unwrap();
    let validity = world.dovecot.uid_validity(USER, "INBOX").await.unwrap();
    // Servers tell of it only in a new session.
    world.dovecot.kick(USER).await.unwrap();
    let account = account(&world, USER, Tls::Implicit, password(&world));
    let mailbox = watch::mailbox_key(&endpoint(Arc::new(account)).mailbox);
    let deadline = Instant::now() + PATIENCE;
    loop {
        let cursor = watched.ledger.cursor(&mailbox).await.unwrap().unwrap();
        if cursor.uid_validity == validity && cursor.uid_next >= 204 {
            break;
        }
        assert!(Instant::now() < deadline, "{cursor:?} {validity}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(watched.jobs().await, 203);
    // The mails that were known before can be settled at their new places.
    for job in watched.claim(203).await {
        watched.finish(&job, done()).await;
    }
    world.dovecot.wait_for(USER, "INBOX", 0, PATIENCE).await.unwrap();
    watched.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_restarts_is_found_again() {
    let mut world = World::start(Options::default()).await.unwrap();
    let watched = Watched::start(&world, password(&world)).await;
    watched.is_connected().await;
    world.dovecot.stop();
    let deadline = Instant::now() + PATIENCE;
    while watched.health.state().trouble.is_none() {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    world.dovecot.start().await.unwrap();
    world.dovecot.deliver(USER, &mail(1, 1000)).await.unwrap();
    watched.has_jobs(1).await;
    watched.is_connected().await;
    assert_eq!(watched.health.state().trouble, None);
    watched.stopped().await;
}

/// Access tokens that live for seconds: each new session needs a new one, and no mail is missed in between.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_expires_in_mid_session_is_renewed() {
    let options = Options {
        access_ttl: 2,
        ..Options::default()
    };
    let world = World::start(options).await.unwrap();
    let token = world.oauth.refresh_token(USER, "mailjob").await.unwrap();
    let watched = Watched::start(&world, refreshing(&world, &token)).await;
    watched.is_connected().await;
    let deadline = Instant::now() + PATIENCE;
    let mut mails = 0;
    while world.oauth.requests("refresh_token").await.unwrap().0 < 3 {
        assert!(Instant::now() < deadline, "{:?}", watched.health.state());
        world.dovecot.kick(USER).await.unwrap();
        mails += 1;
        world.dovecot.deliver(USER, &mail(mails, 300)).await.unwrap();
        watched.has_jobs(mails).await;
    }
    watched.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_by_either_mechanism() {
    let mut world = World::start(Options::default()).await.unwrap();
    world.dovecot.deliver(USER, &mail(1, 300)).await.unwrap();
    let watched = Watched::start(&world, application(&world, USER)).await;
    watched.has_jobs(1).await;
    watched.stopped().await;

    let conf = world.dir().join("dovecot/dovecot.conf");
    let text = fs::read_to_string(&conf).unwrap();
    let without = text.replace(
        "auth_mechanisms = plain login xoauth2 oauthbearer",
        "auth_mechanisms = oauthbearer",
    );
    assert_ne!(text, without, "XOAUTH2 is not offered any more");
    fs::write(&conf, without).unwrap();
    world.dovecot.stop();
    world.dovecot.start().await.unwrap();
    let watched = Watched::start(&world, application(&world, USER)).await;
    watched.has_jobs(1).await;
    watched.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_told_and_not_repeated_at_once() {
    let world = World::start(Options::default()).await.unwrap();
    let wrong = Auth::Password(crate::accounts::secret(&world, "wrong", "wrong"));
    let watched = Watched::start(&world, wrong).await;
    let deadline = Instant::now() + PATIENCE;
    let trouble = loop {
        if let Some(trouble) = watched.health.state().trouble {
            break trouble;
        }
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(
        trouble.contains("refused the sign-in by") && trouble.contains("password"),
        "{trouble}"
    );
    watched.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_over_the_limit_is_held_and_the_next_goes_on() {
    let world = World::start(Options::default()).await.unwrap();
    world
        .dovecot
        .deliver_all(USER, [mail(1, 3_000_000), mail(2, 500)])
        .await
        .unwrap();
    let limit = |endpoint: &mut Endpoint| endpoint.limits.size = 1_500_000;
    let watched = Watched::start_with(&world, Tls::Implicit, password(&world), limit).await;
    watched.has_jobs(2).await;
    let jobs = watched.claim(2).await;
    assert_eq!(jobs.len(), 1, "the other one is held");
    assert!(jobs[0].size < 1000);
    watched.stopped().await;
}
