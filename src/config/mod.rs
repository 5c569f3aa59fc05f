//! What an operator asks for, typed. Raw text becomes these values in `check`; nothing here can be illegal.
//!
//! This room knows no other room's types but secrets: every other room reads its settings from here.

use std::{collections::BTreeMap, fmt, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use crate::secret::SecretRef;

/// All that `mailjob run` was told: the shared settings and one entry for each endpoint file that is right.
#[derive(Debug, Clone)]
pub struct Config {
    /// What endpoints share, from `mailjob.toml` and its defaults.
    pub service: Service,
    /// Endpoints by name.
    pub endpoints: BTreeMap<EndpointName, Arc<Endpoint>>,
}

/// The shared settings of one process.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    /// The SQLite file. Default `mailjob.db` in the working directory.
    pub ledger: PathBuf,
    /// Where `/livez` and `/readyz` answer; `None` switches them off. Default `127.0.0.1:8025`.
    pub health: Option<SocketAddr>,
    /// How long a stop may take before those who are late are named and left. Default 25 s.
    pub drain: Duration,
    /// Bytes of mail that jobs of all endpoints may hold in memory at once. Default 32 MiB.
    pub memory: u64,
    /// Commands that run at once over all endpoints. Default twice the cores.
    pub commands: usize,
    /// How long a settled mail's bytes stay in the ledger. Default 7 days.
    pub retention: Duration,
}

/// An endpoint's name: the stem of its file, `[a-z0-9][a-z0-9_-]{0,62}`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndpointName(Arc<str>);

impl EndpointName {
    /// The name, when it is a legal one.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let mut chars = name.chars();
        let first = chars.next().is_some_and(legal);
        let rest = chars.all(|c| legal(c) || c == '_' || c == '-');
        (first && rest && name.len() <= 63).then(|| Self(name.into()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EndpointName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EndpointName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

/// One endpoint: a mailbox, a filter, an action, a reply.
#[derive(Debug, Clone, PartialEq)]
pub struct Endpoint {
    /// The file's stem.
    pub name: EndpointName,
    /// For people.
    pub description: String,
    /// Where mail comes from.
    pub mailbox: Mailbox,
    /// Which mail is meant.
    pub filter: Filter,
    /// What is done with it.
    pub action: Action,
    /// When a refused or unreachable action is tried again.
    pub retry: Retry,
    /// Who hears of the result.
    pub reply: Reply,
    /// What happens to the mail in the mailbox in the end.
    pub settle: Settle,
    /// What a mail may cost.
    pub limits: Limits,
    /// Jobs of this endpoint that run at once. Default 8.
    pub concurrency: usize,
}

/// A mailbox of an account and how it is watched.
#[derive(Debug, Clone, PartialEq)]
pub struct Mailbox {
    /// Whose mailbox.
    pub account: Arc<Account>,
    /// The mailbox's name in Unicode. Default `INBOX`.
    pub name: String,
    /// How new mail is noticed.
    pub watch: Watch,
}

/// How new mail is noticed.
#[derive(Debug, Clone, PartialEq)]
pub enum Watch {
    /// IDLE, with an unconditional look at least this often (default 3 min); polls so where the server has no IDLE.
    Idle {
        /// The longest time between two looks.
        look: Duration,
    },
    /// A look at this interval.
    Every(Duration),
    /// A look at the instants of a cron pattern in a time zone.
    Cron {
        /// Five or six fields, as croner reads them.
        pattern: Box<croner::Cron>,
        /// Default UTC.
        zone: chrono_tz::Tz,
    },
}

/// A mail account: servers and the way to sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name in `mailjob.toml`, or the endpoint's name for an inline account.
    pub name: String,
    /// The user name at sign-in; for a shared mailbox its address.
    pub user: String,
    /// Where mail is read.
    pub imap: Server,
    /// Where replies are submitted; `None` when the account only reads.
    pub smtp: Option<Server>,
    /// How to sign in.
    pub auth: Auth,
    /// PEM file of further trusted roots.
    pub ca_file: Option<PathBuf>,
    /// The From address of replies. Default: `user`, where that is an address.
    pub from: Option<String>,
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
    /// With the first byte (ports 993, 465).
    Implicit,
    /// By STARTTLS (ports 143, 587); refused by the server means no session.
    StartTls,
}

/// How to sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    /// LOGIN or PLAIN with a password.
    Password(SecretRef),
    /// XOAUTH2 or OAUTHBEARER with an access token.
    OAuth(Box<OAuth>),
}

/// Where access tokens come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuth {
    /// The token endpoint: https, or http on loopback.
    pub token_url: String,
    /// The client's id.
    pub client_id: String,
    /// The client's secret; `None` for a public client.
    pub client_secret: Option<SecretRef>,
    /// How the client's secret is sent.
    pub client_auth: ClientAuth,
    /// Scopes, in the order written.
    pub scopes: Vec<String>,
    /// The grant.
    pub grant: Grant,
    /// PEM file of further trusted roots for the token endpoint.
    pub ca_file: Option<PathBuf>,
}

/// How the client's secret is sent to the token endpoint (RFC 6749 section 2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuth {
    /// In the form body: what Microsoft and Google want. Default.
    Body,
    /// HTTP Basic.
    Basic,
}

/// The grant that yields access tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grant {
    /// RFC 6749 section 6. The first refresh token comes from here; rotated ones live in the ledger.
    RefreshToken(SecretRef),
    /// RFC 6749 section 4.4.
    ClientCredentials,
}

/// Which mail is meant; all that is named must hold. Globs know `*` and `?` and ignore case.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filter {
    /// One of these matches an address of From.
    pub from: Vec<String>,
    /// One of these matches an address of To or Cc.
    pub to: Vec<String>,
    /// One of these matches the subject.
    pub subject: Vec<String>,
    /// At least one attachment's name matches one of these; only such attachments are handed on.
    pub attachments: Vec<String>,
    /// Attachments whose name matches one of these are left out.
    pub not_attachments: Vec<String>,
    /// Bytes of the raw mail, at least.
    pub min_size: Option<u64>,
    /// Bytes of the raw mail, at most.
    pub max_size: Option<u64>,
}

/// What is done with a mail.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// An HTTP POST.
    Webhook(Webhook),
    /// A process.
    Command(Command),
}

/// An HTTP POST.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// http or https.
    pub url: String,
    /// What the body is. Default JSON.
    pub body: Body,
    /// Standard Webhooks secrets; more than one while a key is rotated, each signs. Empty: unsigned.
    pub secrets: Vec<SecretRef>,
    /// Further header fields; values may be secrets.
    pub headers: Vec<(String, HeaderValue)>,
    /// The whole exchange. Default 30 s.
    pub timeout: Duration,
    /// Bytes of the answer that are read. Default 10 MiB.
    pub max_answer: u64,
    /// Whether the address may be private, loopback or link-local. Default no.
    pub allow_private_network: bool,
    /// PEM file of further trusted roots.
    pub ca_file: Option<PathBuf>,
}

/// A header field's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderValue {
    /// As written.
    Plain(String),
    /// From a file or the environment.
    Secret(SecretRef),
}

/// What a webhook's body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// The parsed mail with its attachments in base64.
    Json,
    /// The parsed mail as part `mail`, each attachment a part of its own.
    Multipart,
    /// The mail as it came, `message/rfc822`.
    Raw,
}

/// A process, started without a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The program (an absolute path, or found in `PATH`) and its arguments, first one at least.
    pub argv: Vec<String>,
    /// Names of environment variables that are passed on. Default `PATH`, `HOME`, `LANG`, `TZ`.
    pub pass_env: Vec<String>,
    /// Variables that are set.
    pub env: Vec<(String, HeaderValue)>,
    /// From start to TERM. Default 5 min.
    pub timeout: Duration,
    /// From TERM to KILL of the group. Default 5 s.
    pub grace: Duration,
    /// Bytes kept of each of stdout and stderr. Default 1 MiB.
    pub max_output: u64,
    /// Bytes of all files in `out/` together. Default 20 MiB.
    pub max_files: u64,
}

/// When an action is tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    /// Waits between attempts; the job fails when they are used up. Default 5 s, 1 min, 5 min, 30 min, 2 h, 5 h, 10 h.
    pub waits: Vec<Duration>,
}

/// Who hears of the result.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The recipient.
    pub to: ReplyTo,
    /// Through whose SMTP server, and with what From.
    pub account: Option<Arc<Account>>,
    /// Whether a done job is answered.
    pub on_success: bool,
    /// Whether a failed job is answered.
    pub on_failure: bool,
}

/// The recipient of replies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplyTo {
    /// Nobody.
    Nobody,
    /// Reply-To where it is in From's domain, else From.
    Sender,
    /// Always these.
    Addresses(Vec<String>),
}

/// What happens to a mail in the mailbox in the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settle {
    /// Default: moved to `Processed`.
    pub done: Fate,
    /// Default: moved to `Failed`.
    pub failed: Fate,
    /// Default: kept.
    pub ignored: Fate,
}

/// One end of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// Untouched.
    Keep,
    /// `\Seen` is set.
    Mark,
    /// `\Flagged` is set.
    Flag,
    /// Moved to this mailbox (Unicode), made if missing.
    Move(String),
    /// Deleted.
    Delete,
}

/// What a mail may cost before it is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the raw mail. Default 50 MiB.
    pub size: u64,
    /// Nesting of parts. Default 50.
    pub depth: usize,
    /// Parts of any kind. Default 1,000.
    pub parts: usize,
    /// Header fields of the mail. Default 1,000.
    pub headers: usize,
    /// Attachments handed on. Default 200.
    pub attachments: usize,
    /// Wall time of reading the mail. Default 10 s.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            size: 50 << 20,
            depth: 50,
            parts: 1_000,
            headers: 1_000,
            attachments: 200,
            time: Duration::from_secs(10),
        }
    }
}
