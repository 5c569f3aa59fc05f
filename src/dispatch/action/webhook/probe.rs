//! Whether a webhook could be asked. None is.

use reqwest::Url;

use super::{
    super::{Destination, ProbeReport, Unfit, secrets_of},
    signature::Signer,
};
use crate::{
    config,
    net::http::{PrivateNetwork, is_private_literal},
    secret::SecretRef,
};

/// Where it is, and whether its secrets are there. Blocks.
///
/// # Errors
/// What keeps it from being asked.
pub(super) fn probe(webhook: &config::Webhook) -> Result<ProbeReport, Unfit> {
    let wrong = |what| Unfit {
        what,
        cure: "check webhook.url, and that its secrets are where the configuration points".to_owned(),
    };
    let destination = destination(webhook).map_err(wrong)?;
    secrets(webhook).map_err(wrong)?;
    let Destination { host, port, .. } = &destination;
    Ok(ProbeReport {
        told: format!("a webhook on {host}:{port}; no request is sent"),
        destination: Some(destination),
    })
}

/// Where a webhook is, when its URL leads anywhere where we may go.
///
/// # Errors
/// In plain words, when it does not.
pub(super) fn destination(webhook: &config::Webhook) -> Result<Destination, String> {
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
        host: bare.to_owned(),
        port: url.port_or_known_default().ok_or("the URL has no port")?,
        is_secure: url.scheme() == "https",
    })
}

/// Whether a webhook's secrets are there and fit to sign with. Blocks.
///
/// # Errors
/// In plain words, when one is not; never with the secret.
fn secrets(webhook: &config::Webhook) -> Result<(), String> {
    let keys: Result<Vec<_>, _> = webhook.secrets.iter().map(SecretRef::read).collect();
    let keys = keys.map_err(|error| error.to_string())?;
    Signer::new(&keys, "0", 0).map_err(|error| error.to_string())?;
    secrets_of(&webhook.headers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::HeaderValue;

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
            assert_eq!((&*found.host, found.port, found.is_secure), (host, port, secure));
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
}
