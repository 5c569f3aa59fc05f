//! What a proxy on the way says or does instead of leading on, for people. Pure.

use std::{io, time::Duration};

use crate::secret::SecretError;

/// A proxy does not lead to a server.
#[derive(Debug, thiserror::Error)]
#[error("the proxy {proxy} {}", .trouble.words(.server))]
pub struct ProxyError {
    /// The proxy, and who named it.
    pub proxy: String,
    /// The server behind it.
    pub server: String,
    /// What is wrong.
    #[source]
    pub trouble: ProxyTrouble,
}

/// Why a proxy does not lead to a server.
#[derive(Debug, thiserror::Error)]
pub enum ProxyTrouble {
    /// It is not there.
    #[error("{0}")]
    Away(#[source] Box<super::super::ConnectError>),
    /// The connection to it broke.
    #[error("{0}")]
    Broke(#[source] io::Error),
    /// It said nothing for so long.
    #[error("silent for {} s", .0.as_secs())]
    Silent(Duration),
    /// It does not let us there: its words.
    #[error("{0}")]
    Refused(String),
    /// It asks who we are, or does not believe it.
    #[error("{0}")]
    SignIn(String),
    /// It can't reach the server: its words.
    #[error("{0}")]
    Unreached(String),
    /// It is none.
    #[error("{0}")]
    Foreign(&'static str),
    /// The variable that names it holds no proxy that can be used.
    #[error("not usable")]
    Unusable,
    /// The password for it can't be read.
    #[error("{0}")]
    Secret(#[source] SecretError),
}

impl ProxyTrouble {
    /// What is wrong, after "the proxy X".
    fn words(&self, server: &str) -> String {
        match self {
            Self::Away(error) => format!("on the way to {server} can't be reached: {}", error.cause()),
            Self::Broke(error) => format!("broke the connection on the way to {server}: {error}"),
            Self::Silent(after) => format!("did not lead to {server} within {} s", after.as_secs()),
            Self::Refused(said) => format!("refuses to connect to {server}: {said}"),
            Self::SignIn(said) => format!("wants to know who connects to {server}: {said}"),
            Self::Unreached(said) => format!("can't reach {server}: {said}"),
            Self::Foreign(what) => format!("on the way to {server} is none: {what}"),
            Self::Unusable => format!(
                "on the way to {server} can't be used: the variable is no URL such as http://host:port or socks5://host:port"
            ),
            Self::Secret(error) => format!("on the way to {server} wants a password: {error}"),
        }
    }

    /// What an HTTP proxy means by the status of its answer to CONNECT.
    pub(super) fn of_status(status: u16, line: &str) -> Self {
        let said = line.split_once(' ').map_or(line, |(_, said)| said).to_owned();
        match status {
            // Tinyproxy 1.11 says 401 where the password is wrong (2026-11).
            401 | 407 => Self::SignIn(said),
            408 | 429 | 500.. => Self::Unreached(said),
            _ => Self::Refused(said),
        }
    }

    /// What a SOCKS proxy means.
    pub(super) fn of_socks(error: tokio_socks::Error) -> Self {
        use tokio_socks::Error as Socks;
        let said = error.to_string();
        match error {
            Socks::Io(error) => Self::Broke(error),
            Socks::ConnectionNotAllowedByRuleset => Self::Refused(said),
            Socks::NoAcceptableAuthMethods
            | Socks::UnknownAuthMethod
            | Socks::PasswordAuthFailure(_)
            | Socks::AuthorizationRequired
            | Socks::InvalidAuthValues(_)
            | Socks::IdentdAuthFailure
            | Socks::InvalidUserIdAuthFailure => Self::SignIn(said),
            Socks::InvalidResponseVersion | Socks::InvalidReservedByte | Socks::UnknownAddressType => {
                Self::Foreign("it does not speak SOCKS5")
            }
            Socks::CommandNotSupported | Socks::AddressTypeNotSupported | Socks::InvalidTargetAddress(_) => {
                Self::Refused(said)
            }
            Socks::GeneralSocksServerFailure
            | Socks::NetworkUnreachable
            | Socks::HostUnreachable
            | Socks::ConnectionRefused
            | Socks::TtlExpired
            | Socks::UnknownError
            | Socks::ProxyServerUnreachable
            | Socks::ParseError(_) => Self::Unreached(said),
        }
    }
}

impl ProxyError {
    /// Whether only a person can mend it.
    #[must_use]
    pub fn needs_person(&self) -> bool {
        match self.trouble {
            ProxyTrouble::Refused(_)
            | ProxyTrouble::SignIn(_)
            | ProxyTrouble::Foreign(_)
            | ProxyTrouble::Unusable
            | ProxyTrouble::Secret(_) => true,
            ProxyTrouble::Away(_) | ProxyTrouble::Broke(_) | ProxyTrouble::Silent(_) | ProxyTrouble::Unreached(_) => {
                false
            }
        }
    }

    /// Whether the server behind it was not asked for a reason that is the operator's: also where the proxy is not there, which no server
    /// and no mail is to blame for.
    #[must_use]
    pub fn is_operators(&self) -> bool {
        self.needs_person() || matches!(self.trouble, ProxyTrouble::Away(_))
    }

    /// What to do about it.
    #[must_use]
    pub fn cure(&self) -> &'static str {
        match self.trouble {
            ProxyTrouble::Silent(_) => {
                "check the proxy's host and port in [net] proxy or the variable, that it runs, and that it is named by what it speaks: http:// or socks5://"
            }
            ProxyTrouble::Away(_) => {
                "check the proxy's host and port in [net] proxy or the variable, and that it runs; a server that needs no proxy goes into no_proxy"
            }
            ProxyTrouble::Broke(_) => {
                "check that the proxy is well, and that [net] proxy or the variable names what it speaks: http:// or socks5://"
            }
            ProxyTrouble::Refused(_) => {
                "have the proxy's administrator allow this host and port (many allow 443 alone), or put the host into no_proxy where it can be reached without"
            }
            ProxyTrouble::SignIn(_) => {
                "check proxy_user and proxy_password in [net], or user name and password in the variable"
            }
            ProxyTrouble::Unreached(_) => {
                "check the server's host and port; the proxy's log says why it can't reach it"
            }
            ProxyTrouble::Foreign(_) => "check host, port and http:// or socks5:// in [net] proxy or the variable",
            ProxyTrouble::Unusable => {
                "write http://host:port or socks5://host:port into the variable, or [net] proxy = \"none\""
            }
            ProxyTrouble::Secret(_) => "put the password where proxy_password in [net] points",
        }
    }
}
