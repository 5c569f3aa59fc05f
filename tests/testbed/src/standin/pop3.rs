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
    /// It doubles no dots (GreenMail before 2.0.1, Mailpit before 1.18: greenmail 475, mailpit 299).
    Undoubled,
    /// All mails have one unique id, and one size.
    OneName,
    /// Ids are numbers from 1 on, again after each start, and LIST counts bodies only, or says -1 (GreenMail 2.1).
    GreenMail,
    /// It repeats what it refuses.
    Echoes,
    /// Its list of ids has no end for a long time.
    Floods,
}

use Pop3Quirk as Quirk;

impl Pop3Quirk {
    fn uid(self, number: usize) -> String {
        match self {
            Self::OneName => "same".to_owned(),
            Self::GreenMail => number.to_string(),
            // As long as what tells a mail from all others (Exchange).
            _ => format!("uid-1717171717-{number}"),
        }
    }

    fn size(self, mail: &[u8]) -> String {
        match self {
            Self::OneName => "10".to_owned(),
            Self::GreenMail => {
                let end = mail.windows(4).position(|four| four == b"\r\n\r\n");
                let body = end.map_or(0, |end| mail.len() - end - 4);
                if body == 0 { "-1".to_owned() } else { body.to_string() }
            }
            _ => mail.len().to_string(),
        }
    }
}

/// Lines of a flood.
const FLOOD: usize = 1_000_000;

/// A mail with its unique id.
#[derive(Debug, Clone, PartialEq)]
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
    quirk: Pop3Quirk,
    maildrop: Arc<Maildrop>,
}

impl Pop3 {
    /// Starts one with these mails, whose unique ids are `uid-1` and so on.
    ///
    /// # Errors
    /// When there is no port, or the certificate can't be read.
    pub async fn start(tls: &Tls, start: Start, quirk: Pop3Quirk, mails: &[&[u8]]) -> Result<Self> {
        let maildrop = Arc::new(Maildrop::default());
        maildrop.fill(quirk, mails);
        let shared = maildrop.clone();
        let server = Standin::start(tls, start, move |wire| serve(wire, quirk, shared.clone())).await?;
        Ok(Self {
            server,
            quirk,
            maildrop,
        })
    }

    /// Forgets all mails and begins with these, as after a start.
    pub fn restart(&self, mails: &[&[u8]]) {
        self.maildrop.fill(self.quirk, mails);
    }

    /// The unique ids of the mails that are left.
    #[must_use]
    pub fn left(&self) -> Vec<String> {
        self.maildrop.mails().into_iter().map(|mail| mail.uid).collect()
    }
}

impl Maildrop {
    fn fill(&self, quirk: Quirk, mails: &[&[u8]]) {
        let mails = (1..).zip(mails).map(|(number, bytes)| Mail {
            uid: quirk.uid(number),
            bytes: bytes.to_vec(),
        });
        *self.mails.lock().unwrap_or_else(PoisonError::into_inner) = mails.collect();
    }

    fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Deletes the mails with these numbers, of those that were there when a session began.
    fn delete(&self, before: &[Mail], numbers: &[usize]) {
        let gone = numbers.iter().filter_map(|number| before.get(number.wrapping_sub(1)));
        let mut mails = self.mails.lock().unwrap_or_else(PoisonError::into_inner);
        for gone in gone {
            let at = mails.iter().position(|mail| mail == gone);
            at.map(|at| mails.remove(at));
        }
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
                if quirk == Quirk::Echoes {
                    wire.say(&[&format!("-ERR bad credentials: AUTH XOAUTH2 {response}")])
                        .await?;
                    continue;
                }
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
    deleted: Vec<usize>,
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
                ["LIST"] => self.list(self.listing(|mail| self.quirk.size(&mail.bytes))).await?,
                ["UIDL"] if self.quirk == Quirk::Floods => self.flood().await?,
                ["UIDL"] => self.list(self.listing(|mail| mail.uid.clone())).await?,
                ["NOOP"] => self.wire.say(&["+OK"]).await?,
                ["RSET"] => {
                    self.deleted.clear();
                    self.wire.say(&["+OK"]).await?;
                }
                [verb @ ("RETR" | "TOP" | "DELE"), number, rest @ ..] => {
                    let lines = rest.first().and_then(|lines| lines.parse().ok());
                    match self.mail(number) {
                        None => self.wire.say(&["-ERR The specified message is out of range."]).await?,
                        Some(_) if *verb == "DELE" => {
                            self.deleted.extend(number.parse::<usize>());
                            self.wire.say(&["+OK"]).await?;
                        }
                        Some(_) if *verb == "RETR" && self.quirk == Quirk::DropsInRetr => {
                            return self.wire.say(&["+OK", "From: somebody@example.test", "Subje"]).await;
                        }
                        Some(mail) => {
                            let doubles = self.quirk != Quirk::Undoubled;
                            self.wire.send(&body(&mail.bytes, lines, doubles)).await?;
                        }
                    }
                }
                _ => self.wire.say(&["-ERR Protocol error. 14"]).await?,
            }
        }
    }

    /// Mails that aren't marked as deleted, with their numbers.
    fn present(&self) -> impl Iterator<Item = (usize, &Mail)> {
        let numbered = self.mails.iter().enumerate().map(|(at, mail)| (at + 1, mail));
        numbered.filter(|(number, _)| !self.deleted.contains(number))
    }

    fn mail(&self, number: &str) -> Option<Mail> {
        let number: usize = number.parse().ok()?;
        self.present()
            .find(|(at, _)| *at == number)
            .map(|(_, mail)| mail.clone())
    }

    fn listing(&self, value: impl Fn(&Mail) -> String) -> Vec<u8> {
        let lines = self.present().map(|(at, mail)| format!("{at} {}\r\n", value(mail)));
        format!("+OK\r\n{}.\r\n", lines.collect::<String>()).into_bytes()
    }

    async fn list(&mut self, listing: Vec<u8>) -> Result<()> {
        self.wire.send(&listing).await
    }

    /// More ids than anybody has mails.
    async fn flood(&mut self) -> Result<()> {
        self.wire.send(b"+OK\r\n").await?;
        for first in (1..=FLOOD).step_by(1_000) {
            let lines: String = (first..first + 1_000).map(|n| format!("{n} {n:070}\r\n")).collect();
            self.wire.send(lines.as_bytes()).await?;
        }
        self.wire.send(b".\r\n").await
    }

    async fn quit(mut self) -> Result<()> {
        if self.quirk == Quirk::DropsBeforeQuit {
            return Ok(());
        }
        self.lock.0.delete(&self.mails, &self.deleted);
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
fn body(mail: &[u8], lines: Option<usize>, doubles: bool) -> Vec<u8> {
    let (mut answer, mut left) = (b"+OK\r\n".to_vec(), None);
    for line in mail.split_inclusive(|byte| *byte == b'\n') {
        if left == Some(0) {
            break;
        }
        left = left.map(|count: usize| count - 1);
        if left.is_none() && matches!(line, b"\r\n" | b"\n") {
            left = lines;
        }
        if doubles && line.starts_with(b".") {
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
