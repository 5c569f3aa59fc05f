//! Servers that let in only who proves himself by TLS: Dovecot at the sign-in, Postfix in the handshake. The whole program.

use mailjob_testbed::{Mailjob, Options, PASSWORD, Pair, World};
use serde_json::Value;

use crate::{
    doctor::said::run,
    letters::letter,
    program::{REPLY, answered, endpoint, processed, program},
};

const ADA: &str = "ada@example.test";

/// Ada's account with a password, by implicit TLS or STARTTLS, and these lines.
fn ada(world: &World, mailjob: &mut Mailjob, tls: &str, further: &str) {
    mailjob.secret("ada", PASSWORD).unwrap();
    let (imap, smtp) = match tls {
        "implicit" => (world.dovecot.imaps, world.postfix.submissions),
        _ => (world.dovecot.imap, world.postfix.submission),
    };
    let ca = world.tls.ca.display();
    let lines = format!(
        "user = \"{ADA}\"\nca_file = \"{ca}\"\npassword = {{ file = \"secrets/ada\" }}\n\
         imap = {{ host = \"localhost\", port = {imap}, tls = \"{tls}\" }}\n\
         smtp = {{ host = \"localhost\", port = {smtp}, tls = \"{tls}\" }}\n{further}"
    );
    mailjob.account_as("ada", &lines).unwrap();
}

/// What failed of this protocol, and the cure.
fn failed(out: &str, protocol: &str) -> String {
    let document: Value = serde_json::from_str(out).unwrap();
    let findings = document["findings"].as_array().unwrap();
    let ours = |finding: &&Value| {
        finding["part"].as_str().is_some_and(|part| part.contains(protocol)) && finding["outcome"] == "failed"
    };
    findings
        .iter()
        .filter(ours)
        .map(|finding| format!("{}; {}", finding["detail"], finding["cure"]).replace("\\\"", "\""))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_s_certificate_is_shown_and_a_missing_one_is_named_with_its_setting() {
    let mut world = World::start(Options::default()).await.unwrap();
    let (pair, root) = Pair::by_intermediate(&world.dir().join("client"), true).unwrap();
    world.dovecot.require_client_certificate(&root).unwrap();
    world.dovecot.stop();
    world.dovecot.start().await.unwrap();
    world.postfix.require_client_certificate(&root).await.unwrap();
    let mut mailjob = program(&world);
    mailjob.endpoint("ada", &endpoint("ada", REPLY)).unwrap();
    for tls in ["implicit", "starttls"] {
        ada(&world, &mut mailjob, tls, "");
        let said = run(&mailjob, &["doctor", "--json"]).await;
        assert_ne!(said.code, 0, "{}", said.out);
        for protocol in ["IMAP", "SMTP"] {
            let failed = failed(&said.out, protocol);
            assert!(
                failed.contains("tls = { cert = "),
                "{tls} {protocol}: {failed}\n{}",
                world.dovecot.log()
            );
        }
    }
    let (cert, key) = (pair.cert.display(), pair.key.display());
    let client = format!("tls = {{ cert = \"{cert}\", key = {{ file = \"{key}\" }} }}");
    for tls in ["implicit", "starttls"] {
        ada(&world, &mut mailjob, tls, &client);
        let said = run(&mailjob, &["doctor"]).await;
        assert_eq!(said.code, 0, "{tls}: {}{}", said.out, said.err);
    }
    world.dovecot.deliver(ADA, &letter(1)).await.unwrap();
    mailjob.start().unwrap();
    processed(&world, &mailjob, ADA, 1).await;
    answered(&world, &mailjob, 1).await;
}
