//! Reads the files of a configuration and says all that is wrong with them. The one place of this room that does so.
//!
//! A file that can't be read or used disables only what it describes: an endpoint, or the endpoints of an account. What
//! can't be known (a folder that can't be listed, a `mailjob.toml` that is no TOML) is told apart from what isn't there.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use super::{
    ApiAccess, Config, Endpoint, EndpointName, MailboxClaim, Problem, Route, Service, agree, answers,
    check::{self, Accounts},
    defaults::{self, Defaults},
    file_name,
    files::{self, ListedFile},
    held,
    remembered::Remembered,
    route::routes,
    shared::{Needs, read_shared, verified},
    standing::{EarlierVersions, StandInVersions},
    versions::{FileText, Texts, Versions},
    writers,
};

pub use super::{loaded::Loaded, sources::Sources};

impl Sources {
    /// What `mailjob.toml` is called where nobody says otherwise.
    pub const USUAL: &'static str = "mailjob.toml";

    /// The same where these versions were in use before: a `mailjob.toml` that set something and is not there is missing, not unused.
    #[must_use]
    pub fn after(mut self, versions: &Versions) -> Self {
        if versions.has_settings() {
            self.config.get_or_insert_with(|| PathBuf::from(Self::USUAL));
        }
        self
    }
}

/// Reads everything, as if nothing had ever run.
///
/// Reads files and the environment, and so blocks; give it a thread of its own.
#[must_use]
pub fn load(sources: &Sources) -> Loaded {
    load_beside(sources, &PreviousLoad::default(), &mut Remembered::default())
}

/// Reads everything for a start where these versions were in use before.
///
/// Blocks, as [`load`] does.
#[must_use]
pub fn load_after(sources: &Sources, versions: &Versions) -> Loaded {
    let folder = &sources.endpoints;
    let endpoints: Vec<_> = files::entries(folder)
        .into_iter()
        .map(|name| folder.join(name))
        .collect();
    let files = endpoints.iter().chain(&sources.config).map(PathBuf::as_path);
    let before = PreviousLoad {
        versions: Some(versions),
        unfinished: writers::open_now(files),
        ..PreviousLoad::default()
    };
    load_beside(sources, &before, &mut Remembered::default())
}

/// Reads everything but secrets and tokens, which need not be there: for a check on another machine than that which runs.
///
/// Blocks, as [`load`] does.
#[must_use]
pub fn load_without_secrets(sources: &Sources) -> Loaded {
    let before = PreviousLoad {
        needs: Needs::ButSecrets,
        ..PreviousLoad::default()
    };
    load_beside(sources, &before, &mut Remembered::default())
}

/// Reads the files alone, and nothing that they name but what lies beside them: for a check in a repository. No secret is opened.
///
/// Blocks, as [`load`] does.
#[must_use]
pub fn load_offline(sources: &Sources) -> Loaded {
    let before = PreviousLoad {
        needs: Needs::Offline,
        ..PreviousLoad::default()
    };
    load_beside(sources, &before, &mut Remembered::default())
}

/// Reads everything again and again, as the running program does when something changed.
#[derive(Debug, Default)]
pub struct Loader(Remembered);

impl Loader {
    /// What the files say now. Blocks.
    #[must_use]
    pub fn load(&mut self, sources: &Sources) -> Loaded {
        load_beside(sources, &PreviousLoad::default(), &mut self.0)
    }
}

/// What was before.
#[derive(Debug, Default)]
pub(super) struct PreviousLoad<'a> {
    /// What runs: where two endpoints want the same mailbox watched in two ways, the way in which it is stays.
    pub(super) running: Option<&'a Config>,
    /// What was in use last.
    pub(super) versions: Option<&'a Versions>,
    /// Endpoints whose file has been gone for so long that they count as removed.
    pub(super) removed: BTreeSet<EndpointName>,
    /// Files that somebody is still writing.
    pub(super) unfinished: BTreeSet<PathBuf>,
    /// What is looked up on this machine.
    pub(super) needs: Needs,
}

/// The same beside what was before. All files are read; those that say what they said are not understood again.
pub(super) fn load_beside(sources: &Sources, before: &PreviousLoad<'_>, remembered: &mut Remembered) -> Loaded {
    let mut problems = Vec::new();
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let unfinished = |file: &Path| {
        let real = || fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
        !before.unfinished.is_empty() && before.unfinished.contains(&real())
    };
    let read = |file: &Path| match unfinished(file) {
        true => Err(files::unfinished()),
        false => files::read_text(file),
    };
    // It is right without a word, but where there were some they were cut off.
    let spoke = before.versions.is_some_and(Versions::has_settings);
    let read_shared_text = |file: &Path| match spoke {
        true if fs::symlink_metadata(file).is_err_and(|error| error.kind() == ErrorKind::NotFound) => {
            Err(files::gone())
        }
        true => read(file).and_then(files::not_empty),
        false => read(file),
    };
    let text = sources.config.as_deref().map(|file| (file, read_shared_text(file)));
    let defaults = match &text {
        Some((file, Ok(text))) => Defaults::of(file, text),
        Some((_, Err(_))) => Err(defaults::Unknown),
        None => Ok(None),
    };
    let (service, operator, api, accounts, written) = match &text {
        Some((file, text)) => read_shared(file, text.as_deref(), cores, before.needs, &mut problems),
        None => (
            Some(Service::on(cores)),
            Some(None),
            ApiAccess::Loopback,
            Accounts::default(),
            Accounts::default(),
        ),
    };
    let shared_text = text.as_ref().and_then(|(_, text)| text.as_deref().ok());
    let mut texts = Texts {
        shared: shared_text.filter(|_| problems.is_empty()).map(FileText::from),
        has_shared: text.is_some(),
        endpoints: BTreeMap::new(),
    };
    let files = files::list(sources, &mut problems);
    remembered.beside(shared_text, &accounts);
    let mut drafts = BTreeMap::new();
    let (mut broken, mut disabled, mut fallen) = (BTreeSet::new(), BTreeSet::new(), BTreeMap::new());
    for (
        name,
        ListedFile {
            path: file,
            is_misnamed,
        },
    ) in files.iter().flatten()
    {
        let (defaults, known) = match &defaults {
            Ok(defaults) => (defaults.as_ref(), true),
            Err(defaults::Unknown) => (None, false),
        };
        let text = read(file);
        let understand = |text: &str| check::endpoint(name, file, text, &accounts, defaults);
        let right = match &text {
            Ok(text) => verified(
                remembered.part(file, text.clone(), understand),
                before.needs,
                &mut problems,
            )
            .filter(|_| known && !is_misnamed),
            Err(_) if unfinished(file) => None,
            Err(fault) => {
                problems.push(Problem::of(file, fault.clone()));
                None
            }
        };
        if *is_misnamed && !unfinished(file) {
            let called = file.file_name().unwrap_or_default();
            problems.push(Problem::of(file, file_name::fault(called, name)));
        }
        let text = text.ok();
        match right {
            Some(mut draft) => {
                let text = FileText::from(text.unwrap_or_default().as_str());
                let version = before.versions.and_then(|versions| versions.endpoint(name));
                draft.ran = version.is_some_and(|version| version.text == text);
                texts.endpoints.insert(name.clone(), text);
                if draft.enabled {
                    drafts.insert(name.clone(), (file.clone(), draft));
                } else {
                    disabled.insert(name.clone());
                }
            }
            None => {
                broken.insert(name.clone());
                let defaults = defaults.filter(|_| known);
                let claim = text
                    .as_deref()
                    .map(|text| held::claim(name, file, text, &written, defaults));
                // What it says now was never meant by that name.
                let text = text.filter(|_| !is_misnamed);
                fallen.insert(name.clone(), (text, claim.unwrap_or(MailboxClaim::Anywhere)));
            }
        }
    }
    let mailboxes: BTreeMap<_, _> = drafts
        .iter()
        .map(|(name, (_, draft))| (name.clone(), draft.endpoint.mailbox.id()))
        .collect();
    let past = EarlierVersions::new(sources, before.versions, cores);
    let mut standing = StandInVersions::default();
    for (name, (text, claim)) in fallen {
        standing.fall(&name, text.as_deref(), claim, before.running, &past);
    }
    answers::resolve(
        &mut drafts,
        &mut broken,
        before.running,
        &mut standing.endpoints,
        &mut problems,
    );
    let endpoints = agree::settle(drafts, &mut broken, before.running, &mut problems);
    for (name, id) in mailboxes.into_iter().filter(|(name, _)| broken.contains(name)) {
        texts.endpoints.remove(&name);
        standing.fall(&name, None, MailboxClaim::At(id), before.running, &past);
    }
    let mut away = BTreeSet::new();
    if files.is_some() {
        let there = |name: &EndpointName| files.iter().flatten().any(|(known, _)| known == name);
        let known = known_before(before).filter(|name| !before.removed.contains(*name));
        away.extend(known.filter(|name| !there(name)).cloned());
        away.iter().for_each(|name| standing.leave(name, before.running, &past));
    } else {
        // Nothing can be known of any file: all that runs goes on, and so does all that ran.
        let runs = |name: &EndpointName| before.running.is_some_and(|config| config.endpoints.contains_key(name));
        for name in known_before(before).filter(|name| !runs(name)) {
            broken.insert(name.clone());
            standing.fall(name, None, MailboxClaim::Anywhere, None, &past);
        }
    }
    let StandInVersions {
        endpoints: mut last_good,
        held,
    } = standing;
    agree::join(&endpoints, &mut last_good);
    let whose = |file: &Path| files.iter().flatten().find(|(_, listed)| listed.path == file);
    for problem in &mut problems {
        problem.endpoint = whose(&problem.file).map(|(name, _)| name.clone());
    }
    problems.sort();
    // What is wrong with the defaults is wrong beside each endpoint.
    problems.dedup();
    let own = endpoints.values().chain(last_good.values()).flat_map(|endpoint| {
        let reply = endpoint.reply.account.as_ref();
        [Some(&endpoint.mailbox.account), reply].into_iter().flatten().cloned()
    });
    // What a broken `mailjob.toml` does not say is what it said when it was right.
    let (service, operator, api) = match texts.has_shared && texts.shared.is_none() {
        true => past.instead_of(service, operator, api),
        false => (service, operator, api),
    };
    let shared = past
        .accounts()
        .into_iter()
        .chain(accounts.by_name.into_values().flatten());
    Loaded {
        service,
        operator,
        api,
        accounts: shared
            .chain(own)
            .map(|account| (account.name.clone(), account))
            .collect(),
        hints: hints(sources, shared_text.filter(|_| before.versions.is_none()), &endpoints),
        endpoints,
        broken,
        disabled,
        listed: files.is_some(),
        standing: last_good,
        held,
        away,
        texts,
        unfinished: before.unfinished.clone(),
        problems,
    }
}

/// What is worth a word and no problem.
fn hints(sources: &Sources, shared: Option<&str>, endpoints: &BTreeMap<EndpointName, Arc<Endpoint>>) -> Vec<String> {
    let mut hints = files::hints(sources, shared);
    let shadowed = routes(endpoints.values());
    hints.extend(shadowed.iter().flat_map(Route::shadowed).map(|(name, taker)| {
        format!(
            "no mail comes to {name}: {taker} is asked before it, and takes every mail of that mailbox. Give {name} a lower \
             `order` in [mailbox], or {taker} a [when]"
        )
    }));
    hints
}

/// The endpoints that ran, or waited for their file.
fn known_before<'a>(before: &'a PreviousLoad<'_>) -> impl Iterator<Item = &'a EndpointName> {
    let running = before.running.into_iter();
    let ran = running.flat_map(|config| config.endpoints.keys().chain(config.held.keys()));
    ran.chain(before.versions.into_iter().flat_map(Versions::names))
}
