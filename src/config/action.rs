//! Actions: what is done with a mail. Types only; `check` reads them.

use std::{path::PathBuf, time::Duration};

use super::ClientCertificate;
use crate::secret::SecretRef;

/// What is done with a mail.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// An HTTP POST.
    Webhook(Webhook),
    /// A process.
    Command(Command),
}

impl Action {
    /// Whom it asks, and as whom: two that are equal in this are the same to whoever is asked. It is kept from one release to the next,
    /// so it is written out here, and a change of what it says resumes every endpoint whose webhook is gone.
    #[must_use]
    pub fn identity(&self) -> String {
        let place = |secret: &SecretRef| match secret {
            SecretRef::File(path) => format!("file {}", path.display()),
            SecretRef::Env(name) => format!("env {name}"),
        };
        match self {
            Self::Webhook(webhook) => {
                let mut lines = vec!["webhook 1".to_owned(), webhook.url.clone()];
                lines.extend(webhook.headers.iter().map(|(name, value)| match value {
                    HeaderValue::Plain(text) => format!("{name}: text {text}"),
                    HeaderValue::Secret(secret) => format!("{name}: {}", place(secret)),
                }));
                lines.extend(webhook.secrets.iter().map(place));
                lines.join("\n")
            }
            Self::Command(command) => format!("command 1\n{}", command.argv.join("\n")),
        }
    }
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
    /// What proves us by TLS, where the server asks for that.
    pub client: Option<ClientCertificate>,
}

impl Webhook {
    /// A webhook of which nothing but the URL is written.
    #[must_use]
    pub fn new(url: String) -> Self {
        Self {
            url,
            body: Body::Json,
            secrets: Vec::new(),
            headers: Vec::new(),
            timeout: Duration::from_secs(30),
            max_answer: 10 << 20,
            allow_private_network: false,
            ca_file: None,
            client: None,
        }
    }

    /// The URL without its query, which may hold a key.
    #[must_use]
    pub fn place(&self) -> &str {
        self.url.split_once('?').map_or(&*self.url, |(place, _)| place)
    }
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
    /// A form: a field for each named input, a file for each attachment among them.
    Form,
}

/// A process, started without a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The program (an absolute path, or found in `PATH`) and its arguments, first one at least. Where there are named inputs, the
    /// arguments may name them in braces ([`super::braces`]).
    pub argv: Vec<String>,
    /// Names of environment variables that are passed on. Default `PATH`, `LANG`, `TZ`.
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
    /// Bytes of each named input among the arguments and in the environment. Default 64 KiB; Linux takes less than 128 KiB.
    pub max_input: u64,
    /// Whether it may read and write only what it is granted. Default yes.
    pub confine: bool,
    /// Files and folders that it may read beside its folder and the system's programs.
    pub read: Vec<PathBuf>,
    /// Files and folders that it may read and write beside its folder.
    pub write: Vec<PathBuf>,
    /// Whether it may open and accept TCP connections. Default yes.
    pub network: bool,
    /// The user that it runs as, by name or number; `None`: who we are.
    pub user: Option<String>,
    /// How much it may take.
    pub limits: CommandLimits,
}

/// How much a command may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandLimits {
    /// Bytes of memory, of all its processes together. Default 2 GiB.
    pub memory: u64,
    /// Processes and their threads, all together. Default 512.
    pub processes: u64,
    /// Bytes of each file that it writes. Default 1 GiB.
    pub file_size: u64,
    /// Open files of each process. Default 1024.
    pub open_files: u64,
}

impl Default for CommandLimits {
    fn default() -> Self {
        Self {
            memory: 2 << 30,
            processes: 512,
            file_size: 1 << 30,
            open_files: 1024,
        }
    }
}

impl Command {
    /// A command of which nothing but program and arguments is written.
    #[must_use]
    pub fn new(argv: Vec<String>) -> Self {
        Self {
            argv,
            pass_env: ["PATH", "LANG", "TZ"].map(str::to_owned).to_vec(),
            env: Vec::new(),
            timeout: Duration::from_secs(5 * 60),
            grace: Duration::from_secs(5),
            max_output: 1 << 20,
            max_files: 20 << 20,
            max_input: 64 << 10,
            confine: true,
            read: Vec::new(),
            write: Vec::new(),
            network: true,
            user: None,
            limits: CommandLimits::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_another_when_it_asks_somebody_else_or_as_somebody_else() {
        let webhook = Webhook::new("https://erp.example/hook?key=1".to_owned());
        let of = |change: fn(&mut Webhook)| {
            let mut other = webhook.clone();
            change(&mut other);
            Action::Webhook(other).identity()
        };
        // Kept in ledgers: an endpoint whose webhook is gone goes on where this is another.
        assert_eq!(of(|_| ()), "webhook 1\nhttps://erp.example/hook?key=1");
        let with_field = of(|webhook| webhook.headers = vec![("x-key".to_owned(), HeaderValue::Plain("a".to_owned()))]);
        assert_eq!(with_field, "webhook 1\nhttps://erp.example/hook?key=1\nx-key: text a");
        let signed = of(|webhook| webhook.secrets = vec![SecretRef::File("key".into())]);
        assert_eq!(signed, "webhook 1\nhttps://erp.example/hook?key=1\nfile key");
        assert_ne!(of(|webhook| webhook.url.push('2')), of(|_| ()));
        // None of these makes a webhook that is gone another one.
        assert_eq!(of(|webhook| webhook.timeout *= 2), of(|_| ()));
        assert_eq!(of(|webhook| webhook.max_answer *= 2), of(|_| ()));
    }
}
