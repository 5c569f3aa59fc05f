//! A private Dovecot: IMAP, POP3 and LMTP, which verifies access tokens at the OAuth server.
//!
//! Every address is a user with an empty mailbox until a mail is delivered. One that begins with `shared.` is a shared mailbox:
//! the token of anybody of its domain opens it. Dovecot trusts a client on its own machine to
//! sign in without TLS, whatever `ssl = required` says (2.3.19, 2026-11); its log tells who did: a `Login:` without `TLS`. A push reaches an idle client 0.5 s after the delivery: Dovecot 2.3 gathers changes that long
//! (`NOTIFY_DELAY_MSECS`, 2026-11).

use std::{
    fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use tokio::{
    io::{AsyncReadExt, BufReader},
    net::TcpStream,
    process::Command,
};

use crate::{lmtp::Lmtp, ports::Ports, process::Process, system, tls::Tls};

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
        // What of the token's address and of the user's name must be the same: all, or only the domain.
        for (name, compared) in [("oauth2.conf", "%u"), ("oauth2-shared.conf", "%d")] {
            fs::write(self.dir.join(name), oauth2.replace("@COMPARED@", compared))?;
        }
        Ok(())
    }

    /// Gives all users another password, from the next start on.
    ///
    /// # Errors
    /// When the configuration can't be written.
    pub fn change_password(&self, password: &str) -> Result<()> {
        let conf = fs::read_to_string(self.conf())?;
        Ok(fs::write(self.conf(), conf.replace(PASSWORD, password))?)
    }

    /// Takes another certificate in place of that one, from the next start on.
    ///
    /// # Errors
    /// When the configuration can't be written.
    pub fn change_certificate(&self, old: &Tls, new: &Tls) -> Result<()> {
        let path = |path: &Path| path.display().to_string();
        let conf = fs::read_to_string(self.conf())?
            .replace(&path(&old.cert), &path(&new.cert))
            .replace(&path(&old.key), &path(&new.key));
        Ok(fs::write(self.conf(), conf)?)
    }

    /// Lets nobody sign in by IMAP or POP3 without a client's certificate that this authority has issued, from the next start on. Who asks
    /// for others (Postfix) may go on.
    ///
    /// # Errors
    /// When the configuration can't be written.
    pub fn require_client_certificate(&self, ca: &Path) -> Result<()> {
        let ca = ca.display();
        let more = format!(
            "\nssl_ca = <{ca}\nssl_require_crl = no\nssl_verify_client_cert = yes\n\
             protocol imap {{\n  auth_ssl_require_client_cert = yes\n}}\nprotocol pop3 {{\n  auth_ssl_require_client_cert = yes\n}}\n"
        );
        Ok(fs::write(self.conf(), fs::read_to_string(self.conf())? + &more)?)
    }

    /// The configuration file.
    pub(crate) fn conf(&self) -> String {
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
        // Many users need more open files than the 1,024 that a shell usually allows itself.
        let script = "ulimit -n \"$(ulimit -Hn)\"; exec dovecot -F -c \"$0\"";
        let mut process = Process::start(&["sh", "-c", script, &self.conf()], &[], &log)?;
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
        // Exit code 68 says that nobody of that name is there, which is as good as kicked.
        self.doveadm(&["kick", user], &[0, 68]).await
    }

    /// Runs one of Dovecot's own commands, which has to end with one of these exit codes.
    pub(crate) async fn doveadm(&self, arguments: &[&str], codes: &[i32]) -> Result<()> {
        let command = Command::new("doveadm")
            .args(["-c", &self.conf()])
            .args(arguments)
            .output();
        let output = command.await.context("start doveadm")?;
        let right = output.status.code().is_some_and(|code| codes.contains(&code));
        ensure!(
            right,
            "doveadm {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
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

    /// What the server logged.
    #[must_use]
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.dir.join("dovecot.log")).unwrap_or_default()).into_owned()
    }
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
