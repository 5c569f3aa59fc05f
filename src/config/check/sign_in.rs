//! The keys that say how an account signs in: those of an account, and of an endpoint that signs in its own way.

use std::time::Duration;

use toml::de::DeValue;

use super::{
    DAY, HOUR,
    oauth::{Details, Flow},
    provider::Preset,
};
use crate::config::{
    Cloud,
    declare::{implied, keys, never, vital},
    key::Allowed,
    kind::{List, OneOf, Text, Time},
    table::Table,
    value::{list, variable},
};

/// Keys of this table that are none of OAuth.
const OTHERS: [&str; 4] = ["provider", "cloud", "password", "token"];

keys! {
    /// How an account signs in, as it is written. Of ways that exclude each other, the one that is meant is read.
    pub(in crate::config) struct SignInKeys in "" "" {
        is_microsoft("provider"): Option<bool> = OneOf(&[("microsoft", true), ("google", false)]), never("\"microsoft\""),
            "knows servers, addresses and scopes; each may be written to override it";
        cloud: Option<Cloud> = OneOf(&[("global", Cloud::Global), ("us-government", Cloud::UsGovernment), ("china", Cloud::China)]),
            never("\"global\""), "Microsoft's: global, us-government or china";
        _password("password"): Option<()> = Allowed::Secret => |_| Some(()), never("{ file = \"/run/secrets/office\" }"), "of the user";
        _token("token"): Option<()> = Allowed::Either(vec![Allowed::Secret, Allowed::Table(TokenKeys::section().keys)]) => |_| Some(()),
            never("{ command = [\"/usr/local/bin/token\", \"orders\"] }"), "what another program prints, without a shell; pass_env = [\"…\"] beside it for variables it needs; or { file = \"…\" } or { env = \"…\" }";
        _client_id("client_id"): Option<()> = Allowed::Text => |_| Some(()), never("\"11111111-2222-3333-4444-555555555555\""),
            "under which the application is registered";
        _client_secret("client_secret"): Option<()> = Allowed::Secret => |_| Some(()), never("{ file = \"/run/secrets/contoso\" }"),
            "of the application; a secret itself is refused; a public client has none";
        _expires("client_secret_expires"): Option<()> = Allowed::Text => |_| Some(()), never("2027-05-31"),
            "the day on which it ends: the operator is told 30, 14, 7 and 1 days before";
        _certificate("certificate"): Option<()> = Allowed::Text => |_| Some(()), never("\"client.pem\""), "in place of a secret, with certificate_key";
        _certificate_key("certificate_key"): Option<()> = Allowed::setting() => |_| Some(()), never("{ file = \"/run/secrets/client.key\" }"),
            "of the certificate; when that ends is read from it";
        _federated("federated_token"): Option<()> = Allowed::Text => |_| Some(()),
            never("\"/var/run/secrets/azure/tokens/azure-identity-token\""), "in place of a secret: workload identity in Kubernetes";
        _refresh_token("refresh_token"): Option<()> = Allowed::Secret => |_| Some(()), never("{ file = \"/run/secrets/contoso-refresh\" }"),
            "in place of mailjob auth login; rotated ones are kept in the ledger";
        refresh_life("refresh_token_life"): Option<Duration> = Time(HOUR..=3650 * DAY), never("\"90d\""),
            "from the day on which one was issued, where that is known";
        _service_account("service_account"): Option<()> = Allowed::Secret => |_| Some(()), never("{ file = \"/run/secrets/service-account.json\" }"),
            "Google's, which may act for the user (domain-wide delegation)";
        grant: Option<Flow> = OneOf(&[
                ("refresh_token", Flow::Refresh), ("client_credentials", Flow::Client), ("service_account", Flow::Service),
            ]), never("\"refresh_token\""),
            "refresh_token: a person; client_credentials: the application itself; told by what else is written";
        _tenant("tenant"): Option<()> = Allowed::Text => |_| Some(()), never("\"contoso.example\""),
            "Microsoft's: id or domain, organizations, consumers or common, which is also meant when nothing is written";
        _oauth("oauth"): Option<()> = Allowed::Table(Details::section().keys) => |_| Some(()), never("{ issuer = \"https://login.example.com\" }"),
            "the authorization server where no provider is named";
    }
}

keys! {
    /// The program that prints a token.
    pub(in crate::config) struct TokenKeys in "" "" {
        command: Vec<String> = List(Text, usize::MAX), vital("write command = [\"…\"]", "[\"/usr/local/bin/token\"]"), "prints it, without a shell";
        pass_env: Vec<String> = Allowed::list(Allowed::Text, usize::MAX) => list(variable), implied("[]"), "variables that it needs";
    }
}

impl SignInKeys {
    /// The keys of OAuth.
    pub(super) fn of_oauth() -> impl Iterator<Item = &'static str> {
        let keys = Self::section().keys.into_iter().map(|key| key.name);
        keys.filter(|key| !OTHERS.contains(key))
    }

    /// What `provider` and `cloud` name.
    pub(super) fn preset(&self, table: &mut Table<'_>) -> Option<Preset> {
        match (self.is_microsoft, table.value("cloud")) {
            (Some(true), _) => {
                let tenant = table.value("tenant").map(|value| value.raw);
                Some(Preset::Microsoft {
                    cloud: self.cloud.unwrap_or_default(),
                    personal: matches!(tenant, Some(DeValue::String(text)) if text == "consumers"),
                })
            }
            (google, Some(cloud)) if google.is_some() || table.value("provider").is_none() => {
                cloud.wrong("is for Microsoft only", "remove it, or write provider = \"microsoft\"")
            }
            (Some(false), _) => Some(Preset::Google),
            (None, _) => None,
        }
    }
}
