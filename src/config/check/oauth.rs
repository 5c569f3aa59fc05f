//! Where access tokens come from: presets of Microsoft 365 and Google, or everything spelt out.

use std::{net::IpAddr, path::PathBuf};

use reqwest::Url;

use super::account::Provider;
use crate::config::{
    ClientAuth, Grant, OAuth,
    read::Value,
    table::Table,
    value::{choice, one_or_more, roots, secret, text},
};

/// RFC 6749: section 6, section 4.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    Refresh,
    Client,
}

/// Tenants that stand for many. Client credentials need one tenant (Microsoft, "OAuth 2.0 client credentials flow").
const MANY_TENANTS: [&str; 3] = ["common", "organizations", "consumers"];

/// Reads the keys of OAuth, which stand in the account's own table but for the details in `oauth`.
pub(super) fn oauth(table: &mut Table<'_>, provider: Option<Provider>) -> Option<OAuth> {
    let client_id = table.must(
        "client_id",
        "write the id under which the application is registered",
        text,
    );
    let client_secret = table.get("client_secret", secret);
    let flow = flow(table);
    let grant = flow.and_then(|flow| grant(table, flow, provider));
    // A provider that can't be read is a problem of its own; what it would have implied is not missed.
    let preset = table.value("provider").is_some();
    let details = match table.value("oauth") {
        Some(value) => value.table(|table| Some(details(table, preset))),
        None if preset => Some(Details::default()),
        None => {
            let cure = "write oauth = { token_url = \"https://…\", scopes = [\"…\"] }, or provider = …";
            table.lacks_key("oauth", cure);
            None
        }
    };
    let spelt_out = details.as_ref().is_some_and(|details| details.token_url.is_some());
    let tenant = tenant(table, flow, provider, spelt_out);
    let details = details?;
    Some(OAuth {
        token_url: details.token_url.or_else(|| Some(preset_url(provider?, &tenant?)))?,
        client_id: client_id?,
        client_secret,
        client_auth: details.client_auth,
        scopes: details.scopes.unwrap_or_else(|| scopes(provider, flow)),
        grant: grant?,
        ca_file: details.ca_file,
    })
}

/// What stands in the table `oauth`.
#[derive(Default)]
struct Details {
    token_url: Option<String>,
    scopes: Option<Vec<String>>,
    client_auth: ClientAuth,
    ca_file: Option<PathBuf>,
}

fn details(table: &mut Table<'_>, preset: bool) -> Details {
    const CURE: &str = "write the URL that grants tokens, e.g. token_url = \"https://login.example.com/token\"";
    let ways = [("body", ClientAuth::Body), ("basic", ClientAuth::Basic)];
    Details {
        token_url: if preset {
            table.get("token_url", token_url)
        } else {
            table.must("token_url", CURE, token_url)
        },
        scopes: table.get("scopes", one_or_more(text)),
        client_auth: table.or("client_auth", ClientAuth::default(), choice(&ways)),
        ca_file: table.get("ca_file", roots),
    }
}

fn preset_url(provider: Provider, tenant: &str) -> String {
    match provider {
        Provider::Microsoft => format!("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"),
        Provider::Google => "https://oauth2.googleapis.com/token".to_owned(),
    }
}

/// The grant that is named, else the one that the other keys are enough for.
fn flow(table: &mut Table<'_>) -> Option<Flow> {
    let named = table.get(
        "grant",
        choice(&[("refresh_token", Flow::Refresh), ("client_credentials", Flow::Client)]),
    );
    if named.is_some() || table.value("grant").is_some() {
        return named;
    }
    if table.value("refresh_token").is_some() {
        return Some(Flow::Refresh);
    }
    if table.value("client_secret").is_some() {
        return Some(Flow::Client);
    }
    let cure = "write refresh_token = { file = \"…\" }, or client_secret = { file = \"…\" } for the application itself";
    table.lacks(format!("`{}` has a client but no grant", table.path), cure);
    None
}

fn grant(table: &mut Table<'_>, flow: Flow, provider: Option<Provider>) -> Option<Grant> {
    if flow == Flow::Refresh {
        let cure = "write refresh_token = { file = \"…\" }";
        return table.must("refresh_token", cure, secret).map(Grant::RefreshToken);
    }
    if let Some(token) = table.value("refresh_token") {
        return token.wrong_secret(
            "has no use with client_credentials",
            "remove it, or write grant = \"refresh_token\"",
        );
    }
    if provider == Some(Provider::Google) {
        let cause = format!(
            "`{}` asks Google for client_credentials, which opens no mailbox there",
            table.path
        );
        table.lacks(cause, "write refresh_token = { file = \"…\" }");
        return None;
    }
    if table.value("client_secret").is_none() {
        table.lacks_key("client_secret", "write client_secret = { file = \"…\" }");
        return None;
    }
    Some(Grant::ClientCredentials)
}

/// The tenant of Microsoft's token URL; nothing when it is wrong or of no use.
fn tenant(table: &mut Table<'_>, flow: Option<Flow>, provider: Option<Provider>, has_url: bool) -> Option<String> {
    let one = flow == Some(Flow::Client);
    match table.value("tenant") {
        Some(tenant) if has_url => tenant.wrong("has no use beside oauth.token_url", "remove one of the two"),
        Some(tenant) if provider == Some(Provider::Microsoft) => tenant_name(&tenant, one),
        Some(_) if table.value("provider").is_some() && provider.is_none() => None,
        Some(tenant) => tenant.wrong("is for Microsoft only", "remove it, or write provider = \"microsoft\""),
        None if one && provider == Some(Provider::Microsoft) && !has_url => {
            table.lacks_key(
                "tenant",
                "write the tenant's id or domain, e.g. tenant = \"contoso.example\"",
            );
            None
        }
        None => Some("common".to_owned()),
    }
}

fn tenant_name(value: &Value<'_>, one: bool) -> Option<String> {
    let tenant = text(value.clone())?;
    if !tenant
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.')
    {
        return value.wrong(
            format!("is \"{tenant}\", not a tenant"),
            "write the tenant's id or domain",
        );
    }
    if one && MANY_TENANTS.contains(&tenant.as_str()) {
        let cause = format!("is \"{tenant}\", but client_credentials needs one tenant");
        return value.wrong(cause, "write the tenant's id or domain");
    }
    Some(tenant)
}

/// Microsoft, "Authenticate an IMAP, POP or SMTP connection using OAuth"; Google, "OAuth 2.0 mechanism" for Gmail.
fn scopes(provider: Option<Provider>, flow: Option<Flow>) -> Vec<String> {
    let scopes: &[&str] = match (provider, flow) {
        (Some(Provider::Microsoft), Some(Flow::Client)) => &["https://outlook.office365.com/.default"],
        (Some(Provider::Microsoft), _) => &[
            "https://outlook.office.com/IMAP.AccessAsUser.All",
            "https://outlook.office.com/SMTP.Send",
            "offline_access",
        ],
        (Some(Provider::Google), _) => &["https://mail.google.com/"],
        (None, _) => &[],
    };
    scopes.iter().map(|&scope| scope.to_owned()).collect()
}

/// https, or http on loopback: what is sent there opens the mailbox.
fn token_url(value: Value<'_>) -> Option<String> {
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
