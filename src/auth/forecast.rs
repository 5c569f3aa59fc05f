//! When a sign-in will end, and how it is now. Pure: what is known, what files say, and the time are arguments.
//!
//! Lives of refresh tokens: Microsoft's end 90 days after they were issued, and each use brings a new one ("Refresh tokens in the
//! Microsoft identity platform", 2025-05). Google's end when they were not used for six months, and seven days after the sign-in
//! while the consent screen is in "Testing", which nobody but Google and its owner can know ("Using OAuth 2.0 to Access Google
//! APIs"). Of any other server nothing is known but what `refresh_token_life` says.

use std::fmt;

use chrono::{DateTime, Months, NaiveTime, TimeDelta, Utc};

pub use super::expiry::{ExpiringSecret, Expiry, Threshold, due};
use super::{BlockedSignIn, StoredSignIn};
use crate::config::{Account, Auth, ClientProof, OAuth, Provider};

/// Days from the issue of one of Microsoft's refresh tokens to its end.
const MICROSOFT: i64 = 90;
/// Months without use after which Google ends a refresh token.
const GOOGLE: Months = Months::new(6);

/// What is known of a sign-in without its secrets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SignInInfo {
    /// When the token server issued the newest refresh token.
    pub issued: Option<DateTime<Utc>>,
    /// When the person signed in.
    pub signed_in: Option<DateTime<Utc>>,
    /// When the token server last granted an access token.
    pub refreshed: Option<DateTime<Utc>>,
    /// Since when it needs a person, and why.
    pub refused: Option<BlockedSignIn>,
}

impl From<&StoredSignIn> for SignInInfo {
    fn from(stored: &StoredSignIn) -> Self {
        Self {
            issued: stored.token.as_ref().map(|token| token.issued),
            signed_in: stored.token.as_ref().map(|token| token.signed_in),
            refreshed: stored.refreshed,
            refused: stored.refused.clone(),
        }
    }
}

/// What the files of an account say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccountFacts {
    /// When the client's certificate ends.
    pub certificate: Option<DateTime<Utc>>,
    /// The token that somebody else gets and renews.
    pub token: Option<TokenFile>,
}

/// A token in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TokenFile {
    /// Its `exp` claim (RFC 7519 section 4.1.4), where it is a JWT: for the eye, nobody's signature was looked at.
    pub ends: Option<DateTime<Utc>>,
    /// When the file was written.
    pub written: Option<DateTime<Utc>>,
}

/// How a sign-in is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginState {
    /// It works.
    SignedIn,
    /// A person has to act.
    NeedsSignIn(BlockedSignIn),
    /// A person's sign-in that was never used.
    NeverSignedIn,
    /// A password, a token that somebody else gets, an application's own credentials.
    NeedsNoSignIn,
}

impl fmt::Display for LoginState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SignedIn => f.write_str("signed in"),
            Self::NeedsSignIn(BlockedSignIn { since, why }) => {
                write!(f, "needs sign-in since {}: {why}", since.format("%F %R UTC"))
            }
            Self::NeverSignedIn => f.write_str("never signed in"),
            Self::NeedsNoSignIn => f.write_str("needs no sign-in"),
        }
    }
}

/// A sign-in, seen from now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forecast {
    /// How it is.
    pub state: LoginState,
    /// When the token server issued the newest refresh token.
    pub issued: Option<DateTime<Utc>>,
    /// How old that is.
    pub age: Option<TimeDelta>,
    /// When the token server last granted an access token.
    pub refreshed: Option<DateTime<Utc>>,
    /// What ends, each thing once.
    pub expiries: Vec<Expiry>,
}

impl Forecast {
    /// When this ends, as far as that is known.
    #[must_use]
    pub fn expiry(&self, what: ExpiringSecret) -> Option<&Expiry> {
        self.expiries.iter().find(|expiry| expiry.what == what)
    }
}

/// Looks ahead.
#[must_use]
pub fn forecast(account: &Account, known: &SignInInfo, facts: &AccountFacts, now: DateTime<Utc>) -> Forecast {
    let is_person = account.auth.is_person();
    let state = match &known.refused {
        Some(refused) => LoginState::NeedsSignIn(refused.clone()),
        None if !is_person => LoginState::NeedsNoSignIn,
        None if known.issued.is_some() || known.refreshed.is_some() => LoginState::SignedIn,
        None => LoginState::NeverSignedIn,
    };
    let issued = known.issued.filter(|_| is_person);
    let token = |what| {
        let ends = facts.token?.ends?;
        Some(Expiry::new(what, ends, facts.token?.written, now))
    };
    let mut expiries: Vec<_> = account
        .auth
        .oauth()
        .and_then(|oauth| refresh_token(account.provider, oauth, known))
        .map(|(ends, begins)| Expiry::new(ExpiringSecret::RefreshToken, ends, Some(begins), now))
        .into_iter()
        .collect();
    expiries.extend(match (&account.auth, account.auth.oauth().map(|oauth| &oauth.client)) {
        (_, Some(ClientProof::Secret { expires, .. })) => expires.map(|day| {
            // Nobody says at what hour of that day.
            let ends = day.and_time(NaiveTime::MIN).and_utc();
            Expiry::new(ExpiringSecret::ClientSecret, ends, None, now)
        }),
        (_, Some(ClientProof::Certificate { .. })) => facts
            .certificate
            .map(|ends| Expiry::new(ExpiringSecret::Certificate, ends, None, now)),
        (_, Some(ClientProof::Federated(_))) => token(ExpiringSecret::FederatedToken),
        (Auth::Token(_), None) => token(ExpiringSecret::AccessToken),
        (_, Some(ClientProof::Public) | None) => None,
    });
    Forecast {
        state,
        issued,
        age: issued.map(|issued| now - issued),
        refreshed: known.refreshed,
        expiries,
    }
}

/// When a person's refresh token ends and began, where both are known.
fn refresh_token(provider: Provider, oauth: &OAuth, known: &SignInInfo) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let issued = known.issued.filter(|_| oauth.is_person())?;
    let written = oauth.refresh_life.and_then(|life| TimeDelta::from_std(life).ok());
    let (life, begins) = match provider {
        Provider::Microsoft(_) => (Some(written.unwrap_or(TimeDelta::days(MICROSOFT))), issued),
        Provider::Google | Provider::Other => (written, issued),
    };
    let ends = life.and_then(|life| issued.checked_add_signed(life));
    let used = known.refreshed.map_or(issued, |refreshed| refreshed.max(issued));
    let unused = used.checked_add_months(GOOGLE).filter(|_| provider == Provider::Google);
    [ends.map(|ends| (ends, begins)), unused.map(|ends| (ends, used))]
        .into_iter()
        .flatten()
        .min()
}

/// What can't be known of an account's refresh token and would matter.
#[must_use]
pub fn doubt(account: &Account) -> Option<&'static str> {
    let oauth = account.auth.oauth().filter(|oauth| oauth.is_person())?;
    match (account.provider, oauth.refresh_life) {
        (Provider::Google, None) => Some(
            "while the consent screen is in \"Testing\", Google ends a sign-in after 7 days, which can't be seen from here: \
             publish the app, or write refresh_token_life = \"7d\"",
        ),
        (Provider::Other, None) => {
            Some("how long its refresh tokens live isn't known: write refresh_token_life where the provider tells")
        }
        _ => None,
    }
}

#[cfg(test)]
#[path = "forecast_tests.rs"]
mod tests;
