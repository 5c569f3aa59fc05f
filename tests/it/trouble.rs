//! A token server in trouble, or that refuses: what becomes of the sign-in.

use std::{sync::Arc, time::Duration};

use chrono::Utc;
use mailjob::{
    auth::{AuthError, AuthVerdict, Credential, DeviceError, Login, TokenStore as _},
    config::Tls,
    ledger::sqlite,
};
use mailjob_testbed::{Options, TokenAnswer, World, standin::EntraError};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use crate::{
    accounts::{self, refreshing, vault, write_secret},
    program::PATIENCE,
};

const ADA: &str = "ada@example.test";
const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A sign-in with a fresh refresh token and a ledger of its own, where it is called `us`.
struct Case<'a> {
    world: &'a World,
    ledger: Arc<sqlite::Sqlite>,
    login: Login,
    /// Requests that the server had granted and refused before.
    before: (u64, u64),
}

impl<'a> Case<'a> {
    async fn new(world: &'a World) -> Self {
        let path = world.dir().join(format!("{}.db", fastrand::u64(..)));
        let ledger = Arc::new(sqlite::open(&path, Arc::new(Utc::now)).await.unwrap());
        let token = world.oauth.refresh_token(ADA, "mailjob").await.unwrap();
        let account = accounts::account(world, ADA, Tls::Implicit, refreshing(world, &token));
        let login = accounts::login(&Arc::new(account), &ledger);
        let before = world.oauth.requests("refresh_token").await.unwrap();
        Self {
            world,
            ledger,
            login,
            before,
        }
    }

    /// Requests that the server granted and refused since.
    async fn requests(&self) -> (u64, u64) {
        let now = self.world.oauth.requests("refresh_token").await.unwrap();
        (now.0 - self.before.0, now.1 - self.before.1)
    }

    async fn refused(&self) -> Option<String> {
        let known = vault(&self.ledger).load("us").await.unwrap();
        known.refused.map(|refused| refused.why)
    }

    /// Two who ask, of whom the server hears once.
    async fn error(&self) -> AuthError {
        let error = self.login.credential().await.unwrap_err();
        let again = self.login.credential().await.unwrap_err();
        assert_eq!(again.to_string(), error.to_string());
        assert_eq!(self.world.oauth.scripted().await.unwrap(), 0);
        assert_eq!(self.requests().await, (0, 0), "asked again at once: {error}");
        error
    }

    /// It ends by itself.
    async fn ends_by_itself(&self, what: &str) {
        let error = self.error().await;
        assert!(!error.needs_person(), "{what}: {error}");
        assert_eq!(error.verdict(), AuthVerdict::Reconnect, "{what}: {error}");
        assert_eq!(self.refused().await, None, "{what}");
        let deadline = Instant::now() + PATIENCE;
        while let Err(error) = self.login.credential().await {
            assert!(Instant::now() < deadline, "{what}: {error}");
            sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(self.requests().await, (1, 0), "{what}");
    }

    /// Only a person ends it, whose new token counts at once.
    async fn needs_person(&self, code: &str) -> AuthError {
        let error = self.error().await;
        assert!(error.needs_person(), "{error}");
        assert_eq!(error.verdict(), AuthVerdict::SlowDown, "{error}");
        assert!(
            matches!(&error, AuthError::Refused(refusal) if refusal.code() == code),
            "{error:?}"
        );
        assert_eq!(self.refused().await, Some(error.to_string()), "noted for people");
        let pause = self.login.pause(Duration::from_secs(3600), AuthVerdict::SlowDown);
        let anew = self.world.oauth.refresh_token(ADA, "mailjob").await.unwrap();
        write_secret(&self.world.dir().join("refresh-token"), &anew);
        timeout(PATIENCE, pause).await.unwrap();
        self.login.credential().await.unwrap();
        assert_eq!(self.requests().await, (1, 0));
        assert_eq!(self.refused().await, None);
        error
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_ends_by_itself() {
    let world = World::start(Options::default()).await.unwrap();
    let html = "<html><body>Service unavailable</body></html>";
    let granted = json!({ "access_token": "", "token_type": "Bearer", "refresh_token": "of-no-use" });
    let answers = [
        ("500", TokenAnswer::text(500, "text/html", html)),
        (
            "503 with JSON",
            TokenAnswer::json(503, &json!({ "error": "invalid_grant" })),
        ),
        ("429", TokenAnswer::text(429, "text/plain", "later")),
        ("a page in place of a token", TokenAnswer::text(200, "text/html", html)),
        (
            "a page in place of a refusal",
            TokenAnswer::text(403, "text/html", html),
        ),
        ("an empty token", TokenAnswer::json(200, &granted)),
        ("a closed connection", TokenAnswer::text(200, "text/html", html).lost()),
        ("slow_down", TokenAnswer::refusal("slow_down")),
        ("server_error", TokenAnswer::refusal("server_error")),
        (
            "temporarily_unavailable",
            TokenAnswer::refusal("temporarily_unavailable"),
        ),
        ("90013", EntraError::Transient.answer()),
    ];
    for (what, answer) in answers {
        let case = Case::new(&world).await;
        world.oauth.script(&[answer]).await.unwrap();
        case.ends_by_itself(what).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_needs_a_person() {
    let world = World::start(Options::default()).await.unwrap();
    for code in [
        "invalid_grant",
        "invalid_client",
        "unauthorized_client",
        "interaction_required",
        "consent_required",
        "invalid_scope",
    ] {
        let case = Case::new(&world).await;
        world.oauth.script(&[TokenAnswer::refusal(code)]).await.unwrap();
        case.needs_person(code).await;
    }
    for entra in [
        EntraError::RefreshTokenExpired,
        EntraError::GrantRevoked,
        EntraError::MfaRequired,
        EntraError::MfaEnrollment,
        EntraError::SecretExpired,
        EntraError::SecretWrong,
        EntraError::ApplicationNotFound,
        EntraError::ScopeInvalid,
        EntraError::ConsentMissing,
    ] {
        let case = Case::new(&world).await;
        world.oauth.script(&[entra.answer()]).await.unwrap();
        let AuthError::Refused(refusal) = case.needs_person(entra.error()).await else {
            panic!("no refusal")
        };
        assert_eq!(refusal.number(), Some(&*format!("AADSTS{}", entra.code())));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_said_of_a_tokens_life_it_is_used() {
    let world = World::start(Options::default()).await.unwrap();
    let lives: [Value; 9] = [
        json!(0),
        json!(null),
        json!("3600"),
        json!("soon"),
        json!(-5),
        json!(1e12),
        json!("1e300"),
        json!([1]),
        json!(true),
    ];
    for life in lives {
        let case = Case::new(&world).await;
        let answer = TokenAnswer::real().with("expires_in", life.clone());
        world.oauth.script(&[answer]).await.unwrap();
        for _ in 0..3 {
            let credential = case.login.credential().await.unwrap();
            assert!(matches!(credential, Credential::Bearer(_)), "{life}");
        }
        assert_eq!(case.requests().await, (1, 0), "{life}: good for a minute at least");
        case.login.rejected(&case.login.credential().await.unwrap());
        case.login.credential().await.unwrap();
        assert_eq!(case.requests().await, (2, 0), "{life}: the refresh token was kept");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_understands_microsofts_words() {
    let world = World::start(Options::default()).await.unwrap();
    type Is = fn(&Result<(), DeviceError>) -> bool;
    let ends: [(&[EntraError], bool, Is); 4] = [
        (&[EntraError::AuthorizationPending], true, Result::is_ok),
        (&[EntraError::AuthorizationDeclined], false, |end| {
            matches!(end, Err(DeviceError::Denied))
        }),
        (
            &[EntraError::AuthorizationPending, EntraError::ExpiredToken],
            false,
            |end| matches!(end, Err(DeviceError::Expired)),
        ),
        (&[EntraError::BadVerificationCode], false, |end| {
            matches!(end, Err(DeviceError::Auth(AuthError::Refused(_))))
        }),
    ];
    for (words, comes, is) in ends {
        let case = Case::new(&world).await;
        let device = case.login.device().await.unwrap();
        let answers: Vec<_> = words.iter().map(|word| word.answer().to(DEVICE)).collect();
        world.oauth.script(&answers).await.unwrap();
        if comes {
            world.oauth.approve_device(ADA, device.code()).await.unwrap();
        }
        let end = case.login.await_device(&device).await;
        assert!(is(&end), "{words:?}: {end:?}");
        assert_eq!(world.oauth.scripted().await.unwrap(), 0, "{words:?}");
        let stored = vault(&case.ledger).load("us").await.unwrap().token;
        assert_eq!(stored.is_some(), comes, "{words:?}");
    }
}
