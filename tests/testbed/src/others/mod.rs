//! Servers of other makes beside the world's own: Cyrus, Courier and Exim, each of Debian 12.
//!
//! Their packages exclude each other, and those of Dovecot and Postfix. So `tests/setup` takes the programs out of the packages into
//! `tools/servers` in the folder that cargo builds into, where none is started but by a test.

mod courier;
mod cyrus;
mod exim;
mod passwords;

use std::{
    env,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};

pub use self::{courier::Courier, cyrus::Cyrus, exim::Exim};
use crate::{
    dovecot::PASSWORD,
    imap::{Session, quoted},
    world::World,
};

/// Where tests/setup puts what is no package here: `tools`, in the folder that cargo built this program into, whichever that is.
///
/// # Errors
/// When no folder above this program has one.
pub fn tools() -> Result<PathBuf> {
    let program = env::current_exe()?;
    let mut above = program.ancestors().map(|folder| folder.join("tools"));
    above
        .find(|tools| tools.is_dir())
        .with_context(|| format!("no folder tools above {}: tests/run makes it", program.display()))
}

/// Where the servers lie, as they were taken out of their packages.
pub(crate) fn taken_out() -> Result<PathBuf> {
    Ok(tools()?.join("servers"))
}

/// Where a server lets users in, each on 127.0.0.1.
#[derive(Debug, Clone, Copy)]
pub struct Doors {
    /// IMAP with STARTTLS.
    pub imap: u16,
    /// IMAP with implicit TLS.
    pub imaps: u16,
    /// POP3 with STLS.
    pub pop3: u16,
    /// POP3 with implicit TLS.
    pub pop3s: u16,
}

/// A server that has mailboxes. Every address is a user with the testbed's password; names of mailboxes are the server's.
#[allow(async_fn_in_trait, reason = "tests call it from one task")]
pub trait MailServer {
    /// Its doors.
    fn doors(&self) -> Doors;

    /// Delivers a mail into a user's INBOX; when this returns, it is there.
    ///
    /// # Errors
    /// When the server refuses it.
    async fn deliver(&self, user: &str, mail: &[u8]) -> Result<()>;

    /// Runs one IMAP command as a user, which has to succeed, and returns the lines it is answered.
    ///
    /// # Errors
    /// When it is refused.
    async fn command(&self, user: &str, line: &str) -> Result<Vec<String>> {
        let mut session = session(self.doors(), user).await?;
        let said = session.command(line).await?;
        Ok(said.into_iter().map(|response| response.text).collect())
    }

    /// How many mails a mailbox holds; 0 when there is no such mailbox.
    ///
    /// # Errors
    /// When the server can't be asked.
    async fn count(&self, user: &str, mailbox: &str) -> Result<usize> {
        let mut session = session(self.doors(), user).await?;
        if !session.has(mailbox).await? {
            return Ok(0);
        }
        Ok(session.status(mailbox, "MESSAGES").await? as usize)
    }

    /// Waits until a mailbox holds exactly `count` mails.
    ///
    /// # Errors
    /// When it doesn't within `patience`; the error tells how many it holds.
    async fn wait_for(&self, user: &str, mailbox: &str, count: usize, patience: Duration) -> Result<()> {
        let deadline = Instant::now() + patience;
        loop {
            let now = self.count(user, mailbox).await?;
            if now == count {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("{mailbox} of {user} holds {now} mails after {patience:?}, not {count}");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The mails of a mailbox as they are stored, in the order of their UIDs.
    ///
    /// # Errors
    /// When there is no such mailbox.
    async fn mails(&self, user: &str, mailbox: &str) -> Result<Vec<Vec<u8>>> {
        let mut session = session(self.doors(), user).await?;
        session.command(&format!("EXAMINE {}", quoted(mailbox))).await?;
        let stored = session.stored("BODY.PEEK[]").await?;
        Ok(stored.into_iter().map(|mail| mail.raw).collect())
    }
}

async fn session(doors: Doors, user: &str) -> Result<Session> {
    Session::sign_in(doors.imap, user, PASSWORD).await
}

/// The root below which the packages' files lie, as they would below `/`: in the world's folder, since servers become users who may
/// not look into the folder of whoever runs the tests.
fn root(world: &World) -> Result<PathBuf> {
    let (taken, root) = (taken_out()?, world.dir().join("servers"));
    ensure!(
        taken.join("elsewhere.so").exists(),
        "no servers in {}: tests/run takes them out of their packages",
        taken.display()
    );
    if !root.exists() {
        let copied = Command::new("cp").arg("-a").args([&taken, &root]).status()?;
        ensure!(copied.success(), "cp -a {}: {copied}", taken.display());
    }
    Ok(root)
}
