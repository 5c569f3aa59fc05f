//! Where access tokens come from. Types and what follows from them; `check` reads them.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use chrono::NaiveDate;

use super::{Account, Auth, Config, Endpoint, Protocol};
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
    /// Scopes as written, in that order; `None` asks for what the endpoints use ([`Account::scopes`]).
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
    fn resource(self) -> &'static str {
        match self {
            Self::Global => "https://outlook.office.com",
            Self::UsGovernment => "https://outlook.office365.us",
            Self::China => "https://partner.outlook.cn",
        }
    }

    /// The scope of an application's own token. Not tried against the national clouds.
    fn default_scope(self) -> &'static str {
        match self {
            Self::Global => "https://outlook.office365.com/.default",
            Self::UsGovernment => "https://outlook.office365.us/.default",
            Self::China => "https://partner.outlook.cn/.default",
        }
    }
}

impl Account {
    /// The scopes to ask for: as written, else the least that these uses need; none where it does not sign in by OAuth. Never scopes of two resources at once, which
    /// Microsoft refuses, so none of Graph.
    ///
    /// Sources: Microsoft, "Authenticate an IMAP, POP or SMTP connection using OAuth"; Google, "OAuth 2.0 mechanism" for Gmail,
    /// which has one scope for all three.
    #[must_use]
    pub fn scopes(&self, uses: &[Protocol]) -> Vec<String> {
        let Some(oauth) = self.auth.oauth() else {
            return Vec::new();
        };
        if let Some(written) = &oauth.scopes {
            return written.clone();
        }
        match (self.provider, &oauth.grant) {
            (Provider::Microsoft(cloud), Grant::RefreshToken(_)) => {
                let scope = |protocol: &Protocol| {
                    let name = match protocol {
                        Protocol::Imap => "IMAP.AccessAsUser.All",
                        Protocol::Pop3 => "POP.AccessAsUser.All",
                        Protocol::Smtp => "SMTP.Send",
                    };
                    format!("{}/{name}", cloud.resource())
                };
                let mut scopes: Vec<_> = uses.iter().map(scope).collect();
                scopes.push("offline_access".to_owned());
                scopes
            }
            (Provider::Microsoft(cloud), _) => vec![cloud.default_scope().to_owned()],
            (Provider::Google, _) => vec!["https://mail.google.com/".to_owned()],
            (Provider::Other, _) => Vec::new(),
        }
    }
}

/// What endpoints use a sign-in for, each protocol once, in the order of [`Protocol`].
pub fn uses<'a>(endpoints: impl IntoIterator<Item = &'a Arc<Endpoint>>, sign_in: &str) -> Vec<Protocol> {
    let is = |account: &Account| account.sign_in == sign_in;
    let mut uses = BTreeSet::new();
    for endpoint in endpoints {
        if is(&endpoint.mailbox.account) {
            uses.insert(endpoint.mailbox.protocol.into());
        }
        if endpoint.reply.account.as_deref().is_some_and(is) {
            uses.insert(Protocol::Smtp);
        }
    }
    uses.into_iter().collect()
}

impl Config {
    /// Every sign-in that is used, by name, each with one account that has it: of those that share it the one that bears its name.
    #[must_use]
    pub fn sign_ins(&self) -> BTreeMap<String, Arc<Account>> {
        let endpoints = self.endpoints.values();
        let used = endpoints.flat_map(|endpoint| [Some(&endpoint.mailbox.account), endpoint.reply.account.as_ref()]);
        let told = self.operator.as_ref().map(|operator| &operator.account);
        by_sign_in(used.flatten().chain(told))
    }

    /// What a sign-in is used for by the endpoints, and by what tells the operator.
    #[must_use]
    pub fn uses(&self, sign_in: &str) -> Vec<Protocol> {
        let mut uses = uses(self.endpoints.values(), sign_in);
        let tells = self
            .operator
            .as_ref()
            .is_some_and(|operator| operator.account.sign_in == sign_in);
        if tells && !uses.contains(&Protocol::Smtp) {
            uses.push(Protocol::Smtp);
        }
        // Its mails are taken, and wait.
        for mailbox in self.held.values().filter_map(super::Held::mailbox) {
            if mailbox.account.sign_in == sign_in && !uses.contains(&mailbox.protocol.into()) {
                uses.push(mailbox.protocol.into());
            }
        }
        uses
    }
}

/// Accounts by their sign-in.
pub(super) fn by_sign_in<'a>(accounts: impl Iterator<Item = &'a Arc<Account>>) -> BTreeMap<String, Arc<Account>> {
    let mut found: BTreeMap<String, Arc<Account>> = BTreeMap::new();
    for account in accounts {
        let known = found.entry(account.sign_in.clone()).or_insert_with(|| account.clone());
        if account.name == account.sign_in {
            known.clone_from(account);
        }
    }
    found
}

impl OAuth {
    /// Whether a person signs in, who may have to do so again.
    #[must_use]
    pub fn is_person(&self) -> bool {
        matches!(self.grant, Grant::RefreshToken(_))
    }
}

impl Auth {
    /// Whether a person signs in, who may have to do so again.
    #[must_use]
    pub fn is_person(&self) -> bool {
        self.oauth().is_some_and(OAuth::is_person)
    }

    /// Where further trusted roots for the token server are.
    #[must_use]
    pub fn ca_file(&self) -> Option<&Path> {
        self.oauth()?.ca_file.as_deref()
    }

    /// Whether its tokens are asked for one mailbox's user and open no other.
    #[must_use]
    pub fn is_of_one_user(&self) -> bool {
        self.oauth()
            .is_some_and(|oauth| matches!(oauth.grant, Grant::ServiceAccount { .. }))
    }

    /// The settings of OAuth, where that is how it signs in.
    #[must_use]
    pub fn oauth(&self) -> Option<&OAuth> {
        match self {
            Self::OAuth(oauth) => Some(oauth),
            Self::None | Self::Password(_) | Self::Token(_) => None,
        }
    }
}

#[cfg(test)]
#[path = "oauth_tests.rs"]
mod tests;
