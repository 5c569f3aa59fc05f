//! What the keys of a sign-in come to: a password, a token, or OAuth, whose tokens come from the servers of Microsoft 365 and Google, those
//! that an issuer's metadata names, or some that are spelt out.

use std::time::Duration;

use super::sign_in::{Flow, SignInKeys};
use crate::config::{Auth, AuthorizationServer, Grant, OAuth, Provider, table::Table};

/// How long Microsoft's refresh tokens live from their issue ("Refresh tokens in the Microsoft identity platform", 2025).
const MICROSOFT_LIFE: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// Tenants that stand for many. Client credentials need one tenant (Microsoft, "OAuth 2.0 client credentials flow").
const MANY_TENANTS: [&str; 3] = ["common", "organizations", "consumers"];

/// What makes a client more than a public one.
const PROOFS: [&str; 3] = ["client_secret", "certificate", "federated_token"];

impl SignInKeys {
    /// The way to sign in: a password, OAuth, or a token that somebody else gets.
    pub(super) fn auth(self, table: &mut Table<'_>, provider: Provider) -> Option<Auth> {
        if let Some(password) = table.value("password") {
            // Basic authentication for IMAP and POP3 ended in Exchange Online at the end of 2022.
            if matches!(provider, Provider::Microsoft(_)) {
                let cure = "write client_id, and sign in by: mailjob auth login";
                return password.wrong_secret("can't work: Microsoft 365 takes no passwords over IMAP and POP3", cure);
            }
            return self.password.map(Auth::Password);
        }
        if table.has("token") {
            return self.token.map(Auth::Token);
        }
        if Self::are_in(table) {
            return oauth(table, self, provider).map(|oauth| Auth::OAuth(Box::new(oauth)));
        }
        let cure = "write password = { file = \"…\" }, or client_id with client_secret or refresh_token";
        table.lacks(format!("`{}` has no way to sign in", table.path), cure);
        None
    }
}

/// What the keys of OAuth come to.
fn oauth(table: &mut Table<'_>, said: SignInKeys, provider: Provider) -> Option<OAuth> {
    let flow = flow(table, said.grant, provider);
    if flow != Some(Flow::Service) && !table.has("client_id") {
        let cure = "write the id under which the application is registered";
        table.lacks_key("client_id", cure);
    }
    // A provider that can't be read is a problem of its own; what it would have implied is not missed.
    let provided = provider != Provider::Other || table.has("provider") || flow == Some(Flow::Service);
    if !provided && !table.has("oauth") {
        let cure = "write oauth = { issuer = \"https://…\" } or { token_url = \"https://…\", scopes = [\"…\"] }, or provider = …";
        table.lacks_key("oauth", cure);
    }
    let inner = table.value("oauth").and_then(|value| value.read_table());
    let server = inner.and_then(|inner| token_server(&inner, &said, provided));
    let grant = flow.and_then(|flow| grant(table, &said, flow, provider));
    let tenant = tenant(table, &said, flow == Some(Flow::Client), provider, server.is_some());
    let server = match server {
        Some(server) => server,
        None if provider == Provider::Other && flow == Some(Flow::Service) => Provider::Google.token_server("")?,
        None => provider.token_server(&tenant?)?,
    };
    let life = matches!(provider, Provider::Microsoft(_)).then_some(MICROSOFT_LIFE);
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
    // Without any address a provider has its own; one address alone is half of a server.
    let is_whole = table.has("issuer") || table.has("token_url") || (provided && !table.has("authorize_url"));
    let details = said.details.clone()?;
    if !is_whole {
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
fn flow(table: &Table<'_>, named: Option<Flow>, provider: Provider) -> Option<Flow> {
    if named.is_some() || table.has("grant") {
        return named;
    }
    if table.has("service_account") {
        return Some(Flow::Service);
    }
    let google = provider == Provider::Google;
    let confidential = PROOFS.into_iter().any(|key| table.has(key));
    // Google's application can't act for itself: there a client with a secret acts for a person.
    if table.has("refresh_token") || google || !confidential {
        return Some(Flow::Refresh);
    }
    Some(Flow::Client)
}

fn grant(table: &mut Table<'_>, said: &SignInKeys, flow: Flow, provider: Provider) -> Option<Grant> {
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
        (Flow::Client, None, None) if provider == Provider::Google => {
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
fn tenant(table: &mut Table<'_>, said: &SignInKeys, one: bool, provider: Provider, has_url: bool) -> Option<String> {
    let microsoft = matches!(provider, Provider::Microsoft(_));
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
        Some(_) if table.has("provider") && provider == Provider::Other => None,
        Some(tenant) => tenant.wrong("is for Microsoft only", "remove it, or write provider = \"microsoft\""),
        None if one && microsoft && !has_url => {
            let cure = "write the tenant's id or domain, e.g. tenant = \"contoso.example\"";
            table.lacks_key("tenant", cure);
            None
        }
        None => Some("common".to_owned()),
    }
}
