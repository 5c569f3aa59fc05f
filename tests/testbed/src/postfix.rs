//! A private Postfix: submission with TLS, sign-in checked by Dovecot, delivery to Dovecot.
//!
//! It is an instance of its own (its own queue, data and configuration), takes mail only from who signs in, and only for
//! `example.test`.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use anyhow::{Context, Result};

use crate::{
    dovecot::{Dovecot, greets},
    ports::{self, Ports},
    process::Process,
    system,
    tls::Tls,
};

/// The folders of a queue that Postfix itself writes to; the others belong to root.
const POSTFIX_FOLDERS: [&str; 13] = [
    "active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "maildrop", "private", "public",
    "saved", "trace",
];

/// A running Postfix.
#[derive(Debug)]
pub struct Postfix {
    /// Submission with STARTTLS.
    pub submission: u16,
    /// Submission with implicit TLS.
    pub submissions: u16,
    dir: PathBuf,
    process: Option<Process>,
}

impl Postfix {
    pub(crate) async fn start_in(dir: &Path, ports: &Ports, tls: &Tls, dovecot: &Dovecot) -> Result<Self> {
        let mut postfix = Self {
            submission: ports.next(),
            submissions: ports.next(),
            dir: dir.join("postfix"),
            process: None,
        };
        postfix.make_folders().context("make Postfix's folders")?;
        postfix.configure(tls, dovecot)?;
        postfix.start().await?;
        Ok(postfix)
    }

    fn make_folders(&self) -> Result<()> {
        let (uid, gid) = system::user("postfix")?;
        let queue = self.dir.join("queue");
        fs::create_dir_all(queue.join("pid"))?;
        let own = POSTFIX_FOLDERS.map(|name| queue.join(name));
        for folder in own.iter().chain([&self.dir.join("data")]) {
            fs::create_dir(folder)?;
            fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
            chown(folder, Some(uid), Some(gid))?;
        }
        Ok(())
    }

    fn configure(&self, tls: &Tls, dovecot: &Dovecot) -> Result<()> {
        let main = include_str!("../conf/postfix-main.cf")
            .replace("@DIR@", &self.dir.display().to_string())
            .replace("@LMTP@", &dovecot.lmtp.to_string())
            .replace("@AUTH@", &dovecot.auth_socket().display().to_string())
            .replace("@CERT@", &tls.cert.display().to_string())
            .replace("@KEY@", &tls.key.display().to_string());
        let master = include_str!("../conf/postfix-master.cf")
            .replace("@SUBMISSION@", &self.submission.to_string())
            .replace("@SUBMISSIONS@", &self.submissions.to_string());
        self.write("main.cf", &main)?;
        self.write("master.cf", &master)?;
        self.write("recipients", "")
    }

    /// Writes a file that Postfix reads without delay: one that changed in the last second it takes for still being edited,
    /// and looks again, and again (`dict_load_file` of 3.7.11, 2026-11).
    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.dir.join(name);
        fs::write(&path, text)?;
        let past = SystemTime::now() - Duration::from_secs(60);
        Ok(fs::File::options().write(true).open(&path)?.set_modified(past)?)
    }

    /// Starts it again after [`Self::stop`], with the same ports and queue. Dovecot has to be up.
    ///
    /// # Errors
    /// When it doesn't answer; the error holds its log.
    pub async fn start(&mut self) -> Result<()> {
        // Its children end a moment after the one that is waited for, and hold the ports until then.
        ports::await_free(&[self.submission, self.submissions]).await?;
        let dir = self.dir.display().to_string();
        let master = ["/usr/lib/postfix/sbin/master", "-c", &dir, "-s"];
        let mut process = Process::start(&master, &[], &self.dir.join("mail.log"))?;
        let port = self.submission;
        process.await_ready("Postfix", async || greets(port).await).await?;
        self.process = Some(process);
        Ok(())
    }

    /// Stops it; mails that are not delivered stay in its queue.
    pub fn stop(&mut self) {
        self.process = None;
    }

    /// Answers these recipients with these replies instead of taking the mail, such as `("full@example.test", "452 4.2.2
    /// mailbox full")`; all others are taken. Restarts Postfix, so that it counts from now on.
    ///
    /// # Errors
    /// When it doesn't come up again.
    pub async fn answer_recipients(&mut self, answers: &[(&str, &str)]) -> Result<()> {
        let table: String = answers
            .iter()
            .map(|(recipient, reply)| format!("{recipient} {reply}\n"))
            .collect();
        self.write("recipients", &table)?;
        self.stop();
        self.start().await
    }

    /// Ends the handshake with who has no client's certificate that this authority has issued. Restarts Postfix.
    ///
    /// # Errors
    /// When it doesn't come up again.
    pub async fn require_client_certificate(&mut self, ca: &Path) -> Result<()> {
        let main = fs::read_to_string(self.dir.join("main.cf"))?;
        // It asks for one only where TLS is not optional.
        let more = format!(
            "\nsmtpd_tls_security_level = encrypt\nsmtpd_tls_CAfile = {}\nsmtpd_tls_req_ccert = yes\n",
            ca.display()
        );
        self.write("main.cf", &(main + &more))?;
        self.stop();
        self.start().await
    }

    /// How many mails are on their way.
    ///
    /// # Errors
    /// When the queue can't be read.
    pub fn queued(&self) -> Result<usize> {
        let count = |name| Ok(fs::read_dir(self.dir.join("queue").join(name))?.count());
        ["maildrop", "incoming", "active", "deferred"]
            .into_iter()
            .map(count)
            .sum()
    }

    /// What the server logged.
    #[must_use]
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.dir.join("mail.log")).unwrap_or_default()).into_owned()
    }
}
