//! Who may use the API: programs of this machine, or whoever has the token. Pure.
//!
//! Without a token, a page in a browser of this machine is what to fear: it can have the browser ask us, under a name of its own that leads
//! here (DNS rebinding), or from its own site (a forged request). Such a request names another host or another origin.

use std::net::{IpAddr, SocketAddr};

use axum::http::{
    HeaderMap, HeaderName, Uri,
    header::{AUTHORIZATION, HOST, ORIGIN},
};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use super::problem::{Kind, Problem};
use crate::{
    config::Api,
    secret::{ExposeSecret as _, Secret, SecretError, SecretRef},
};

/// What browsers say of where a request comes from (Fetch Metadata).
const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Bytes of a token at least: shorter ones can be guessed.
const SHORTEST: usize = 16;

/// What opens the API, and where it answers.
#[derive(Debug)]
pub(super) enum Door {
    /// Programs of this machine may.
    Machine,
    /// Whoever has the token may.
    Token(Secret),
    /// Nobody may: there is no token, and the address can be reached from elsewhere.
    NoToken(SocketAddr),
    /// Nobody may: `[api]` can't be read.
    Unreadable,
    /// Nobody may: the token can't be had. Why is for the log: whoever asks has not shown yet who he is.
    Unusable(String),
}

impl Door {
    /// The door of a listener at this address; `read` reads the token as it is now.
    pub(super) fn of(
        api: &Api,
        listener: SocketAddr,
        read: impl FnOnce(&SecretRef) -> Result<Secret, SecretError>,
    ) -> Self {
        match api {
            Api::Closed => Self::Unreadable,
            Api::Token(place) => match read(place) {
                Ok(token) if token.expose_secret().len() >= SHORTEST => Self::Token(token),
                Ok(_) => Self::Unusable(format!("it has fewer than {SHORTEST} characters")),
                Err(error) => Self::Unusable(error.to_string()),
            },
            Api::Loopback if is_loopback(listener.ip()) => Self::Machine,
            Api::Loopback => Self::NoToken(listener),
        }
    }
}

/// What a request says of where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Caller {
    /// The hosts that it names, of its target and of all its Host fields; `None` in the place of what is no text.
    hosts: Vec<Option<String>>,
    /// Likewise Origin.
    origins: Vec<Option<String>>,
    /// Likewise Sec-Fetch-Site.
    sites: Vec<Option<String>>,
    /// The bearer token, where there is one Authorization field with one.
    bearer: Option<String>,
}

impl Caller {
    /// Reads what a request says.
    pub(super) fn of(uri: &Uri, headers: &HeaderMap) -> Self {
        let all = |name: HeaderName| headers.get_all(name).into_iter().map(|value| value.to_str().ok());
        let owned = |name| all(name).map(|value| value.map(str::to_owned)).collect::<Vec<_>>();
        let mut credentials = all(AUTHORIZATION);
        let bearer = credentials.next().flatten().and_then(bearer).map(str::to_owned);
        let target = uri.authority().map(|authority| Some(authority.to_string()));
        Self {
            hosts: target.into_iter().chain(owned(HOST)).collect(),
            origins: owned(ORIGIN),
            sites: owned(SITE),
            bearer: bearer.filter(|_| credentials.next().is_none()),
        }
    }
}

/// Whether a caller may come in by this door.
///
/// # Errors
/// Why not, and what to do.
pub(super) fn judge(door: &Door, caller: &Caller) -> Result<(), Problem> {
    match door {
        Door::Machine => of_this_machine(caller),
        Door::Token(token) => with_token(token.expose_secret(), caller.bearer.as_deref()),
        Door::Unusable(_) => Err(Problem::new(
            Kind::Unavailable,
            "The API's token can't be used.",
            "see the log of mailjob run",
        )),
        Door::NoToken(listener) => Err(Problem::new(
            Kind::Forbidden,
            format!(
                "The API answers on {listener}, which can be reached from elsewhere, with a token only, and there is none."
            ),
            "write [api] token = { file = \"…\" } into mailjob.toml, or a loopback address into [service] health",
        )),
        Door::Unreadable => Err(Problem::new(
            Kind::Forbidden,
            "[api] in mailjob.toml can't be used, so nobody is let in.",
            "mend what mailjob check shows",
        )),
    }
}

fn of_this_machine(caller: &Caller) -> Result<(), Problem> {
    let [Some(host), rest @ ..] = &*caller.hosts else {
        return Err(not_ours("The request names no host."));
    };
    // The target and Host may both name one, the same (RFC 9112 section 3.2.2).
    if rest.iter().any(|other| other.as_ref() != Some(host)) {
        return Err(not_ours("The request names several hosts."));
    }
    if !is_loopback_name(host) {
        return Err(not_ours("The request names a host that is not this machine."));
    }
    let foreign = Problem::new(
        Kind::Forbidden,
        "The request comes from a page of another site in a browser.",
        "use a program, or write [api] token = { file = \"…\" } into mailjob.toml",
    );
    let own = format!("http://{host}");
    let origin = caller.origins.iter().all(|origin| origin.as_ref() == Some(&own));
    let site = |site: &Option<String>| matches!(site.as_deref(), Some("same-origin" | "none"));
    match origin && caller.sites.iter().all(site) {
        true => Ok(()),
        false => Err(foreign),
    }
}

fn not_ours(detail: &str) -> Problem {
    Problem::new(
        Kind::Forbidden,
        detail,
        "ask for localhost, 127.0.0.1 or [::1], or write [api] token = { file = \"…\" } into mailjob.toml",
    )
}

fn with_token(token: &str, bearer: Option<&str>) -> Result<(), Problem> {
    match bearer.is_some_and(|bearer| is_same(token, bearer)) {
        true => Ok(()),
        false => Err(Problem::new(
            Kind::Unauthorized,
            match bearer {
                Some(_) => "The token is another one.",
                None => "The request has no token.",
            },
            "send Authorization: Bearer … with the token that [api] in mailjob.toml names",
        )),
    }
}

/// Whether two tokens are the same; how long this takes tells nothing of where they differ, as their codes are compared.
fn is_same(token: &str, bearer: &str) -> bool {
    let code = |text: &str| {
        let mac = Hmac::<Sha256>::new_from_slice(token.as_bytes());
        mac.map(|mac| mac.chain_update(text))
    };
    match (code(token), code(bearer)) {
        (Ok(expected), Ok(given)) => given.verify_slice(&expected.finalize().into_bytes()).is_ok(),
        (Err(_), _) | (_, Err(_)) => false,
    }
}

/// The token of an Authorization field (RFC 6750 section 2.1).
fn bearer(field: &str) -> Option<&str> {
    let (scheme, token) = field.split_once(' ')?;
    Some(token.trim()).filter(|token| scheme.eq_ignore_ascii_case("bearer") && !token.is_empty())
}

fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// Whether a host with or without a port is this machine, by a name that no one else can give to it.
fn is_loopback_name(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    match bare {
        Some(v6) => v6
            .parse::<std::net::Ipv6Addr>()
            .is_ok_and(|address| is_loopback(address.into())),
        None => {
            name.eq_ignore_ascii_case("localhost")
                || name.parse::<std::net::Ipv4Addr>().is_ok_and(|v4| v4.is_loopback())
        }
    }
}

#[cfg(test)]
#[path = "access_tests.rs"]
mod tests;
