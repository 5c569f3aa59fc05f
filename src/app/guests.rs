//! Commands as guests of this process: what is ours alone, and what this kernel can't do, said once.

use std::{
    ffi::OsString,
    path::{Path, PathBuf, absolute},
    sync::Arc,
};

use tracing::warn;

use crate::{
    config::{Config, load::Sources},
    guest::{Guests, Private, confine},
};

/// Makes ready for guests, beside everything else: what an earlier life left is removed also where no command comes.
pub(super) fn start(sources: &Sources, config: &Config) -> Arc<Guests> {
    let guests = Arc::new(Guests::of(config.service.ledger.base().to_owned()));
    guests.keep_private(private(sources, config.service.ledger.base()));
    let sweeping = guests.clone();
    let confined = config.endpoints.values();
    let confined = confined.filter_map(|endpoint| Some((&endpoint.name, endpoint.action.describe().confined()?)));
    let confined: Vec<_> = confined.collect();
    for (endpoint, write) in &confined {
        if let Some(what) = confine::closed(write, &std::env::temp_dir()) {
            warn!(%endpoint, "the command: {what}");
        }
    }
    tokio::spawn(async move {
        if let Err(error) = sweeping.home().await {
            warn!(%error, "no command can be started yet");
        }
    });
    if !confined.is_empty() {
        tokio::task::spawn_blocking(|| {
            if !confine::is_possible() {
                warn!("{}", confine::IMPOSSIBLE);
            }
        });
    }
    guests
}

/// The ledger with its journals, key and tokens, and the configuration. Secrets are known by being read.
fn private(sources: &Sources, ledger: &Path) -> Private {
    let paths = [
        Some(&sources.endpoints),
        sources.config.as_ref(),
        Some(&ledger.to_owned()),
    ];
    let paths = paths.into_iter().flatten().filter_map(|path| absolute(path).ok());
    Private {
        paths: paths.collect(),
        families: absolute(ledger)
            .ok()
            .map(|ledger| family(&ledger))
            .into_iter()
            .collect(),
    }
}

/// How the paths of all that belongs to a ledger begin: its own without what follows the last dot.
fn family(ledger: &Path) -> PathBuf {
    let mut name = OsString::from(ledger.file_stem().unwrap_or_default());
    name.push(".");
    ledger.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ledger_and_all_beside_it_is_ours_alone() {
        let sources = Sources {
            endpoints: "/etc/mailjob/endpoints.d".into(),
            config: Some("/etc/mailjob/mailjob.toml".into()),
        };
        let ledger = Path::new("/var/lib/mailjob/mailjob.db");
        let private = private(&sources, ledger);
        for ours in [
            "/etc/mailjob/endpoints.d/a.toml",
            "/etc/mailjob/mailjob.toml",
            "/var/lib/mailjob/mailjob.db",
            "/var/lib/mailjob/mailjob.db-wal",
            "/var/lib/mailjob/mailjob.db.guests",
        ] {
            assert!(private.holds(Path::new(ours)), "{ours}");
        }
        assert!(private.holds(&crate::auth::key::beside(ledger)));
        assert!(!private.holds(Path::new("/var/lib/mailjob/scripts")));
    }
}
