//! A sign-in as it is shown. Pure; its JSON form is for machines and only grows.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::{
    auth::{
        BlockedSignIn,
        forecast::{ExpiringSecret, Expiry, Forecast, LoginState, Threshold, doubt, due},
    },
    config::{Account, Auth, Grant},
};

/// Days within which an end is urgent.
pub(super) const URGENT: i64 = 7;

/// A sign-in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct AuthStatusRow {
    pub(super) account: String,
    /// `signed_in`, `needs_sign_in`, `never`, `not_needed`, or `refused`: a mail server did not take what was shown to it last.
    pub(super) state: &'static str,
    /// Since when it needs a sign-in, or is refused.
    pub(super) since: Option<DateTime<Utc>>,
    /// Why it does.
    pub(super) why: Option<String>,
    pub(super) grant: &'static str,
    pub(super) refresh_token: Option<RefreshTokenRow>,
    /// What proves the client, if it ends.
    pub(super) client: Option<ExpiryRow>,
    /// When an access token was last granted.
    pub(super) refreshed: Option<DateTime<Utc>>,
    /// Whether somebody should act.
    pub(super) urgent: bool,
    /// What can't be known and would matter.
    pub(super) doubt: Option<&'static str>,
}

/// A refresh token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct RefreshTokenRow {
    pub(super) issued: DateTime<Utc>,
    pub(super) age_s: i64,
    pub(super) ends: Option<DateTime<Utc>>,
    pub(super) days: Option<i64>,
}

/// Something that ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct ExpiryRow {
    pub(super) what: &'static str,
    pub(super) ends: DateTime<Utc>,
    pub(super) days: i64,
}

impl AuthStatusRow {
    /// How it is, with what a mail server said that did not let us in.
    pub(super) fn new(name: &str, account: &Account, seen: &Forecast, at_server: Option<&BlockedSignIn>) -> Self {
        let refused = match &seen.state {
            LoginState::NeedsSignIn(refused) => Some(refused),
            LoginState::SignedIn | LoginState::NeverSignedIn | LoginState::NeedsNoSignIn => at_server,
        };
        let refresh = seen.expiry(ExpiringSecret::RefreshToken);
        let refresh_token = seen.issued.zip(seen.age).map(|(issued, age)| RefreshTokenRow {
            issued,
            age_s: age.num_seconds(),
            ends: refresh.map(|expiry| expiry.ends),
            days: refresh.map(|expiry| expiry.days),
        });
        let client = seen
            .expiries
            .iter()
            .find(|expiry| expiry.what != ExpiringSecret::RefreshToken);
        Self {
            account: name.to_owned(),
            state: match seen.state {
                LoginState::NeedsSignIn(_) => "needs_sign_in",
                _ if at_server.is_some() => "refused",
                LoginState::SignedIn => "signed_in",
                LoginState::NeverSignedIn => "never",
                LoginState::NeedsNoSignIn => "not_needed",
            },
            since: refused.map(|refused| refused.since),
            why: refused.map(|refused| refused.why.clone()),
            grant: grant(account),
            refresh_token,
            client: client.map(|expiry| ExpiryRow {
                what: expiry.what.code(),
                ends: expiry.ends,
                days: expiry.days,
            }),
            refreshed: seen.refreshed,
            urgent: refused.is_some()
                || waits_for_a_person(account, &seen.state)
                || seen.expiries.iter().any(is_urgent),
            doubt: doubt(account),
        }
    }
}

/// Whether nobody has ever signed in, and nothing is configured that would do in its place.
fn waits_for_a_person(account: &Account, state: &LoginState) -> bool {
    let grant = account.auth.oauth().map(|oauth| &oauth.grant);
    matches!(
        (state, grant),
        (LoginState::NeverSignedIn, Some(Grant::RefreshToken(None)))
    )
}

/// Whether it is time to act, as the operator is told.
fn is_urgent(expiry: &Expiry) -> bool {
    due(expiry, &BTreeSet::new())
        .map(Threshold::days)
        .is_some_and(|days| days <= URGENT)
}

fn grant(account: &Account) -> &'static str {
    match &account.auth {
        Auth::None => "none",
        Auth::Password(_) => "password",
        Auth::Token(_) => "token",
        Auth::OAuth(oauth) => match oauth.grant {
            Grant::RefreshToken(_) => "refresh_token",
            Grant::ClientCredentials => "client_credentials",
            Grant::ServiceAccount { .. } => "service_account",
        },
    }
}
