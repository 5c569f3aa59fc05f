//! Whose mail server it is, as far as that decides what it means. Pure.

use crate::config::{Provider, Server};

/// Whose mail server it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MailHost {
    /// Exchange Online and Outlook.com.
    Exchange,
    /// Gmail and Google Workspace.
    Gmail,
    /// Any other.
    #[default]
    Other,
}

/// Names below which all hosts are one provider's (2026-11).
const DOMAINS: &[(&str, MailHost)] = &[
    ("office365.com", MailHost::Exchange),
    ("office365.us", MailHost::Exchange),
    ("outlook.com", MailHost::Exchange),
    ("outlook.cn", MailHost::Exchange),
    ("hotmail.com", MailHost::Exchange),
    ("live.com", MailHost::Exchange),
    ("gmail.com", MailHost::Gmail),
    ("googlemail.com", MailHost::Gmail),
    ("google.com", MailHost::Gmail),
];

/// What only one provider says (2026-11): its own numbers and addresses. Not its plain words, which others have too.
const MARKS: &[(&str, MailHost)] = &[
    ("aka.ms/", MailHost::Exchange),
    ("5.7.139 ", MailHost::Exchange),
    ("5.7.57 ", MailHost::Exchange),
    ("PROD.OUTLOOK.COM", MailHost::Exchange),
    ("prod.outlook.com", MailHost::Exchange),
    ("prod.exchangelabs.com", MailHost::Exchange),
    ("STOREDRV.", MailHost::Exchange),
    ("User is authenticated but not connected", MailHost::Exchange),
    ("Suggested Backoff Time: ", MailHost::Exchange),
    ("gsmtp", MailHost::Gmail),
    ("support.google.com", MailHost::Gmail),
    ("mail.google.com", MailHost::Gmail),
    ("accounts.google.com", MailHost::Gmail),
    ("WEBALERT", MailHost::Gmail),
    ("(Failure)", MailHost::Gmail),
    ("exceeded command or bandwidth limits", MailHost::Gmail),
];

impl MailHost {
    /// The provider of a host; the account's, where the host has a name of the operator's own.
    #[must_use]
    pub fn of(provider: Provider, server: &Server) -> Self {
        let host = server.host.to_ascii_lowercase();
        let host = host.trim_end_matches('.');
        let is_below = |domain: &str| {
            host.strip_suffix(domain)
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        let known = DOMAINS.iter().find(|(domain, _)| is_below(domain));
        known.map_or_else(|| Self::from(provider), |(_, host)| *host)
    }

    /// The provider that the words name, else the host's: a proxy or a relay passes on what another says.
    pub(super) fn named_in(self, said: &str) -> Self {
        let named = MARKS.iter().find(|(mark, _)| said.contains(mark));
        named.map_or(self, |(_, host)| *host)
    }
}

impl From<Provider> for MailHost {
    fn from(provider: Provider) -> Self {
        match provider {
            Provider::Microsoft(_) => Self::Exchange,
            Provider::Google => Self::Gmail,
            Provider::Other => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Cloud, Tls};

    #[test]
    fn a_provider_s_hosts_are_below_its_domains() {
        for (provider, host, expected) in [
            (Provider::Other, "outlook.office365.com", MailHost::Exchange),
            (Provider::Other, "SMTP-MAIL.Outlook.com.", MailHost::Exchange),
            (Provider::Other, "smtp-relay.gmail.com", MailHost::Gmail),
            (Provider::Other, "notgmail.com", MailHost::Other),
            (Provider::Other, "gmail.com.evil.example", MailHost::Other),
            (Provider::Other, "127.0.0.1", MailHost::Other),
            (Provider::Other, "", MailHost::Other),
            // The operator's own name for Exchange Online, or a relay that he knows.
            (
                Provider::Microsoft(Cloud::Global),
                "mail.contoso.com",
                MailHost::Exchange,
            ),
            (Provider::Microsoft(Cloud::Global), "smtp.gmail.com", MailHost::Gmail),
        ] {
            let server = Server {
                host: host.to_owned(),
                port: 1,
                tls: Tls::Implicit,
            };
            assert_eq!(MailHost::of(provider, &server), expected, "{host}");
        }
    }
}
