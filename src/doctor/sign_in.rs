//! The credential of an account: whether there is one, and what it says of itself.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};

use super::{
    Issue, Stage, StepOutcome, TokenStoreState,
    notes::Notes,
    patient::ExaminedAccount,
    way::of_net,
    words::{named, of_auth, place, token},
};
use crate::{
    auth::{
        Credential, Login, NullTokenStore,
        claims::{Claims, Expected},
    },
    config::{Account, Auth, AuthorizationServer, OAuth, Protocol, TokenSource},
    net,
};

/// A slow token server takes up to a minute.
const LONGEST: Duration = Duration::from_secs(65);

/// The sign-in of each of these accounts; those that share one get the same, so that it is asked once.
pub(super) fn logins(
    patients: &[ExaminedAccount],
    uses: impl Fn(&str) -> Vec<Protocol>,
    store: &TokenStoreState,
) -> Vec<Result<Login, Issue>> {
    let mut logins: Vec<Result<Login, Issue>> = Vec::new();
    for patient in patients {
        let account = &patient.account;
        let same =
            |known: &ExaminedAccount| known.account.sign_in == account.sign_in && known.account.auth == account.auth;
        let known = patients.iter().zip(&logins).find(|(known, _)| same(known));
        let login = match known {
            Some((_, login)) => login.clone(),
            None => login(account, &uses(&account.sign_in), store),
        };
        logins.push(login);
    }
    logins
}

/// The sign-in of an account.
fn login(account: &Arc<Account>, uses: &[Protocol], store: &TokenStoreState) -> Result<Login, Issue> {
    let http = net::http::client(account.auth.ca_file()).map_err(|error| of_net(&error))?;
    let store = match store {
        TokenStoreState::Open(store) => store.clone(),
        TokenStoreState::Closed(_) => Arc::new(NullTokenStore),
    };
    Ok(Login::new(account.clone(), uses, store, http))
}

/// Whether an account's tokens live in the store: a person's, which change with each use.
pub(super) fn is_kept(account: &Account) -> bool {
    account.auth.is_person()
}

/// The account's credential, when it has one that is good now.
pub(super) async fn credential(
    notes: &mut Notes,
    patient: &ExaminedAccount,
    login: &Result<Login, Issue>,
    store: &TokenStoreState,
) -> Option<Credential> {
    let account = &patient.account;
    if is_kept(account)
        && let TokenStoreState::Closed(why) = store
    {
        notes.note(Stage::Credential, StepOutcome::Failed(why.clone()));
        return None;
    }
    let asked = async {
        let login = login.clone()?;
        let credential = login
            .credential()
            .await
            .map_err(|error| named(of_auth(&error), &account.sign_in))?;
        let told = told(account, &credential);
        Ok((credential, told))
    };
    let credential = notes.step(Stage::Credential, LONGEST, asked).await?;
    for trouble in doubts(patient, &credential, Utc::now()) {
        notes.note(Stage::Credential, StepOutcome::Warned(trouble));
    }
    Some(credential)
}

fn told(account: &Account, credential: &Credential) -> String {
    match (credential, &account.auth) {
        (Credential::Bearer(secret), _) => token(Claims::read(secret).as_ref(), Utc::now()),
        (_, Auth::Password(secret) | Auth::Token(TokenSource::Kept(secret))) => {
            format!("a password from {}", place(secret))
        }
        (Credential::Password(_), _) => "a password".to_owned(),
    }
}

/// What a person should look at in a token.
fn doubts(patient: &ExaminedAccount, credential: &Credential, now: DateTime<Utc>) -> Vec<Issue> {
    let Credential::Bearer(token) = credential else {
        return Vec::new();
    };
    let account = &patient.account;
    let uses = patient.uses();
    let expected = Expected {
        provider: account.provider,
        uses: &uses,
        user: &account.user,
        tenant: account.auth.oauth().and_then(tenant),
        now,
    };
    let doubts = Claims::read(token)
        .map(|claims| claims.doubts(&expected))
        .unwrap_or_default();
    let trouble = doubts.into_iter().map(|doubt| Issue {
        what: doubt.what,
        cure: doubt.cure.to_owned(),
    });
    trouble.map(|trouble| named(trouble, &account.sign_in)).collect()
}

/// The tenant's id in Microsoft's token endpoint: `https://login.microsoftonline.com/TENANT/oauth2/v2.0/token`.
fn tenant(oauth: &OAuth) -> Option<&str> {
    let AuthorizationServer::Known { token_url, .. } = &oauth.server else {
        return None;
    };
    let tenant = token_url.split('/').nth(3)?;
    uuid::Uuid::try_parse(tenant).is_ok().then_some(tenant)
}
