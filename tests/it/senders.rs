//! Whose mail is accepted, verified with keys from a DNS server; and a flood in others' names.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use mail_auth::{crypto::Ed25519Key, dkim::DkimSigner, headers::HeaderWriter};
use mailjob::ledger::sqlite::{self, OverviewRow};
use mailjob_testbed::{Dns, Mailjob, Options, PASSWORD, World};

use crate::program::{PATIENCE, REPLY, account, endpoint, processed, program, said};

const USER: &str = "ada@example.test";
const PASSWORD_FILE: &str = "password = { file = \"secrets/password\" }";

/// A program with ada's account and no endpoint.
fn ada(world: &World) -> Mailjob {
    let mut mailjob = program(world);
    mailjob.secret("password", PASSWORD).unwrap();
    mailjob.account_as("ada", &account(world, USER, PASSWORD_FILE)).unwrap();
    mailjob
}

/// The jobs of a program that has ended.
async fn jobs(mailjob: &Mailjob) -> Vec<OverviewRow> {
    let ledger = sqlite::open(&mailjob.dir().join("mailjob.db"), Arc::new(chrono::Utc::now)).await;
    ledger.unwrap().overview(100).await.unwrap()
}

/// Signs a mail as the domain does with this key.
fn signed(key: &[u8], domain: &str, mail: &str) -> String {
    let key = Ed25519Key::from_pkcs8_maybe_unchecked_der(key).unwrap();
    let signer = DkimSigner::from_key(key).domain(domain).selector("s1");
    let signature = signer.headers(["From", "Subject"]).sign(mail.as_bytes()).unwrap();
    format!("{}{mail}", signature.to_header())
}

fn mail(from: &str, subject: &str) -> String {
    format!("From: {from}\r\nTo: {USER}\r\nSubject: {subject}\r\nMessage-ID: <{subject}@a.example>\r\n\r\nHello.\r\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_is_verified_with_the_key_in_dns() {
    let world = World::start(Options::default()).await.unwrap();
    let mut dns = Dns::new(&world);
    let mut mailjob = ada(&world);
    mailjob.service(&format!("resolver = \"{}\"", dns.address())).unwrap();
    let senders = "[senders]\nrequire = \"dmarc\"\nverify = true\ndns_timeout = \"2s\"\n[settle]\nrefused = { move = \"Refused\" }\n[retry]\nwaits = [\"1s\", \"1s\", \"2s\", \"4s\", \"8s\", \"8s\"]\n";
    mailjob.endpoint("ada", &endpoint("ada", senders)).unwrap();
    let key = Ed25519Key::generate_pkcs8().unwrap();
    let public = Ed25519Key::from_pkcs8_maybe_unchecked_der(&key).unwrap().public_key();
    let public = format!("v=DKIM1; k=ed25519; p={}", STANDARD.encode(public));

    mailjob.start().unwrap();
    let good = signed(&key, "a.example", &mail("ann@a.example", "first"));
    world.dovecot.deliver(USER, good.as_bytes()).await.unwrap();
    said(&mailjob, "reason=\"network\"", 1).await;
    dns.start(&[
        ("s1._domainkey.a.example", &public),
        ("_dmarc.a.example", "v=DMARC1; p=reject"),
    ])
    .await
    .unwrap();
    processed(&world, &mailjob, USER, 1).await;

    let other_key = Ed25519Key::generate_pkcs8().unwrap();
    let odd = [
        signed(&key, "a.example", &mail("ann@a.example", "tampered")).replace("Hello.", "Pay me."),
        signed(&key, "a.example", &mail("ann@a.example", "renamed")).replace("ann@", "boss@"),
        signed(&other_key, "a.example", &mail("ann@a.example", "other-key")),
        signed(&key, "a.example", &mail("ann@b.example", "other-domain")),
        mail("ann@a.example", "unsigned"),
        format!(
            "From: x@a.example\r\n{}",
            signed(&key, "a.example", &mail("ann@a.example", "two-froms"))
        ),
        format!(
            "Authentication-Results: mx.us.example; dmarc=pass header.from=a.example\r\n{}",
            mail("ann@a.example", "forged")
        ),
    ];
    world.dovecot.deliver_all(USER, &odd).await.unwrap();
    let refused = world.dovecot.wait_for(USER, "Refused", odd.len(), PATIENCE).await;
    refused.unwrap_or_else(|error| panic!("{error}\n{}", mailjob.log()));
    assert_eq!(
        world.dovecot.count(USER, "Processed").await.unwrap(),
        1,
        "{}",
        mailjob.log()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_may_write_is_heard() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = ada(&world);
    let senders = format!(
        "{REPLY}[senders]\nallow = [\"example.test\", \"*.parts.test\"]\ndeny = [\"noisy@example.test\"]\n[settle]\nrefused = {{ move = \"Refused\" }}\n"
    );
    mailjob.endpoint("ada", &endpoint("ada", &senders)).unwrap();
    mailjob.start().unwrap();
    let may = ["ann@example.test", "Ann@EXAMPLE.test", "bob@eu.parts.test"];
    let may_not = [
        "eve@other.test",
        "noisy@example.test",
        "bob@parts.test",
        "x@notexample.test",
    ];
    let mails = may.iter().chain(&may_not).enumerate();
    let mails = mails.map(|(n, from)| mail(from, &format!("n{n}")));
    world.dovecot.deliver_all(USER, mails).await.unwrap();
    said(&mailjob, "outcome=\"done\"", may.len()).await;
    // The server sends nothing to bob's domain, which its operator could allow: that reply waits, and its mail with it.
    processed(&world, &mailjob, USER, may.len() - 1).await;
    let refused = world.dovecot.wait_for(USER, "Refused", may_not.len(), PATIENCE).await;
    refused.unwrap_or_else(|error| panic!("{error}\n{}", mailjob.log()));
    let answered = world.dovecot.wait_for("ann@example.test", "INBOX", 2, PATIENCE).await;
    answered.unwrap_or_else(|error| panic!("{error}\n{}", mailjob.log()));
    assert_eq!(mailjob.term().unwrap(), 0);
    let rows = jobs(&mailjob).await;
    let replies = rows.iter().filter(|row| row.reply.is_some()).count();
    assert_eq!(
        (rows.len(), replies),
        (may.len() + may_not.len(), may.len()),
        "{rows:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_in_others_names_causes_no_more_replies_than_the_limit() {
    const FLOOD: usize = 12;
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = ada(&world);
    let rates = format!("{REPLY}[rates]\nreplies = \"5/h\"\nreplies_per_recipient = \"2/h\"\n");
    mailjob.endpoint("ada", &endpoint("ada", &rates)).unwrap();
    mailjob.start().unwrap();
    let forged = (0..FLOOD).map(|n| mail(&format!("victim{}@example.test", n.min(8)), &format!("n{n}")));
    world.dovecot.deliver_all(USER, forged).await.unwrap();
    processed(&world, &mailjob, USER, FLOOD).await;
    let mut replies = 0;
    for n in 0..=8 {
        let victim = format!("victim{n}@example.test");
        if let Ok(count) = world.dovecot.count(&victim, "INBOX").await {
            assert!(count <= 2, "{victim}");
            replies += count;
        }
    }
    assert!(replies <= 5, "{replies}");
    assert_eq!(mailjob.term().unwrap(), 0);
    let rows = jobs(&mailjob).await;
    let rate = rows.iter().filter(|row| row.silent.as_deref() == Some("rate")).count();
    assert_eq!((rows.len(), rate), (FLOOD, FLOOD - 5));
}
