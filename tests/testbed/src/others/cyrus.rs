//! A private Cyrus: IMAP with MOVE, ACL and QUOTA, POP3 and LMTP; mailboxes lie below `INBOX.`

use std::{fs, os::unix::fs::chown, path::Path};

use anyhow::Result;

use super::{Doors, MailServer, passwords::Passwords, root};
use crate::{dovecot::greets, imap::quoted, lmtp::Lmtp, process::Process, system, world::World};

/// Who may set quotas.
const ADMIN: &str = "cyrus";

/// A running Cyrus.
#[derive(Debug)]
pub struct Cyrus {
    doors: Doors,
    lmtp: u16,
    _process: Process,
    _passwords: Passwords,
}

impl Cyrus {
    /// Starts one in a folder of the world.
    ///
    /// # Errors
    /// When it doesn't answer; the error holds its log.
    pub async fn start(world: &World) -> Result<Self> {
        let ports = &world.ports;
        let doors = Doors {
            imap: ports.next(),
            imaps: ports.next(),
            pop3: ports.next(),
            pop3s: ports.next(),
        };
        let lmtp = ports.next();
        let dir = world.dir().join("cyrus");
        for folder in [&dir, &dir.join("config"), &dir.join("spool")] {
            fs::create_dir(folder)?;
            let (uid, gid) = system::user("mail")?;
            chown(folder, Some(uid), Some(gid))?;
        }
        // It reads the key as the user mail.
        let key = system::copied(&world.tls.key, &dir.join("server.key"), "mail")?;
        let saslauthd = dir.join("saslauthd");
        let passwords = Passwords::saslauthd(&saslauthd)?;
        let root = root(world)?;
        let bin = root.join("usr/lib/cyrus/bin");
        let path = |path: &Path| path.display().to_string();
        let fill = |text: &str| {
            text.replace("@DIR@", &path(&dir))
                .replace("@BIN@", &path(&bin))
                .replace("@ADMIN@", ADMIN)
                .replace("@SASLAUTHD@", &path(&saslauthd))
                .replace("@CERT@", &path(&world.tls.cert))
                .replace("@KEY@", &path(&key))
                .replace("@IMAP@", &doors.imap.to_string())
                .replace("@IMAPS@", &doors.imaps.to_string())
                .replace("@POP3@", &doors.pop3.to_string())
                .replace("@POP3S@", &doors.pop3s.to_string())
                .replace("@LMTP@", &lmtp.to_string())
        };
        fs::write(
            dir.join("imapd.conf"),
            fill(include_str!("../../conf/cyrus-imapd.conf")),
        )?;
        fs::write(dir.join("cyrus.conf"), fill(include_str!("../../conf/cyrus.conf")))?;
        let master = path(&bin.join("master"));
        let (imapd, cyrus, pid) = (dir.join("imapd.conf"), dir.join("cyrus.conf"), dir.join("pid"));
        let argv = [
            &*master,
            "-D",
            "-C",
            &path(&imapd),
            "-M",
            &path(&cyrus),
            "-p",
            &path(&pid),
        ];
        let libraries = path(&root.join("usr/lib/x86_64-linux-gnu"));
        let mut process = Process::start(&argv, &[("LD_LIBRARY_PATH", &libraries)], &dir.join("cyrus.log"))?;
        let answers = async || {
            for port in [doors.imap, doors.pop3, lmtp] {
                if !greets(port).await {
                    return false;
                }
            }
            true
        };
        process.await_ready("Cyrus", answers).await?;
        Ok(Self {
            doors,
            lmtp,
            _process: process,
            _passwords: passwords,
        })
    }

    /// Allows the mailboxes from this one on so many KiB, such as `user.ada.Processed`; `None` takes the limit away.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn set_quota(&self, mailbox: &str, kib: Option<u32>) -> Result<()> {
        let limit = kib.map_or_else(String::new, |kib| format!("STORAGE {kib}"));
        self.command(ADMIN, &format!("SETQUOTA {} ({limit})", quoted(mailbox)))
            .await
            .map(drop)
    }
}

impl MailServer for Cyrus {
    fn doors(&self) -> Doors {
        self.doors
    }

    async fn deliver(&self, user: &str, mail: &[u8]) -> Result<()> {
        Lmtp::connect(self.lmtp).await?.deliver(user, mail).await
    }
}
