//! Where access tokens come from: presets of Microsoft 365 and Google, an issuer's metadata, or everything spelt out.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use reqwest::Url;

use super::{provider::Preset, sign_in::SignInKeys};
use crate::config::{
    AuthorizationServer, Grant, OAuth, SendSecret,
    declare::{keys, never, usual},
    key::Allowed,
    kind::{OneOf, Roots},
    rule::Rule,
    sheet::PlacedValue,
    table::Table,
    value::{one_or_more, text},
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

/// Tenants that stand for many. Client credentials need one tenant (Microsoft, "OAuth 2.0 client credentials flow").
const MANY_TENANTS: [&str; 3] = ["common", "organizations", "consumers"];

/// What makes a client more than a public one.
const PROOFS: [&str; 3] = ["client_secret", "certificate", "federated_token"];

keys! {
    /// What stands in the table `oauth`.
    #[derive(Debug, Clone)]
    pub(in crate::config) struct Details: Default in "accounts.*.oauth" "" {
        issuer: Option<String> = Allowed::Text => address, never("\"https://login.example.com\""),
            "in place of all three addresses: they are asked from its metadata";
        token_url: Option<String> = Allowed::Text => address, never("\"https://login.example.com/token\""), "grants tokens";
        authorize_url: Option<String> = Allowed::Text => address, never("\"https://login.example.com/authorize\""),
            "where a person signs in with a browser";
        device_url: Option<String> = Allowed::Text => address, never("\"https://login.example.com/device\""),
            "where a device asks for its code";
        scopes: Option<Vec<String>> = Allowed::one_or_more(Allowed::Text) => one_or_more(text), never("[\"mail\"]"), "as the server knows them";
        send("client_auth"): SendSecret = OneOf(&[("body", SendSecret::Body), ("basic", SendSecret::Basic)]), usual(SendSecret::default()),
            "how the client's secret is sent: body or basic";
        ca_file: Option<PathBuf> = Roots, never("\"login-ca.pem\""), "further trusted roots for the token URL";
    }
    rules &[Rule::OneWay(
        &[&["token_url", "authorize_url", "device_url"], &["issuer"]], "", "keep the issuer, which names it, or spell all addresses out",
    )]
}

/// What the keys of OAuth come to.
pub(super) fn oauth(table: &mut Table<'_>, said: SignInKeys, preset: Option<&Preset>) -> Option<OAuth> {
    let flow = flow(table, said.grant, preset);
    if flow != Some(Flow::Service) && !table.has("client_id") {
        let cure = "write the id under which the application is registered";
        table.lacks_key("client_id", cure);
    }
    // A provider that can't be read is a problem of its own; what it would have implied is not missed.
    let provided = preset.is_some() || table.has("provider") || flow == Some(Flow::Service);
    if !provided && !table.has("oauth") {
        let cure = "write oauth = { issuer = \"https://…\" } or { token_url = \"https://…\", scopes = [\"…\"] }, or provider = …";
        table.lacks_key("oauth", cure);
    }
    let inner = table.value("oauth").and_then(|value| value.read_table());
    let server = inner.and_then(|inner| token_server(&inner, &said, provided));
    let grant = flow.and_then(|flow| grant(table, &said, flow, preset));
    let tenant = tenant(table, &said, flow == Some(Flow::Client), preset, server.is_some());
    let server = match (server, preset) {
        (Some(server), _) => server,
        (None, Some(preset)) => preset.token_server(&tenant?),
        (None, None) if flow == Some(Flow::Service) => Preset::Google.token_server(""),
        (None, None) => return None,
    };
    let life = matches!(preset, Some(Preset::Microsoft { .. })).then_some(MICROSOFT_LIFE);
    let send = said.details.as_ref().map(|details| details.send);
    let client = said.proof(send.unwrap_or_default());
    let details = said.details.unwrap_or_default();
    Some(OAuth {
        server,
        client_id: said.client_id.unwrap_or_default(),
        client,
        scopes: details.scopes,
        grant: grant?,
        ca_file: details.ca_file,
        refresh_life: said.refresh_life.or(life),
    })
}

/// The authorization server: its issuer, or its addresses one by one. `provided` says whether there is one without.
fn token_server(table: &Table<'_>, said: &SignInKeys, provided: bool) -> Option<AuthorizationServer> {
    const CURE: &str = "write issuer = \"https://…\", or the URL that grants tokens, e.g. token_url = \"https://login.example.com/token\"";
    let is_named = table.has("issuer") || table.has("token_url");
    let details = said.details.clone()?;
    if !is_named && !(provided && !table.has("authorize_url")) {
        table.lacks_key("token_url", CURE);
    }
    match (details.issuer, details.token_url) {
        (Some(issuer), _) => Some(AuthorizationServer::Discover { issuer }),
        (None, Some(token_url)) => Some(AuthorizationServer::Known {
            token_url,
            authorize_url: details.authorize_url,
            device_url: details.device_url,
        }),
        (None, None) => None,
    }
}

/// The grant that is named, else the one that the other keys are enough for.
fn flow(table: &Table<'_>, named: Option<Flow>, preset: Option<&Preset>) -> Option<Flow> {
    if named.is_some() || table.has("grant") {
        return named;
    }
    if table.has("service_account") {
        return Some(Flow::Service);
    }
    let google = matches!(preset, Some(Preset::Google));
    let confidential = PROOFS.into_iter().any(|key| table.has(key));
    // Google's application can't act for itself: there a client with a secret acts for a person.
    if table.has("refresh_token") || google || !confidential {
        return Some(Flow::Refresh);
    }
    Some(Flow::Client)
}

fn grant(table: &mut Table<'_>, said: &SignInKeys, flow: Flow, preset: Option<&Preset>) -> Option<Grant> {
    let (token, key) = (said.refresh_token.clone(), said.service_account.clone());
    match (flow, table.value("refresh_token"), table.value("service_account")) {
        (Flow::Refresh, _, None) => Some(Grant::RefreshToken(token)),
        (Flow::Service, None, Some(_)) => key.map(|key| Grant::ServiceAccount { key }),
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
            if PROOFS.into_iter().all(|key| !table.has(key)) {
                let cure = "write client_secret = { file = \"…\" }, certificate or federated_token";
                table.lacks_key("client_secret", cure);
            }
            Some(Grant::ClientCredentials)
        }
    }
}

/// The tenant of Microsoft's addresses, `one` where it can't stand for many; nothing when it is wrong or of no use.
fn tenant(
    table: &mut Table<'_>,
    said: &SignInKeys,
    one: bool,
    preset: Option<&Preset>,
    has_url: bool,
) -> Option<String> {
    let microsoft = matches!(preset, Some(Preset::Microsoft { .. }));
    match table.value("tenant") {
        Some(tenant) if has_url => tenant.wrong("has no use beside the addresses in oauth", "remove one of the two"),
        Some(value) if microsoft => {
            let tenant = said.tenant.clone()?;
            if one && MANY_TENANTS.contains(&tenant.as_str()) {
                let cause = format!("is \"{tenant}\", but client_credentials needs one tenant");
                return value.wrong(cause, "write the tenant's id or domain");
            }
            Some(tenant)
        }
        Some(_) if table.has("provider") && preset.is_none() => None,
        Some(tenant) => tenant.wrong("is for Microsoft only", "remove it, or write provider = \"microsoft\""),
        None if one && microsoft && !has_url => {
            let cure = "write the tenant's id or domain, e.g. tenant = \"contoso.example\"";
            table.lacks_key("tenant", cure);
            None
        }
        None => Some("common".to_owned()),
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
