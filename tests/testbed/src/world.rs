//! All servers together.

use std::{env, fs, os::unix::fs::PermissionsExt, path::Path, process};

use anyhow::Result;
use tempfile::TempDir;

use crate::{
    dovecot::{Dovecot, Store},
    oauth::{self, OAuth},
    ports::Ports,
    postfix::Postfix,
    system,
    tls::Tls,
};

/// How the folder of a world begins; the process id of its owner and a dash follow.
const PREFIX: &str = "mailjob-world-";

/// What kind of world.
#[derive(Debug, Clone)]
pub struct Options {
    /// How Dovecot stores mails.
    pub store: Store,
    /// Users who are connected and idle at once; beyond about a hundred a limit of the machine is raised.
    pub users: usize,
    /// Life of an access token, in seconds.
    pub access_ttl: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            store: Store::Sdbox,
            users: 100,
            access_ttl: 3600,
        }
    }
}

/// A running mail world. Addresses are `anything@example.test`.
#[derive(Debug)]
pub struct World {
    // Dropped in this order: the servers, then their ports and files.
    /// Sending mail.
    pub postfix: Postfix,
    /// Reading mail.
    pub dovecot: Dovecot,
    /// Access tokens.
    pub oauth: OAuth,
    /// Whom to trust.
    pub tls: Tls,
    pub(crate) ports: Ports,
    dir: TempDir,
}

impl World {
    /// Starts all servers side by side and waits until each answers.
    ///
    /// # Errors
    /// When one does not come up; the error holds its log.
    pub async fn start(options: Options) -> Result<Self> {
        system::ensure_root()?;
        system::ensure_inotify(options.users)?;
        remove_orphans();
        let prefix = format!("{PREFIX}{}-", process::id());
        let dir = tempfile::Builder::new().prefix(&prefix).tempdir()?;
        // Servers run as several users, all of whom have to get in here.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755))?;
        let ports = Ports::claim()?;
        let tls = Tls::new(&dir.path().join("tls"))?;
        let oauth_port = ports.next();
        let introspection = oauth::introspection_url(oauth_port);
        let mail = async {
            let dovecot = Dovecot::start_in(dir.path(), &ports, &tls, &introspection, options.store).await?;
            // Postfix asks Dovecot how one may sign in as soon as it is greeted, and stalls for a minute without an answer.
            let postfix = Postfix::start_in(dir.path(), &ports, &tls, &dovecot).await?;
            Ok((dovecot, postfix))
        };
        let oauth = OAuth::start(dir.path(), oauth_port, options.access_ttl);
        let (oauth, (dovecot, postfix)) = tokio::try_join!(oauth, mail)?;
        Ok(Self {
            postfix,
            dovecot,
            oauth,
            tls,
            ports,
            dir,
        })
    }

    /// A folder of this world for what a test wants to keep.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// A port on loopback that nobody else of this machine's tests takes, for what a test starts itself.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.ports.next()
    }
}

/// Removes the folders of worlds whose process was killed before it could; their servers ended by themselves.
fn remove_orphans() {
    for folder in fs::read_dir(env::temp_dir()).into_iter().flatten().flatten() {
        let name = folder.file_name();
        let owner = name
            .to_str()
            .and_then(|name| name.strip_prefix(PREFIX)?.split('-').next());
        if owner.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            // Somebody else may be faster, which is as good.
            fs::remove_dir_all(folder.path()).ok();
        }
    }
}
