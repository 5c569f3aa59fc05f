//! An account: servers, and the choice between a password and OAuth.

use std::{path::PathBuf, sync::Arc};

use rustls::pki_types::ServerName;
use toml::de::DeValue;

use super::{
    client::two_of,
    command::from_here,
    oauth::oauth,
    provider::Preset,
    sign_in::{SignInKeys, TokenKeys},
    tls::{certificate_allowed, client_certificate},
};
use crate::{
    addr_spec::is_sendable,
    config::{
        Account, Auth, ClientCertificate, Command, EndpointName, Provider, Rate, Server, Tls, TokenSource,
        declare::{keys, never, usual, wanted},
        key::Allowed,
        kind::{Flag, OneOf, PerTime, Roots, Text},
        presence::Need,
        sheet::PlacedValue,
        table::Table,
        value::{address, port, secret_line, text},
    },
};

/// One of a mail server's services, with the ports of RFC 8314 for TLS from the first byte and for STARTTLS.
struct MailService {
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

keys! {
    /// A server as it is written; what isn't comes from the preset, else from what the port or the kind of TLS implies.
    pub(in crate::config) struct ServerKeys in "" "" {
        host: Option<String> = Allowed::Text => host, never("\"mail.example.com\""), "a DNS name or an IP address";
        port: Option<u16> = Allowed::Count(1, 65_535) => port, never("993"), "that of the kind of TLS when nothing is written";
        tls: Option<Tls> = OneOf(&[("implicit", Tls::Implicit), ("starttls", Tls::StartTls)]), never("\"implicit\""),
            "implicit: with the first byte (993, 995, 465); starttls (143, 110, 587); that of the port when nothing is written";
    }
}

keys! {
    /// A submission server as it is written.
    pub(in crate::config) struct SmtpKeys in "" "" {
        auth: bool = Flag, usual(true), "whether one signs in to send";
    }
    and server: ServerKeys, "Where it is."
}

keys! {
    /// An account as it is written.
    pub(in crate::config) struct AccountKeys in "accounts.*" "" {
        user: Option<String> = Text, wanted("write the user name, e.g. user = \"invoices@example.com\"", "\"invoices@example.com\"", &[]),
            "at the mail servers; for a shared mailbox its address";
        from: Option<String> = Allowed::Text => address, never("\"orders@example.com\""), "of replies; the user when nothing is written and that is an address";
        _imap("imap"): Option<()> = Allowed::Table(ServerKeys::section().keys) => |_| Some(()), never("{ host = \"mail.example.com\" }"), "where mail is read by IMAP; tls: implicit (993) or starttls (143)";
        _pop3("pop3"): Option<()> = Allowed::Table(ServerKeys::section().keys) => |_| Some(()), never("{ host = \"mail.example.com\" }"), "where mail is read by POP3; tls: implicit (995) or starttls (110)";
        _smtp("smtp"): Option<()> = Allowed::Table(SmtpKeys::section().keys) => |_| Some(()), never("{ host = \"mail.example.com\" }"), "where replies are submitted, and needed for them only; tls: implicit (465) or starttls (587); auth = false where one sends without signing in";
        pace: Option<Option<Rate>> = PerTime, never("\"30/m\""), "replies at most in a time; false for none; when nothing is written what Exchange Online takes from Microsoft's accounts, and none elsewhere";
        ca_file: Option<PathBuf> = Roots, never("\"ca.pem\""), "further trusted roots, or the servers' own certificates (self-signed ones too)";
        client("tls"): Option<ClientCertificate> = certificate_allowed() => client_certificate,
            never("{ cert = \"client.pem\", key = \"client.key\" }"),
            "what proves mailjob to servers that ask for a client's certificate; read anew for each connection";
    }
    and sign_in: SignInKeys, "How one signs in."
}

/// Reads an account.
pub(super) fn account(name: &str, table: &mut Table<'_>) -> Option<Account> {
    let said = AccountKeys::read(table)?;
    let preset = said.sign_in.preset(table);
    let servers = preset.as_ref().map(Preset::servers);
    let mut smtp_auth = true;
    let imap = server(table, &IMAP, servers.as_ref().map(|servers| servers.imap.clone()), None);
    let pop3 = server(table, &POP3, servers.as_ref().map(|servers| servers.pop3.clone()), None);
    let smtp = server(table, &SMTP, servers.map(|servers| servers.smtp), Some(&mut smtp_auth));
    let only_sends = !smtp_auth && imap.is_none() && pop3.is_none();
    let auth = match only_sends && !signs_in(table) {
        true => Some(Auth::None),
        false => auth(table, said.sign_in, preset.as_ref()),
    };
    let written = ["imap", "pop3", "smtp", "provider"];
    if written.into_iter().all(|key| table.value(key).is_none()) {
        let cure =
            "write imap = { host = \"imap.example.com\" } or pop3 = …, or provider = \"microsoft\" or \"google\"";
        table.lacks_key("imap", cure);
    }
    let mut broken = |key, server: &Option<Server>| server.is_none() && table.value(key).is_some();
    if broken("imap", &imap) || broken("pop3", &pop3) {
        return None;
    }
    let user = said.user?;
    Some(Account {
        name: name.to_owned(),
        sign_in: name.to_owned(),
        pace: said.pace.unwrap_or_else(|| preset.as_ref().and_then(Preset::pace)),
        provider: preset.map_or(Provider::Other, |preset| preset.provider()),
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
pub(super) fn overridden(table: &mut Table<'_>, shared: &Account, endpoint: &EndpointName) -> Option<Option<Account>> {
    let user = table.value("user");
    let own = table.value("auth");
    if user.is_none() && own.is_none() {
        return Some(None);
    }
    // Both are read before either is given up.
    let user = user.map(text);
    let auth = own.map(|own| {
        own.table(|table| {
            let said = SignInKeys::read(table)?;
            let own = said.preset(table);
            auth(table, said, own.or(Preset::of(shared.provider)).as_ref())
        })
    });
    let mut account = Account {
        name: format!("{}/{endpoint}", shared.name),
        ..shared.clone()
    };
    if let Some(user) = user {
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

/// Whether anything is said of how to sign in.
fn signs_in(table: &mut Table<'_>) -> bool {
    let mut keys = SignInKeys::of_oauth().chain(["password", "token"]);
    keys.any(|key| table.value(key).is_some())
}

/// A server; what isn't written comes from the preset, else from what the port or the kind of TLS implies.
/// `auth` is what is said of signing in there, where that can be left out.
fn server(
    table: &mut Table<'_>,
    service: &MailService,
    preset: Option<Server>,
    auth: Option<&mut bool>,
) -> Option<Server> {
    let Some(value) = table.value(service.key) else {
        return preset;
    };
    if let DeValue::String(written) = value.raw {
        let key = service.key;
        let cure = match named(written.trim()) {
            Some((name, Some(port))) => format!("write {key} = {{ host = \"{name}\", port = {port} }}"),
            Some((name, None)) => format!("write {key} = {{ host = \"{name}\" }}"),
            None => format!("write {key} = {{ host = \"{key}.example.com\" }}"),
        };
        return value.wrong("is text, where a table says which server it is", cure);
    }
    value.table(|table| {
        let ServerKeys { host, port, tls } = match auth {
            Some(auth) => {
                let said = SmtpKeys::read(table)?;
                *auth = said.auth;
                said.server
            }
            None => ServerKeys::read(table)?,
        };
        if preset.is_none() && table.value("host").is_none() {
            table.lacks_key("host", "write the server's name, e.g. host = \"mail.example.com\"");
        }
        let port = port.filter(|port| table.value("port").is_none_or(|value| service.speaks_at(&value, *port)));
        let tls = tls.filter(|tls| table.value("tls").is_none_or(|value| fits(&value, *tls, port, service)));
        let implied = port.map(|port| service.tls_of(port));
        let tls = tls
            .or(implied)
            .or(preset.as_ref().map(|preset| preset.tls))
            .unwrap_or(Tls::Implicit);
        let usual = preset
            .as_ref()
            .filter(|preset| preset.tls == tls)
            .map(|preset| preset.port);
        Some(Server {
            host: host.or(preset.map(|preset| preset.host))?,
            port: port.or(usual).unwrap_or(service.port_of(tls)),
            tls,
        })
    })
}

/// Whether a kind of TLS is spoken at a port. Otherwise there is silence, where each waits for the other, or a line that is no TLS.
fn fits(value: &PlacedValue<'_>, tls: Tls, port: Option<u16>, service: &MailService) -> bool {
    let (implicit, starttls) = (service.implicit, service.starttls);
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
        _ => return true,
    };
    let port = port.unwrap_or_default();
    value.wrong::<()>(
        cause,
        format!("remove tls (port {port} means \"{meant}\"), or write port = {other}"),
    );
    false
}

impl MailService {
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

/// The way to sign in: a password, OAuth, or a token that somebody else gets; never two of them.
fn auth(table: &mut Table<'_>, said: SignInKeys, preset: Option<&Preset>) -> Option<Auth> {
    let of_oauth = SignInKeys::of_oauth().find_map(|key| table.value(key));
    let password = table.value("password");
    let token = table.value("token");
    if let Some((one, other)) = two_of([&password, &token, &of_oauth]) {
        let cause = format!("stands beside `{}`; an account signs in one way", other.path);
        return one.wrong_secret(cause, "keep one of password, token and the keys of OAuth");
    }
    match (password, token, of_oauth) {
        (Some(password), ..) if matches!(preset, Some(Preset::Microsoft { .. })) => {
            // Basic authentication for IMAP and POP3 ended in Exchange Online at the end of 2022.
            let cure = "write client_id, and sign in by: mailjob auth login";
            password.wrong_secret("can't work: Microsoft 365 takes no passwords over IMAP and POP3", cure)
        }
        (Some(password), ..) => secret_line(password).map(Auth::Password),
        (None, Some(token), _) => token_source(token).map(Auth::Token),
        (None, None, Some(_)) => {
            oauth(table, said.grant, said.refresh_life, preset).map(|oauth| Auth::OAuth(Box::new(oauth)))
        }
        (None, None, None) => {
            let cure = "write password = { file = \"…\" }, or client_id with client_secret or refresh_token";
            table.lacks(format!("`{}` has no way to sign in", table.path), cure);
            None
        }
    }
}

/// `{ command = ["…"] }`, or the place of a token.
fn token_source(value: PlacedValue<'_>) -> Option<TokenSource> {
    let command = match value.raw {
        DeValue::Table(table) => table.contains_key("command"),
        _ => false,
    };
    if !command {
        return secret_line(value).map(TokenSource::Kept);
    }
    let here = value.clone();
    let TokenKeys {
        command: mut argv,
        pass_env,
    } = value.table(TokenKeys::read)?;
    let Some(program) = argv.first_mut() else {
        return here.wrong("names no program", "write { command = [\"/usr/local/bin/token\"] }");
    };
    if program.contains('/') {
        *program = from_here(&here, program)?;
    }
    for argument in argv.iter_mut().skip(1).filter(|argument| argument.starts_with("./")) {
        *argument = from_here(&here, argument)?;
    }
    // It runs where we do, and reads what we may.
    let command = Command {
        confine: false,
        ..Command::new(argv.clone())
    };
    here.need(Need::Program(Arc::new(command)));
    Some(TokenSource::Command { argv, pass_env })
}
