//! An account: presets of providers, servers, and the choice between a password and OAuth.

use rustls::pki_types::ServerName;

use super::oauth::oauth;
use crate::{
    addr_spec::is_sendable,
    config::{
        Account, Auth, Server, Tls,
        read::Value,
        table::Table,
        value::{address, choice, port, roots, secret, text},
    },
};

/// Providers whose servers and token endpoints are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Provider {
    /// Microsoft 365.
    Microsoft,
    /// Google Workspace and Gmail.
    Google,
}

/// One of a mail server's two services, with the ports of RFC 8314 for TLS from the first byte and for STARTTLS.
struct Service {
    key: &'static str,
    implicit: u16,
    starttls: u16,
}

const IMAP: Service = Service {
    key: "imap",
    implicit: 993,
    starttls: 143,
};
const SMTP: Service = Service {
    key: "smtp",
    implicit: 465,
    starttls: 587,
};

impl Provider {
    /// Microsoft: "Settings for POP and IMAP", "Authenticated client SMTP submission" (587 with STARTTLS only).
    /// Google: "Add Gmail to another client" (IMAP 993, SMTP 465 or 587).
    fn servers(self) -> (Server, Server) {
        let server = |host: &str, port, tls| Server {
            host: host.to_owned(),
            port,
            tls,
        };
        match self {
            Self::Microsoft => (
                server("outlook.office365.com", 993, Tls::Implicit),
                server("smtp.office365.com", 587, Tls::StartTls),
            ),
            Self::Google => (
                server("imap.gmail.com", 993, Tls::Implicit),
                server("smtp.gmail.com", 465, Tls::Implicit),
            ),
        }
    }
}

/// Reads an account.
pub(super) fn account(name: &str, table: &mut Table<'_>) -> Option<Account> {
    let providers = [("microsoft", Provider::Microsoft), ("google", Provider::Google)];
    let provider = table.get("provider", choice(&providers));
    let user = table.must(
        "user",
        "write the user name, e.g. user = \"invoices@example.com\"",
        text,
    );
    let (preset_imap, preset_smtp) = provider.map(Provider::servers).unzip();
    let imap = server(table, &IMAP, preset_imap);
    let smtp = server(table, &SMTP, preset_smtp);
    let from = table.get("from", address);
    let ca_file = table.get("ca_file", roots);
    let auth = auth(table, provider);
    if imap.is_none() && table.value("imap").is_none() && table.value("provider").is_none() {
        let cure = "write imap = { host = \"imap.example.com\" }, or provider = \"microsoft\" or \"google\"";
        table.lacks_key("imap", cure);
    }
    let user = user?;
    Some(Account {
        name: name.to_owned(),
        imap: imap?,
        smtp,
        auth: auth?,
        ca_file,
        from: from.or_else(|| is_sendable(&user).then(|| user.clone())),
        user,
    })
}

/// A server; what isn't written comes from the preset, else from what the port or the kind of TLS implies.
fn server(table: &mut Table<'_>, service: &Service, preset: Option<Server>) -> Option<Server> {
    let Some(value) = table.value(service.key) else {
        return preset;
    };
    value.table(|table| {
        let host = match &preset {
            Some(preset) => Some(table.or("host", preset.host.clone(), host)),
            None => table.must(
                "host",
                "write the server's name, e.g. host = \"mail.example.com\"",
                host,
            ),
        };
        let port = table.get("port", port);
        let tls = table.get(
            "tls",
            choice(&[("implicit", Tls::Implicit), ("starttls", Tls::StartTls)]),
        );
        let implied = port.map(|port| service.tls_of(port));
        let tls = tls
            .or(implied)
            .or(preset.as_ref().map(|preset| preset.tls))
            .unwrap_or(Tls::Implicit);
        let usual = preset.filter(|preset| preset.tls == tls).map(|preset| preset.port);
        Some(Server {
            host: host?,
            port: port.or(usual).unwrap_or(service.port_of(tls)),
            tls,
        })
    })
}

impl Service {
    fn tls_of(&self, port: u16) -> Tls {
        if port == self.starttls || port == 25 {
            Tls::StartTls
        } else {
            Tls::Implicit
        }
    }

    fn port_of(&self, tls: Tls) -> u16 {
        match tls {
            Tls::Implicit => self.implicit,
            Tls::StartTls => self.starttls,
        }
    }
}

/// A DNS name or an IP address, as TLS can verify it.
fn host(value: Value<'_>) -> Option<String> {
    let host = text(value.clone())?;
    if ServerName::try_from(host.as_str()).is_err() {
        return value.wrong(
            format!("is \"{host}\", not a host"),
            "write a DNS name or an IP address, without a port",
        );
    }
    Some(host)
}

/// The way to sign in: a password or OAuth, never both.
fn auth(table: &mut Table<'_>, provider: Option<Provider>) -> Option<Auth> {
    let keys = [
        "client_id",
        "client_secret",
        "refresh_token",
        "grant",
        "tenant",
        "oauth",
    ];
    let of_oauth: Vec<_> = keys.into_iter().filter_map(|key| table.value(key)).collect();
    match (table.value("password"), of_oauth.first()) {
        (Some(password), None) if provider == Some(Provider::Microsoft) => {
            // Basic authentication for IMAP ended in Exchange Online at the end of 2022.
            let cure = "write client_id with client_secret or refresh_token";
            password.wrong_secret("can't work: Microsoft 365 takes no passwords over IMAP", cure)
        }
        (Some(password), None) => secret(password).map(Auth::Password),
        (Some(password), Some(other)) => {
            let cause = format!("stands beside `{}`; an account signs in one way", other.path);
            password.wrong_secret(cause, "keep the password or the keys of OAuth, not both")
        }
        (None, Some(_)) => oauth(table, provider).map(|oauth| Auth::OAuth(Box::new(oauth))),
        (None, None) => {
            let cure = "write password = { file = \"…\" }, or client_id with client_secret or refresh_token";
            table.lacks(format!("`{}` has no way to sign in", table.path), cure);
            None
        }
    }
}
