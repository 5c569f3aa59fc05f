//! `mailjob auth logout ACCOUNT`: forgets a person's sign-in. The token server is not told: only its own pages end the sign-in there.

use std::process::ExitCode;

use super::super::{beside, whereabouts};
use crate::{
    config::{Auth, Grant, load::Sources},
    ledger::{self, Address, Error},
};

/// Exit codes: 0 nobody is signed in any more, 1 the account has no sign-in to forget, 66 (`EX_NOINPUT`) no ledger, 74 (`EX_IOERR`), 78
/// (`EX_CONFIG`) no such account.
pub(super) async fn logout(sources: Sources, name: &str) -> ExitCode {
    let (loaded, service) = beside::read(sources).await;
    let account = loaded.sign_ins().get(name).cloned();
    if let Err(code) = whereabouts::there(&service).await {
        return code;
    }
    let forgotten = match forget(&service.ledger, name).await {
        Ok(forgotten) => forgotten,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(74);
        }
    };
    if forgotten {
        println!(
            "The sign-in of \"{name}\" is forgotten here. A running Mailjob notices within seconds; sessions that are open last until they end. \
             To end it at the provider too, revoke it there (the user's account page, or its administrator)."
        );
    }
    let configured = |account: &crate::config::Account| match &account.auth {
        Auth::OAuth(oauth) => match &oauth.grant {
            Grant::RefreshToken(configured) => Some(configured.is_some()),
            Grant::ClientCredentials | Grant::ServiceAccount { .. } => None,
        },
        Auth::None | Auth::Password(_) | Auth::Token(_) => None,
    };
    match (account.as_deref().map(configured), forgotten) {
        (Some(Some(true)), _) => {
            println!("Its configuration has a refresh_token, with which it signs in again: remove that too.");
            ExitCode::SUCCESS
        }
        (_, true) => ExitCode::SUCCESS,
        (Some(Some(false)), false) => {
            println!("Nobody is signed in to \"{name}\".");
            ExitCode::SUCCESS
        }
        (Some(None), false) => {
            eprintln!("\"{name}\" signs in by itself, there is no sign-in to forget: remove or replace its secret");
            ExitCode::FAILURE
        }
        (None, false) => {
            let known: Vec<_> = loaded.sign_ins().into_keys().collect();
            eprintln!("there is no account \"{name}\"; known: {}", known.join(", "));
            ExitCode::from(78)
        }
    }
}

/// Whether there was one. Whoever refreshes it just now has done so first.
async fn forget(at: &Address, name: &str) -> Result<bool, Error> {
    let table = ledger::beside(at).await?.sign_ins();
    let turn = table.lock_sign_in(name).await?;
    let forgotten = table.forget_sign_in(name).await;
    drop(turn);
    forgotten
}
