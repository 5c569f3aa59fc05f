//! An account: servers, and the choice between a password and OAuth.

use std::path::PathBuf;

use rustls::pki_types::ServerName;
use toml::de::DeValue;

use super::{sign_in::SignInKeys, tls::ClientCertificate};
use crate::{
    addr_spec::is_sendable,
    config::{
        Account, Auth, EndpointName, Provider, Rate, Server, Tls,
        declare::{keys, never, usual, wanted},
        key::Allowed,
        kind::{Flag, PerTime, Roots, Text},
        rule::Rule,
        sheet::PlacedValue,
        table::Table,
        value::{address, choice, port, text},
    },
};

/// One of a mail server's services, with the ports of RFC 8314 for TLS from the first byte and for STARTTLS.
pub(in crate::config) struct MailService {
    key: &'static str,
    implicit: u16,
    starttls: u16,
}

const IMAP: MailService = MailService {
    key: "imap",
    implicit: 993,
    starttls: 143,
};
const POP3: MailService = MailService {
    key: "pop3",
    implicit: 995,
    starttls: 110,
};
const SMTP: MailService = MailService {
    key: "smtp",
    implicit: 465,
    starttls: 587,
};

const TLS: &[(&str, Tls)] = &[("implicit", Tls::Implicit), ("starttls", Tls::StartTls)];

keys! {
    /// A server as it is written; what isn't is the provider's, else from what the port or the kind of TLS implies.
    pub(in crate::config) struct ServerKeys in "" "" reads(service: &MailService) {
        host: Option<String> = Allowed::Text => host, never("\"mail.example.com\""), "a DNS name or an IP address";
        port: Option<u16> = Allowed::Count(1, 65_535) => |value| service.port(value), never("993"),
            "that of the kind of TLS when nothing is written";
        tls: Option<Tls> = Allowed::Word(vec!["implicit", "starttls"]) => |value| service.tls(value, port.flatten()), never("\"implicit\""),
            "implicit: with the first byte (993, 995, 465); starttls (143, 110, 587); that of the port when nothing is written";
    }
}

keys! {
    /// A submission server as it is written.
    pub(in crate::config) struct SmtpKeys in "" "" {
        auth: bool = Flag, usual(true), "whether one signs in to send";
    }
    and server: ServerKeys(&SMTP), "Where it is."
}

keys! {
    /// An account as it is written.
    pub(in crate::config) struct AccountKeys in "accounts.*" "" {
        user: Option<String> = Text, wanted("write the user name, e.g. user = \"invoices@example.com\"", "\"invoices@example.com\"", &[]),
            "at the mail servers; for a shared mailbox its address";
        from: Option<String> = Allowed::Text => address, never("\"orders@example.com\""), "of replies; the user when nothing is written and that is an address";
        imap: Option<ServerKeys> = ServerKeys::allowed() => |value| IMAP.written(value, |table| ServerKeys::read(table, &IMAP)),
            never("{ host = \"mail.example.com\" }"), "where mail is read by IMAP; tls: implicit (993) or starttls (143)";
        pop3: Option<ServerKeys> = ServerKeys::allowed() => |value| POP3.written(value, |table| ServerKeys::read(table, &POP3)),
            never("{ host = \"mail.example.com\" }"), "where mail is read by POP3; tls: implicit (995) or starttls (110)";
        smtp: Option<SmtpKeys> = SmtpKeys::allowed() => |value| SMTP.written(value, SmtpKeys::read), never("{ host = \"mail.example.com\" }"),
            "where replies are submitted, and needed for them only; tls: implicit (465) or starttls (587); auth = false where one sends without signing in";
        pace: Option<Option<Rate>> = PerTime, never("\"30/m\""),
            "replies at most in a time; false for none; when nothing is written what Exchange Online takes from Microsoft's accounts, and none elsewhere";
        ca_file: Option<PathBuf> = Roots, never("\"ca.pem\""), "further trusted roots, or the servers' own certificates (self-signed ones too)";
        client("tls"): Option<ClientCertificate> = ClientCertificate::allowed() => |value| value.table(ClientCertificate::read),
            never("{ cert = \"client.pem\", key = \"client.key\" }"),
            "what proves mailjob to servers that ask for a client's certificate; read anew for each connection";
    }
    and sign_in: SignInKeys, "How one signs in."
    rules &[Rule::Some(
        &["imap", "pop3", "smtp", "provider"],
        "write imap = { host = \"imap.example.com\" } or pop3 = …, or provider = \"microsoft\" or \"google\"",
    )]
}

/// Reads an account.
pub(super) fn account(name: &str, table: &mut Table<'_>) -> Option<Account> {
    let said = AccountKeys::read(table)?;
    let provider = said.sign_in.provider(table);
    let is_personal = said.sign_in.tenant.as_deref() == Some("consumers");
    let [usual_imap, usual_pop3, usual_smtp] = provider.servers(is_personal);
    let smtp_auth = said.smtp.as_ref().is_none_or(|smtp| smtp.auth);
    let imap = IMAP.server(table, said.imap, usual_imap);
    let pop3 = POP3.server(table, said.pop3, usual_pop3);
    let smtp = SMTP.server(table, said.smtp.map(|smtp| smtp.server), usual_smtp);
    let only_sends = !smtp_auth && imap.is_none() && pop3.is_none();
    let auth = match only_sends && !SignInKeys::are_in(table) {
        true => Some(Auth::None),
        false => said.sign_in.auth(table, provider),
    };
    let is_broken = |key, server: &Option<Server>| server.is_none() && table.has(key);
    if is_broken("imap", &imap) || is_broken("pop3", &pop3) {
        return None;
    }
    let user = said.user?;
    Some(Account {
        name: name.to_owned(),
        sign_in: name.to_owned(),
        pace: said.pace.unwrap_or_else(|| provider.pace()),
        provider,
        imap,
        pop3,
        smtp,
        auth: auth?,
        ca_file: said.ca_file,
        client: said.client,
        hello: None,
        smtp_auth,
        from: said.from.or_else(|| is_sendable(&user).then(|| user.clone())),
        user,
    })
}

/// What an endpoint changes of an account that it shares: another user under the same sign-in, or a sign-in of its own.
pub(super) fn overridden(
    table: &mut Table<'_>,
    shared: &Account,
    (user, sign_in): (Option<String>, Option<SignInKeys>),
    endpoint: &EndpointName,
) -> Option<Option<Account>> {
    let own = table.value("auth");
    if !table.has("user") && own.is_none() {
        return Some(None);
    }
    // Both are read before either is given up.
    let auth = own.map(|own| {
        let (said, mut table) = (sign_in?, own.read_table()?);
        let provider = match said.provider(&mut table) {
            Provider::Other => shared.provider,
            own => own,
        };
        said.auth(&mut table, provider)
    });
    let mut account = Account {
        name: format!("{}/{endpoint}", shared.name),
        ..shared.clone()
    };
    if table.has("user") {
        account.user = user?;
        account.from = is_sendable(&account.user).then(|| account.user.clone());
    }
    let own = auth.is_some();
    if let Some(auth) = auth {
        account.auth = auth?;
    }
    if own || account.auth.is_of_one_user() {
        account.sign_in.clone_from(&account.name);
    }
    Some(Some(account))
}

impl MailService {
    /// What is written of it.
    fn written<'a, T>(&self, value: PlacedValue<'a>, read: impl FnOnce(&mut Table<'a>) -> Option<T>) -> Option<T> {
        let DeValue::String(text) = value.raw else {
            return value.table(read);
        };
        let key = self.key;
        let cure = match named(text.trim()) {
            Some((name, Some(port))) => format!("write {key} = {{ host = \"{name}\", port = {port} }}"),
            Some((name, None)) => format!("write {key} = {{ host = \"{name}\" }}"),
            None => format!("write {key} = {{ host = \"{key}.example.com\" }}"),
        };
        value.wrong("is text, where a table says which server it is", cure)
    }

    /// The server; what isn't written is the provider's, else from what the port or the kind of TLS implies.
    fn server(&self, table: &mut Table<'_>, said: Option<ServerKeys>, usual: Option<Server>) -> Option<Server> {
        let Some(value) = table.value(self.key) else {
            return usual;
        };
        let ServerKeys { host, port, tls } = said?;
        let own = value.read_table()?;
        if usual.is_none() && !own.has("host") {
            own.lacks_key("host", "write the server's name, e.g. host = \"mail.example.com\"");
        }
        let implied = port.map(|port| self.tls_of(port));
        let tls = tls.or(implied).or(usual.as_ref().map(|usual| usual.tls));
        let tls = tls.unwrap_or(Tls::Implicit);
        let usual_port = usual.as_ref().filter(|usual| usual.tls == tls).map(|usual| usual.port);
        Some(Server {
            host: host.or(usual.map(|usual| usual.host))?,
            port: port.or(usual_port).unwrap_or(self.port_of(tls)),
            tls,
        })
    }

    fn port(&self, value: PlacedValue<'_>) -> Option<u16> {
        port(value.clone()).filter(|port| self.speaks_at(&value, *port))
    }

    /// When TLS begins, as it is at the port. Otherwise there is silence, where each waits for the other, or a line that is no TLS.
    fn tls(&self, value: PlacedValue<'_>, port: Option<u16>) -> Option<Tls> {
        let tls = choice(TLS)(value.clone())?;
        let (implicit, starttls) = (self.implicit, self.starttls);
        let (cause, meant, other) = match (tls, port) {
            (Tls::StartTls, Some(port)) if port == implicit => (
                format!("is \"starttls\", but on port {port} TLS begins with the first byte"),
                "implicit",
                starttls,
            ),
            (Tls::Implicit, Some(port)) if port == starttls => (
                format!("is \"implicit\", but on port {port} TLS begins by STARTTLS"),
                "starttls",
                implicit,
            ),
            _ => return Some(tls),
        };
        let port = port.unwrap_or_default();
        let cure = format!("remove tls (port {port} means \"{meant}\"), or write port = {other}");
        value.wrong(cause, cure)
    }

    /// Whether nothing else is spoken at a port, by RFC 8314 and 6409.
    fn speaks_at(&self, value: &PlacedValue<'_>, port: u16) -> bool {
        let others = [("IMAP", &IMAP), ("POP3", &POP3), ("SMTP", &SMTP)]
            .into_iter()
            .filter(|(_, other)| other.key != self.key);
        let found = others
            .into_iter()
            .find(|(_, other)| [other.implicit, other.starttls].contains(&port) || other.key == "smtp" && port == 25);
        if let Some((name, _)) = found {
            value.wrong::<()>(
                format!("is {port}, where {name} is spoken"),
                format!(
                    "remove it (the usual port is {}), or write that of the server's {}",
                    self.implicit,
                    self.key.to_uppercase()
                ),
            );
        }
        found.is_none()
    }

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
fn host(value: PlacedValue<'_>) -> Option<String> {
    let host = text(value.clone())?;
    if ServerName::try_from(host.as_str()).is_err() {
        let cure = match named(&host) {
            Some((name, Some(port))) => format!("write host = \"{name}\", port = {port}"),
            Some((name, None)) => format!("write host = \"{name}\""),
            None => "write a DNS name or an IP address, without a port".to_owned(),
        };
        return value.wrong(format!("is \"{host}\", not a host"), cure);
    }
    Some(host)
}

/// The host and the port that a URL, or a host with its port, names. Pure.
fn named(written: &str) -> Option<(&str, Option<u16>)> {
    let (_, place) = written.split_once("://").unwrap_or(("", written));
    let place = place.split(['/', '?', '#']).next()?;
    let place = place.rsplit_once('@').map_or(place, |(_, host)| host);
    let (name, port) = match place.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') => (name, Some(port.parse().ok()?)),
        _ => (place, None),
    };
    ServerName::try_from(name).is_ok().then_some((name, port))
}
