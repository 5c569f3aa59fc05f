//! An authorization server's addresses: as configured, or from its metadata (RFC 8414, OpenID Connect Discovery 1.0).

use reqwest::Url;
use serde::Deserialize;

use super::{error::AuthError, exchange};
use crate::config::AuthorizationServer;

/// Where an authorization server is asked for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    /// Grants tokens.
    pub token: String,
    /// Where a person signs in with a browser.
    pub authorize: Option<String>,
    /// Where a device asks for its code (RFC 8628).
    pub device: Option<String>,
}

/// The part of RFC 8414 section 2 that counts.
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    token_endpoint: String,
    authorization_endpoint: Option<String>,
    device_authorization_endpoint: Option<String>,
}

/// Finds out the addresses.
pub(super) async fn addresses(http: &reqwest::Client, server: &AuthorizationServer) -> Result<Addresses, AuthError> {
    let issuer = match server {
        AuthorizationServer::Known {
            token_url,
            authorize_url,
            device_url,
        } => {
            return Ok(Addresses {
                token: token_url.clone(),
                authorize: authorize_url.clone(),
                device: device_url.clone(),
            });
        }
        AuthorizationServer::Discover { issuer } => issuer,
    };
    let mut last = AuthError::Url;
    for url in well_known(issuer) {
        match exchange::get(http, url).await {
            Ok(body) => return read(issuer, &body),
            // The other place may have it.
            Err(error @ AuthError::Answer(_)) => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

/// Where metadata may lie: RFC 8414 section 3.1 puts the well-known part before the issuer's path, OpenID Connect Discovery section 4
/// behind it.
fn well_known(issuer: &str) -> Vec<Url> {
    let Ok(base) = Url::parse(issuer) else {
        return Vec::new();
    };
    let path = base.path().trim_end_matches('/');
    let paths = [
        format!("/.well-known/oauth-authorization-server{path}"),
        format!("{path}/.well-known/openid-configuration"),
    ];
    let at = |path: String| {
        let mut url = base.clone();
        url.set_path(&path);
        url.set_query(None);
        url
    };
    paths.map(at).into_iter().collect()
}

fn read(issuer: &str, body: &[u8]) -> Result<Addresses, AuthError> {
    let metadata: Metadata =
        serde_json::from_slice(body).map_err(|_| AuthError::Answer("is not an authorization server's metadata"))?;
    if !is_issuer(issuer, &metadata.issuer) {
        return Err(AuthError::Answer("is the metadata of another issuer"));
    }
    let all = [
        Some(&metadata.token_endpoint),
        metadata.authorization_endpoint.as_ref(),
        metadata.device_authorization_endpoint.as_ref(),
    ];
    if !all.into_iter().flatten().all(|address| is_safe(address, issuer)) {
        return Err(AuthError::Answer("names an address that is not https"));
    }
    Ok(Addresses {
        token: metadata.token_endpoint,
        authorize: metadata.authorization_endpoint,
        device: metadata.device_authorization_endpoint,
    })
}

/// RFC 8414 section 3.3: they must be identical. Microsoft's for many tenants has a template in the tenant's place ("Access tokens in
/// the Microsoft identity platform", 2025).
fn is_issuer(asked: &str, told: &str) -> bool {
    let bare = |issuer: &str| issuer.trim_end_matches('/').to_owned();
    let template = told.contains("{tenantid}") && {
        let host = |issuer: &str| {
            Url::parse(issuer)
                .ok()
                .and_then(|url| url.host_str().map(str::to_owned))
        };
        host(asked) == host(&told.replace("{tenantid}", "common"))
    };
    bare(asked) == bare(told) || template
}

/// https, or http where the issuer itself is: that is loopback, as the configuration was checked.
fn is_safe(address: &str, issuer: &str) -> bool {
    let scheme = |text: &str| Url::parse(text).ok().map(|url| url.scheme().to_owned());
    match scheme(address).as_deref() {
        Some("https") => true,
        Some("http") => scheme(issuer).as_deref() == Some("http"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_lies_in_one_of_two_places() {
        for (issuer, places) in [
            (
                "https://login.example.com",
                [
                    "https://login.example.com/.well-known/oauth-authorization-server",
                    "https://login.example.com/.well-known/openid-configuration",
                ],
            ),
            (
                "https://login.example.com/tenant/v2.0/",
                [
                    "https://login.example.com/.well-known/oauth-authorization-server/tenant/v2.0",
                    "https://login.example.com/tenant/v2.0/.well-known/openid-configuration",
                ],
            ),
        ] {
            let found: Vec<_> = well_known(issuer).into_iter().map(String::from).collect();
            assert_eq!(found, places);
        }
    }

    #[test]
    fn metadata_of_another_issuer_or_without_tls_is_refused() {
        let body = |issuer: &str, token: &str| {
            format!(r#"{{"issuer":"{issuer}","token_endpoint":"{token}","other":1}}"#).into_bytes()
        };
        let ours = "https://login.example.com";
        let good = read(
            ours,
            &body("https://login.example.com/", "https://login.example.com/token"),
        );
        assert_eq!(good.unwrap().token, "https://login.example.com/token");
        for (issuer, token) in [
            ("https://evil.example.com", "https://login.example.com/token"),
            ("https://login.example.com", "http://login.example.com/token"),
            ("https://login.example.com", "token"),
            ("https://evil.example.com/{tenantid}", "https://evil.example.com/token"),
        ] {
            assert!(read(ours, &body(issuer, token)).is_err(), "{issuer} {token}");
        }
        assert!(read(ours, b"<html>").is_err());
        let template = "https://login.microsoftonline.com/{tenantid}/v2.0";
        assert!(is_issuer("https://login.microsoftonline.com/common/v2.0", template));
    }
}
