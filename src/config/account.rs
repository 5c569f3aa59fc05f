//! Accounts: servers, and the way to sign in. Types only; `check` reads them.

use std::path::PathBuf;

use crate::secret::SecretRef;

/// A mail account: servers and the way to sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name in `mailjob.toml`, or the endpoint's name for an inline account.
    pub name: String,
    /// The user name at sign-in; for a shared mailbox its address.
    pub user: String,
    /// Where mail is read.
    pub imap: Server,
    /// Where replies are submitted; `None` when the account only reads.
    pub smtp: Option<Server>,
    /// How to sign in.
    pub auth: Auth,
    /// PEM file of further trusted roots.
    pub ca_file: Option<PathBuf>,
    /// The From address of replies. Default: `user`, where that is an address.
    pub from: Option<String>,
}

/// A server and how TLS starts there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// DNS name or IP address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// When TLS starts.
    pub tls: Tls,
}

/// When TLS starts. There is no setting without TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// With the first byte (ports 993, 465).
    Implicit,
    /// By STARTTLS (ports 143, 587); refused by the server means no session.
    StartTls,
}

/// How to sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    /// LOGIN or PLAIN with a password.
    Password(SecretRef),
    /// XOAUTH2 or OAUTHBEARER with an access token.
    OAuth(Box<OAuth>),
}

/// Where access tokens come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuth {
    /// The token endpoint: https, or http on loopback.
    pub token_url: String,
    /// The client's id.
    pub client_id: String,
    /// The client's secret; `None` for a public client.
    pub client_secret: Option<SecretRef>,
    /// How the client's secret is sent.
    pub client_auth: ClientAuth,
    /// Scopes, in the order written.
    pub scopes: Vec<String>,
    /// The grant.
    pub grant: Grant,
    /// PEM file of further trusted roots for the token endpoint.
    pub ca_file: Option<PathBuf>,
}

/// How the client's secret is sent to the token endpoint (RFC 6749 section 2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientAuth {
    /// In the form body: what Microsoft and Google want. Default.
    #[default]
    Body,
    /// HTTP Basic.
    Basic,
}

/// The grant that yields access tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grant {
    /// RFC 6749 section 6. The first refresh token comes from here; rotated ones live in the ledger.
    RefreshToken(SecretRef),
    /// RFC 6749 section 4.4.
    ClientCredentials,
}
