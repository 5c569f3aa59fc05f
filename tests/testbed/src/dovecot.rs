//! A private Dovecot: IMAP, POP3 and LMTP, which verifies access tokens at the OAuth server.
//!
//! Every address is a user with an empty mailbox until a mail is delivered. Dovecot trusts a client on its own machine to
//! sign in without TLS, whatever `ssl = required` says (2.3.19, 2026-11); its log tells who did: a `Login:` without `TLS`. A push reaches an idle client 0.5 s after the delivery: Dovecot 2.3 gathers changes that long
//! (`NOTIFY_DELAY_MSECS`, 2026-11).

use std::{
    fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use tokio::{
    io::{AsyncReadExt, BufReader},
    net::TcpStream,
    process::Command,
};

use crate::{
    imap::{Session, quoted, word_after},
    lmtp::Lmtp,
    ports::Ports,
    process::Process,
    system,
    tls::Tls,
};

/// The password of every user.
pub const PASSWORD: &str = "testbed-password";

/// How mails are stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Store {
    /// Dovecot's own, and cheap for each flag.
    #[default]
    Sdbox,
    /// A file for each mail, its flags in its name: what many servers run, ten times as dear for each flag.
    Maildir,
}

/// A running Dovecot.
#[derive(Debug)]
pub struct Dovecot {
    /// IMAP with STARTTLS.
    pub imap: u16,
    /// IMAP with implicit TLS.
    pub imaps: u16,
    /// POP3 with STLS.
    pub pop3: u16,
    /// POP3 with implicit TLS.
    pub pop3s: u16,
    /// LMTP, without TLS.
    pub lmtp: u16,
    dir: PathBuf,
    store: Store,
    process: Option<Process>,
}

impl Dovecot {
    pub(crate) async fn start_in(
        dir: &Path,
        ports: &Ports,
        tls: &Tls,
        introspection: &str,
        store: Store,
    ) -> Result<Self> {
        let mut dovecot = Self {
            imap: ports.next(),
            imaps: ports.next(),
            pop3: ports.next(),
            pop3s: ports.next(),
            lmtp: ports.next(),
            dir: dir.join("dovecot"),
            store,
            process: None,
        };
        dovecot.configure(tls, introspection)?;
        dovecot.start().await?;
        Ok(dovecot)
    }

    fn configure(&self, tls: &Tls, introspection: &str) -> Result<()> {
        let mail = self.dir.join("mail");
        fs::create_dir_all(&mail)?;
        let (uid, gid) = system::user("mail")?;
        chown(&mail, Some(uid), Some(gid)).context("give the mail store to the user mail")?;
        let location = match self.store {
            Store::Sdbox => "sdbox:~/sdbox",
            Store::Maildir => "maildir:~/Maildir",
        };
        let conf = include_str!("../conf/dovecot.conf")
            .replace("@DIR@", &self.dir.display().to_string())
            .replace("@CERT@", &tls.cert.display().to_string())
            .replace("@KEY@", &tls.key.display().to_string())
            .replace("@PASSWORD@", PASSWORD)
            .replace("@LOCATION@", location)
            .replace("@IMAP@", &self.imap.to_string())
            .replace("@IMAPS@", &self.imaps.to_string())
            .replace("@POP3@", &self.pop3.to_string())
            .replace("@POP3S@", &self.pop3s.to_string())
            .replace("@LMTP@", &self.lmtp.to_string());
        fs::write(self.conf(), conf)?;
        let oauth2 = include_str!("../conf/dovecot-oauth2.conf").replace("@INTROSPECTION@", introspection);
        fs::write(self.dir.join("oauth2.conf"), oauth2)?;
        Ok(())
    }

    fn conf(&self) -> String {
        self.dir.join("dovecot.conf").display().to_string()
    }

    /// Where another server asks whether a sign-in is right (Dovecot's auth protocol).
    pub(crate) fn auth_socket(&self) -> PathBuf {
        self.dir.join("auth")
    }

    /// Starts it again after [`Self::stop`], on the same ports and with the same store.
    ///
    /// # Errors
    /// When it doesn't answer; the error holds its log.
    pub async fn start(&mut self) -> Result<()> {
        let log = self.dir.join("dovecot.log");
        let mut process = Process::start(&["dovecot", "-F", "-c", &self.conf()], &[], &log)?;
        let ports = [self.imap, self.pop3, self.lmtp];
        let answers = async || {
            for port in ports {
                if !greets(port).await {
                    return false;
                }
            }
            true
        };
        process.await_ready("Dovecot", answers).await?;
        self.process = Some(process);
        Ok(())
    }

    /// Stops it; every session ends.
    pub fn stop(&mut self) {
        self.process = None;
    }

    /// Ends all sessions of a user, as a server does in maintenance.
    ///
    /// # Errors
    /// When Dovecot isn't running.
    pub async fn kick(&self, user: &str) -> Result<()> {
        // It also fails when nobody of that name is there, which is as good as kicked.
        let output = Command::new("doveadm")
            .args(["-c", &self.conf(), "kick", user])
            .output()
            .await?;
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(
            output.status.success() || output.status.code() == Some(68),
            "doveadm kick: {complaint}"
        );
        Ok(())
    }

    /// Delivers a mail into a user's INBOX; when this returns, it is there.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn deliver(&self, user: &str, mail: &[u8]) -> Result<()> {
        self.deliver_all(user, [mail]).await
    }

    /// Delivers many mails over one connection.
    ///
    /// # Errors
    /// When the server refuses one.
    pub async fn deliver_all(&self, user: &str, mails: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Result<()> {
        let mut lmtp = Lmtp::connect(self.lmtp).await?;
        for mail in mails {
            lmtp.deliver(user, mail.as_ref()).await?;
        }
        Ok(())
    }

    /// How many mails a mailbox holds; 0 when there is no such mailbox.
    ///
    /// # Errors
    /// When Dovecot can't be asked.
    pub async fn count(&self, user: &str, mailbox: &str) -> Result<usize> {
        let mut session = Session::start(&self.conf(), user).await?;
        if session
            .command(&format!("LIST \"\" {}", quoted(mailbox)))
            .await?
            .is_empty()
        {
            return Ok(0);
        }
        let status = session
            .command(&format!("STATUS {} (MESSAGES)", quoted(mailbox)))
            .await?;
        let count = status
            .iter()
            .find_map(|response| word_after(&response.text, "(MESSAGES"));
        Ok(count.context("no MESSAGES in STATUS")?.parse()?)
    }

    /// Waits until a mailbox holds exactly `count` mails.
    ///
    /// # Errors
    /// When it doesn't within `patience`; the error tells how many it holds.
    pub async fn wait_for(&self, user: &str, mailbox: &str, count: usize, patience: Duration) -> Result<()> {
        let deadline = Instant::now() + patience;
        loop {
            let now = self.count(user, mailbox).await?;
            if now == count {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("{mailbox} of {user} holds {now} mails after {patience:?}, not {count}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The mails of a mailbox as they are stored, in the order of their UIDs.
    ///
    /// # Errors
    /// When there is no such mailbox.
    pub async fn mailbox(&self, user: &str, mailbox: &str) -> Result<Vec<Vec<u8>>> {
        let stored = self.stored(user, mailbox, "BODY.PEEK[]").await?;
        Ok(stored.into_iter().map(|mail| mail.raw).collect())
    }

    /// The UIDs of a mailbox.
    ///
    /// # Errors
    /// When there is no such mailbox.
    pub async fn uids(&self, user: &str, mailbox: &str) -> Result<Vec<u32>> {
        Ok(self
            .stored(user, mailbox, "UID")
            .await?
            .into_iter()
            .map(|mail| mail.uid)
            .collect())
    }

    /// The flags of each mail of a mailbox, such as `\Seen \Flagged`, in the order of their UIDs.
    ///
    /// # Errors
    /// When there is no such mailbox.
    pub async fn flags(&self, user: &str, mailbox: &str) -> Result<Vec<String>> {
        Ok(self
            .stored(user, mailbox, "FLAGS")
            .await?
            .into_iter()
            .map(|mail| mail.flags)
            .collect())
    }

    async fn stored(&self, user: &str, mailbox: &str, items: &str) -> Result<Vec<Stored>> {
        let mut session = Session::start(&self.conf(), user).await?;
        session.command(&format!("EXAMINE {}", quoted(mailbox))).await?;
        let responses = session.command(&format!("UID FETCH 1:* (UID FLAGS {items})")).await?;
        let fetched = responses
            .into_iter()
            .filter(|response| response.text.contains(" FETCH ("));
        fetched
            .map(|mut response| {
                let uid = word_after(&response.text, "UID ").context("no UID")?.parse()?;
                let flags = response
                    .text
                    .split_once("FLAGS (")
                    .and_then(|(_, rest)| rest.split_once(')'));
                let flags = flags.map_or("", |(flags, _)| flags);
                let flags = flags
                    .split(' ')
                    .filter(|flag| *flag != "\\Recent")
                    .collect::<Vec<_>>()
                    .join(" ");
                Ok(Stored {
                    uid,
                    flags,
                    raw: response.literals.pop().unwrap_or_default(),
                })
            })
            .collect()
    }

    /// Stores a mail in a mailbox by APPEND, which is made if missing: as a person does who drags it there.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn append(&self, user: &str, mailbox: &str, mail: &[u8]) -> Result<()> {
        let mut session = Session::start(&self.conf(), user).await?;
        if session
            .command(&format!("LIST \"\" {}", quoted(mailbox)))
            .await?
            .is_empty()
        {
            session.command(&format!("CREATE {}", quoted(mailbox))).await?;
        }
        session.append(mailbox, "", mail).await
    }

    /// The UIDVALIDITY of a mailbox.
    ///
    /// # Errors
    /// When there is no such mailbox.
    pub async fn uid_validity(&self, user: &str, mailbox: &str) -> Result<u32> {
        let mut session = Session::start(&self.conf(), user).await?;
        let status = session
            .command(&format!("STATUS {} (UIDVALIDITY)", quoted(mailbox)))
            .await?;
        let value = status
            .iter()
            .find_map(|response| word_after(&response.text, "(UIDVALIDITY"));
        Ok(value.context("no UIDVALIDITY in STATUS")?.parse()?)
    }

    /// What the server logged.
    #[must_use]
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.dir.join("dovecot.log")).unwrap_or_default()).into_owned()
    }
}

/// A mail in the store.
struct Stored {
    uid: u32,
    flags: String,
    raw: Vec<u8>,
}

/// Whether a server at this port says anything.
pub(crate) async fn greets(port: u16) -> bool {
    let Ok(stream) = TcpStream::connect(("127.0.0.1", port)).await else {
        return false;
    };
    let greeting = async { BufReader::new(stream).read_u8().await.is_ok() };
    tokio::time::timeout(Duration::from_secs(2), greeting)
        .await
        .unwrap_or(false)
}
