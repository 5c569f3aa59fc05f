//! The credential of an account: whether there is one, and what it says of itself.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio::time::timeout;

use super::{
    Outcome, Stage, Store, Trouble,
    notes::Notes,
    patient::Patient,
    way::of_net,
    words::{named, of_auth, place, token},
};
use crate::{
    auth::{
        Credential, Login, StoreError, StoredSignIn, StoredToken, TokenStore,
        claims::{Claims, Expected},
    },
    config::{Account, Auth, AuthorizationServer, Grant, OAuth, TokenSource},
    net,
};

/// A slow token server takes up to a minute.
const LONGEST: Duration = Duration::from_secs(65);

/// The sign-ins of all accounts: one for all that share it.
#[derive(Default)]
pub(super) struct Logins(Vec<(Arc<Account>, Result<Login, Trouble>)>);

impl Logins {
    pub(super) fn of(patients: &[Patient], store: &Store) -> Self {
        let mut logins = Self::default();
        for patient in patients {
            if logins.find(&patient.account).is_none() {
                let login = login(&patient.account, store);
                logins.0.push((patient.account.clone(), login));
            }
        }
        logins
    }

    fn find(&self, account: &Account) -> Option<&Result<Login, Trouble>> {
        let same = |known: &Account| known.sign_in == account.sign_in && known.auth == account.auth;
        self.0.iter().find(|(known, _)| same(known)).map(|(_, login)| login)
    }
}

/// The sign-in of an account.
fn login(account: &Arc<Account>, store: &Store) -> Result<Login, Trouble> {
    let ca_file = account.auth.oauth().and_then(|oauth| oauth.ca_file.as_deref());
    let http = net::http::client(ca_file, true).map_err(|error| of_net(&error))?;
    let store = match store {
        Store::Open(store) => store.clone(),
        Store::Closed(_) => Arc::new(Forgetful),
    };
    Ok(Login::new(account.clone(), store, http))
}

/// Whether an account's tokens live in the store: a person's, which change with each use.
pub(super) fn is_kept(account: &Account) -> bool {
    let grant = account.auth.oauth().map(|oauth| &oauth.grant);
    matches!(grant, Some(Grant::RefreshToken(_)))
}

/// The account's credential, when it has one that is good now.
pub(super) async fn credential(
    notes: &mut Notes,
    patient: &Patient,
    logins: &Logins,
    store: &Store,
) -> Option<Credential> {
    let account = &patient.account;
    if is_kept(account)
        && let Store::Closed(why) = store
    {
        notes.note(Stage::Credential, Outcome::Warned(why.clone()));
        return None;
    }
    if let Some(trouble) = not_signed_in(account, store).await {
        notes.note(Stage::Credential, Outcome::Failed(trouble));
        return None;
    }
    let asked = async {
        let login = logins.find(account).cloned().unwrap_or_else(|| login(account, store))?;
        let credential = login
            .credential()
            .await
            .map_err(|error| named(of_auth(&error), &account.sign_in))?;
        let told = told(account, &credential);
        Ok((credential, told))
    };
    let credential = notes.step(Stage::Credential, LONGEST, asked).await?;
    for trouble in doubts(patient, &credential, Utc::now()) {
        notes.note(Stage::Credential, Outcome::Warned(trouble));
    }
    Some(credential)
}

/// An account that waits for its person.
async fn not_signed_in(account: &Account, store: &Store) -> Option<Trouble> {
    let (Some(Grant::RefreshToken(None)), Store::Open(store)) = (account.auth.oauth().map(|oauth| &oauth.grant), store)
    else {
        return None;
    };
    let stored = timeout(LONGEST, store.load(&account.sign_in)).await.ok()?.ok()?;
    stored.token.is_none().then(|| Trouble {
        what: "not signed in yet".to_owned(),
        cure: format!("mailjob auth login {}", account.sign_in),
    })
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
fn doubts(patient: &Patient, credential: &Credential, now: DateTime<Utc>) -> Vec<Trouble> {
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
    let trouble = doubts.into_iter().map(|doubt| Trouble {
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

/// Keeps nothing: for accounts whose tokens need not be kept.
struct Forgetful;

#[async_trait]
impl TokenStore for Forgetful {
    async fn load(&self, _: &str) -> Result<StoredSignIn, StoreError> {
        Ok(StoredSignIn::default())
    }

    async fn save(&self, _: &str, _: StoredToken) -> Result<(), StoreError> {
        Err(StoreError("the ledger is not open".to_owned()))
    }

    async fn note_refreshed(&self, _: &str, _: DateTime<Utc>) -> Result<(), StoreError> {
        Ok(())
    }

    async fn note_refused(&self, _: &str, _: DateTime<Utc>, _: &str) -> Result<(), StoreError> {
        Ok(())
    }

    async fn lock(&self, _: &str) -> Result<Box<dyn Send>, StoreError> {
        Ok(Box::new(()))
    }
}
