//! Who may use the API and `/status`: programs of our own user on this machine, or whoever has the token that `[api]` names. Pure.
//!
//! Another user of this machine is a stranger: what shows that a program is of our own user is the machine's token, in a file beside the
//! ledger that nobody else can read. It counts on this machine alone, so what came through a proxy has to show the token of `[api]`, and so
//! has a page in a browser that was led here by a name of its own (DNS rebinding) or asks from its own site (a forged request): such a
//! request names another host or another origin.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use axum::http::{
    HeaderMap, HeaderName, Uri,
    header::{AUTHORIZATION, HOST, ORIGIN},
};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use super::problem::{ApiProblem, LedgerFile, ProblemKind};
use crate::{
    config::{ApiAccess, LedgerAddress},
    secret::{ExposeSecret as _, Secret, SecretError, SecretRef},
};

/// What browsers say of where a request comes from (Fetch Metadata).
const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What proxies say of a request that they pass on, beside [`PASSED_ON_PREFIX`].
const PASSED_ON: [&str; 3] = ["forwarded", "via", "x-real-ip"];
/// How the other names of such fields begin.
const PASSED_ON_PREFIX: &str = "x-forwarded-";

/// Bytes of a token at least: shorter ones can be guessed.
const SHORTEST: usize = 16;

/// The token of this machine, and where it lies.
#[derive(Debug, Clone)]
pub struct OwnToken {
    /// Its file.
    pub path: PathBuf,
    /// The ledger beside which it lies.
    pub ledger: LedgerAddress,
    /// The token, where it can be used.
    pub token: Option<Secret>,
}

/// What opens the API and `/status`.
#[derive(Debug)]
pub(super) struct AccessControl {
    own: OwnToken,
    elsewhere: RemoteToken,
}

/// What counts beside the machine's own token.
#[derive(Debug)]
pub(super) enum RemoteToken {
    /// Nothing.
    Nothing,
    /// This token.
    Token(Secret),
    /// Nothing: there is no token, and the address can be reached from elsewhere.
    NoToken(SocketAddr),
    /// Nothing: `[api]` can't be read.
    Unreadable,
    /// Nothing: the token can't be had. Why is for the log: whoever asks has not shown yet who he is.
    Unusable(String),
}

impl AccessControl {
    /// The door of a listener at this address; `read` reads the token of `[api]` as it is now.
    pub(super) fn of(
        own: OwnToken,
        api: &ApiAccess,
        listener: SocketAddr,
        read: impl FnOnce(&SecretRef) -> Result<Secret, SecretError>,
    ) -> Self {
        let elsewhere = match api {
            ApiAccess::Closed => RemoteToken::Unreadable,
            ApiAccess::Token(place) => match read(place) {
                Ok(token) if token.expose_secret().len() >= SHORTEST => RemoteToken::Token(token),
                Ok(_) => RemoteToken::Unusable(format!("it has fewer than {SHORTEST} characters")),
                Err(error) => RemoteToken::Unusable(error.to_string()),
            },
            ApiAccess::Loopback if is_loopback(listener.ip()) => RemoteToken::Nothing,
            ApiAccess::Loopback => RemoteToken::NoToken(listener),
        };
        Self { own, elsewhere }
    }

    /// One where the token of `[api]` can't be had.
    pub(super) fn unusable(own: OwnToken, why: String) -> Self {
        let elsewhere = RemoteToken::Unusable(why);
        Self { own, elsewhere }
    }

    /// Why the token of `[api]` can't be used.
    pub(super) fn trouble(&self) -> Option<&str> {
        match &self.elsewhere {
            RemoteToken::Unusable(why) => Some(why),
            RemoteToken::Nothing | RemoteToken::Token(_) | RemoteToken::NoToken(_) | RemoteToken::Unreadable => None,
        }
    }
}

/// What a request says of where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Caller {
    /// Where it comes from, if that is known.
    peer: Option<IpAddr>,
    /// Whether it says that somebody passed it on.
    is_passed_on: bool,
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
    pub(super) fn of(peer: Option<IpAddr>, uri: &Uri, headers: &HeaderMap) -> Self {
        let all = |name: HeaderName| headers.get_all(name).into_iter().map(|value| value.to_str().ok());
        let owned = |name| all(name).map(|value| value.map(str::to_owned)).collect::<Vec<_>>();
        let mut credentials = all(AUTHORIZATION);
        let bearer = credentials.next().flatten().and_then(bearer).map(str::to_owned);
        let target = uri.authority().map(|authority| Some(authority.to_string()));
        let is_passed_on =
            |name: &HeaderName| PASSED_ON.contains(&name.as_str()) || name.as_str().starts_with(PASSED_ON_PREFIX);
        Self {
            peer,
            is_passed_on: headers.keys().any(is_passed_on),
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
pub(super) fn judge(door: &AccessControl, caller: &Caller) -> Result<(), ApiProblem> {
    let is_own = shows(door.own.token.as_ref(), caller);
    let own = of_this_machine(caller);
    if is_own && own.is_ok() {
        return Ok(());
    }
    let is_here = own.is_ok();
    refuse(door, caller, is_own, own).map_err(|problem| ApiProblem {
        // So that a command that was started in a wrong folder can say which is the right one.
        ledger: is_here.then(|| Box::new(LedgerFile(door.own.ledger.to_string()))),
        ..problem
    })
}

/// What counts beside the token of this machine.
fn refuse(door: &AccessControl, caller: &Caller, is_own: bool, own: Result<(), ApiProblem>) -> Result<(), ApiProblem> {
    match &door.elsewhere {
        RemoteToken::Nothing => own.and_then(|()| Err(no_proof(&door.own, caller))),
        RemoteToken::Token(token) if shows(Some(token), caller) => Ok(()),
        // Whose token is right is told what else is not.
        RemoteToken::Token(_) if is_own => own,
        RemoteToken::Token(_) => Err(ApiProblem::new(
            ProblemKind::Unauthorized,
            no_token(caller),
            format!(
                "send Authorization: Bearer … with the token that [api] in mailjob.toml names, or on its own machine with that in {}",
                door.own.path.display()
            ),
        )),
        RemoteToken::Unusable(_) => Err(ApiProblem::new(
            ProblemKind::Unavailable,
            "The API's token can't be used.",
            "see the log of mailjob run",
        )),
        RemoteToken::NoToken(listener) => Err(ApiProblem::new(
            ProblemKind::Forbidden,
            format!(
                "The API answers on {listener}, which can be reached from elsewhere, with a token only, and there is none."
            ),
            format!(
                "write [api] token = {{ file = \"…\" }} into mailjob.toml, or a loopback address into [service] health; on its own machine the token in {} counts",
                door.own.path.display()
            ),
        )),
        RemoteToken::Unreadable => Err(ApiProblem::new(
            ProblemKind::Forbidden,
            "[api] in mailjob.toml can't be used, so nobody is let in from elsewhere.",
            "mend what mailjob check shows",
        )),
    }
}

/// Whether the request comes straight from a program of this machine, whoever's it is.
fn of_this_machine(caller: &Caller) -> Result<(), ApiProblem> {
    if !caller.peer.is_some_and(is_loopback) {
        return Err(not_ours("The request comes from another machine."));
    }
    if caller.is_passed_on {
        return Err(not_ours("The request came through a proxy."));
    }
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
    let foreign = ApiProblem::new(
        ProblemKind::Forbidden,
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

fn not_ours(detail: &str) -> ApiProblem {
    ApiProblem::new(
        ProblemKind::Forbidden,
        detail,
        "ask on its own machine for localhost, 127.0.0.1 or [::1], or write [api] token = { file = \"…\" } into mailjob.toml",
    )
}

/// It comes from this machine and does not show that it is of our own user.
fn no_proof(own: &OwnToken, caller: &Caller) -> ApiProblem {
    let path = own.path.display();
    match own.token {
        Some(_) => ApiProblem::new(
            ProblemKind::Unauthorized,
            no_token(caller),
            format!(
                "send Authorization: Bearer … with the token in {path}, which only the user that runs Mailjob can read"
            ),
        ),
        None => ApiProblem::new(
            ProblemKind::Unavailable,
            format!("The token of this machine in {path} can't be used."),
            "see the log of mailjob run",
        ),
    }
}

fn no_token(caller: &Caller) -> &'static str {
    match caller.bearer {
        Some(_) => "The token is another one.",
        None => "The request has no token.",
    }
}

/// Whether the caller has this token.
fn shows(token: Option<&Secret>, caller: &Caller) -> bool {
    let both = token.zip(caller.bearer.as_deref());
    both.is_some_and(|(token, bearer)| is_same(token.expose_secret(), bearer))
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
