//! `mailjob auth login ACCOUNT`: a person signs in, once; then it is tried what that opens.

use std::{env, process::ExitCode, sync::Arc};

use crate::{
    app,
    auth::{self, Login, Staged, TokenStore as _},
    config::{
        Account, Protocol,
        load::{Loaded, Sources},
        uses as used,
    },
    doctor::{DoctorReport, Stage, StepOutcome, render, trial},
    net,
};

use super::{
    super::{
        beside,
        whereabouts::{self, NO_LEDGER},
    },
    browser, device,
    fault::LoginError,
};

/// How to sign in.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(crate) struct LoginArgs {
    /// Sign in with a code that is typed in on another device.
    #[arg(long, conflicts_with = "paste")]
    device: bool,
    /// Sign in with a browser anywhere, and paste the address on which it ends.
    #[arg(long)]
    paste: bool,
    /// The port to which the browser comes back; any free one when nothing is given.
    #[arg(long, default_value_t = 0, value_name = "PORT", conflicts_with_all = ["device", "paste"])]
    port: u16,
    /// Open no browser, only print the address.
    #[arg(long, conflicts_with_all = ["device", "paste"])]
    no_browser: bool,
    /// Ask for reading and sending, whatever the endpoints use: for `mailjob send` and `mailjob receive`.
    #[arg(long)]
    both: bool,
}

/// Signs in, then tries what that opens. The exit code is 0, 78 when the configuration is wrong, or 1.
pub(crate) async fn login(sources: &Sources, name: &str, how: LoginArgs) -> ExitCode {
    match sign_in(sources, name, how).await {
        Ok(tried) if tried.is_well() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(fault) => {
            eprintln!("{fault}");
            match fault {
                LoginError::Unknown { .. } => ExitCode::from(78),
                LoginError::NoLedger(_) => ExitCode::from(NO_LEDGER),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

async fn sign_in(sources: &Sources, name: &str, how: LoginArgs) -> Result<DoctorReport, LoginError> {
    let (loaded, service) = beside::read(sources.clone()).await;
    let Some(account) = loaded.accounts.get(name).cloned() else {
        let lost = whereabouts::lost(sources, &service).await;
        return Err(lost.map_or_else(|| unknown(&loaded, name), LoginError::NoLedger));
    };
    if let Some(words) = whereabouts::lacking(&service).await {
        return Err(LoginError::NoLedger(words));
    }
    let vault = Arc::new(app::sign_ins(&service).await?);
    let http = net::http::client(account.auth.ca_file())?;
    let uses = uses(
        &account,
        used(
            loaded.endpoints.values().chain(loaded.standing.values()),
            &account.sign_in,
        ),
        how.both,
    );
    // What is stored of an older sign-in may be unreadable, and then is none that is good.
    let before = vault.load(&account.sign_in).await.unwrap_or_default();
    let had_good = before.token.is_some() && before.refused.is_none();
    let staged = Arc::new(Staged::over(vault));
    let login = Login::new(account.clone(), &uses, staged.clone(), http);

    if account.auth.is_person() {
        by_person(&login, &account, how).await?;
        println!("Signed in to \"{}\". Now its servers are tried:\n", account.sign_in);
    } else {
        println!("\"{name}\" needs no interactive sign-in. Its servers are tried:\n");
    }
    let tried = trial(&account, &uses, &login, staged.clone()).await;
    print!("{}{}", render::lines(&tried.findings), render::cures(&tried));
    if had_good && let_nobody_in(&tried) {
        eprintln!(
            "\nThis sign-in is not kept: no server takes it, and the one before is good and goes on. Whoever signs in must be {}, or may open \
             that mailbox. To replace it all the same: mailjob auth logout {name}, then sign in again.",
            account.user
        );
    } else {
        staged.keep(&account.sign_in).await.map_err(auth::AuthError::from)?;
    }
    Ok(tried)
}

/// Whether servers looked at the sign-in, and none took it: most likely it is another person's. A server that can't be reached says nothing.
fn let_nobody_in(tried: &DoctorReport) -> bool {
    let looked = || tried.findings.iter().filter(|finding| finding.stage == Stage::SignIn);
    looked().any(|finding| matches!(finding.outcome, StepOutcome::Failed(_)))
        && !looked().any(|finding| matches!(finding.outcome, StepOutcome::Passed(_)))
}

async fn by_person(login: &Login, account: &Account, how: LoginArgs) -> Result<(), LoginError> {
    if how.paste {
        return browser::elsewhere(login, account.provider).await;
    }
    let has_browser = has_browser();
    let codes = how.device || !(has_browser || how.no_browser || how.port != 0);
    if how.device || (codes && login.addresses().await?.device.is_some()) {
        return device::sign_in(login).await;
    }
    browser::here(login, how.port, has_browser && !how.no_browser).await
}

/// Whether this machine has a screen to show a browser on.
fn has_browser() -> bool {
    let screens = ["DISPLAY", "WAYLAND_DISPLAY"];
    cfg!(target_os = "macos")
        || screens
            .into_iter()
            .any(|name| env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// What the sign-in is for: what the endpoints use it for; while none does, or where both are asked for, reading by IMAP and sending.
fn uses(account: &Account, used: Vec<Protocol>, both: bool) -> Vec<Protocol> {
    if !used.is_empty() && !both {
        return used;
    }
    let usual = match account.imap {
        Some(_) => [Protocol::Imap, Protocol::Smtp],
        None => [Protocol::Pop3, Protocol::Smtp],
    };
    let usual = usual.into_iter().filter(|protocol| account.server(*protocol).is_some());
    let mut uses: Vec<_> = used.into_iter().chain(usual).collect();
    uses.sort_unstable();
    uses.dedup();
    uses
}

fn unknown(loaded: &Loaded, name: &str) -> LoginError {
    LoginError::Unknown {
        name: name.to_owned(),
        known: beside::known_accounts(loaded, name),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::doctor::{Finding, Issue, Subject, SubjectKind};

    #[test]
    fn a_sign_in_is_dropped_only_where_servers_looked_and_none_took_it() {
        let trouble = || Issue {
            what: "no".into(),
            cure: "none".into(),
        };
        let (passed, failed) = (|| StepOutcome::Passed(String::new()), || StepOutcome::Failed(trouble()));
        let (warned, skipped) = (|| StepOutcome::Warned(trouble()), || StepOutcome::Skipped("no".into()));
        for (findings, nobody) in [
            (vec![(Stage::SignIn, failed()), (Stage::SignIn, failed())], true),
            // SMTP AUTH is often off for a mailbox that is read.
            (vec![(Stage::SignIn, passed()), (Stage::SignIn, failed())], false),
            (vec![(Stage::Tcp, failed()), (Stage::SignIn, skipped())], false),
            (vec![(Stage::SignIn, failed()), (Stage::SignIn, skipped())], true),
            // What no endpoint uses is only said.
            (vec![(Stage::SignIn, failed()), (Stage::SignIn, warned())], true),
            (vec![(Stage::SignIn, passed()), (Stage::Mailbox, failed())], false),
            (vec![], false),
        ] {
            let findings = findings.into_iter().map(|(stage, outcome)| Finding {
                subject: Subject {
                    kind: SubjectKind::Account,
                    name: "a".into(),
                    part: None,
                },
                stage,
                outcome,
                took: Duration::ZERO,
            });
            let tried = DoctorReport {
                findings: findings.collect(),
            };
            assert_eq!(let_nobody_in(&tried), nobody, "{:?}", tried.findings);
        }
    }
}
