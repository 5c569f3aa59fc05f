//! A private Exim: submission with TLS, AUTH PLAIN and LOGIN, SMTPUTF8 and a limit of size; delivers to the world's Dovecot.

use std::{
    fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
};

use anyhow::Result;

use super::root;
use crate::{
    dovecot::{PASSWORD, greets},
    process::Process,
    system,
    world::World,
};

/// A running Exim.
#[derive(Debug)]
pub struct Exim {
    /// Submission with STARTTLS.
    pub submission: u16,
    /// Submission with implicit TLS.
    pub submissions: u16,
    dir: PathBuf,
    _process: Process,
}

impl Exim {
    /// Starts one in a folder of the world that takes mails up to `size`, such as `100K`.
    ///
    /// # Errors
    /// When it doesn't answer; the error holds its log.
    pub async fn start(world: &World, size: &str) -> Result<Self> {
        let (submission, submissions) = (world.ports.next(), world.ports.next());
        let dir = world.dir().join("exim");
        let spool = dir.join("spool");
        fs::create_dir_all(&spool)?;
        let (uid, gid) = system::user("mail")?;
        chown(&spool, Some(uid), Some(gid))?;
        let key = system::copied(&world.tls.key, &dir.join("server.key"), "mail")?;
        let root = root(world)?;
        let path = |path: &Path| path.display().to_string();
        let exim = path(&root.join("usr/sbin/exim4"));
        let conf = include_str!("../../conf/exim.conf")
            .replace("@BIN@", &exim)
            .replace("@DIR@", &path(&dir))
            .replace("@CERT@", &path(&world.tls.cert))
            .replace("@KEY@", &path(&key))
            .replace("@PASSWORD@", PASSWORD)
            .replace("@SIZE@", size)
            .replace("@SUBMISSION@", &submission.to_string())
            .replace("@SUBMISSIONS@", &submissions.to_string())
            .replace("@LMTP@", &world.dovecot.lmtp.to_string());
        fs::write(dir.join("exim.conf"), conf)?;
        let (conf, elsewhere) = (path(&dir.join("exim.conf")), path(&root.join("elsewhere.so")));
        let argv = [&*exim, "-C", &conf, "-bdf", "-q1s"];
        let mut process = Process::start(&argv, &[("LD_PRELOAD", &elsewhere)], &dir.join("exim.log"))?;
        process.await_ready("Exim", async || greets(submission).await).await?;
        Ok(Self {
            submission,
            submissions,
            dir,
            _process: process,
        })
    }

    /// What it logged.
    #[must_use]
    pub fn log(&self) -> String {
        let read = |name| fs::read(self.dir.join(name)).unwrap_or_default();
        String::from_utf8_lossy(&[read("spool/mainlog"), read("exim.log")].concat()).into_owned()
    }
}
