//! Mailboxes: where mail comes from, and when it is looked for. Types only; `check` reads them.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};

use super::{Account, Provider, ReadBy, Server};

/// A mailbox of an account and how it is watched: the same for all endpoints that watch it.
#[derive(Debug, Clone, PartialEq)]
pub struct Mailbox {
    /// Whose mailbox.
    pub account: Arc<Account>,
    /// How it is read.
    pub protocol: ReadBy,
    /// Where it is read: the account's server for that protocol.
    pub server: Server,
    /// The mailbox's name in Unicode. Default `INBOX`; POP3 knows no other.
    pub name: String,
    /// How new mail is noticed.
    pub watch: WatchMode,
    /// How much is taken at a time, and what becomes of mails that lay there before.
    pub looks: Polling,
    /// Which of its endpoints get a mail.
    pub taker: MatchMode,
}

/// Names a mailbox, whatever its account is called and however it is read: its server's host and its user in small letters, its name, and
/// the port where that isn't one of the usual: another server, then.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MailboxId {
    host: String,
    user: String,
    name: String,
    port: Option<u16>,
}

impl MailboxId {
    /// Whether both are of one user at one host.
    #[must_use]
    pub fn is_beside(&self, other: &Self) -> bool {
        (&self.host, &self.user) == (&other.host, &other.user)
    }
}

impl Mailbox {
    /// The mailbox `INBOX` of an account, watched as is usual.
    #[must_use]
    pub fn inbox(account: Arc<Account>, protocol: ReadBy, server: Server) -> Self {
        let watch = WatchMode::usual(protocol, account.provider);
        Self {
            account,
            protocol,
            server,
            name: "INBOX".to_owned(),
            watch,
            looks: Polling::default(),
            taker: MatchMode::default(),
        }
    }

    /// It as people and the ledger name it: `imap://user@host/NAME` or `pop3://user@host/INBOX`, and `host:port` where the port isn't
    /// one of the protocol's usual.
    #[must_use]
    pub fn address(&self) -> String {
        let (server, name) = self.whose();
        let port = self.unusual_port().map(|port| format!(":{port}"));
        format!("{server}{}{name}", port.unwrap_or_default())
    }

    /// Whether this names the same mailbox of the same host, at another port.
    #[must_use]
    pub fn is_elsewhere(&self, address: &str) -> bool {
        let (server, name) = self.whose();
        let port = address.strip_prefix(&server).and_then(|rest| rest.strip_suffix(&name));
        let is_port = |port: &str| {
            let digits = port.strip_prefix(':').unwrap_or_default();
            port.is_empty() || (!digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()))
        };
        port.is_some_and(is_port) && address != self.address()
    }

    /// What stands before and after the port.
    fn whose(&self) -> (String, String) {
        let inbox = self.name.eq_ignore_ascii_case("INBOX");
        let name = if inbox { "INBOX" } else { &self.name };
        let host = self.server.host.to_ascii_lowercase();
        let scheme = self.protocol.name().to_ascii_lowercase();
        (format!("{scheme}://{}@{host}", self.account.user), format!("/{name}"))
    }

    /// The port, where it isn't one of the usual: with TLS from the first byte or by STARTTLS.
    fn unusual_port(&self) -> Option<u16> {
        let usual: &[u16] = match self.protocol {
            ReadBy::Imap => &[993, 143],
            ReadBy::Pop3 => &[995, 110],
        };
        Some(self.server.port).filter(|port| !usual.contains(port))
    }

    /// Which mailbox it is. INBOX is the same in any case (RFC 9051 section 5.1).
    #[must_use]
    pub fn id(&self) -> MailboxId {
        let inbox = self.name.eq_ignore_ascii_case("INBOX");
        MailboxId {
            host: self.server.host.to_lowercase(),
            user: self.account.user.to_lowercase(),
            name: if inbox { "INBOX".to_owned() } else { self.name.clone() },
            port: self.unusual_port(),
        }
    }

    /// The addresses that mail to it has: the user, where that is one, and From of the account.
    #[must_use]
    pub fn addresses(&self) -> Vec<String> {
        let user = Some(&self.account.user).filter(|user| user.contains('@'));
        let mut addresses: Vec<String> = user.into_iter().chain(&self.account.from).cloned().collect();
        addresses.dedup();
        addresses
    }
}

/// How new mail is noticed.
#[derive(Debug, Clone, PartialEq)]
pub enum WatchMode {
    /// IDLE, with an unconditional look at least this often (default 3 min). A server without IDLE is looked at every 10 s. Not for
    /// POP3.
    Idle {
        /// The longest time between two looks.
        look: Duration,
    },
    /// A look at this interval. Default for POP3: 10 s; 1 min where the provider limits sign-ins.
    Every(Duration),
    /// A look at the instants of a cron pattern in a time zone.
    Cron {
        /// Five or six fields, as croner reads them.
        pattern: Box<croner::Cron>,
        /// Default UTC.
        zone: chrono_tz::Tz,
    },
}

impl WatchMode {
    /// How new mail is noticed when nothing is written. A POP3 server never tells of it, and each look is a sign-in: Gmail wants no more
    /// than one in ten minutes for each client and tolerates more, Exchange Online throttles (their pages, 2026).
    #[must_use]
    pub fn usual(protocol: ReadBy, provider: Provider) -> Self {
        match (protocol, provider) {
            (ReadBy::Pop3, Provider::Other) => Self::Every(Duration::from_secs(10)),
            (ReadBy::Pop3, Provider::Microsoft(_) | Provider::Google) => Self::Every(Duration::from_secs(60)),
            (ReadBy::Imap, _) => Self::Idle {
                look: Duration::from_secs(3 * 60),
            },
        }
    }
}

/// How much is taken at a time, and what becomes of mails that lay in the mailbox before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Polling {
    /// The mails that a look takes at most; `None` is all. The rest is taken by the next looks, which follow at once where the server
    /// tells of new mail.
    pub batch: Option<usize>,
    /// The looks after which the mailbox is left alone until the watch starts anew; `None` is for ever.
    pub repeat: Option<usize>,
    /// The time between the start of the watch and its first look. Default none.
    pub start_delay: Duration,
    /// What becomes of the mails that are there at the first look ever. `None`, when nobody said: they are left, unless the mailbox
    /// shows that a ledger was lost.
    pub backlog: Option<Backlog>,
}

impl Default for Polling {
    fn default() -> Self {
        Self {
            batch: None,
            repeat: None,
            start_delay: Duration::ZERO,
            backlog: None,
        }
    }
}

/// What becomes of mails that lay in a mailbox before it was watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backlog {
    /// They are taken.
    Process,
    /// They are left as they are, until an operator has them taken.
    Skip,
    /// Those that the server received since then are taken; older ones are left.
    Since(Since),
}

/// A point in time, as an operator names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// This one.
    At(DateTime<Utc>),
    /// So long before the first look.
    Age(Duration),
}

impl Since {
    /// The point in time, by when the first look is.
    #[must_use]
    pub fn before(self, first_look: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::At(at) => at,
            Self::Age(age) => TimeDelta::from_std(age)
                .ok()
                .and_then(|age| first_look.checked_sub_signed(age))
                .unwrap_or(DateTime::UNIX_EPOCH),
        }
    }
}

/// Which endpoints of a mailbox get a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MatchMode {
    /// The first whose filter says that the mail is meant.
    #[default]
    First,
    /// All of them; each has its own filter.
    All,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Auth, Tls};

    fn mailbox(protocol: ReadBy, port: u16, name: &str) -> Mailbox {
        let server = Server {
            host: "Mail.example".into(),
            port,
            tls: Tls::Implicit,
        };
        let account = Account {
            name: "a".into(),
            sign_in: "a".into(),
            provider: Provider::Other,
            user: "me@us.example".into(),
            imap: None,
            pop3: None,
            smtp: None,
            auth: Auth::Password(crate::secret::SecretRef::File("/nonexistent".into())),
            ca_file: None,
            from: None,
            pace: None,
            hello: None,
            smtp_auth: true,
            client: None,
        };
        Mailbox {
            name: name.to_owned(),
            ..Mailbox::inbox(Arc::new(account), protocol, server)
        }
    }

    #[test]
    fn another_server_on_the_same_host_has_other_mailboxes() {
        for (protocol, port, name, address) in [
            (ReadBy::Imap, 993, "inbox", "imap://me@us.example@mail.example/INBOX"),
            (ReadBy::Imap, 143, "A/b@c", "imap://me@us.example@mail.example/A/b@c"),
            (
                ReadBy::Imap,
                3143,
                "INBOX",
                "imap://me@us.example@mail.example:3143/INBOX",
            ),
            (ReadBy::Pop3, 995, "INBOX", "pop3://me@us.example@mail.example/INBOX"),
            (
                ReadBy::Pop3,
                993,
                "INBOX",
                "pop3://me@us.example@mail.example:993/INBOX",
            ),
        ] {
            assert_eq!(mailbox(protocol, port, name).address(), address);
        }
        let id = |port| mailbox(ReadBy::Imap, port, "INBOX").id();
        assert_eq!(id(993), id(143));
        assert_eq!(id(993), mailbox(ReadBy::Pop3, 995, "INBOX").id(), "however it is read");
        assert!(id(993) != id(3143) && id(3143) != id(4143));
    }

    #[test]
    fn a_mailbox_is_known_again_at_another_port() {
        let here = mailbox(ReadBy::Imap, 3143, "INBOX");
        for (address, same) in [
            ("imap://me@us.example@mail.example/INBOX", true),
            ("imap://me@us.example@mail.example:4143/INBOX", true),
            ("imap://me@us.example@mail.example:3143/INBOX", false),
            ("imap://me@us.example@mail.example:/INBOX", false),
            ("imap://me@us.example@mail.example.org/INBOX", false),
            ("imap://me@us.example@mail.example/Sub/INBOX", false),
            ("pop3://me@us.example@mail.example/INBOX", false),
            ("imap://you@us.example@mail.example/INBOX", false),
        ] {
            assert_eq!(here.is_elsewhere(address), same, "{address}");
        }
    }
}
