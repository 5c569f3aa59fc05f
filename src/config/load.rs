//! Reads the files of a configuration and says all that is wrong with them. The one place of this room that does so.
//!
//! A file that can't be read or used disables only what it describes: an endpoint, or the endpoints of an account. What
//! can't be known (a folder that can't be listed, a `mailjob.toml` that is no TOML) is told apart from what isn't there.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use super::{
    Account, Api, Config, Endpoint, EndpointName, Operator, Problem, Service, agree, answers,
    check::{self, Accounts, Draft, Shared},
    defaults::{self, Defaults},
    oauth::by_sign_in,
    problem::Fault,
    read::{Needed, Part},
    remembered::Remembered,
};

/// The largest file that is read, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// Where a configuration is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sources {
    /// The folder of endpoint files.
    pub endpoints: PathBuf,
    /// `mailjob.toml`; without it the service has its defaults and endpoints bring their own accounts.
    pub config: Option<PathBuf>,
}

/// What the files say now.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The shared settings; nothing when `mailjob.toml` can't be read or its `[service]` is wrong.
    pub service: Option<Service>,
    /// Who is told of what only a person can mend, or that nobody is; nothing when `[operator]` can't be used.
    pub operator: Option<Option<Operator>>,
    /// Who may use the API.
    pub api: Api,
    /// The accounts that are right: those of `mailjob.toml`, and those that endpoints bring or make of them, by name.
    pub accounts: BTreeMap<String, Arc<Account>>,
    /// The endpoints that are right.
    pub endpoints: BTreeMap<EndpointName, Arc<Endpoint>>,
    /// The endpoints that have a file, but not one that can be used.
    pub broken: BTreeSet<EndpointName>,
    /// The endpoints whose file is right and says that they do not run.
    pub disabled: BTreeSet<EndpointName>,
    /// Whether the folder could be listed. If not, nothing is known of the endpoints that are missing here.
    pub listed: bool,
    /// All that is wrong, by file and place.
    pub problems: Vec<Problem>,
}

impl Loaded {
    /// Every sign-in, by name: those that endpoints use, and those of accounts that none uses yet.
    #[must_use]
    pub fn sign_ins(&self) -> BTreeMap<String, Arc<Account>> {
        let endpoints = self.endpoints.values();
        let used = endpoints.flat_map(|endpoint| [Some(&endpoint.mailbox.account), endpoint.reply.account.as_ref()]);
        by_sign_in(self.accounts.values().chain(used.flatten()))
    }

    /// Every endpoint that has a file, whether it can be used and runs or not.
    pub fn names(&self) -> impl Iterator<Item = &EndpointName> {
        self.endpoints.keys().chain(&self.broken).chain(&self.disabled)
    }

    /// What a start runs with; nothing when the shared settings can't be used or the folder can't be listed. The problems
    /// say why, or which endpoints it runs without.
    #[must_use]
    pub fn start(&self) -> Option<Config> {
        let service = self.service.clone().filter(|_| self.listed)?;
        Some(Config {
            service,
            operator: self.operator.clone().flatten(),
            api: self.api.clone(),
            endpoints: self.endpoints.clone(),
            idle: self.broken.union(&self.disabled).cloned().collect(),
        })
    }
}

/// Reads everything for a start.
///
/// Reads files and the environment, and so blocks; give it a thread of its own.
#[must_use]
pub fn load(sources: &Sources) -> Loaded {
    load_beside(sources, None, &mut Remembered::default())
}

/// Reads everything again and again, as the running program does when something changed.
#[derive(Debug, Default)]
pub struct Loader(Remembered);

impl Loader {
    /// What the files say now. Blocks.
    #[must_use]
    pub fn load(&mut self, sources: &Sources) -> Loaded {
        load_beside(sources, None, &mut self.0)
    }
}

/// The same while something runs: where two endpoints want the same mailbox watched in two ways, the way in which it is stays. All files
/// are read; those that say what they said are not understood again.
pub(super) fn load_beside(sources: &Sources, running: Option<&Config>, before: &mut Remembered) -> Loaded {
    let mut problems = Vec::new();
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let text = sources.config.as_deref().map(|file| (file, read_text(file)));
    let defaults = match &text {
        Some((file, Ok(text))) => Defaults::of(file, text),
        Some((_, Err(_))) => Err(defaults::Unknown),
        None => Ok(None),
    };
    let (service, operator, api, accounts) = match &text {
        Some((file, text)) => read_shared(file, text.as_deref(), cores, &mut problems),
        None => (Some(Service::on(cores)), Some(None), Api::Loopback, Accounts::default()),
    };
    let files = list(sources, &mut problems);
    before.beside(text.as_ref().and_then(|(_, text)| text.as_deref().ok()), &accounts);
    let mut drafts = BTreeMap::new();
    let (mut broken, mut disabled) = (BTreeSet::new(), BTreeSet::new());
    for (name, file) in files.iter().flatten() {
        let (defaults, known) = match &defaults {
            Ok(defaults) => (defaults.as_ref(), true),
            Err(defaults::Unknown) => (None, false),
        };
        match read_endpoint(name, file, &accounts, defaults, before, &mut problems).filter(|_| known) {
            Some(draft) if !draft.enabled => drop(disabled.insert(name.clone())),
            Some(draft) => drop(drafts.insert(name.clone(), (file.clone(), draft))),
            None => drop(broken.insert(name.clone())),
        }
    }
    answers::resolve(&mut drafts, &mut broken, running, &mut problems);
    let endpoints = agree::settle(drafts, &mut broken, running, &mut problems);
    problems.sort();
    // What is wrong with the defaults is wrong beside each endpoint.
    problems.dedup();
    let own = endpoints.values().flat_map(|endpoint| {
        let reply = endpoint.reply.account.as_ref();
        [Some(&endpoint.mailbox.account), reply].into_iter().flatten().cloned()
    });
    let shared = accounts.by_name.into_values().flatten();
    Loaded {
        service,
        operator,
        api,
        accounts: shared
            .chain(own)
            .map(|account| (account.name.clone(), account))
            .collect(),
        endpoints,
        broken,
        disabled,
        listed: files.is_some(),
        problems,
    }
}

/// What `mailjob.toml` says, without what is wrong.
type ReadShared = (Option<Service>, Option<Option<Operator>>, Api, Accounts);

/// The shared settings, and the accounts of which those with problems are known by name only.
fn read_shared(file: &Path, text: Result<&str, &Fault>, cores: usize, problems: &mut Vec<Problem>) -> ReadShared {
    let read = text.map(|text| check::shared(file, text, cores));
    let part = read.unwrap_or_else(|fault| Part::unread(Problem::of(file, fault.clone())));
    problems.extend(part.problems);
    let Some(Shared {
        service,
        operator,
        api,
        accounts,
    }) = part.value
    else {
        let unknown = Accounts {
            more: true,
            ..Accounts::default()
        };
        return (None, None, Api::Closed, unknown);
    };
    let service = verified(service, problems);
    let operator = verified(operator, problems);
    let api = who_may(api, problems);
    let each = accounts
        .into_iter()
        .map(|(name, part)| (name, verified(part, problems)));
    let accounts = Accounts {
        by_name: each.collect(),
        more: service.is_none(),
    };
    (service, operator, api, accounts)
}

/// A token whose file is missing is a problem, and may come; what is wrong with the table lets nobody in.
fn who_may(api: Part<Api>, problems: &mut Vec<Problem>) -> Api {
    let said = api.value.clone().filter(|_| api.problems.is_empty());
    verified(api, problems);
    said.unwrap_or(Api::Closed)
}

fn read_endpoint(
    name: &EndpointName,
    file: &Path,
    accounts: &Accounts,
    defaults: Option<&Defaults<'_>>,
    before: &mut Remembered,
    problems: &mut Vec<Problem>,
) -> Option<Draft> {
    let understand = |text: &str| check::endpoint(name, file, text, accounts, defaults);
    let read = read_text(file).map(|text| before.part(file, text, understand));
    let part = read.unwrap_or_else(|fault| Part::unread(Problem::of(file, fault)));
    verified(part, problems)
}

/// The value, when nothing is wrong with it and all that it needs is there.
fn verified<T>(mut part: Part<T>, problems: &mut Vec<Problem>) -> Option<T> {
    for Needed { file, place, need } in part.needs {
        part.problems
            .extend(need.fault().map(|fault| Problem::at(&file, place, fault)));
    }
    let sound = part.problems.is_empty();
    problems.extend(part.problems);
    part.value.filter(|_| sound)
}

/// The endpoint files of a folder, by name. Names that start with a dot are not ours: editors, and the links behind a
/// Kubernetes ConfigMap (`..data`).
pub(super) fn list(sources: &Sources, problems: &mut Vec<Problem>) -> Option<BTreeMap<EndpointName, PathBuf>> {
    let folder = sources.endpoints.as_path();
    let names: io::Result<Vec<_>> =
        fs::read_dir(folder).and_then(|entries| entries.map(|entry| Ok(entry?.file_name())).collect());
    let names = match names {
        Ok(names) => names,
        Err(error) => {
            let cause = format!("the folder of endpoints can't be listed: {error}");
            let fault = Fault::new(cause, "make it, or name another with --endpoints");
            problems.push(Problem::of(folder, fault));
            return None;
        }
    };
    let mut files = BTreeMap::new();
    for name in names {
        let file = folder.join(&name);
        let name = name.to_string_lossy();
        let Some(stem) = name.strip_suffix(".toml").filter(|_| !name.starts_with('.')) else {
            continue;
        };
        if sources.config.as_deref().is_some_and(|config| is_same(&file, config)) {
            continue;
        }
        match EndpointName::new(stem) {
            Some(name) => drop(files.insert(name, file)),
            None => problems.push(Problem::of(&file, check::name_fault(stem))),
        }
    }
    Some(files)
}

/// Whether two paths lead to one file: a ConfigMap with everything in it is one folder.
fn is_same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| fs::canonicalize(path).ok();
    one.file_name() == other.file_name() && (one == other || real(one).is_some_and(|one| real(other) == Some(one)))
}

/// The text of a file, without the byte order mark that some editors write.
pub(super) fn read_text(file: &Path) -> Result<String, Fault> {
    let unreadable = |error: io::Error| Fault::new(format!("can't be read: {error}"), "mend or remove it");
    // Links are followed. Anything but a file could block for ever.
    let meta = fs::metadata(file).map_err(unreadable)?;
    if !meta.is_file() {
        return Err(Fault::new(
            "is not a file",
            "remove it, or give it a name that doesn't end in .toml",
        ));
    }
    let mut bytes = Vec::new();
    File::open(file)
        .and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes))
        .map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(Fault::new(
            "is over 1 MiB",
            "a configuration is far smaller; is this the right file?",
        ));
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(Fault::new("is in UTF-16", "save it as UTF-8"));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Fault::new(format!("is not UTF-8 (byte {at})"), "save it as UTF-8")
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}
