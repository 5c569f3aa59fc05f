//! Which servers are reached by a proxy, and by which: `[net]`, or the usual variables. Pure but for the one table of this process.
//!
//! As curl and others read them: `HTTPS_PROXY` is for https, `HTTP_PROXY` for http, `ALL_PROXY` for what has none of its own and so for mail
//! servers too; `NO_PROXY` excepts. `[net] proxy` is for all of them. This machine itself is never reached by a proxy.

mod error;
mod tunnel;

use std::{
    fmt,
    net::IpAddr,
    sync::{Arc, LazyLock, PoisonError, RwLock},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use reqwest::{Url, header::HeaderValue};

use crate::{
    config::{Bypass, Net, Proxy, ProxyChoice, ProxyKind},
    secret::{self, ExposeSecret, Secret, SecretError},
};

pub use error::{ProxyError, ProxyTrouble};
pub(super) use tunnel::open;

/// What is said to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Traffic {
    /// HTTP under TLS.
    Https,
    /// HTTP without TLS, which an HTTP proxy forwards request by request.
    Http,
    /// IMAP, POP3 or SMTP.
    Mail,
}

impl Traffic {
    /// What is said to the server of a URL.
    #[must_use]
    pub fn of(url: &Url) -> Self {
        match url.scheme() {
            "https" => Self::Https,
            _ => Self::Http,
        }
    }
}

/// A proxy, and who named it.
#[derive(Debug, Clone)]
pub struct Via {
    proxy: Proxy,
    /// The sign-in that stands in a variable.
    given: Option<(String, Secret)>,
    /// `[net] proxy`, or the variable's name.
    named: &'static str,
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, _) = self.proxy.kind.scheme();
        write!(
            f,
            "{scheme}://{} ({})",
            authority(&self.proxy.host, self.proxy.port),
            self.named
        )
    }
}

fn authority(host: &str, port: u16) -> String {
    match host.contains(':') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    }
}

impl Via {
    /// User name and password, as they are now.
    fn sign_in(&self) -> Result<Option<(String, Secret)>, SecretError> {
        if let Some((user, password)) = &self.proxy.sign_in {
            return Ok(Some((user.clone(), password.read()?)));
        }
        Ok(self.given.clone())
    }

    /// Whether it forwards such requests one by one, in place of a connection.
    pub(super) fn forwards(&self, traffic: Traffic) -> bool {
        traffic == Traffic::Http && self.proxy.kind == ProxyKind::Http
    }

    /// What proves us to it in an HTTP request, where it asks for that.
    ///
    /// # Errors
    /// When the password can't be read.
    pub(super) fn authorization(&self) -> Result<Option<HeaderValue>, SecretError> {
        let Some((user, password)) = self.sign_in()? else {
            return Ok(None);
        };
        let pair = BASE64_STANDARD.encode(format!("{user}:{}", password.expose_secret()));
        // Base64 is fit for a header.
        let mut value = HeaderValue::try_from(format!("Basic {pair}")).ok();
        value.iter_mut().for_each(|value| value.set_sensitive(true));
        Ok(value)
    }

    /// As an HTTP library takes it, with user name and password.
    fn url(&self) -> Option<Url> {
        let scheme = match self.proxy.kind {
            ProxyKind::Http => "http",
            // Names are for the proxy to resolve.
            ProxyKind::Socks5 => "socks5h",
        };
        let mut url = Url::parse(&format!("{scheme}://{}", authority(&self.proxy.host, self.proxy.port))).ok()?;
        // Without a password the proxy says what is missing.
        if let Ok(Some((user, password))) = self.sign_in() {
            url.set_username(&user).ok()?;
            url.set_password(Some(password.expose_secret())).ok()?;
        }
        Some(url)
    }
}

/// By what a kind of traffic leaves.
#[derive(Debug, Clone)]
enum ProxyRoute {
    Direct,
    By(Arc<Via>),
    /// A variable names what is no proxy of ours: nothing may pass beside it.
    Unusable(&'static str),
}

/// By which proxy each server is reached.
#[derive(Debug, Clone)]
pub struct Routes {
    https: ProxyRoute,
    http: ProxyRoute,
    mail: ProxyRoute,
    direct: Vec<Bypass>,
}

const CONFIGURED: &str = "[net] proxy";

impl Routes {
    const DIRECT: Self = Self {
        https: ProxyRoute::Direct,
        http: ProxyRoute::Direct,
        mail: ProxyRoute::Direct,
        direct: Vec::new(),
    };

    /// As the configuration says, and where it says nothing the environment.
    #[must_use]
    pub fn of(net: &Net, variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| {
            let value = variable(&name.to_ascii_lowercase()).or_else(|| variable(name))?;
            Some(value.trim().to_owned()).filter(|value| !value.is_empty())
        };
        let direct = net.no_proxy.clone().unwrap_or_else(|| {
            let listed = set("NO_PROXY").unwrap_or_default();
            let entries = listed.split([',', ' ']).filter(|entry| !entry.is_empty());
            // Others' lists have entries of other programs.
            entries.filter_map(|entry| entry.parse().ok()).collect()
        });
        let of = |name: &'static str| set(name).map(|value| of_variable(name, &value));
        let (https, http, mail) = match &net.proxy {
            ProxyChoice::None => return Self::DIRECT,
            ProxyChoice::Through(proxy) => {
                let via = ProxyRoute::By(Arc::new(Via {
                    proxy: proxy.clone(),
                    given: None,
                    named: CONFIGURED,
                }));
                (via.clone(), via.clone(), via)
            }
            ProxyChoice::Environment => {
                let all = of("ALL_PROXY").unwrap_or(ProxyRoute::Direct);
                let own = |name| of(name).unwrap_or_else(|| all.clone());
                (own("HTTPS_PROXY"), own("HTTP_PROXY"), all.clone())
            }
        };
        Self {
            https,
            http,
            mail,
            direct,
        }
    }

    /// The proxy on the way to this server; nothing where there is none on it.
    ///
    /// # Errors
    /// When a variable names one that can't be used.
    pub fn via(&self, traffic: Traffic, host: &str, port: u16) -> Result<Option<Arc<Via>>, ProxyError> {
        let choice = match traffic {
            Traffic::Https => &self.https,
            Traffic::Http => &self.http,
            Traffic::Mail => &self.mail,
        };
        let direct = || is_this_machine(host) || self.direct.iter().any(|bypass| bypass.covers(host, port));
        match choice {
            ProxyRoute::Direct => Ok(None),
            _ if direct() => Ok(None),
            ProxyRoute::By(via) => Ok(Some(via.clone())),
            ProxyRoute::Unusable(name) => Err(ProxyError {
                proxy: format!("of {name}"),
                server: authority(host, port),
                trouble: ProxyTrouble::Unusable,
            }),
        }
    }

    /// Whether requests by https leave by a proxy that is not meant for mail.
    #[must_use]
    pub fn is_for_https_alone(&self) -> bool {
        matches!((&self.https, &self.mail), (ProxyRoute::By(_), ProxyRoute::Direct))
    }

    /// The proxies in use, in words; nothing when there is none.
    #[must_use]
    pub fn told(&self) -> Vec<String> {
        let told = |choice: &ProxyRoute| match choice {
            ProxyRoute::Direct => None,
            ProxyRoute::By(via) => Some(format!("by {via}")),
            ProxyRoute::Unusable(name) => Some(format!("by {name}, which can't be used")),
        };
        let kinds = [("https", &self.https), ("http", &self.http), ("mail", &self.mail)];
        let kinds = kinds.map(|(kind, choice)| (kind, told(choice)));
        match &kinds {
            [(_, Some(all)), (_, http), (_, mail)] if http.as_ref() == Some(all) && mail.as_ref() == Some(all) => {
                vec![format!("all {all}")]
            }
            _ => kinds
                .into_iter()
                .filter_map(|(kind, by)| Some(format!("{kind} {}", by?)))
                .collect(),
        }
    }
}

/// The proxy that a variable names, by a URL or by host and port.
fn of_variable(name: &'static str, value: &str) -> ProxyRoute {
    let value = match value.contains("://") {
        true => value.to_owned(),
        false => format!("http://{value}"),
    };
    let Some((scheme, rest)) = value.split_once("://") else {
        return ProxyRoute::Unusable(name);
    };
    let (pair, place) = rest
        .rsplit_once('@')
        .map_or((None, rest), |(pair, place)| (Some(pair), place));
    let given = pair.map(|pair| {
        let (user, password) = pair.split_once(':').unwrap_or((pair, ""));
        let secret = Secret::from(decoded(password));
        // As it is, and as somebody escaped it: who quotes the variable quotes that.
        secret::known::learn(&secret);
        secret::known::learn(&Secret::from(password));
        (decoded(user), secret)
    });
    let Some(proxy) = Proxy::at(&format!("{scheme}://{place}")) else {
        return ProxyRoute::Unusable(name);
    };
    let named = name;
    ProxyRoute::By(Arc::new(Via { proxy, given, named }))
}

/// Without percent signs, as user names and passwords stand in URLs.
fn decoded(text: &str) -> String {
    // A form's decoder takes a plus for a blank, which URLs don't.
    let escaped = format!("={}", text.replace('+', "%2B").replace('&', "%26"));
    let pairs = form_urlencoded::parse(escaped.as_bytes());
    pairs.map(|(_, value)| value.into_owned()).collect()
}

/// Whether a host is this machine by its name.
fn is_this_machine(host: &str) -> bool {
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost"
        || name.ends_with(".localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.to_canonical().is_loopback())
}

/// How this process reaches servers: as one machine has one way out, so has a process. Until somebody says otherwise, directly.
static ROUTES: LazyLock<RwLock<Arc<Routes>>> = LazyLock::new(|| RwLock::new(Arc::new(Routes::DIRECT)));

/// From now on servers are reached so.
pub fn leave_by(net: &Net) {
    let routes = Routes::of(net, |name| std::env::var(name).ok());
    *ROUTES.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(routes);
}

/// How servers are reached.
#[must_use]
pub fn routes() -> Arc<Routes> {
    ROUTES.read().unwrap_or_else(PoisonError::into_inner).clone()
}

/// The same for an HTTP client that others wrote.
pub(super) fn of_client() -> reqwest::Proxy {
    reqwest::Proxy::custom(|url| {
        let host = url.host_str().unwrap_or_default();
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host);
        let port = url.port_or_known_default().unwrap_or_default();
        match routes().via(Traffic::of(url), bare, port) {
            Ok(via) => via?.url(),
            // A host that there is not: nothing leaves beside a proxy that can't be used.
            Err(_) => Url::parse("http://proxy.invalid").ok(),
        }
    })
}

#[cfg(test)]
mod tests;
