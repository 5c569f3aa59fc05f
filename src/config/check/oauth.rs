//! Where access tokens come from: presets of Microsoft 365 and Google, an issuer's metadata, or everything spelt out.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use reqwest::Url;

use super::{client::proof, provider::Preset, tenant::tenant};
use crate::config::{
    AuthorizationServer, Grant, OAuth, SendSecret,
    declare::{keys, never, usual},
    key::Allowed,
    kind::{OneOf, Roots},
    sheet::PlacedValue,
    table::Table,
    value::{one_or_more, secret, secret_line, text},
};

/// RFC 6749: section 6, section 4.4; RFC 7523 section 2.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config) enum Flow {
    Refresh,
    Client,
    Service,
}

/// How long Microsoft's refresh tokens live from their issue ("Refresh tokens in the Microsoft identity platform", 2025).
const MICROSOFT_LIFE: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// Reads the keys of OAuth, which stand in the account's own table but for the details in `oauth`.
pub(super) fn oauth(
    table: &mut Table<'_>,
    named: Option<Flow>,
    life: Option<Duration>,
    preset: Option<&Preset>,
) -> Option<OAuth> {
    let flow = flow(table, named, preset);
    let client_id = match flow {
        Some(Flow::Service) => Some(table.or("client_id", String::new(), text)),
        _ => table.must(
            "client_id",
            "write the id under which the application is registered",
            text,
        ),
    };
    // A provider that can't be read is a problem of its own; what it would have implied is not missed.
    let provided = preset.is_some() || table.value("provider").is_some() || flow == Some(Flow::Service);
    let details = match table.value("oauth") {
        Some(value) => value.table(|table| details(table, provided)),
        None if provided => Some((None, Details::default())),
        None => {
            let cure = "write oauth = { issuer = \"https://…\" } or { token_url = \"https://…\", scopes = [\"…\"] }, or provider = …";
            table.lacks_key("oauth", cure);
            None
        }
    };
    let send = details
        .as_ref()
        .map_or(SendSecret::default(), |(_, details)| details.send);
    let client = proof(table, send);
    let grant = flow.and_then(|flow| grant(table, flow, preset));
    let spelt_out = details.as_ref().is_some_and(|(server, _)| server.is_some());
    let tenant = tenant(table, flow == Some(Flow::Client), preset, spelt_out);
    let (server, details) = details?;
    let server = match (server, preset) {
        (Some(server), _) => server,
        (None, Some(preset)) => preset.token_server(&tenant?),
        (None, None) if flow == Some(Flow::Service) => Preset::Google.token_server(""),
        (None, None) => return None,
    };
    let microsoft = matches!(preset, Some(Preset::Microsoft { .. }));
    Some(OAuth {
        server,
        client_id: client_id?,
        client: client?,
        scopes: details.scopes,
        grant: grant?,
        ca_file: details.ca_file,
        refresh_life: life.or(microsoft.then_some(MICROSOFT_LIFE)),
    })
}

keys! {
    /// What stands in the table `oauth`.
    pub(in crate::config) struct Details: Default in "accounts.*.oauth" "" {
        _issuer("issuer"): Option<()> = Allowed::Text => |_| Some(()), never("\"https://login.example.com\""),
            "in place of the three addresses: they are asked from its metadata";
        _token_url("token_url"): Option<()> = Allowed::Text => |_| Some(()), never("\"https://login.example.com/token\""), "grants tokens";
        _authorize_url("authorize_url"): Option<()> = Allowed::Text => |_| Some(()), never("\"https://login.example.com/authorize\""),
            "where a person signs in with a browser";
        _device_url("device_url"): Option<()> = Allowed::Text => |_| Some(()), never("\"https://login.example.com/device\""),
            "where a device asks for its code";
        scopes: Option<Vec<String>> = Allowed::one_or_more(Allowed::Text) => one_or_more(text), never("[\"mail\"]"), "as the server knows them";
        send("client_auth"): SendSecret = OneOf(&[("body", SendSecret::Body), ("basic", SendSecret::Basic)]), usual(SendSecret::default()),
            "how the client's secret is sent: body or basic";
        ca_file: Option<PathBuf> = Roots, never("\"login-ca.pem\""), "further trusted roots for the token URL";
    }
}

fn details(table: &mut Table<'_>, provided: bool) -> Option<(Option<AuthorizationServer>, Details)> {
    let details = Details::read(table)?;
    Some((token_server(table, provided), details))
}

/// The authorization server: its issuer, or its addresses one by one.
fn token_server(table: &mut Table<'_>, provided: bool) -> Option<AuthorizationServer> {
    const CURE: &str = "write issuer = \"https://…\", or the URL that grants tokens, e.g. token_url = \"https://login.example.com/token\"";
    let issuer = table.value("issuer");
    let mut urls = ["token_url", "authorize_url", "device_url"].map(|key| (key, table.value(key)));
    if let Some(issuer) = issuer {
        if let Some((_, Some(spelt))) = urls.iter().find(|(_, value)| value.is_some()) {
            let cause = format!("stands beside `{}`", issuer.path);
            return spelt.wrong(cause, "keep the issuer, which names it, or spell all addresses out");
        }
        let issuer = address(issuer)?;
        return Some(AuthorizationServer::Discover { issuer });
    }
    let [token, authorize, device] = urls.each_mut().map(|(_, value)| value.take());
    let (authorize_url, device_url) = (authorize.clone().and_then(address), device.and_then(address));
    match token {
        Some(token) => Some(AuthorizationServer::Known {
            token_url: address(token)?,
            authorize_url,
            device_url,
        }),
        None if provided && authorize.is_none() => None,
        None => {
            table.lacks_key("token_url", CURE);
            None
        }
    }
}

/// The grant that is named, else the one that the other keys are enough for.
fn flow(table: &mut Table<'_>, named: Option<Flow>, preset: Option<&Preset>) -> Option<Flow> {
    if named.is_some() || table.value("grant").is_some() {
        return named;
    }
    if table.value("service_account").is_some() {
        return Some(Flow::Service);
    }
    let google = matches!(preset, Some(Preset::Google));
    let proofs = ["client_secret", "certificate", "federated_token"];
    let confidential = proofs.into_iter().any(|key| table.value(key).is_some());
    // Google's application can't act for itself: there a client with a secret acts for a person.
    if table.value("refresh_token").is_some() || google || !confidential {
        return Some(Flow::Refresh);
    }
    Some(Flow::Client)
}

fn grant(table: &mut Table<'_>, flow: Flow, preset: Option<&Preset>) -> Option<Grant> {
    let token = table.value("refresh_token");
    let key = table.value("service_account");
    match (flow, token, key) {
        (Flow::Refresh, token, None) => match token {
            Some(token) => secret_line(token).map(|token| Grant::RefreshToken(Some(token))),
            None => Some(Grant::RefreshToken(None)),
        },
        (Flow::Service, None, Some(key)) => secret(key).map(|key| Grant::ServiceAccount { key }),
        (Flow::Service, None, None) => {
            table.lacks_key("service_account", "write service_account = { file = \"key.json\" }");
            None
        }
        (Flow::Client | Flow::Service, Some(token), _) => token.wrong_secret(
            "has no use with this grant",
            "remove it, or write grant = \"refresh_token\"",
        ),
        (Flow::Refresh | Flow::Client, _, Some(key)) => key.wrong_secret(
            "has no use with this grant",
            "remove it, or write grant = \"service_account\"",
        ),
        (Flow::Client, None, None) if matches!(preset, Some(Preset::Google)) => {
            let cause = format!(
                "`{}` asks Google for client_credentials, which opens no mailbox there",
                table.path
            );
            table.lacks(
                cause,
                "write grant = \"refresh_token\", or service_account = { file = \"key.json\" }",
            );
            None
        }
        (Flow::Client, None, None) => {
            let proofs = ["client_secret", "certificate", "federated_token"];
            if proofs.into_iter().all(|key| table.value(key).is_none()) {
                table.lacks_key(
                    "client_secret",
                    "write client_secret = { file = \"…\" }, certificate or federated_token",
                );
                return None;
            }
            Some(Grant::ClientCredentials)
        }
    }
}

/// https, or http on loopback: what is sent there opens the mailbox.
fn address(value: PlacedValue<'_>) -> Option<String> {
    let text = text(value.clone())?;
    let Ok(url) = Url::parse(&text) else {
        return value.wrong("is no URL", "write it as https://…");
    };
    if !url.username().is_empty() || url.password().is_some() {
        let cure = "write client_id and client_secret, and client_auth = \"basic\" if that is meant";
        return value.wrong_secret("holds a user or password; this file may end up in a repository", cure);
    }
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let loopback = host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    match url.scheme() {
        "https" => Some(text),
        "http" if loopback => Some(text),
        "http" => value.wrong("is not encrypted", "write it with https://"),
        _ => value.wrong("is neither https nor http", "write it as https://…"),
    }
}
