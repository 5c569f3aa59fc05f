//! `mailjob auth status`: reads the configuration, the ledger by its side door, and the files that tell an end; the key only beside a
//! `mailjob.toml` that can't be used, whose last good version is sealed with it.

mod row;
mod table;

use std::{collections::BTreeMap, io::Write as _, process::ExitCode, sync::Arc};

use chrono::Utc;

use self::row::AuthStatusRow;
use super::super::{beside, desk::failed, print, whereabouts};
use crate::{
    auth::{
        facts,
        forecast::{AccountFacts, SignInInfo, forecast},
        judged_as,
    },
    config::{Account, Protocol, load::Sources},
    ledger::{self, Address, Error},
};

/// Exit codes: 0 well, 1 somebody should act, 74 (`EX_IOERR`), 78 (`EX_CONFIG`).
pub(super) async fn status(sources: Sources, only: Option<&str>, json: bool) -> ExitCode {
    let (loaded, service) = beside::read(sources.clone()).await;
    let mut accounts = loaded.sign_ins();
    if only.map_or(accounts.is_empty(), |only| !accounts.contains_key(only))
        && let Some(words) = whereabouts::lost(&sources, &service).await
    {
        eprintln!("{words}");
        return ExitCode::from(whereabouts::NO_LEDGER);
    }
    if let Some(only) = only {
        if !accounts.contains_key(only) {
            let known: Vec<_> = accounts.keys().map(String::as_str).collect();
            let broken = if loaded.problems.is_empty() {
                ""
            } else {
                "; mailjob check shows the problems of others"
            };
            eprintln!("there is no account \"{only}\"; known: {}{broken}", known.join(", "));
            return ExitCode::from(78);
        }
        accounts.retain(|name, _| name == only);
    }
    if !loaded.problems.is_empty() {
        eprintln!("the configuration has problems: what can't be used is not shown; see mailjob check");
    }
    if let Err(code) = whereabouts::there(&service).await {
        return code;
    }
    let known = match known(&service.ledger).await {
        Ok(known) => known,
        Err(error) => return failed(&error),
    };
    let rows = rows(&accounts, &loaded.used(), &known);
    let text = if json { table::json(&rows) } else { table::people(&rows) };
    match print::stdout().write_all(text.as_bytes()) {
        Ok(()) if rows.iter().any(|row| row.urgent) => ExitCode::from(1),
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => print::untold(&error),
    }
}

/// What the ledger knows.
async fn known(at: &Address) -> Result<BTreeMap<String, SignInInfo>, Error> {
    let rows = ledger::beside(at).await?.sign_ins().sign_ins().await?;
    Ok(rows.into_iter().map(|(name, row)| (name, row.known())).collect())
}

fn rows(
    accounts: &BTreeMap<String, Arc<Account>>,
    used: &[(&Arc<Account>, Protocol)],
    known: &BTreeMap<String, SignInInfo>,
) -> Vec<AuthStatusRow> {
    let now = Utc::now();
    let each = accounts.iter().map(|(name, account)| {
        let facts = facts::read(account).unwrap_or_else(|error| {
            eprintln!("{name}: {error}");
            AccountFacts::default()
        });
        let judged = used.iter().filter(|(user, _)| user.sign_in == *name);
        let refused = judged.filter_map(|(user, protocol)| known.get(&judged_as(user, *protocol))?.refused.as_ref());
        let known = known.get(name).cloned().unwrap_or_default();
        // Those that share a server share what it says.
        let refused = refused.min_by_key(|refused| refused.since);
        AuthStatusRow::new(name, account, &forecast(account, &known, &facts, now), refused)
    });
    each.collect()
}
