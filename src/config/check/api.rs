//! `[api]`: who may use the API.

use crate::{
    config::{
        declare::{keys, never},
        key::Allowed,
        table::Table,
        value::secret_line,
    },
    secret::SecretRef,
};

/// What lets a request in to `/api/v1`. It answers where `/livez` does ([`crate::config::Service::health`]).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ApiAccess {
    /// Coming from this machine, where the listener's address is a loopback one; elsewhere nothing does. The default.
    #[default]
    Loopback,
    /// This token, wherever the request comes from. It is read at each request, so that a rotated file counts at once.
    Token(SecretRef),
    /// Nothing: `[api]` can't be read.
    Closed,
}

keys! {
    /// `[api]` as it is written.
    pub(in crate::config) struct ApiKeys in "api" "" {
        token: Option<SecretRef> = Allowed::Secret => secret_line, never("{ file = \"/run/secrets/mailjob-api\" }"),
            "lets in whoever sends it as Authorization: Bearer …; 16 characters at least; a changed file counts at once";
    }
}

/// Reads `[api]`. A token whose file is missing will do: it may come, and until then nobody is let in.
pub(super) fn api(table: &mut Table<'_>) -> Option<ApiAccess> {
    ApiKeys::read(table).map(|keys| keys.token.map_or(ApiAccess::Loopback, ApiAccess::Token))
}
