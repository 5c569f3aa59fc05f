//! An account: servers, and the choice between a password and OAuth.

use std::sync::Arc;

use rustls::pki_types::ServerName;
use toml::de::DeValue;

use super::{
    client::two_of,
    command::from_here,
    oauth::oauth,
    provider::{Preset, preset},
    tls::client_certificate,
};
use crate::{
    addr_spec::is_sendable,
    config::{
        Account, Auth, Command, EndpointName, Provider, Rate, Server, Tls, TokenSource,
        presence::Need,
        sheet::PlacedValue,
        table::Table,
        value::{address, choice, flag, list, port, rate, roots, secret_line, text, variable},
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

/// The keys of OAuth that stand in an account's own table.
const OF_OAUTH: [&str; 12] = [
    "client_id",
    "client_secret",
    "client_secret_expires",
    "certificate",
    "certificate_key",
    "federated_token",
    "refresh_token",
    "refresh_token_life",
    "service_account",
    "grant",
    "tenant",
    "oauth",
];

/// Reads an account.
pub(super) fn account(name: &str, table: &mut Table<'_>) -> Option<Account> {
    let preset = preset(table);
    let user = table.must(
        "user",
        "write the user name, e.g. user = \"invoices@example.com\"",
        text,
    );
    let servers = preset.as_ref().map(Preset::servers);
    let mut smtp_auth = true;
    let imap = server(table, &IMAP, servers.as_ref().map(|servers| servers.imap.clone()), None);
    let pop3 = server(table, &POP3, servers.as_ref().map(|servers| servers.pop3.clone()), None);
    let smtp = server(table, &SMTP, servers.map(|servers| servers.smtp), Some(&mut smtp_auth));
    let from = table.get("from", address);
    let pace = table.value("pace");
    let usual = preset.as_ref().and_then(Preset::pace);
    let pace = pace.map_or(Some(usual), pace_of);
    let ca_file = table.get("ca_file", roots);
    let client = table.value("tls");
    let client = client.map_or(Some(None), |value| client_certificate(value).map(Some));
    let only_sends = !smtp_auth && imap.is_none() && pop3.is_none();
    let auth = match only_sends && !signs_in(table) {
        true => Some(Auth::None),
        false => auth(table, preset.as_ref()),
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
    let user = user?;
    Some(Account {
        name: name.to_owned(),
        sign_in: name.to_owned(),
        provider: preset.map_or(Provider::Other, |preset| preset.provider()),
        imap,
        pop3,
        smtp,
        auth: auth?,
        ca_file,
        client: client?,
        pace: pace?,
        hello: None,
        smtp_auth,
        from: from.or_else(|| is_sendable(&user).then(|| user.clone())),
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
            let own = preset(table);
            auth(table, own.or(Preset::of(shared.provider)).as_ref())
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
    let keys = OF_OAUTH.into_iter().chain(["password", "token"]);
    // Each key is asked for, so that none counts as unknown.
    let said: Vec<_> = keys.filter_map(|key| table.value(key)).collect();
    !said.is_empty()
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
    value.table(|table| {
        let host = match &preset {
            Some(preset) => Some(table.or("host", preset.host.clone(), host)),
            None => table.must(
                "host",
                "write the server's name, e.g. host = \"mail.example.com\"",
                host,
            ),
        };
        if let Some(auth) = auth {
            *auth = table.or("auth", true, flag);
        }
        let port = table.get("port", port);
        let tls = table.get("tls", |value| tls(value, port, service));
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

/// A kind of TLS. STARTTLS on a port where TLS begins with the first byte ends in silence: each waits for the other.
fn tls(value: PlacedValue<'_>, port: Option<u16>, service: &MailService) -> Option<Tls> {
    let tls = choice(&[("implicit", Tls::Implicit), ("starttls", Tls::StartTls)])(value.clone())?;
    if tls == Tls::StartTls && port == Some(service.implicit) {
        let (implicit, starttls) = (service.implicit, service.starttls);
        return value.wrong(
            format!("is \"starttls\", but on port {implicit} TLS begins with the first byte"),
            format!("remove tls (port {implicit} means \"implicit\"), or write port = {starttls}"),
        );
    }
    Some(tls)
}

impl MailService {
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

/// A rate, or `false` for none.
fn pace_of(value: PlacedValue<'_>) -> Option<Option<Rate>> {
    match value.raw {
        DeValue::Boolean(false) => Some(None),
        _ => rate(value).map(Some),
    }
}

/// A DNS name or an IP address, as TLS can verify it.
fn host(value: PlacedValue<'_>) -> Option<String> {
    let host = text(value.clone())?;
    if ServerName::try_from(host.as_str()).is_err() {
        return value.wrong(
            format!("is \"{host}\", not a host"),
            "write a DNS name or an IP address, without a port",
        );
    }
    Some(host)
}

/// The way to sign in: a password, OAuth, or a token that somebody else gets; never two of them.
fn auth(table: &mut Table<'_>, preset: Option<&Preset>) -> Option<Auth> {
    // Each key is asked for, so that none counts as unknown.
    let all: Vec<_> = OF_OAUTH.into_iter().filter_map(|key| table.value(key)).collect();
    let of_oauth = all.into_iter().next();
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
        (None, None, Some(_)) => oauth(table, preset).map(|oauth| Auth::OAuth(Box::new(oauth))),
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
    let (mut argv, pass_env) = value.table(|table| {
        let argv = table.get("command", list(text))?;
        Some((argv, table.or("pass_env", Vec::new(), list(variable))))
    })?;
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
