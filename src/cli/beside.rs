//! What the configuration says, for a command that works beside a `mailjob.toml` that may be broken, empty or gone: then what it said when
//! it was right, as the process that runs goes on by it.

use crate::{
    app,
    config::{
        Service,
        load::{Loaded, Sources, load, load_after},
        rescue::{self, Lapse},
    },
    net::proxy,
};

/// The configuration and the settings of the service. That it is not as it should be is said on standard error.
pub(super) async fn read(sources: Sources) -> (Loaded, Service) {
    let (loaded, service) = understood(sources).await;
    proxy::leave_by(&service.net);
    (loaded, service)
}

async fn understood(sources: Sources) -> (Loaded, Service) {
    let loaded = load(&sources);
    let service = rescue::of(&sources, &loaded);
    // Without a file and a signpost it may have been gone from beside the usual ledger.
    let lapse = Lapse::of(&sources, &loaded);
    if lapse.is_none() && sources.config.is_some() {
        return (loaded, service);
    }
    let versions = app::last_good_beside(&service).await;
    let Some(versions) = versions.filter(|versions| versions.newest_shared().is_some()) else {
        return (loaded, service);
    };
    if lapse.is_none() && versions.has_settings() {
        eprintln!("{}; going on with the ledger {}", Lapse::Gone.words(), service.ledger);
    }
    let mut before = load_after(&sources.after(&versions), &versions);
    let ledger = service.ledger.clone();
    let service = Service {
        ledger,
        ..before.service.clone().unwrap_or(service)
    };
    // Whoever asks either of them is led to the same ledger.
    before.service = Some(service.clone());
    (before, service)
}

/// Which accounts there are, beside one that there is not, and what to do. `mailjob check` is named only where it has something to say.
pub(super) fn known_accounts(loaded: &Loaded, name: &str) -> String {
    let names: Vec<_> = loaded.accounts.keys().map(String::as_str).collect();
    let has_problems = loaded.told().next().is_some();
    match (names.as_slice(), has_problems) {
        ([], true) => "no account is right: mailjob check says what is wrong".to_owned(),
        ([], false) => format!(
            "none is written: add [accounts.{name}] to mailjob.toml, which is looked for where mailjob is started, or where --config says"
        ),
        (names, true) => format!(
            "there are: {}; of others mailjob check says what is wrong",
            names.join(", ")
        ),
        (names, false) => format!("there are: {}", names.join(", ")),
    }
}
