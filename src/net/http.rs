//! HTTP clients: no redirects, no proxy from the environment, and no way into a private network unless allowed.

use std::{io, net::IpAddr, path::Path, sync::Arc, time::Duration};

use reqwest::{
    Client, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect::Policy,
};
use tokio::net::lookup_host;

use super::{Error, address::is_private, tls};

/// A client that trusts the system's roots and those of `ca_file`. Names that resolve to private addresses are refused
/// when the connection is made, unless `allow_private`; for a URL whose host is an address, ask [`is_private_literal`] first:
/// no resolver is asked about those.
///
/// Connecting ends after 10 s; the whole exchange is the caller's to bound.
///
/// # Errors
/// When the CA file is unusable.
pub fn client(ca_file: Option<&Path>, allow_private: bool) -> Result<Client, Error> {
    tls::install_provider();
    let tls = tls::config(ca_file)?;
    let builder = Client::builder()
        .tls_backend_preconfigured(tls.as_ref().clone())
        .redirect(Policy::none())
        .no_proxy()
        .http1_only()
        .tcp_nodelay(true)
        .connect_timeout(Duration::from_secs(10))
        .pool_idle_timeout(Duration::from_secs(30));
    let builder = if allow_private {
        builder
    } else {
        builder.dns_resolver(Arc::new(PublicOnly))
    };
    Ok(builder.build()?)
}

/// Whether a URL's host is an address, in any spelling that URLs allow (`0x7f.1`, `2130706433`), of a private network.
#[must_use]
pub fn is_private_literal(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    bare.parse::<IpAddr>().is_ok_and(is_private)
}

/// A name has private addresses only, and the operator did not allow those.
#[derive(Debug, thiserror::Error)]
#[error("{0} is in a private network; set allow_private_network = true if that is meant")]
pub struct PrivateNetwork(pub String);

/// Whether a request failed because of [`PrivateNetwork`].
#[must_use]
pub fn is_private_network(error: &reqwest::Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if error.is::<PrivateNetwork>() {
            return true;
        }
        cause = error.source();
    }
    false
}

struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<_> = lookup_host((name.as_str(), 0)).await?.collect();
            if found.is_empty() {
                return Err(io::Error::from(io::ErrorKind::NotFound).into());
            }
            let public: Vec<_> = found.into_iter().filter(|a| !is_private(a.ip())).collect();
            if public.is_empty() {
                return Err(PrivateNetwork(name.as_str().to_owned()).into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_in_urls_are_judged_in_every_spelling() {
        for url in [
            "http://127.0.0.1/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0/",
            "http://169.254.169.254/latest",
            "http://10.0.0.1:8080/",
        ] {
            assert!(is_private_literal(&Url::parse(url).unwrap()), "{url}");
        }
        for url in ["https://erp.example/", "https://1.1.1.1/", "https://[2606:4700::1111]/"] {
            assert!(!is_private_literal(&Url::parse(url).unwrap()), "{url}");
        }
    }

    #[tokio::test]
    async fn a_name_in_the_private_network_is_refused_at_connect() {
        let refused = client(None, false)
            .unwrap()
            .get("http://localhost:9/")
            .send()
            .await
            .unwrap_err();
        assert!(is_private_network(&refused), "{refused:?}");
        let allowed = client(None, true)
            .unwrap()
            .get("http://localhost:9/")
            .send()
            .await
            .unwrap_err();
        assert!(!is_private_network(&allowed), "{allowed:?}");
    }
}
