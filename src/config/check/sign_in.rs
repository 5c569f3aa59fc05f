//! The keys that say how an account signs in: those of an account, and of an endpoint that signs in its own way.

use std::{net::IpAddr, path::PathBuf, sync::Arc, time::Duration};

use chrono::NaiveDate;
use reqwest::Url;
use toml::de::DeValue;

use super::{DAY, HOUR, command::from_here};
use crate::{
    config::{
        ClientProof, Cloud, Command, Provider, SendSecret, TokenSource,
        declare::{implied, keys, never, usual, vital},
        key::Allowed,
        kind::{List, OneOf, Roots, SecretLine, SecretPlace, Text, Time},
        presence::Need,
        rule::Rule,
        sheet::PlacedValue,
        table::Table,
        value::{list, one_or_more, path, secret, secret_line, text, variable},
    },
    secret::SecretRef,
};

/// The keys of OAuth.
pub(super) const OAUTH: &[&str] = &[
    "client_id",
    "client_secret",
    "client_secret_expires",
    "certificate",
    "certificate_key",
    "federated_token",
    "refresh_token",
    "refresh_token_life",
    "service_account",
    "grant",
    "tenant",
    "oauth",
];

const RULES: &[Rule] = &[
    Rule::OneWay(
        &[&["password"], &["token"], OAUTH],
        "; an account signs in one way",
        "keep one of password, token and the keys of OAuth",
    ),
    Rule::OneWay(
        &[&["client_secret"], &["certificate"], &["federated_token"]],
        "; a client proves itself in one way",
        "keep one of them",
    ),
    Rule::With(&["client_secret_expires"], "client_secret", "remove it"),
    Rule::With(&["certificate_key"], "certificate", "add certificate = \"client.pem\""),
    Rule::With(
        &["certificate"],
        "certificate_key",
        "write certificate_key = { file = \"client.key\" }",
    ),
];

keys! {
    /// How an account signs in, as it is written.
    pub(in crate::config) struct SignInKeys in "" "" {
        is_microsoft("provider"): Option<bool> = OneOf(&[("microsoft", true), ("google", false)]), never("\"microsoft\""),
            "knows servers, addresses and scopes; each may be written to override it";
        cloud: Option<Cloud> = OneOf(&[("global", Cloud::Global), ("us-government", Cloud::UsGovernment), ("china", Cloud::China)]),
            never("\"global\""), "Microsoft's: global, us-government or china";
        password: Option<SecretRef> = SecretLine, never("{ file = \"/run/secrets/office\" }"), "of the user";
        token: Option<TokenSource> = Allowed::Either(vec![Allowed::Secret, TokenKeys::allowed()]) => token_source,
            never("{ command = [\"/usr/local/bin/token\", \"orders\"] }"),
            "what another program prints, without a shell; pass_env = [\"…\"] beside it for variables it needs; or { file = \"…\" } or { env = \"…\" }";
        client_id: Option<String> = Text, never("\"11111111-2222-3333-4444-555555555555\""), "under which the application is registered";
        client_secret: Option<SecretRef> = SecretLine, never("{ file = \"/run/secrets/contoso\" }"),
            "of the application; a secret itself is refused; a public client has none";
        expires("client_secret_expires"): Option<NaiveDate> = Allowed::Text => date, never("2027-05-31"),
            "the day on which it ends: the operator is told 30, 14, 7 and 1 days before";
        certificate: Option<PathBuf> = Roots, never("\"client.pem\""), "in place of a secret, with certificate_key";
        certificate_key: Option<SecretRef> = Allowed::setting() => secret, never("{ file = \"/run/secrets/client.key\" }"),
            "of the certificate; when that ends is read from it";
        federated("federated_token"): Option<PathBuf> = Allowed::Text => federated,
            never("\"/var/run/secrets/azure/tokens/azure-identity-token\""), "in place of a secret: workload identity in Kubernetes";
        refresh_token: Option<SecretRef> = SecretLine, never("{ file = \"/run/secrets/contoso-refresh\" }"),
            "in place of mailjob auth login; rotated ones are kept in the ledger";
        refresh_life("refresh_token_life"): Option<Duration> = Time(HOUR..=3650 * DAY), never("\"90d\""),
            "from the day on which one was issued, where that is known";
        service_account: Option<SecretRef> = SecretPlace, never("{ file = \"/run/secrets/service-account.json\" }"),
            "Google's, which may act for the user (domain-wide delegation)";
        grant: Option<Flow> = OneOf(&[
                ("refresh_token", Flow::Refresh), ("client_credentials", Flow::Client), ("service_account", Flow::Service),
            ]), never("\"refresh_token\""),
            "refresh_token: a person; client_credentials: the application itself; told by what else is written";
        tenant: Option<String> = Allowed::Text => tenant, never("\"contoso.example\""),
            "Microsoft's: id or domain, organizations, consumers or common, which is also meant when nothing is written";
        details("oauth"): Option<Details> = Details::allowed() => |value| value.table(Details::read),
            never("{ issuer = \"https://login.example.com\" }"), "the authorization server where no provider is named";
    }
    rules RULES
}

keys! {
    /// The program that prints a token.
    struct TokenKeys in "" "" {
        command: Vec<String> = List(Text, usize::MAX), vital("write command = [\"…\"]", "[\"/usr/local/bin/token\"]"), "prints it, without a shell";
        pass_env: Vec<String> = Allowed::list(Allowed::Text, usize::MAX) => list(variable), implied("[]"), "variables that it needs";
    }
}

/// RFC 6749: section 6, section 4.4; RFC 7523 section 2.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config) enum Flow {
    Refresh,
    Client,
    Service,
}

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

impl SignInKeys {
    /// What `provider` and `cloud` name.
    pub(super) fn provider(&self, table: &mut Table<'_>) -> Provider {
        match (self.is_microsoft, table.value("cloud")) {
            (Some(true), _) => Provider::Microsoft(self.cloud.unwrap_or_default()),
            (google, Some(cloud)) if google.is_some() || !table.has("provider") => {
                cloud.wrong::<()>("is for Microsoft only", "remove it, or write provider = \"microsoft\"");
                Provider::Other
            }
            (Some(false), _) => Provider::Google,
            (None, _) => Provider::Other,
        }
    }

    /// Whether anything is said of how to sign in.
    pub(super) fn are_in(table: &Table<'_>) -> bool {
        ["password", "token"].iter().chain(OAUTH).any(|key| table.has(key))
    }

    /// How the client proves who it is to the token server.
    pub(super) fn proof(&self, send: SendSecret) -> ClientProof {
        match (
            &self.client_secret,
            &self.certificate,
            &self.certificate_key,
            &self.federated,
        ) {
            (Some(secret), ..) => ClientProof::Secret {
                secret: secret.clone(),
                send,
                expires: self.expires,
            },
            (None, Some(certificate), Some(key), _) => ClientProof::Certificate {
                certificate: certificate.clone(),
                key: key.clone(),
            },
            (.., Some(file)) => ClientProof::Federated(file.clone()),
            (None, _, _, None) => ClientProof::Public,
        }
    }
}

/// `{ command = ["…"] }`, or the place of a token.
fn token_source(value: PlacedValue<'_>) -> Option<TokenSource> {
    if value.read_table().is_none_or(|table| !table.has("command")) {
        return secret_line(value).map(TokenSource::Kept);
    }
    let here = value.clone();
    let TokenKeys {
        command: mut argv,
        pass_env,
    } = value.table(TokenKeys::read)?;
    let Some(program) = argv.first_mut() else {
        return here.wrong("names no program", "write { command = [\"/usr/local/bin/token\"] }");
    };
    if program.contains('/') {
        *program = from_here(&here, program)?;
    }
    for argument in argv.iter_mut().skip(1).filter(|argument| argument.starts_with("./")) {
        *argument = from_here(&here, argument)?;
    }
    // It runs where we do, and reads what we may.
    let command = Command {
        confine: false,
        ..Command::new(argv.clone())
    };
    here.need(Need::Program(Arc::new(command)));
    Some(TokenSource::Command { argv, pass_env })
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

/// A file in which somebody else keeps a token for us.
fn federated(value: PlacedValue<'_>) -> Option<PathBuf> {
    let file = path(value.clone())?;
    value.need(Need::Token(file.clone()));
    Some(file)
}

/// A tenant's id or domain, or a word for many tenants.
fn tenant(value: PlacedValue<'_>) -> Option<String> {
    let tenant = text(value.clone())?;
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    match tenant.chars().all(fits) {
        true => Some(tenant),
        false => value.wrong(
            format!("is \"{tenant}\", not a tenant"),
            "write the tenant's id or domain",
        ),
    }
}

/// A day, as TOML writes it or as text.
fn date(value: PlacedValue<'_>) -> Option<NaiveDate> {
    const CURE: &str = "write the day on which it ends, e.g. 2027-05-31";
    let text = match value.raw {
        DeValue::Datetime(date) => date.to_string(),
        DeValue::String(text) => text.to_string(),
        _ => return value.wrong("is no date", CURE),
    };
    let day = text.get(..10).unwrap_or(&text).parse().ok();
    day.or_else(|| value.wrong(format!("is \"{text}\", which is no date"), CURE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_other_way_to_sign_in_is_a_key_of_oauth() {
        let keys = SignInKeys::section().keys.into_iter().map(|key| key.name);
        let others = ["provider", "cloud", "password", "token"];
        assert_eq!(keys.filter(|key| !others.contains(key)).collect::<Vec<_>>(), OAUTH);
    }
}
