//! Looks whether an action could be run, and runs none: where a webhook is, whether we may go there, and whether a command's program is
//! there.

use std::{net::SocketAddr, path::PathBuf};

use reqwest::Url;

use super::action::webhook::signature::Signer;
use crate::{
    config::{self, HeaderValue, Server, Tls, startable},
    net::http::{PrivateNetwork, is_private_literal, public},
    secret::SecretRef,
};

/// Where a webhook is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// Its host and port.
    pub server: Server,
    /// Whether it speaks TLS.
    pub secure: bool,
}

/// Where a webhook is, when its URL leads anywhere where we may go.
///
/// # Errors
/// In plain words, when it does not.
pub fn destination(webhook: &config::Webhook) -> Result<Destination, String> {
    let url = Url::parse(&webhook.url).map_err(|error| format!("the URL is not usable: {error}"))?;
    let host = url.host_str().ok_or("the URL has no host")?;
    if !webhook.allow_private_network && is_private_literal(&url) {
        return Err(PrivateNetwork(host.to_owned()).to_string());
    }
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    Ok(Destination {
        server: Server {
            host: bare.to_owned(),
            port: url.port_or_known_default().ok_or("the URL has no port")?,
            tls: Tls::Implicit,
        },
        secure: url.scheme() == "https",
    })
}

/// Those of a webhook's addresses to which we may go.
///
/// # Errors
/// When there is none.
pub fn allowed(
    webhook: &config::Webhook,
    host: &str,
    found: Vec<SocketAddr>,
) -> Result<Vec<SocketAddr>, PrivateNetwork> {
    if webhook.allow_private_network {
        Ok(found)
    } else {
        public(host, found)
    }
}

/// Whether a webhook's secrets are there and fit to sign with. Blocks.
///
/// # Errors
/// In plain words, when one is not; never with the secret.
pub fn secrets(webhook: &config::Webhook) -> Result<(), String> {
    let keys: Result<Vec<_>, _> = webhook.secrets.iter().map(SecretRef::read).collect();
    let keys = keys.map_err(|error| error.to_string())?;
    Signer::new(&keys, "0", 0).map_err(|error| error.to_string())?;
    of_headers(&webhook.headers)
}

/// A command's program, when it could be started, and the secrets of its environment are there. Blocks.
///
/// # Errors
/// What keeps it from that, and what to do.
pub fn program(command: &config::Command) -> Result<PathBuf, (String, String)> {
    let path = startable::looked_at(command)?;
    let cure = || "check command.env: its secrets have to be where the configuration points".to_owned();
    of_headers(&command.env).map_err(|what| (what, cure()))?;
    Ok(path)
}

fn of_headers(values: &[(String, HeaderValue)]) -> Result<(), String> {
    for (_, value) in values {
        if let HeaderValue::Secret(secret) = value {
            secret.read().map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn webhook(url: &str, allow_private_network: bool) -> config::Webhook {
        config::Webhook {
            allow_private_network,
            ..config::Webhook::new(url.into())
        }
    }

    #[test]
    fn destinations() {
        for (url, host, port, secure) in [
            ("https://erp.example/hook?key=1", "erp.example", 443, true),
            ("http://erp.example:8080/", "erp.example", 8080, false),
            ("https://[2606:4700::1111]/", "2606:4700::1111", 443, true),
        ] {
            let found = destination(&webhook(url, false)).unwrap();
            assert_eq!(
                (&*found.server.host, found.server.port, found.secure),
                (host, port, secure)
            );
        }
        for url in ["http://127.0.0.1/", "http://[::1]:8080/", "http://2130706433/"] {
            assert!(
                destination(&webhook(url, false))
                    .unwrap_err()
                    .contains("allow_private_network")
            );
            assert!(destination(&webhook(url, true)).is_ok());
        }
        assert!(destination(&webhook("hook", false)).is_err());
    }

    #[test]
    fn private_addresses_need_the_operator_s_word() {
        let found: Vec<SocketAddr> = ["10.0.0.1:443", "1.1.1.1:443"].map(|a| a.parse().unwrap()).to_vec();
        let strict = webhook("https://erp.example/", false);
        assert_eq!(allowed(&strict, "erp.example", found.clone()).unwrap(), found[1..]);
        assert!(allowed(&strict, "erp.example", found[..1].to_vec()).is_err());
        let lax = webhook("https://erp.example/", true);
        assert_eq!(allowed(&lax, "erp.example", found.clone()).unwrap(), found);
    }

    #[test]
    fn secrets_are_looked_at() {
        let mut hook = webhook("https://erp.example/", false);
        secrets(&hook).unwrap();
        hook.secrets = vec![SecretRef::Env("MAILJOB_NO_SUCH_VARIABLE".into())];
        assert!(secrets(&hook).unwrap_err().contains("MAILJOB_NO_SUCH_VARIABLE"));
        hook.secrets = vec![];
        let missing = HeaderValue::Secret(SecretRef::Env("MAILJOB_NO_SUCH_VARIABLE".into()));
        hook.headers = vec![("authorization".into(), missing)];
        assert!(secrets(&hook).is_err());
    }

    #[test]
    fn programs() {
        let command = |program: &str| config::Command::new(vec![program.into()]);
        assert!(program(&command("true")).unwrap().is_absolute());
        assert!(program(&command("/bin/true")).is_ok());
        for wrong in ["no-such-program", "/no/such/program", "/etc/passwd", "/"] {
            assert!(program(&command(wrong)).is_err(), "{wrong}");
        }
    }
}
