//! `mailjob auth login ACCOUNT`: a person signs in, once; then it is tried what that opens.

use std::{env, process::ExitCode, sync::Arc};

use crate::{
    app,
    auth::Login,
    config::{
        Account, Protocol,
        load::{Loaded, Sources},
        uses as used,
    },
    doctor::{Report, render, trial},
    net,
};

use super::{super::beside, browser, device, fault::Fault};

/// How to sign in.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(crate) struct How {
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
pub(crate) async fn login(sources: &Sources, name: &str, how: How) -> ExitCode {
    match sign_in(sources, name, how).await {
        Ok(tried) if tried.is_well() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(fault) => {
            eprintln!("{fault}");
            match fault {
                Fault::Unknown { .. } => ExitCode::from(78),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

async fn sign_in(sources: &Sources, name: &str, how: How) -> Result<Report, Fault> {
    let (loaded, service) = beside::read(sources.clone()).await;
    let account = loaded
        .accounts
        .get(name)
        .cloned()
        .ok_or_else(|| unknown(&loaded, name))?;
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
    let login = Login::new(account.clone(), &uses, vault.clone(), http);

    if account.auth.is_person() {
        by_person(&login, &account, how).await?;
        println!("Signed in to \"{}\". Now its servers are tried:\n", account.sign_in);
    } else {
        println!("\"{name}\" signs in by itself, nobody has to sign in to it. Its servers are tried:\n");
    }
    let tried = trial(&account, &uses, &login, vault).await;
    print!("{}{}", render::lines(&tried.findings), render::cures(&tried));
    Ok(tried)
}

async fn by_person(login: &Login, account: &Account, how: How) -> Result<(), Fault> {
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

fn unknown(loaded: &Loaded, name: &str) -> Fault {
    Fault::Unknown {
        name: name.to_owned(),
        known: beside::known_accounts(loaded, name),
    }
}
