//! Where the ledger is, for every command but `run`: none of them makes one. In a wrong folder they say so, and which Mailjob runs on this
//! machine and with which ledger.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::Path,
    process::ExitCode,
    time::Duration,
};

use crate::{
    config::{Service, load::Sources},
    http::api::ApiProblem,
    ledger::Address,
    message::clean::escaped,
    net,
};

/// `EX_NOINPUT` of sysexits: there is no such ledger.
pub(super) const NO_LEDGER: u8 = 66;

/// What to do in a wrong folder.
const NAME: &str = "name its mailjob.toml by --config (or MAILJOB_CONFIG), or go to the folder where that is";

/// How long a Mailjob of this machine may take to say who it is.
const PATIENCE: Duration = Duration::from_secs(3);
/// The longest answer that is read.
const LONGEST: u64 = 64 << 10;

/// Goes on where there is a ledger; else says where one is.
///
/// # Errors
/// The exit code, when there is none.
pub(super) async fn there(service: &Service) -> Result<(), ExitCode> {
    match lacking(service).await {
        None => Ok(()),
        Some(words) => {
            eprintln!("{words}");
            Err(ExitCode::from(NO_LEDGER))
        }
    }
}

/// That there is no ledger, and what to do; nothing where there is one.
pub(super) async fn lacking(service: &Service) -> Option<String> {
    match service.ledger.try_exists() {
        // A file that can't be looked at is told when it is opened.
        Ok(true) | Err(_) => None,
        Ok(false) => Some(words(&service.ledger, running(service).await.as_deref())),
    }
}

/// That this is not the folder where an account would be looked for: there is no `mailjob.toml`. What to do, and which Mailjob runs here.
pub(super) async fn lost(sources: &Sources, service: &Service) -> Option<String> {
    if sources.config.is_some() {
        return None;
    }
    let here = std::path::absolute(".").unwrap_or_default();
    Some(nowhere(
        &here,
        sources.endpoints.is_dir(),
        running(service).await.as_deref(),
    ))
}

/// The same in words. Pure.
fn nowhere(here: &Path, has_endpoints: bool, running: Option<&str>) -> String {
    let here = escaped(&here.display().to_string());
    let endpoints = match has_endpoints {
        true => "",
        false => " and no folder of endpoints",
    };
    let running = match running {
        Some(ledger) => format!(
            " The Mailjob that runs on this machine has the ledger {}.",
            escaped(ledger)
        ),
        None => String::new(),
    };
    format!("there is no mailjob.toml{endpoints} in {here}.{running} Where yours are elsewhere, {NAME}")
}

/// That there is no ledger and a Mailjob runs with another one, in words.
pub(super) async fn elsewhere(service: &Service) -> Option<String> {
    if !matches!(service.ledger.try_exists(), Ok(false)) {
        return None;
    }
    let running = running(service).await?;
    Some(words(&service.ledger, Some(&running)))
}

/// That there is no ledger, and that another's process answers where one of ours would. Pure.
pub(super) fn others(ledger: &Address, address: SocketAddr, users: &[u32]) -> String {
    let ledger = escaped(&ledger.absolute().to_string());
    let whose = match users {
        [] => String::new(),
        [user, ..] => format!(" of user {user}"),
    };
    format!(
        "there is no ledger at {ledger}. At {address} a Mailjob{whose} answers that has another one: {NAME}; where that user isn't you, ask as that user"
    )
}

/// Where a process of this machine is asked that listens there: at every address means at this machine's own too.
pub(super) fn here(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// The ledger of the Mailjob that answers at the health address of these settings, where one does.
async fn running(service: &Service) -> Option<String> {
    let address = here(service.health?);
    let asked = async {
        let http = net::http::client(None).ok()?;
        // Without a token: who listens there need not be ours.
        let mut answer = http.get(format!("http://{address}/status")).send().await.ok()?;
        let body = net::http::body(&mut answer, LONGEST).await.ok()??;
        serde_json::from_slice::<ApiProblem>(&body)
            .ok()?
            .ledger
            .map(|ledger| ledger.0)
    };
    tokio::time::timeout(PATIENCE, asked).await.ok()?
}

/// The same in words. Pure.
fn words(ledger: &Address, running: Option<&str>) -> String {
    let ledger = escaped(&ledger.absolute().to_string());
    let name = NAME;
    match running {
        Some(other) if escaped(other) == ledger => {
            format!(
                "there is no ledger at {ledger} any more, and a Mailjob runs that had it: look at its log, and start it again"
            )
        }
        Some(other) => format!(
            "there is no ledger at {ledger}. The Mailjob that runs on this machine has {}: {name}",
            escaped(other)
        ),
        None => format!("there is no ledger at {ledger}: `mailjob run` makes it. Where yours is elsewhere, {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_lost_is_shown_the_way() {
        let at = &Address::file("/here/mailjob.db");
        let none = words(at, None);
        assert!(
            none.starts_with("there is no ledger at /here/mailjob.db: `mailjob run` makes it"),
            "{none}"
        );
        let other = words(at, Some("/there/m\u{1b}.db"));
        assert!(
            other.contains("has /there/m\\u{1b}.db: name its mailjob.toml"),
            "{other}"
        );
        assert!(words(at, Some("/here/mailjob.db")).contains("any more"));
        let another = others(at, "127.0.0.1:8025".parse().unwrap(), &[1000]);
        assert!(
            another.starts_with(
                "there is no ledger at /here/mailjob.db. At 127.0.0.1:8025 a Mailjob of user 1000 answers"
            ),
            "{another}"
        );
        for (has_endpoints, running, said) in [
            (
                false,
                None,
                "there is no mailjob.toml and no folder of endpoints in /here. Where yours are elsewhere, name its",
            ),
            (true, None, "there is no mailjob.toml in /here. Where"),
            (
                true,
                Some("/there/m.db"),
                "in /here. The Mailjob that runs on this machine has the ledger /there/m.db. Where",
            ),
        ] {
            let text = nowhere(Path::new("/here"), has_endpoints, running);
            assert!(text.contains(said), "{text}");
        }
    }

    #[test]
    fn a_process_that_listens_everywhere_is_asked_here() {
        for (listens, asked) in [
            ("0.0.0.0:8025", "127.0.0.1:8025"),
            ("[::]:8025", "[::1]:8025"),
            ("127.0.0.1:1", "127.0.0.1:1"),
            ("10.1.2.3:8025", "10.1.2.3:8025"),
        ] {
            assert_eq!(here(listens.parse().unwrap()).to_string(), asked);
        }
    }
}
