//! Where access tokens come from. Types and what follows from them; `check` reads them.

use std::{path::PathBuf, time::Duration};

use chrono::NaiveDate;

use crate::secret::SecretRef;

/// Where access tokens come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuth {
    /// The authorization server.
    pub server: AuthorizationServer,
    /// The client's id; for a service account its e-mail address where that isn't told by its key file.
    pub client_id: String,
    /// How the client proves who it is.
    pub client: ClientProof,
    /// Scopes as written, in that order; `None` asks for what the endpoints use ([`super::Account::scopes`]).
    pub scopes: Option<Vec<String>>,
    /// The grant.
    pub grant: Grant,
    /// PEM file of further trusted roots for the token endpoint.
    pub ca_file: Option<PathBuf>,
    /// How long a refresh token lives from the day on which it was issued, where that is known.
    pub refresh_life: Option<Duration>,
}

/// Whose servers an account's are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// Microsoft 365 and Outlook.com.
    Microsoft(Cloud),
    /// Google Workspace and Gmail.
    Google,
    /// Any other.
    Other,
}

/// Microsoft's clouds ("National clouds" of Microsoft Entra; Germany's closed in 2021).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cloud {
    /// Everybody else's. Default.
    #[default]
    Global,
    /// US Government.
    UsGovernment,
    /// China, by 21Vianet.
    China,
}

/// The authorization server's addresses: https, or http on loopback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthorizationServer {
    /// Spelt out, or known of the provider.
    Known {
        /// Grants tokens.
        token_url: String,
        /// Where a person signs in with a browser; `None` where that isn't known.
        authorize_url: Option<String>,
        /// Where a device asks for its code (RFC 8628); `None` where there is none.
        device_url: Option<String>,
    },
    /// Asked from the issuer's metadata (RFC 8414, OpenID Connect Discovery).
    Discover {
        /// The issuer.
        issuer: String,
    },
}

/// How a client proves who it is at the token endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientProof {
    /// It can't: a public client (RFC 6749 section 2.1).
    Public,
    /// By a secret.
    Secret {
        /// The secret.
        secret: SecretRef,
        /// How it is sent.
        send: SendSecret,
        /// The day on which it ends, as its owner declares.
        expires: Option<NaiveDate>,
    },
    /// By a JWT signed with the key of a certificate (RFC 7523 section 2.2; PS256 and `x5t#S256`, as Microsoft wants).
    Certificate {
        /// PEM file of the certificate.
        certificate: PathBuf,
        /// Its private key, PKCS#8 or PKCS#1 PEM.
        key: SecretRef,
    },
    /// By a JWT that somebody else signs and renews in a file (workload identity); read at each use.
    Federated(PathBuf),
}

/// How the client's secret is sent to the token endpoint (RFC 6749 section 2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SendSecret {
    /// In the form body: what Microsoft and Google want. Default.
    #[default]
    Body,
    /// HTTP Basic.
    Basic,
}

/// The grant that yields access tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grant {
    /// A person's sign-in, kept alive by refresh tokens (RFC 6749 section 6). The first one comes from here, or from
    /// `mailjob auth login`; rotated ones live in the ledger.
    RefreshToken(Option<SecretRef>),
    /// The application itself (RFC 6749 section 4.4).
    ClientCredentials,
    /// A service account that acts for the mailbox's user (RFC 7523 section 2.1, Google's domain-wide delegation).
    ServiceAccount {
        /// The JSON key file.
        key: SecretRef,
    },
}

impl Cloud {
    /// The host that signs people in ("National clouds", Microsoft Entra).
    #[must_use]
    pub fn authority(self) -> &'static str {
        match self {
            Self::Global => "https://login.microsoftonline.com",
            Self::UsGovernment => "https://login.microsoftonline.us",
            Self::China => "https://login.partner.microsoftonline.cn",
        }
    }

    /// The resource whose scopes a person's token has. Not tried against the national clouds.
    pub(super) fn resource(self) -> &'static str {
        match self {
            Self::Global => "https://outlook.office.com",
            Self::UsGovernment => "https://outlook.office365.us",
            Self::China => "https://partner.outlook.cn",
        }
    }

    /// The scope of an application's own token. Not tried against the national clouds.
    pub(super) fn default_scope(self) -> &'static str {
        match self {
            Self::Global => "https://outlook.office365.com/.default",
            Self::UsGovernment => "https://outlook.office365.us/.default",
            Self::China => "https://partner.outlook.cn/.default",
        }
    }
}
