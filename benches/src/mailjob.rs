//! Mailjob's process: started on files written here, watched from outside, ended as an operator does.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use mailjob_testbed::PASSWORD;
use tokio::{
    process::{Child, Command},
    time::{sleep, timeout},
};

use crate::{
    ceiling::{Imap, Login},
    usage::Usage,
};

/// Mailjob's process.
#[derive(Debug)]
pub struct Mailjob {
    child: Child,
    /// When it was started.
    pub began: Instant,
    log: PathBuf,
}

impl Mailjob {
    /// Starts it in a new folder, with one endpoint a mailbox.
    pub(crate) fn start(
        program: &Path,
        dir: &Path,
        mailboxes: &[Login],
        (action, protocol, smtp): (&str, &str, u16),
    ) -> Result<Self> {
        let endpoints = dir.join("endpoints.d");
        fs::create_dir_all(&endpoints)?;
        let password = dir.join("password");
        fs::write(&password, PASSWORD)?;
        fs::set_permissions(&password, fs::Permissions::from_mode(0o600))?;
        fs::write(
            dir.join("mailjob.toml"),
            "[service]\nledger = \"mailjob.db\"\nhealth = false\n",
        )?;
        for (number, login) in mailboxes.iter().enumerate() {
            fs::write(
                endpoints.join(format!("bench{number}.toml")),
                endpoint(login, dir, (action, protocol, smtp)),
            )?;
        }
        let log = dir.join("mailjob.log");
        let began = Instant::now();
        let child = Command::new(program)
            .args(["run", "--endpoints", "endpoints.d", "--config", "mailjob.toml"])
            .current_dir(dir)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(fs::File::create(&log)?)
            .stderr(fs::File::options().append(true).open(&log)?)
            .kill_on_drop(true)
            .spawn()
            .context("start mailjob")?;
        Ok(Self { child, began, log })
    }
    /// What it has used so far.
    ///
    /// # Errors
    /// When it has ended.
    pub fn usage(&self) -> Result<Usage> {
        let pid = self.child.id().context("mailjob has ended")?;
        Usage::of(&pid.to_string()).with_context(|| self.log())
    }

    /// Waits until a mailbox is empty, as another client sees it.
    ///
    /// # Errors
    /// When it is not within two minutes.
    pub async fn emptied(&self, login: &Login) -> Result<Instant> {
        let mut imap = Imap::connect(login)?;
        let deadline = Instant::now() + Duration::from_secs(120);
        loop {
            let left = imap.count("INBOX")?;
            if left == 0 {
                return Ok(Instant::now());
            }
            ensure!(
                Instant::now() < deadline,
                "{left} mails are still in INBOX; {}",
                self.log()
            );
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// TCP connections to a port of this machine, from whomever.
    ///
    /// # Errors
    /// When the kernel does not say.
    pub fn connections(&self, port: u16) -> Result<usize> {
        let table = fs::read_to_string("/proc/net/tcp")?;
        // Local address, remote address, state: 01 is ESTABLISHED.
        let to_port = |line: &&str| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            fields
                .get(2)
                .is_some_and(|remote| remote.ends_with(&format!(":{port:04X}")))
                && fields.get(3) == Some(&"01")
        };
        Ok(table.lines().filter(to_port).count())
    }

    /// Ends it as an operator does.
    ///
    /// # Errors
    /// When it does not end well within half a minute.
    pub async fn stop(mut self) -> Result<()> {
        let pid = self.child.id().context("mailjob has ended")?;
        Command::new("kill").args(["-TERM", &pid.to_string()]).status().await?;
        match timeout(Duration::from_secs(30), self.child.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            ended => bail!("mailjob ended with {ended:?}; {}", self.log()),
        }
    }

    /// The end of its log.
    #[must_use]
    pub fn log(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        format!("its log ends:\n{}", lines[lines.len().saturating_sub(20)..].join("\n"))
    }
}

fn endpoint(login: &Login, dir: &Path, (action, protocol, smtp): (&str, &str, u16)) -> String {
    let (ca, password) = (login.ca.display(), dir.join("password"));
    let backlog = if protocol == "imap" {
        "backlog = \"process\"\n"
    } else {
        ""
    };
    let (smtp, reply) = if action.contains("[reply]") {
        let smtp = format!("smtp = {{ host = \"localhost\", port = {smtp}, tls = \"implicit\" }}\n");
        (smtp, "")
    } else {
        (String::new(), "[reply]\nto = \"nobody\"\n")
    };
    format!(
        "{action}\n\n[mailbox]\nprotocol = \"{protocol}\"\n{backlog}\n[mailbox.account]\nuser = \"{}\"\npassword = {{ file = \"{}\" }}\nca_file = \"{ca}\"\n{protocol} = {{ host = \"localhost\", port = {}, tls = \"implicit\" }}\n{smtp}\n{reply}",
        login.user,
        password.display(),
        login.port
    )
}
