//! Where the programs run: one mail world, mailboxes that are filled once and copied for each run, and a folder on a real disk.

use std::{
    fs,
    os::unix::fs::{MetadataExt, chown},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use mailjob_testbed::{Options, PASSWORD, World};
use serde::Deserialize;
use tokio::{
    process::{Child, Command},
    time::timeout,
};

use crate::{ceiling::Login, mailjob::Mailjob};

/// The stage of all scenarios.
#[derive(Debug)]
pub struct Stage {
    world: World,
    bin: PathBuf,
    dir: tempfile::TempDir,
    runs: usize,
}

/// What the ceiling prints, and each program of others.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Ceiling {
    /// Mails.
    pub mails: usize,
    /// Wall seconds of the process.
    pub seconds: f64,
    /// CPU seconds, with children.
    pub cpu: f64,
    /// Peak resident memory.
    pub peak_kib: u64,
}

impl Stage {
    /// Starts the world for so many users at once. Programs are taken from the folder of this very program, and their files
    /// go there too: it is no tmpfs, where a sync would cost nothing.
    ///
    /// # Errors
    /// When the world does not come up, or the programs are not built.
    pub async fn start(users: usize) -> Result<Self> {
        let bin = std::env::current_exe()?.parent().context("no folder")?.to_owned();
        for program in ["mailjob", "ceiling"] {
            ensure!(
                bin.join(program).exists(),
                "{program} is not built: start this by benches/run"
            );
        }
        let dir = tempfile::Builder::new().prefix("bench-").tempdir_in(&bin)?;
        let options = Options {
            users,
            ..Options::default()
        };
        Ok(Self {
            world: World::start(options).await?,
            bin,
            dir,
            runs: 0,
        })
    }

    /// The folder in which ledgers lie, and its file system.
    #[must_use]
    pub fn disk(&self) -> String {
        let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
        let mounts = mounts.lines().filter_map(|line| {
            let mut fields = line.split(' ').skip(1);
            Some((fields.next()?, fields.next()?))
        });
        let holding = mounts.filter(|(point, _)| self.dir.path().starts_with(point));
        let kind = holding
            .max_by_key(|(point, _)| point.len())
            .map_or("unknown", |(_, kind)| kind);
        format!("{} ({kind})", self.bin.display())
    }

    /// Delivers mails to a new user, whose mailbox is to be copied.
    ///
    /// # Errors
    /// When the server refuses one.
    pub async fn fill(&self, name: &str, mails: impl Iterator<Item = Vec<u8>>) -> Result<String> {
        let user = format!("{name}@example.test");
        self.world.dovecot.deliver_all(&user, mails).await?;
        Ok(user)
    }

    /// A new user with the same mails in INBOX.
    ///
    /// # Errors
    /// When the files can't be copied.
    pub fn copy(&mut self, user: &str) -> Result<Login> {
        self.runs += 1;
        let copy = format!("run{}-{user}", self.runs);
        let mail = self.world.dir().join("dovecot/mail");
        copy_store(&mail.join(user), &mail.join(&copy)).context("copy a mailbox")?;
        Ok(self.login(&copy))
    }

    /// How a user signs in.
    #[must_use]
    pub fn login(&self, user: &str) -> Login {
        Login {
            port: self.world.dovecot.imaps,
            ca: self.world.tls.ca.clone(),
            user: user.to_owned(),
            password: PASSWORD.to_owned(),
        }
    }

    /// The world's certificates.
    #[must_use]
    pub fn tls(&self) -> &mailjob_testbed::Tls {
        &self.world.tls
    }

    /// Starts the ceiling in one of its modes.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn start_ceiling(&self, mode: &str, login: Option<&Login>, options: &[(&str, String)]) -> Result<Child> {
        let mut command = Command::new(self.bin.join("ceiling"));
        command.arg(mode);
        start(command, login, options).context("start the ceiling")
    }

    /// Starts Mailjob with one endpoint a mailbox: `action` is its TOML, with `[reply]` where somebody is to be answered.
    ///
    /// # Errors
    /// When its files can't be written or it can't be started.
    pub fn start_mailjob(&mut self, mailboxes: &[Login], action: &str) -> Result<Mailjob> {
        self.runs += 1;
        let dir = self.dir.path().join(format!("mailjob{}", self.runs));
        let smtp = self.world.postfix.submissions;
        Mailjob::start(&self.bin.join("mailjob"), &dir, mailboxes, (action, "imap", smtp))
    }

    /// The same with a mailbox that is read by POP3.
    ///
    /// # Errors
    /// When its files can't be written or it can't be started.
    pub fn start_mailjob_by_pop3(&mut self, mailbox: &Login, action: &str) -> Result<Mailjob> {
        self.runs += 1;
        let dir = self.dir.path().join(format!("mailjob{}", self.runs));
        let (mailboxes, smtp) = (std::slice::from_ref(mailbox), self.world.postfix.submissions);
        Mailjob::start(&self.bin.join("mailjob"), &dir, mailboxes, (action, "pop3", smtp))
    }
}

/// Starts a program that takes a mailbox and options as the ceiling does, and prints what it used as the ceiling does.
///
/// # Errors
/// When it can't be started.
pub fn start(mut command: Command, login: Option<&Login>, options: &[(&str, String)]) -> Result<Child> {
    command.stdout(Stdio::piped()).kill_on_drop(true);
    if let Some(login) = login {
        command
            .args(["--port", &login.port.to_string()])
            .arg("--ca")
            .arg(&login.ca);
        command.args(["--user", &login.user, "--password", &login.password]);
    }
    for (name, value) in options {
        command.args([&format!("--{name}"), value]);
    }
    Ok(command.spawn()?)
}

/// What the ceiling printed, or another program.
///
/// # Errors
/// When it failed.
pub async fn finished(child: Child) -> Result<Ceiling> {
    let output = timeout(Duration::from_secs(300), child.wait_with_output())
        .await
        .context("no end within five minutes")??;
    ensure!(output.status.success(), "it ended with {}", output.status);
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Copies a store: mails, which never change, as hard links; indexes as they are.
fn copy_store(from: &Path, to: &Path) -> Result<()> {
    let owner = |path: &Path, like: &fs::Metadata| chown(path, Some(like.uid()), Some(like.gid()));
    fs::create_dir(to)?;
    owner(to, &fs::metadata(from)?)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy_store(&source, &target)?;
        } else if entry.file_name().to_string_lossy().starts_with("u.") {
            fs::hard_link(&source, &target)?;
        } else {
            fs::copy(&source, &target)?;
            owner(&target, &entry.metadata()?)?;
        }
    }
    Ok(())
}
