//! POP3 as Exchange Online speaks it, with a maildrop that the test fills.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use anyhow::Result;

use super::{Standin, sasl::is_xoauth2, wire::Wire};
use crate::{mailjob::Start, tls::Tls};

/// What the server does. All of them take XOAUTH2 in two lines only: an initial response is a protocol error (Microsoft,
/// "Authenticate an IMAP, POP or SMTP connection using OAuth").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pop3Quirk {
    /// Exchange Online on a good day. A second session at a time is told `[IN-USE]`.
    Microsoft,
    /// It refuses the token (the same page).
    MicrosoftRefused,
    /// Somebody else has the maildrop (RFC 2449 section 8.1.1).
    InUse,
    /// The last session was too short a time ago (RFC 2449 section 8.1.2).
    LoginDelay,
    /// The connection ends at QUIT, before anything was deleted: RFC 1939 section 6 leaves the maildrop as it was.
    DropsBeforeQuit,
    /// The connection ends at QUIT, after all was deleted and before the answer.
    DropsAfterQuit,
    /// The connection ends in the middle of a mail.
    DropsInRetr,
}

use Pop3Quirk as Quirk;

/// A mail with its unique id.
#[derive(Debug, Clone)]
struct Mail {
    uid: String,
    bytes: Vec<u8>,
}

#[derive(Debug, Default)]
struct Maildrop {
    mails: Mutex<Vec<Mail>>,
    locked: AtomicBool,
}

/// A running stand-in with its maildrop.
#[derive(Debug)]
pub struct Pop3 {
    /// The server.
    pub server: Standin,
    maildrop: Arc<Maildrop>,
}

impl Pop3 {
    /// Starts one with these mails, whose unique ids are `uid-1` and so on.
    ///
    /// # Errors
    /// When there is no port, or the certificate can't be read.
    pub async fn start(tls: &Tls, start: Start, quirk: Pop3Quirk, mails: &[&[u8]]) -> Result<Self> {
        let mails = mails.iter().enumerate().map(|(number, bytes)| Mail {
            uid: format!("uid-{}", number + 1),
            bytes: bytes.to_vec(),
        });
        let maildrop = Arc::new(Maildrop {
            mails: Mutex::new(mails.collect()),
            locked: AtomicBool::new(false),
        });
        let shared = maildrop.clone();
        let server = Standin::start(tls, start, move |wire| serve(wire, quirk, shared.clone())).await?;
        Ok(Self { server, maildrop })
    }

    /// The unique ids of the mails that are left.
    #[must_use]
    pub fn left(&self) -> Vec<String> {
        self.maildrop.mails().into_iter().map(|mail| mail.uid).collect()
    }
}

impl Maildrop {
    fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn delete(&self, uids: &[String]) {
        let mut mails = self.mails.lock().unwrap_or_else(PoisonError::into_inner);
        mails.retain(|mail| !uids.contains(&mail.uid));
    }
}

/// The one session that may be in the maildrop.
struct Lock(Arc<Maildrop>);

impl Lock {
    fn of(maildrop: &Arc<Maildrop>) -> Option<Self> {
        (!maildrop.locked.swap(true, Ordering::AcqRel)).then(|| Self(maildrop.clone()))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.0.locked.store(false, Ordering::Release);
    }
}

async fn serve(mut wire: Wire, quirk: Quirk, maildrop: Arc<Maildrop>) -> Result<()> {
    wire.say(&["+OK The Microsoft Exchange POP3 service is ready."]).await?;
    loop {
        let line = wire.line().await?;
        match &*line.to_ascii_uppercase() {
            "STLS" if !wire.is_secure() => {
                wire.say(&["+OK Begin TLS negotiation."]).await?;
                wire = wire.secure().await?;
            }
            "CAPA" => capabilities(&mut wire).await?,
            "AUTH XOAUTH2" if wire.is_secure() => {
                wire.say(&["+ "]).await?;
                let response = wire.line().await?;
                if let Some(lock) = enter(&mut wire, quirk, &maildrop, is_xoauth2(&response)).await? {
                    return Session::new(wire, quirk, lock).run().await;
                }
            }
            "QUIT" => return wire.end(&["+OK Microsoft Exchange POP3 server signing off."]).await,
            other if other.starts_with("USER ") => wire.say(&["+OK"]).await?,
            other if other.starts_with("PASS ") => {
                wire.say(&["-ERR Logon failure: unknown user name or bad password."])
                    .await?;
            }
            // An initial response among them.
            _ => return wire.end(&["-ERR Protocol error. Connection is closed. 10"]).await,
        }
    }
}

async fn capabilities(wire: &mut Wire) -> Result<()> {
    let sasl = if wire.is_secure() { "SASL PLAIN XOAUTH2" } else { "STLS" };
    wire.say(&["+OK", "TOP", "UIDL", sasl, "USER", "."]).await
}

async fn enter(wire: &mut Wire, quirk: Quirk, maildrop: &Arc<Maildrop>, well_formed: bool) -> Result<Option<Lock>> {
    let refusal = match quirk {
        Quirk::InUse => "-ERR [IN-USE] The mailbox is locked by another session.",
        Quirk::LoginDelay => "-ERR [LOGIN-DELAY] Too short a time since the last session.",
        Quirk::MicrosoftRefused => "-ERR Authentication failure: unknown user name or bad password.",
        _ if !well_formed => "-ERR Authentication failure: unknown user name or bad password.",
        _ => match Lock::of(maildrop) {
            Some(lock) => {
                wire.say(&["+OK User successfully authenticated."]).await?;
                return Ok(Some(lock));
            }
            None => "-ERR [IN-USE] The mailbox is locked by another session.",
        },
    };
    wire.say(&[refusal]).await?;
    Ok(None)
}

/// A client in the maildrop: numbers are of the mails as they were when it came in.
struct Session {
    wire: Wire,
    quirk: Quirk,
    lock: Lock,
    mails: Vec<Mail>,
    deleted: Vec<String>,
}

impl Session {
    fn new(wire: Wire, quirk: Quirk, lock: Lock) -> Self {
        let mails = lock.0.mails();
        Self {
            wire,
            quirk,
            lock,
            mails,
            deleted: Vec::new(),
        }
    }

    async fn run(mut self) -> Result<()> {
        loop {
            let line = self.wire.line().await?.to_ascii_uppercase();
            let words: Vec<_> = line.split(' ').collect();
            match words.as_slice() {
                ["QUIT"] => return self.quit().await,
                ["STAT"] => {
                    let (count, size) = (self.present().count(), self.present().map(|(_, mail)| mail.bytes.len()));
                    let answer = format!("+OK {count} {}", size.sum::<usize>());
                    self.wire.say(&[&answer]).await?;
                }
                ["LIST"] => self.list(|mail| mail.bytes.len().to_string()).await?,
                ["UIDL"] => self.list(|mail| mail.uid.clone()).await?,
                ["NOOP"] => self.wire.say(&["+OK"]).await?,
                ["RSET"] => {
                    self.deleted.clear();
                    self.wire.say(&["+OK"]).await?;
                }
                [verb @ ("RETR" | "TOP" | "DELE"), number, rest @ ..] => {
                    let lines = rest.first().and_then(|lines| lines.parse().ok());
                    match self.mail(number) {
                        None => self.wire.say(&["-ERR The specified message is out of range."]).await?,
                        Some(mail) if *verb == "DELE" => {
                            self.deleted.push(mail.uid);
                            self.wire.say(&["+OK"]).await?;
                        }
                        Some(_) if *verb == "RETR" && self.quirk == Quirk::DropsInRetr => {
                            return self.wire.say(&["+OK", "From: somebody@example.test", "Subje"]).await;
                        }
                        Some(mail) => self.wire.send(&body(&mail.bytes, lines)).await?,
                    }
                }
                _ => self.wire.say(&["-ERR Protocol error. 14"]).await?,
            }
        }
    }

    /// Mails that aren't marked as deleted, with their numbers.
    fn present(&self) -> impl Iterator<Item = (usize, &Mail)> {
        let numbered = self.mails.iter().enumerate().map(|(at, mail)| (at + 1, mail));
        numbered.filter(|(_, mail)| !self.deleted.contains(&mail.uid))
    }

    fn mail(&self, number: &str) -> Option<Mail> {
        let number: usize = number.parse().ok()?;
        self.present()
            .find(|(at, _)| *at == number)
            .map(|(_, mail)| mail.clone())
    }

    async fn list(&mut self, value: impl Fn(&Mail) -> String) -> Result<()> {
        let lines: String = self
            .present()
            .map(|(at, mail)| format!("{at} {}\r\n", value(mail)))
            .collect();
        self.wire.send(format!("+OK\r\n{lines}.\r\n").as_bytes()).await
    }

    async fn quit(mut self) -> Result<()> {
        if self.quirk == Quirk::DropsBeforeQuit {
            return Ok(());
        }
        self.lock.0.delete(&self.deleted);
        if self.quirk == Quirk::DropsAfterQuit {
            return Ok(());
        }
        // Whoever reads the answer may come back at once.
        drop(self.lock);
        self.wire
            .end(&["+OK Microsoft Exchange POP3 server signing off."])
            .await
    }
}

/// A mail as a multi-line answer, dots stuffed; with `lines`, only so many of its text (TOP).
fn body(mail: &[u8], lines: Option<usize>) -> Vec<u8> {
    let (mut answer, mut left) = (b"+OK\r\n".to_vec(), None);
    for line in mail.split_inclusive(|byte| *byte == b'\n') {
        if left == Some(0) {
            break;
        }
        left = left.map(|count: usize| count - 1);
        if left.is_none() && matches!(line, b"\r\n" | b"\n") {
            left = lines;
        }
        if line.starts_with(b".") {
            answer.push(b'.');
        }
        answer.extend_from_slice(line);
    }
    if !answer.ends_with(b"\r\n") {
        answer.extend_from_slice(b"\r\n");
    }
    answer.extend_from_slice(b".\r\n");
    answer
}
