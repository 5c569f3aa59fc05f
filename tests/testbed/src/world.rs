//! All servers together.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use anyhow::Result;
use tempfile::TempDir;

use crate::{
    dovecot::{Dovecot, Store},
    oauth::{self, OAuth},
    ports::Ports,
    system,
    tls::Tls,
};

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
    /// Reading mail.
    pub dovecot: Dovecot,
    /// Access tokens.
    pub oauth: OAuth,
    /// Whom to trust.
    pub tls: Tls,
    _ports: Ports,
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
        let dir = tempfile::Builder::new().prefix("mailjob-").tempdir()?;
        // Servers run as several users, all of whom have to get in here.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755))?;
        let ports = Ports::claim()?;
        let tls = Tls::new(&dir.path().join("tls"))?;
        let oauth_port = ports.next();
        let introspection = oauth::introspection_url(oauth_port);
        let (oauth, dovecot) = tokio::try_join!(
            OAuth::start(dir.path(), oauth_port, options.access_ttl),
            Dovecot::start_in(dir.path(), &ports, &tls, &introspection, options.store),
        )?;
        Ok(Self {
            dovecot,
            oauth,
            tls,
            _ports: ports,
            dir,
        })
    }

    /// A folder of this world for what a test wants to keep.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }
}
