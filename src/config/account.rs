//! Accounts: servers, and the way to sign in. Types only; `check` reads them.

use std::path::PathBuf;

use super::{ClientCertificate, OAuth, Provider, Rate, TlsFiles};
use crate::secret::SecretRef;

/// A mail account: servers and the way to sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name in `mailjob.toml`, or the endpoint's name for an inline account. One that an endpoint made its own by settings
    /// of its own is called `account/endpoint`.
    pub name: String,
    /// The name under which its sign-in is kept. Accounts of one sign-in share its tokens: shared mailboxes of one person.
    pub sign_in: String,
    /// Whose servers it has: decides scopes, and which texts of theirs are understood.
    pub provider: Provider,
    /// The user name at the mail servers; for a shared mailbox its address.
    pub user: String,
    /// Where mail is read by IMAP.
    pub imap: Option<Server>,
    /// Where mail is read by POP3.
    pub pop3: Option<Server>,
    /// Where replies are submitted; `None` when the account only reads.
    pub smtp: Option<Server>,
    /// How to sign in.
    pub auth: Auth,
    /// PEM file of further trusted roots.
    pub ca_file: Option<PathBuf>,
    /// What proves us to its servers by TLS, where they ask for that.
    pub client: Option<ClientCertificate>,
    /// The From address of replies. Default: `user`, where that is an address.
    pub from: Option<String>,
    /// How many replies its SMTP server is given in a time; `None` for as many as there are.
    pub pace: Option<Rate>,
    /// The name that is given at EHLO (`[service] hello`); `None` for this machine's own.
    pub hello: Option<String>,
    /// Whether one signs in to send (`smtp.auth`).
    pub smtp_auth: bool,
}

/// A server and how TLS starts there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// DNS name or IP address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// When TLS starts.
    pub tls: Tls,
}

/// When TLS starts. There is no setting without TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// With the first byte (ports 993, 995, 465).
    Implicit,
    /// By STARTTLS or STLS (ports 143, 110, 587); refused by the server means no session.
    StartTls,
}

/// What an account is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// Reading (RFC 9051).
    Imap,
    /// Reading (RFC 1939).
    Pop3,
    /// Submitting (RFC 6409).
    Smtp,
}

impl Protocol {
    /// Its name, as people write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Imap => "IMAP",
            Self::Pop3 => "POP3",
            Self::Smtp => "SMTP",
        }
    }
}

/// How a mailbox is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReadBy {
    /// By IMAP.
    Imap,
    /// By POP3.
    Pop3,
}

impl ReadBy {
    /// Its name, as people write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        Protocol::from(self).name()
    }
}

impl From<ReadBy> for Protocol {
    fn from(by: ReadBy) -> Self {
        match by {
            ReadBy::Imap => Self::Imap,
            ReadBy::Pop3 => Self::Pop3,
        }
    }
}

impl Account {
    /// The server for a protocol, if the account has one.
    #[must_use]
    pub fn server(&self, protocol: Protocol) -> Option<&Server> {
        match protocol {
            Protocol::Imap => self.imap.as_ref(),
            Protocol::Pop3 => self.pop3.as_ref(),
            Protocol::Smtp => self.smtp.as_ref(),
        }
    }

    /// What TLS with its servers is made with.
    #[must_use]
    pub fn tls(&self) -> TlsFiles<'_> {
        TlsFiles {
            ca_file: self.ca_file.as_deref(),
            client: self.client.as_ref(),
        }
    }

    /// Whether a token of the one is a token of the other: whose user it opens counts only where a token is of one user.
    #[must_use]
    pub fn signs_in_like(&self, other: &Self) -> bool {
        let same = self.auth == other.auth && self.provider == other.provider;
        same && (!self.auth.is_of_one_user() || self.user == other.user)
    }
}

/// How to sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    /// Not at all: the account only sends, by a server that asks for no sign-in.
    None,
    /// LOGIN, PLAIN or USER and PASS with a password.
    Password(SecretRef),
    /// XOAUTH2 or OAUTHBEARER with an access token from a token server.
    OAuth(Box<OAuth>),
    /// The same with an access token that somebody else gets.
    Token(TokenSource),
}

/// Where an access token lies that somebody else gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenSource {
    /// A file or variable, read at each sign-in.
    Kept(SecretRef),
    /// A program that prints it, started without a shell; its last good answer is used for five minutes at the most.
    Command {
        /// The program and its arguments.
        argv: Vec<String>,
        /// Variables of our own environment that it gets beside those that every program needs.
        pass_env: Vec<String>,
    },
}
