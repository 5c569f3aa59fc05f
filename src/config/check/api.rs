//! `[api]`: who may use the API.

use crate::{
    config::{
        declare::{keys, never},
        kind::SecretLine,
        table::Table,
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
    pub(in crate::config) struct ApiKeys in "api" "\
Who may use the API below /api/v1 and /status, which answer where health does. Without [api]: programs of the user that runs Mailjob, on
its own machine and not through a proxy; they show the token in mailjob.token beside the ledger, which the first start makes. With a token
here also whoever sends \"Authorization: Bearer …\" with it, from wherever." {
        token: Option<SecretRef> = SecretLine, never("{ file = \"/run/secrets/mailjob-api\" }"),
            "16 characters at least, such as those of openssl rand -hex 32; a changed file counts at once";
    }
}

/// Reads `[api]`. A token whose file is missing will do: it may come, and until then nobody is let in.
pub(super) fn api(table: &mut Table<'_>) -> Option<ApiAccess> {
    ApiKeys::read(table).map(|keys| keys.token.map_or(ApiAccess::Loopback, ApiAccess::Token))
}
