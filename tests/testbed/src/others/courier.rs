//! A private Courier: IMAP without MOVE, with ACL, and POP3, over Maildirs; mailboxes lie below `INBOX.`
//!
//! Its SELECT says nothing of UIDNEXT (5.0.13, 2026-11).

use std::{
    fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicUsize, Ordering},
};

use anyhow::Result;

use super::{Doors, MailServer, passwords::Passwords, root};
use crate::{dovecot::greets, process::Process, system, world::World};

/// A running Courier.
#[derive(Debug)]
pub struct Courier {
    doors: Doors,
    homes: PathBuf,
    owner: (u32, u32),
    delivered: AtomicUsize,
    _processes: Vec<Process>,
    _passwords: Passwords,
}

/// One of its listeners: where, what it says of TLS, and the two programs, of which the first signs in.
type Listener<'a> = (u16, Option<&'a str>, [&'a str; 2]);

const IMAP: [&str; 2] = ["usr/lib/courier/courier/imaplogin", "usr/bin/imapd"];
const POP3: [&str; 2] = [
    "usr/lib/courier/courier/courierpop3login",
    "usr/lib/courier/courier/courierpop3d",
];

impl Courier {
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
        let dir = world.dir().join("courier");
        let homes = dir.join("homes");
        fs::create_dir_all(&homes)?;
        let owner = system::user("mail")?;
        chown(&homes, Some(owner.0), Some(owner.1))?;
        let pem = dir.join("server.pem");
        fs::write(&pem, [fs::read(&world.tls.key)?, fs::read(&world.tls.cert)?].concat())?;
        let pem = system::copied(&pem, &dir.join("own.pem"), "mail")?;
        let authdaemon = dir.join("authdaemon");
        let passwords = Passwords::authdaemond(&authdaemon, &homes, owner)?;
        let root = root(world)?;
        let settings = include_str!("../../conf/courier.env")
            .replace("@ROOT@", &root.display().to_string())
            .replace("@PEM@", &pem.display().to_string())
            .replace("@AUTHDAEMON@", &authdaemon.display().to_string());
        let listeners: [Listener<'_>; 4] = [
            (doors.imap, None, IMAP),
            (doors.imaps, Some("IMAP_TLS"), IMAP),
            (doors.pop3, None, POP3),
            (doors.pop3s, Some("POP3_TLS"), POP3),
        ];
        let mut processes = Vec::new();
        for listener in listeners {
            processes.push(listen(&root, &dir, &settings, listener)?);
        }
        for (process, (port, tls, _)) in processes.iter_mut().zip(listeners) {
            if tls.is_none() {
                process.await_ready("Courier", async || greets(port).await).await?;
            }
        }
        Ok(Self {
            doors,
            homes,
            owner,
            delivered: AtomicUsize::new(0),
            _processes: processes,
            _passwords: passwords,
        })
    }

    /// The Maildir of a user.
    ///
    /// # Errors
    /// When it can't be made.
    pub fn maildir(&self, user: &str) -> Result<PathBuf> {
        Ok(home(&self.homes, user, self.owner)?.join("Maildir"))
    }

    /// Allows a user so many bytes in all mailboxes together. Counted anew from now on.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn set_quota(&self, user: &str, bytes: u64) -> Result<()> {
        let file = self.maildir(user)?.join("maildirsize");
        fs::write(&file, format!("{bytes}S\n"))?;
        Ok(chown(&file, Some(self.owner.0), Some(self.owner.1))?)
    }
}

fn listen(root: &Path, dir: &Path, settings: &str, (port, tls, [login, server]): Listener<'_>) -> Result<Process> {
    let of = |name: &str| root.join(name).display().to_string();
    let (tcpd, couriertls, login, server) = (
        of("usr/sbin/couriertcpd"),
        of("usr/bin/couriertls"),
        of(login),
        of(server),
    );
    let port = port.to_string();
    let mut argv = vec![
        &*tcpd,
        "-address=127.0.0.1",
        "-maxprocs=100",
        "-maxperip=100",
        "-nodnslookup",
        "-noidentlookup",
        &port,
    ];
    if tls.is_some() {
        argv.extend([&*couriertls, "-server", "-tcpd"]);
    }
    argv.extend([&*login, &server, "Maildir"]);
    let (libraries, elsewhere) = (of("usr/lib"), of("elsewhere.so"));
    let lines = settings.lines().filter(|line| !line.starts_with('#'));
    let mut env: Vec<_> = lines.filter_map(|line| line.split_once('=')).collect();
    env.extend([("LD_LIBRARY_PATH", &*libraries), ("LD_PRELOAD", &elsewhere)]);
    env.extend(tls.map(|name| (name, "1")));
    Process::start(&argv, &env, &dir.join("courier.log"))
}

impl MailServer for Courier {
    fn doors(&self) -> Doors {
        self.doors
    }

    async fn deliver(&self, user: &str, mail: &[u8]) -> Result<()> {
        let maildir = self.maildir(user)?;
        let number = self.delivered.fetch_add(1, Ordering::Relaxed);
        // Sorted as delivered, as those are whose name begins with the time.
        let name = format!("{:010}.{}.testbed", 1_700_000_000 + number, process::id());
        let draft = maildir.join("tmp").join(&name);
        // In a Maildir a line ends as the system's lines do.
        let lines: Vec<_> = mail.split(|byte| *byte == b'\n').collect();
        let lines: Vec<_> = lines
            .iter()
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
            .collect();
        fs::write(&draft, lines.join(&b'\n'))?;
        chown(&draft, Some(self.owner.0), Some(self.owner.1))?;
        Ok(fs::rename(draft, maildir.join("new").join(name))?)
    }
}

/// The home of a user with its Maildir, made when it is missing.
pub(super) fn home(homes: &Path, user: &str, (uid, gid): (u32, u32)) -> Result<PathBuf> {
    let home = homes.join(user.replace('/', "_"));
    for folder in ["", "Maildir", "Maildir/tmp", "Maildir/new", "Maildir/cur"] {
        let folder = home.join(folder);
        fs::create_dir_all(&folder)?;
        chown(&folder, Some(uid), Some(gid))?;
    }
    Ok(home)
}
