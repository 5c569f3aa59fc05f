//! An account of the configuration, changed field by field, or one that is given altogether. Pure.

use std::path::PathBuf;

use crate::{
    addr_spec::is_sendable,
    config::{Account, Auth, Endpoint, EndpointName, Protocol, Provider, Server, Tls},
    secret::SecretRef,
};

/// What is said of a server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServerFields {
    /// DNS name or address.
    pub host: Option<String>,
    /// Port; the usual one of the protocol and the kind of TLS where none is given.
    pub port: Option<u16>,
    /// When TLS starts; what the port implies where nothing is said.
    pub tls: Option<Tls>,
}

/// What is said of an account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccountFields {
    /// The server.
    pub server: ServerFields,
    /// The user name there.
    pub user: Option<String>,
    /// Where the password lies.
    pub password: Option<SecretRef>,
    /// PEM file of further trusted roots.
    pub ca_file: Option<PathBuf>,
}

impl AccountFields {
    /// Whether nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The account and its server for a protocol: those of `base`, with what `fields` say instead.
///
/// # Errors
/// In words, when something is missing.
pub fn resolve(base: Option<&Account>, fields: AccountFields, protocol: Protocol) -> Result<(Account, Server), String> {
    let usual = base.and_then(|account| account.server(protocol));
    let server = server(usual, &fields.server, protocol).ok_or_else(|| lacks_server(base, protocol))?;
    let mut account = match base {
        Some(account) => account.clone(),
        None => given(&fields)?,
    };
    if let Some(user) = fields.user.filter(|user| *user != account.user) {
        // A token of one user is none of another.
        if account.auth.is_of_one_user() {
            account.sign_in = format!("{}/{user}", account.sign_in);
        }
        account.from = is_sendable(&user).then(|| user.clone());
        account.user = user;
    }
    if let Some(password) = fields.password {
        account.auth = Auth::Password(password);
    }
    account.ca_file = fields.ca_file.or(account.ca_file);
    Ok((account, server))
}

fn given(fields: &AccountFields) -> Result<Account, String> {
    let user = fields.user.clone().ok_or("there is no --account and no --user")?;
    let password = fields.password.clone();
    let password = password.ok_or("there is no --account and no --password-file or --password-env")?;
    Ok(Account {
        name: user.clone(),
        sign_in: user.clone(),
        provider: Provider::Other,
        from: is_sendable(&user).then(|| user.clone()),
        user,
        imap: None,
        pop3: None,
        smtp: None,
        auth: Auth::Password(password),
        ca_file: None,
        client: None,
        pace: None,
        hello: None,
        smtp_auth: true,
    })
}

/// Ports for TLS from the first byte and for STARTTLS (RFC 8314).
fn ports(protocol: Protocol) -> (u16, u16) {
    match protocol {
        Protocol::Imap => (993, 143),
        Protocol::Pop3 => (995, 110),
        Protocol::Smtp => (465, 587),
    }
}

fn server(usual: Option<&Server>, fields: &ServerFields, protocol: Protocol) -> Option<Server> {
    let (implicit, starttls) = ports(protocol);
    // Another host has ports of its own.
    let usual_there = usual.filter(|usual| fields.host.as_ref().is_none_or(|host| *host == usual.host));
    let host = fields.host.clone().or_else(|| usual.map(|usual| usual.host.clone()))?;
    let implied = fields.port.map(|port| {
        if port == starttls || port == 25 {
            Tls::StartTls
        } else {
            Tls::Implicit
        }
    });
    let tls = fields.tls.or(implied).or(usual_there.map(|usual| usual.tls));
    let tls = tls.unwrap_or(Tls::Implicit);
    let same = usual_there.filter(|usual| usual.tls == tls).map(|usual| usual.port);
    let port = fields.port.or(same).unwrap_or(match tls {
        Tls::Implicit => implicit,
        Tls::StartTls => starttls,
    });
    Some(Server { host, port, tls })
}

fn lacks_server(base: Option<&Account>, protocol: Protocol) -> String {
    let (name, option) = (protocol.name(), protocol.name().to_ascii_lowercase());
    match base {
        Some(account) => format!(
            "the account {} has no {name} server: write {option} = {{ host = \"…\" }} in its table, or give --{option}-host",
            account.name
        ),
        None => format!("there is no --account and no --{option}-host"),
    }
}

/// An endpoint that watches a mailbox: who takes mails away from there takes them from it.
#[must_use]
pub fn watched_by<'a>(
    mut endpoints: impl Iterator<Item = &'a Endpoint>,
    account: &Account,
    server: &Server,
    mailbox: &str,
) -> Option<&'a EndpointName> {
    let same = |one: &str, other: &str| {
        one == other || (one.eq_ignore_ascii_case("INBOX") && other.eq_ignore_ascii_case("INBOX"))
    };
    let watches = |endpoint: &&Endpoint| {
        let watched = &endpoint.mailbox;
        // One account has other hosts for IMAP and POP3, and one host may be written in many accounts.
        let there =
            watched.account.sign_in == account.sign_in || watched.server.host.eq_ignore_ascii_case(&server.host);
        there && watched.account.user.eq_ignore_ascii_case(&account.user) && same(&watched.name, mailbox)
    };
    endpoints.find(watches).map(|endpoint| &endpoint.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Action, Command, Mailbox, ReadBy};

    fn office() -> Account {
        Account {
            smtp: Some(Server {
                host: "smtp.example.com".into(),
                port: 2525,
                tls: Tls::StartTls,
            }),
            ..given(&alone()).unwrap()
        }
    }

    fn alone() -> AccountFields {
        AccountFields {
            user: Some("ada@example.com".into()),
            password: Some(SecretRef::Env("P".into())),
            ..AccountFields::default()
        }
    }

    fn of_server(host: Option<&str>, port: Option<u16>, tls: Option<Tls>) -> AccountFields {
        AccountFields {
            server: ServerFields {
                host: host.map(str::to_owned),
                port,
                tls,
            },
            ..AccountFields::default()
        }
    }

    #[test]
    fn field_by_field() {
        use Tls::{Implicit, StartTls};
        let office = office();
        for (fields, host, port, tls) in [
            (of_server(None, None, None), "smtp.example.com", 2525, StartTls),
            (of_server(None, None, Some(Implicit)), "smtp.example.com", 465, Implicit),
            (of_server(None, Some(587), None), "smtp.example.com", 587, StartTls),
            (of_server(Some("other"), None, None), "other", 465, Implicit),
            (of_server(Some("other"), Some(25), None), "other", 25, StartTls),
            (of_server(Some("other"), None, Some(StartTls)), "other", 587, StartTls),
        ] {
            let (account, server) = resolve(Some(&office), fields, Protocol::Smtp).unwrap();
            assert_eq!((server.host.as_str(), server.port, server.tls), (host, port, tls));
            assert_eq!(account.user, "ada@example.com");
        }
        let shared = AccountFields {
            user: Some("desk@example.com".into()),
            ..AccountFields::default()
        };
        let (account, _) = resolve(Some(&office), shared, Protocol::Smtp).unwrap();
        assert_eq!(account.from.as_deref(), Some("desk@example.com"));
        assert_eq!(account.auth, office.auth);
    }

    #[test]
    fn a_watched_mailbox_is_known() {
        let office = std::sync::Arc::new(office());
        let server = office.smtp.clone().unwrap();
        let mailbox = Mailbox {
            name: "Orders".into(),
            ..Mailbox::inbox(office.clone(), ReadBy::Imap, server.clone())
        };
        let action = Action::Command(Command::new(vec!["true".into()]));
        let endpoint = Endpoint::new(EndpointName::new("orders").unwrap(), mailbox, action);
        let by = |account: &Account, host: &str, mailbox: &str| {
            let server = Server {
                host: host.into(),
                ..server.clone()
            };
            watched_by([&endpoint].into_iter(), account, &server, mailbox).is_some()
        };
        let other = Account {
            sign_in: "other".into(),
            ..(*office).clone()
        };
        let somebody = Account {
            user: "bob@example.com".into(),
            ..(*office).clone()
        };
        assert!(by(&office, "pop.example.com", "Orders"));
        assert!(by(&other, "SMTP.example.com", "Orders"));
        assert!(!by(&other, "pop.example.com", "Orders"));
        assert!(!by(&office, "smtp.example.com", "orders"));
        assert!(!by(&somebody, "smtp.example.com", "Orders"));
    }

    #[test]
    fn what_is_missing_is_named() {
        let missing = |base, fields, protocol| resolve(base, fields, protocol).unwrap_err();
        assert!(missing(None, alone(), Protocol::Smtp).contains("--smtp-host"));
        let host = of_server(Some("x"), None, None);
        assert!(missing(None, host.clone(), Protocol::Smtp).contains("--user"));
        let user = AccountFields {
            password: None,
            server: host.server,
            ..alone()
        };
        assert!(missing(None, user, Protocol::Smtp).contains("--password-file"));
        assert!(missing(Some(&office()), AccountFields::default(), Protocol::Imap).contains("imap = {"));
    }
}
