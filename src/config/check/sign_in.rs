//! The keys that say how an account signs in: those of an account, and of an endpoint that signs in its own way.

use std::{path::PathBuf, sync::Arc, time::Duration};

use chrono::NaiveDate;
use toml::de::DeValue;

use super::{
    DAY, HOUR,
    command::from_here,
    oauth::{Details, Flow, oauth},
    provider::Preset,
};
use crate::{
    config::{
        Auth, ClientProof, Cloud, Command, SendSecret, TokenSource,
        declare::{implied, keys, never, vital},
        key::Allowed,
        kind::{List, OneOf, Roots, SecretLine, SecretPlace, Text, Time},
        presence::Need,
        rule::Rule,
        sheet::PlacedValue,
        table::Table,
        value::{list, path, secret, secret_line, text, variable},
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

impl SignInKeys {
    /// What `provider` and `cloud` name.
    pub(super) fn preset(&self, table: &mut Table<'_>) -> Option<Preset> {
        match (self.is_microsoft, table.value("cloud")) {
            (Some(true), _) => Some(Preset::Microsoft {
                cloud: self.cloud.unwrap_or_default(),
                personal: self.tenant.as_deref() == Some("consumers"),
            }),
            (google, Some(cloud)) if google.is_some() || !table.has("provider") => {
                cloud.wrong("is for Microsoft only", "remove it, or write provider = \"microsoft\"")
            }
            (Some(false), _) => Some(Preset::Google),
            (None, _) => None,
        }
    }

    /// Whether anything is said of how to sign in.
    pub(super) fn are_in(table: &Table<'_>) -> bool {
        ["password", "token"].iter().chain(OAUTH).any(|key| table.has(key))
    }

    /// The way to sign in: a password, OAuth, or a token that somebody else gets.
    pub(super) fn auth(self, table: &mut Table<'_>, preset: Option<&Preset>) -> Option<Auth> {
        if let Some(password) = table.value("password") {
            // Basic authentication for IMAP and POP3 ended in Exchange Online at the end of 2022.
            if matches!(preset, Some(Preset::Microsoft { .. })) {
                let cure = "write client_id, and sign in by: mailjob auth login";
                return password.wrong_secret("can't work: Microsoft 365 takes no passwords over IMAP and POP3", cure);
            }
            return self.password.map(Auth::Password);
        }
        if table.has("token") {
            return self.token.map(Auth::Token);
        }
        if Self::are_in(table) {
            return oauth(table, self, preset).map(|oauth| Auth::OAuth(Box::new(oauth)));
        }
        let cure = "write password = { file = \"…\" }, or client_id with client_secret or refresh_token";
        table.lacks(format!("`{}` has no way to sign in", table.path), cure);
        None
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
