//! Who signs in, and with what scopes: accounts by their sign-ins, and what they are used for. Pure.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use super::{Account, Auth, Config, Endpoint, Grant, OAuth, Protocol, Provider};

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
        for mailbox in self.held.values().filter_map(super::HeldEndpoint::mailbox) {
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
#[path = "sign_ins_tests.rs"]
mod tests;
