//! The texts of Microsoft and Google, said by stand-ins, and what is made of them.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use mailjob_testbed::{
    APP_SECRET, Mailjob, Options, Start, Tls, World,
    standin::{self, EntraError, ImapQuirk, SmtpQuirk, Standin},
};
use serde_json::json;

use super::{
    TRUE, USER, installation,
    said::{Said, run},
};

const DOCTOR: [&str; 3] = ["doctor", "ada", "--json"];

/// An account at stand-ins, with a token from a file.
fn account(mailjob: &mut Mailjob, tls: &Tls, imap: &Standin, smtp: &Standin, credential: &str) {
    let lines = format!(
        "user = \"{USER}\"\nca_file = \"{}\"\n{credential}\n\
         imap = {{ host = \"localhost\", port = {}, tls = \"implicit\" }}\nsmtp = {{ host = \"localhost\", port = {}, tls = \"implicit\" }}",
        tls.ca.display(),
        imap.port,
        smtp.port
    );
    mailjob.account_as("ada", &lines).unwrap();
    mailjob
        .endpoint("ada", &format!("[mailbox]\naccount = \"ada\"\n{TRUE}\n"))
        .unwrap();
}

const TOKEN: &str = "provider = \"microsoft\"\ntoken = { file = \"secrets/token\" }";
const PASSWORD: &str = "password = { file = \"secrets/token\" }";

#[tokio::test(flavor = "multi_thread")]
async fn what_mailbox_servers_say() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = installation(&world).await;
    mailjob.secret("token", "canary-of-an-access-token").unwrap();
    let smtp = standin::smtp(&world.tls, Start::Implicit, SmtpQuirk::Microsoft)
        .await
        .unwrap();
    for (quirk, what, cure) in [
        (
            ImapQuirk::MicrosoftNotConnected,
            "does not open the mailbox",
            "FullAccess",
        ),
        (
            ImapQuirk::MicrosoftRefused,
            "NO AUTHENTICATE failed.",
            "New-ServicePrincipal",
        ),
        (ImapQuirk::MicrosoftThrottled, "throttles", "leave it alone for 299 s"),
        (
            ImapQuirk::GoogleRefused,
            "Gmail refuses the access token",
            "https://mail.google.com/",
        ),
        (
            ImapQuirk::GoogleTooMany,
            "too many IMAP sessions",
            "close other mail programs",
        ),
        (ImapQuirk::GoogleWebLogin, "browser first", "sign in at"),
    ] {
        let imap = standin::imap(&world.tls, Start::Implicit, quirk).await.unwrap();
        account(&mut mailjob, &world.tls, &imap, &smtp, TOKEN);
        run(&mailjob, &DOCTOR).await.failed("sign_in", "IMAP", what, cure);
        let said = imap.said().join("\n");
        assert!(!said.contains("SELECT") && !said.contains("FETCH"), "{said}");
    }
    for quirk in [ImapQuirk::Microsoft, ImapQuirk::Google] {
        let imap = standin::imap(&world.tls, Start::Implicit, quirk).await.unwrap();
        account(&mut mailjob, &world.tls, &imap, &smtp, TOKEN);
        let said = run(&mailjob, &DOCTOR).await;
        assert_eq!(said.code, 0, "{}", said.out);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_submission_servers_say() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = installation(&world).await;
    mailjob.secret("token", "canary-of-an-access-token").unwrap();
    let imap = standin::imap(&world.tls, Start::Implicit, ImapQuirk::Microsoft)
        .await
        .unwrap();
    for (quirk, credential, what, cure) in [
        (SmtpQuirk::MicrosoftRefused, TOKEN, "535 5.7.3", "SMTP.Send"),
        (
            SmtpQuirk::MicrosoftTenantDisabled,
            TOKEN,
            "off for the whole tenant",
            "Set-TransportConfig",
        ),
        (
            SmtpQuirk::MicrosoftMailboxDisabled,
            TOKEN,
            "off for this mailbox",
            "Set-CASMailbox",
        ),
        (
            SmtpQuirk::MicrosoftNoBasic,
            PASSWORD,
            // At a host that is not Microsoft's, its words are a server's like others.
            "Basic authentication is not supported",
            "check both; many providers want an app password",
        ),
        (
            SmtpQuirk::GoogleRefused,
            TOKEN,
            "Gmail refuses the sign-in",
            "https://mail.google.com/",
        ),
    ] {
        let smtp = standin::smtp(&world.tls, Start::Implicit, quirk).await.unwrap();
        account(&mut mailjob, &world.tls, &imap, &smtp, credential);
        run(&mailjob, &DOCTOR).await.failed("sign_in", "SMTP", what, cure);
        assert!(!smtp.said().iter().any(|line| line.starts_with("MAIL")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_token_endpoint_says() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = installation(&world).await;
    mailjob.secret("ada", APP_SECRET).unwrap();
    let imap = standin::imap(&world.tls, Start::Implicit, ImapQuirk::Microsoft)
        .await
        .unwrap();
    let smtp = standin::smtp(&world.tls, Start::Implicit, SmtpQuirk::Microsoft)
        .await
        .unwrap();
    let oauth = format!(
        "client_id = \"app.{USER}\"\nclient_secret = {{ file = \"secrets/ada\" }}\ngrant = \"client_credentials\"\n\
         oauth = {{ token_url = \"{}\", scopes = [\"mail\"] }}",
        world.oauth.token_url()
    );
    account(&mut mailjob, &world.tls, &imap, &smtp, &oauth);
    for (refusal, what, cure) in [
        // An application is never told to sign in.
        (
            EntraError::RefreshTokenExpired,
            "what proves the application",
            "where client_secret points",
        ),
        (EntraError::GrantRevoked, "", "where client_secret points"),
        (EntraError::MfaRequired, "multi-factor", "where client_secret points"),
        (EntraError::MfaEnrollment, "not set up", "mfasetup"),
        (EntraError::SecretExpired, "expired", "make a new one"),
        (EntraError::SecretWrong, "client secret is wrong", "not its Secret ID"),
        (
            EntraError::ApplicationNotFound,
            "not known in this tenant",
            "client_id and tenant",
        ),
        (EntraError::ScopeInvalid, "a scope is wrong", ".default"),
        (EntraError::ConsentMissing, "nobody has consented", "grant consent"),
        (EntraError::Transient, "503", "later"),
    ] {
        world.oauth.script(&[refusal.answer()]).await.unwrap();
        let said = run(&mailjob, &DOCTOR).await;
        said.failed("credential", "", what, cure);
        assert!(!said.out.contains("auth login"), "{}", said.out);
        if refusal != EntraError::Transient {
            let number = format!("AADSTS{}", refusal.code());
            assert!(said.out.contains(&number), "{number}: {}", said.out);
        }
    }
}

/// What is warned of about a token.
fn warned(said: &Said) -> Vec<String> {
    let found = said.stage("credential");
    let warned = found.iter().filter(|finding| finding["outcome"] == "warned");
    warned
        .map(|finding| finding["detail"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_token_says_of_itself() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = installation(&world).await;
    let imap = standin::imap(&world.tls, Start::Implicit, ImapQuirk::Microsoft)
        .await
        .unwrap();
    let smtp = standin::smtp(&world.tls, Start::Implicit, SmtpQuirk::Microsoft)
        .await
        .unwrap();
    account(&mut mailjob, &world.tls, &imap, &smtp, TOKEN);
    let whole = "IMAP.AccessAsUser.All SMTP.Send";
    for (audience, scopes, user, words) in [
        ("https://outlook.office.com", whole, USER, &[][..]),
        ("https://graph.microsoft.com", whole, USER, &["Microsoft Graph"]),
        (
            "https://outlook.office.com",
            "User.Read",
            USER,
            &["IMAP.AccessAsUser.All", "SMTP.Send"],
        ),
        (
            "https://outlook.office.com",
            whole,
            "bob@example.test",
            &["bob@example.test's"],
        ),
    ] {
        let claims = json!({ "aud": audience, "scp": scopes, "upn": user, "exp": 4_000_000_000_u32 }).to_string();
        let token = format!(
            "eyJhbGciOiJSUzI1NiJ9.{}.canary-of-a-signature",
            URL_SAFE_NO_PAD.encode(claims)
        );
        mailjob.secret("token", &token).unwrap();
        let said = run(&mailjob, &DOCTOR).await;
        assert_eq!(said.code, 0, "for the eye only: {}", said.out);
        let warned = warned(&said);
        assert_eq!(warned.len(), words.len(), "{warned:?}");
        assert!(
            warned.iter().zip(words).all(|(said, words)| said.contains(words)),
            "{warned:?}"
        );
        assert!(
            said.out.contains(audience) && !said.out.contains("canary"),
            "{}",
            said.out
        );
    }
}
